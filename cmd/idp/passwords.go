package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/platform"
)

func passwordsCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "passwords", Short: "What new passwords are held against"}
	c.AddCommand(passwordsBuild(g), passwordsCheck(g))
	return c
}

func passwordsBuild(g *globals) *cobra.Command {
	var atLeast int64
	c := &cobra.Command{
		Use: "build-filter LIST FILTER", Short: "Make a filter file of passwords that became known", Args: cobra.ExactArgs(2),
		Long: "LIST has a password per line, or SHA-1:COUNT as Have I Been Pwned publishes them; - is standard input. FILTER is made anew and " +
			"appears when it is finished: name it as passwords.filter and start the servers anew. It takes 6 bytes per password, as much " +
			"again while it is made, and 100 MiB of memory.",
		RunE: func(cmd *cobra.Command, args []string) error {
			list := cmd.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer func() { _ = file.Close() }() // only read
				list = file
			}
			built, err := password.CreateFilter(list, args[1], atLeast)
			if err != nil {
				return err
			}
			return g.print(cmd, built, func(w io.Writer) {
				fmt.Fprintf(w, "%d passwords of %d lines, %d left out.\n", built.Records, built.Lines, built.Skipped)
			})
		},
	}
	c.Flags().Int64Var(&atLeast, "at-least", 1, "leave out hashes that were seen less often")
	return c
}

// verdict is what is said of a password; never the password.
type verdict struct {
	Accepted bool             `json:"accepted"`
	Mistake  password.Mistake `json:"mistake,omitempty"`
}

func passwordsCheck(g *globals) *cobra.Command {
	var filter string
	var words []string
	c := &cobra.Command{
		Use: "check", Short: "Tell whether the usual rule accepts a password", Args: cobra.NoArgs,
		Long: "The password is read from standard input, so that it is in no process list; the end of its line does not count. Exit code 1: refused.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := secretFrom(cmd, "-")
			if err != nil {
				return err
			}
			known, err := openFilter(filter)
			if err != nil {
				return err
			}
			rule := platform.DefaultPolicy().Password
			m, err := password.Rule{Filter: known}.Check(rule, text, words)
			if err != nil {
				return err
			}
			if err := g.print(cmd, verdict{m == password.None, m}, func(w io.Writer) {
				if m == password.None {
					fmt.Fprintln(w, "The password is accepted.")
				}
			}); err != nil || m == password.None {
				return err
			}
			return fmt.Errorf("the password is refused: %s", m.Meaning(rule))
		},
	}
	c.Flags().StringVar(&filter, "filter", "", "filter file; without one only our own short list counts")
	c.Flags().StringArrayVar(&words, "word", nil, "name of the person or the platform; may repeat")
	return c
}

// openFilter opens a filter file; none for an empty path.
func openFilter(path string) (*password.Filter, error) {
	if path == "" {
		return nil, nil
	}
	return password.OpenFilter(path)
}
