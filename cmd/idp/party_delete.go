package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// unmeantError is something that is done only where it is said to be meant: exit code 3.
type unmeantError struct{ text string }

func (e unmeantError) Error() string { return e.text }

func partyDelete(g *globals) *cobra.Command {
	var on string
	var yes, dryRun bool
	c := &cobra.Command{
		Use: "delete CLIENT_ID", Short: "Delete a party, and end all that it was given; for good", Args: cobra.ExactArgs(1),
		Long: "Delete a party, and end all that it was given: codes and tokens, offline ones too, devices with the mobile app and what people allowed it. " +
			"Every server refuses it within a second. What is on record about it stays. There is no way back: `idp party disable` has one.\n\n" +
			"Without --yes nothing is deleted, and the message says what would end (exit code 3). Refused while login_party of the platform or audience of another party names it. " +
			"A file of `idp apply` that still has the party makes it anew, without anything of before.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			name := on + "/" + args[0]
			ended, err := f.tools().Acts().DeleteParty(cmd.Context(), platform.ID(on), grant.PartyID(args[0]), dryRun || !yes)
			if err != nil {
				return err
			}
			if !yes && !dryRun {
				return unmeantError{fmt.Sprintf("nothing is deleted: deleting party %s ends %s; there is no way back. --yes does it", name, endedText(ended))}
			}
			return g.print(cmd, deletedParty{!dryRun, ended}, func(w io.Writer) {
				if dryRun {
					fmt.Fprintf(w, "would delete party %s, and end %s\n", name, endedText(ended))
					return
				}
				fmt.Fprintf(w, "deleted party %s, and ended %s\n", name, endedText(ended))
				fmt.Fprintln(w, "A file of `idp apply` that still has the party makes it anew: take it out there, too.")
			})
		}),
	}
	c.Flags().StringVar(&on, "platform", "", "platform")
	c.Flags().BoolVar(&yes, "yes", false, "delete it")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "say what would end, and delete nothing")
	c.MarkFlagsMutuallyExclusive("yes", "dry-run")
	require(c, "platform")
	return c
}

// deletedParty says what deleting a party did, or would do.
type deletedParty struct {
	Deleted bool           `json:"deleted"`
	Ended   grant.Deletion `json:"ended"`
}

// endedText says what ends with a party, in words.
func endedText(d grant.Deletion) string {
	var parts []string
	for _, part := range []struct {
		n         int64
		one, many string
	}{
		{d.Grants, "grant with its tokens", "grants with their tokens"},
		{d.Devices, "device with the mobile app", "devices with the mobile app"},
		{d.Consents, "consent", "consents"},
		{d.Pushed, "pushed request", "pushed requests"},
		{d.Logouts, "logout message that was not sent", "logout messages that were not sent"},
	} {
		switch part.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+part.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.many))
		}
	}
	if len(parts) == 0 {
		return "nothing: it holds nothing"
	}
	return strings.Join(parts, ", ")
}
