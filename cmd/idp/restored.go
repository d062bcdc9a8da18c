package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/setup"
)

// restoredCommand is run once after a backup was restored, before the first server starts (docs/operating.md).
func restoredCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "restored",
		Short: "After restoring a backup: end all sessions, codes and tokens that it revived",
		Long: "A backup holds sessions, codes, links and tokens alive that ended after it was made. This ends all of them, on every platform, in one transaction; " +
			"people sign in again. Run it before the first server starts. JWT access tokens that parties check on their own go on until they expire.",
		Args: cobra.NoArgs,
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			e := audit.Event{At: f.now(), Kind: audit.DatabaseRestored, Actor: setup.Operator(), Outcome: audit.Success}
			ended, err := f.db.EndEverything(cmd.Context(), e, f.now())
			if err != nil {
				return err
			}
			return g.print(cmd, ended, func(w io.Writer) {
				fmt.Fprintf(w, "Ended %d sessions, %d grants, %d open requests, %d journeys, %d remembered browsers, %d consents, %d links and codes, and %d letters that were not sent.\n",
					ended.Sessions, ended.Grants, ended.Requests, ended.Journeys, ended.Devices, ended.Consents, ended.Tickets, ended.Messages)
			})
		}),
	}
}
