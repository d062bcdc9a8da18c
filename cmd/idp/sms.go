package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login/sms"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/storage"
)

func smsCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "sms", Short: "Text messages: how many were sent, and what is left"}
	var on string
	usage := &cobra.Command{
		Use: "usage", Short: "Show what a platform sent in the last 24 hours, and what is left for today", Args: cobra.NoArgs,
		Long: "Show what a platform sent in the last 24 hours, and what is left for today.\n\n" +
			"A day begins with the first message and ends 24 hours later. Every message that was queued counts, sent or not. " +
			"policy.sms_per_day of the setup file is how many there may be.",
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			p, err := f.platform(cmd, on)
			if err != nil {
				return err
			}
			day := sms.PerDay(p)
			stand, err := f.db.LimitCounts(cmd.Context(), p.ID, []authn.Limit{day}, f.now())
			if err != nil {
				return err
			}
			letters, err := f.db.CountMessages(cmd.Context(), p.ID, outbox.SMS, f.now().Add(-day.Window))
			if err != nil {
				return err
			}
			u := usageOf(day, stand[0], letters)
			return g.print(cmd, u, u.write)
		}),
	}
	usage.Flags().StringVar(&on, "platform", "", "platform")
	require(usage, "platform")
	c.AddCommand(usage)
	return c
}

// smsUsage is what a platform sent.
type smsUsage struct {
	Queued   int                    `json:"queued"`          // in this day
	Allowed  int                    `json:"allowed"`         // in a day
	Left     int                    `json:"left"`            // of this day
	Until    *time.Time             `json:"until,omitempty"` // when it ends; nil: none has begun
	Messages []storage.MessageCount `json:"last_24_hours"`
}

func usageOf(day authn.Limit, stand authn.Counted, letters []storage.MessageCount) smsUsage {
	u := smsUsage{Queued: stand.N, Allowed: day.Max, Left: max(0, day.Max-stand.N), Messages: append([]storage.MessageCount{}, letters...)}
	if stand.N > 0 {
		u.Until = &stand.Until
	}
	return u
}

func (u smsUsage) write(w io.Writer) {
	fmt.Fprintf(w, "%d of %d messages, %d left", u.Queued, u.Allowed, u.Left)
	if u.Until != nil {
		fmt.Fprintf(w, " until %s", u.Until.Format("2006-01-02 15:04 MST"))
	}
	fmt.Fprintln(w)
	if len(u.Messages) > 0 {
		fmt.Fprintln(w, "In the last 24 hours:")
	}
	for _, l := range u.Messages {
		outcome := string(l.Outcome)
		if outcome == "" {
			outcome = "waiting"
		}
		fmt.Fprintf(w, "  %6d  %s %s\n", l.N, outcome, l.Reason)
	}
}
