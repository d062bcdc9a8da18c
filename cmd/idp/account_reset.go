package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/platform"
)

// accountReset is what staff do for somebody who lost phone and recovery codes.
func accountReset(g *globals, on *string) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "reset-2fa EMAIL",
		Short: "Take two-step authentication from an account whose owner lost phone and recovery codes",
		Long: "Ends the factor, the recovery codes, all sessions, tokens, remembered browsers, links and logins under way of the account, and tells its owner by mail, " +
			"with a button that blocks the account when somebody else asked for it. The next sign-in sets it up again where that is required.\n\n" +
			"Refused within 24 hours of set-email: whoever talks a helpdesk into both has the account.",
		Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			if len(reason) > 200 || reason == "" {
				return fmt.Errorf("--reason: who asked and how you know it was them, 1 to 200 characters")
			}
			acts, err := f.acts(cmd.Context()) // the servers could not open the mail and its button
			if err != nil {
				return err
			}
			if err := acts.ResetTwoStep(cmd.Context(), platform.ID(*on), args[0], reason); err != nil {
				return err
			}
			done := map[string]string{"email": args[0], "platform": *on, "two_step": "reset"}
			return g.print(cmd, done, func(w io.Writer) {
				fmt.Fprintf(w, "Two-step authentication of %s on %s is reset. The owner gets a mail.\n", args[0], *on)
			})
		}),
	}
	c.Flags().StringVar(&reason, "reason", "", "who asked, and how you know it was them; kept in the audit record")
	require(c, "reason")
	return c
}
