package main

import (
	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/password"
)

// accountUnblock is what staff do for somebody who waits because of wrong passwords.
func accountUnblock(g *globals, on *string) *cobra.Command {
	return &cobra.Command{
		Use: "unblock EMAIL", Short: "Let somebody log in at once after too many wrong passwords", Args: cobra.ExactArgs(1),
		Long: "Let somebody log in at once after too many wrong passwords or codes, in every browser: all counts of the account start again.\n\n" +
			"It changes no password and lets nobody in. Answers that come later because many wrong passwords came from one network stay as they are.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			if _, err := f.keys(cmd.Context()); err != nil { // another master key names other counters
				return err
			}
			a, err := f.account(cmd, *on, args[0])
			if err != nil {
				return err
			}
			at := f.now()
			err = f.db.SaveChange(cmd.Context(), authn.Change{
				Platform: a.Platform, Forgive: []string{password.Owner(f.sealer, a.Platform, a.Email.Key), login.CodeOwner(f.sealer, a.Platform, a.ID)},
				Events: []audit.Event{{
					At: at, Platform: a.Platform, Kind: audit.AccountUnblocked, Actor: setup.Operator(), Account: a.ID, Outcome: audit.Success,
				}},
			}, at)
			if err != nil {
				return err
			}
			return printAccount(g, cmd, f, *on, args[0])
		}),
	}
}
