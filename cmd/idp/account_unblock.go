package main

import (
	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// accountUnblock is what staff do for somebody who waits because of wrong passwords.
func accountUnblock(g *globals, on *string) *cobra.Command {
	return &cobra.Command{
		Use: "unblock EMAIL", Short: "Let somebody log in at once after too many wrong passwords", Args: cobra.ExactArgs(1),
		Long: "Let somebody log in at once after too many wrong passwords or codes, in every browser: all counts of the account start again.\n\n" +
			"It changes no password and lets nobody in. Answers that come later because many wrong passwords came from one network stay as they are.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			acts, err := f.acts(cmd.Context()) // another master key names other counters
			if err != nil {
				return err
			}
			if _, err := f.account(cmd, *on, args[0]); err != nil {
				return err
			}
			if err := acts.Unblock(cmd.Context(), platform.ID(*on), staff.ByAddress(args[0])); err != nil {
				return err
			}
			return printAccount(g, cmd, f, *on, args[0])
		}),
	}
}
