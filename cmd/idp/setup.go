package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/internal/setup"
)

func migrateCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to the schema of this version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.loadForCommand()
			if err != nil {
				return err
			}
			if err := migrate(cmd.Context(), c.Database.Reveal()); err != nil {
				return err
			}
			return g.print(cmd, map[string]string{"schema": "current"}, func(w io.Writer) { fmt.Fprintln(w, "The database has the schema of this version.") })
		},
	}
}

func applyCommand(g *globals) *cobra.Command {
	var dryRun, weaken bool
	c := &cobra.Command{
		Use:   "apply FILE",
		Short: "Make the database say what a file says: platforms, parties, accounts",
		Long: "Applying is idempotent: a second time changes nothing. What the file does not mention stays as it is. A file with a " +
			"mistake changes nothing at all. FILE may be - for standard input.\n\n" +
			"A file that protects a platform less than before, on which others have accounts than those of the file, is refused with " +
			"exit code 3, and nothing is written.",
		Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			text, err := readFile(cmd, args[0])
			if err != nil {
				return err
			}
			file, lines, err := setup.Parse(text)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			tools := f.tools()
			tools.DryRun, tools.Weaken = dryRun, weaken
			report, err := setup.Apply(cmd.Context(), tools, file, lines)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if dryRun {
				return g.print(cmd, report, printed(cmd, report, "would set"))
			}
			return printReport(g, cmd, report)
		}),
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, key by key, and write nothing")
	c.Flags().BoolVar(&weaken, "weaken", false, "do also what protects less than before; the audit record has each (setting.weaken)")
	return c
}

func printReport(g *globals, cmd *cobra.Command, report setup.Report) error {
	return g.print(cmd, report, printed(cmd, report, "set"))
}

// printed writes a report as text: each item that changed, and under it its keys.
func printed(cmd *cobra.Command, report setup.Report, verb string) func(io.Writer) {
	return func(w io.Writer) {
		for _, item := range report.Changed {
			fmt.Fprintln(w, verb, item)
			for _, d := range report.Differences {
				if d.Item != item {
					continue
				}
				weaker := ""
				if d.Weaker {
					weaker = " (weaker)"
				}
				fmt.Fprintf(w, "    %s%s\n", d, weaker)
			}
		}
		if len(report.Changed) == 0 {
			fmt.Fprintln(w, "Nothing to change.")
		}
		for _, line := range report.Warnings {
			fmt.Fprintln(cmd.ErrOrStderr(), "warning:", line)
		}
	}
}

func readFile(cmd *cobra.Command, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(cmd.InOrStdin(), 16<<20))
	}
	return os.ReadFile(path)
}
