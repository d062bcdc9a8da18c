package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// manCommand writes the manual pages of a release, one per command, from the same words that --help shows. It is for
// `make release`, so it is not listed.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write manual pages into a folder", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return writeManual(cmd.Root(), args[0])
		},
	}
}

func writeManual(c *cobra.Command, dir string) error {
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	if err := os.WriteFile(filepath.Join(dir, name+".1"), manual(c), 0o644); err != nil {
		return err
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" && sub.Name() != "completion" {
			if err := writeManual(sub, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// manual is a page in the man(7) language.
func manual(c *cobra.Command) []byte {
	var b bytes.Buffer
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q \"idp\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), "idp "+version(), roff(name), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	if c.Long != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roff(c.Long))
	}
	writeFlags(&b, "OPTIONS", c.NonInheritedFlags().FlagUsages())
	writeFlags(&b, "OPTIONS OF EVERY COMMAND", c.InheritedFlags().FlagUsages())
	writeCommands(&b, c)
	b.WriteString(".SH EXIT STATUS\n0 done, 1 refused or failed, 2 wrong use of the command.\n")
	return b.Bytes()
}

// writeFlags takes the list that --help shows, as it is.
func writeFlags(b *bytes.Buffer, title, usages string) {
	if usages != "" {
		fmt.Fprintf(b, ".SH %s\n.nf\n%s.fi\n", title, roff(usages))
	}
}

func writeCommands(b *bytes.Buffer, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	b.WriteString(".SH COMMANDS\n")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(sub.CommandPath()), roff(sub.Short))
		}
	}
}

// roff escapes what man(7) would take for commands.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\\`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
