package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// accountReset is what staff do for somebody who lost phone and recovery codes.
func accountReset(g *globals, on *string) *cobra.Command {
	var with *justificationFlags
	c := &cobra.Command{
		Use:   "reset-2fa EMAIL",
		Short: "Take two-step authentication from an account whose owner lost phone and recovery codes",
		Long: "Ends the factor, the recovery codes, all sessions, tokens, remembered browsers, links and logins under way of the account, and tells its owner by mail, " +
			"with a button that blocks the account when somebody else asked for it. At the next log-in the owner gets a second mail: until its button was pressed and the password " +
			"given, nobody is logged in and no app either. Then two-step authentication is set up again where that is required, and offered elsewhere.\n\n" +
			"Of an application manager it is done after 24 hours: the manager gets a mail with a button that stops it, and the other managers are told.\n\n" +
			"Refused within 24 hours of set-email: whoever talks a helpdesk into both has the account.",
		Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			said, err := with.words()
			if err != nil {
				return err
			}
			acts, err := f.acts(cmd.Context()) // the servers could not open the mail and its button
			if err != nil {
				return err
			}
			whom := staff.ByAddress(args[0])
			err = acts.ResetTwoStep(cmd.Context(), platform.ID(*on), whom, said)
			if errors.Is(err, staff.Waits) {
				return resetLater(g, cmd, acts, platform.ID(*on), args[0], said)
			}
			if err != nil {
				return err
			}
			done := map[string]string{"email": args[0], "platform": *on, "two_step": "reset"}
			return g.print(cmd, done, func(w io.Writer) {
				fmt.Fprintf(w, "Two-step authentication of %s on %s is reset. The owner gets a mail, and another one at the next log-in, whose button is needed to get in.\n", args[0], *on)
			})
		}),
	}
	with = sayWith(c, staff.ActReset)
	return c
}

// resetLater asks for a reset that waits, as that of a manager does.
func resetLater(g *globals, cmd *cobra.Command, acts *staff.Acts, on platform.ID, address string, said staff.Justification) error {
	p, err := acts.AskReset(cmd.Context(), on, staff.ByAddress(address), said)
	if err != nil {
		return err
	}
	due := p.DueAt.UTC().Format(time.RFC3339)
	done := map[string]string{"email": address, "platform": string(on), "two_step": "waits", "due_at": due}
	return g.print(cmd, done, func(w io.Writer) {
		fmt.Fprintf(w, "Two-step authentication of %s on %s will be reset at %s. The manager gets a mail with a button that stops it; the other managers are told.\n", address, on, due)
	})
}
