package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/platform"
)

func auditCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "The audit record: who did what to whom"}
	c.AddCommand(auditList(g))
	return c
}

// recordFilter is what the flags of audit list say.
type recordFilter struct {
	on, account, actor, outcome, reference, since, until, after string

	kinds []string
	limit int
}

func auditList(g *globals) *cobra.Command {
	var flags recordFilter
	c := &cobra.Command{
		Use: "list", Short: "List the audit record of a platform, newest first", Args: cobra.NoArgs,
		Long: "List the audit record of a platform, newest first; docs/audit.md says what is in it.\n\n" +
			"Reading is on the record as well (audit.read): who read, about whom, by which filters and how many events. " +
			"Where there may be more, the last line on standard error has the --after of the next page; in JSON each event has its cursor.\n\n" +
			"A moment is 2026-11-29T12:00:00Z, a day in UTC (2026-11-29), or a duration before now (24h).",
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			if _, err := f.platform(cmd, flags.on); err != nil {
				return err
			}
			q, err := flags.query(cmd, f)
			if err != nil {
				return err
			}
			all, err := f.db.Record(cmd.Context(), q, audit.Reader{Name: setup.Operator()}, f.now())
			if err != nil {
				return err
			}
			return printRecord(g, cmd, all, q.Limit)
		}),
	}
	c.Flags().StringVar(&flags.on, "platform", "", "platform")
	c.Flags().StringVar(&flags.account, "account", "", "about this account: its e-mail address, or its sub if it has none any more")
	c.Flags().StringVar(&flags.actor, "actor", "", `done by: a sub, "system", or "cli NAME" of an operator`)
	c.Flags().StringArrayVar(&flags.kinds, "kind", nil, "of this kind, such as password.refuse, or of all that begin so, such as session.; may repeat")
	c.Flags().StringVar(&flags.outcome, "outcome", "", "success or failure")
	c.Flags().StringVar(&flags.reference, "reference", "", "of the request with this number, such as 7KQ4-MXDA")
	c.Flags().StringVar(&flags.since, "since", "", "not before this moment")
	c.Flags().StringVar(&flags.until, "until", "", "before this moment")
	c.Flags().StringVar(&flags.after, "after", "", "continue after the event with this cursor")
	c.Flags().IntVar(&flags.limit, "limit", 100, fmt.Sprintf("at most this many, up to %d", audit.MaxPage))
	require(c, "platform")
	return c
}

// query reads the flags. What they have wrong is a usageError.
func (r *recordFilter) query(cmd *cobra.Command, f *floor) (q audit.Query, err error) {
	q = audit.Query{
		Platform: platform.ID(r.on), Account: account.ID(r.account), Actor: r.actor, Outcome: audit.Outcome(r.outcome),
		Reference: strings.ToUpper(strings.TrimSpace(r.reference)), Limit: r.limit,
	}
	if q.Outcome != "" && q.Outcome != audit.Success && q.Outcome != audit.Failure {
		return q, usageError{fmt.Errorf("--outcome %q: success or failure", r.outcome)}
	}
	for _, word := range r.kinds {
		kinds, err := audit.KindsOf(word)
		if err != nil {
			return q, usageError{fmt.Errorf("--kind: %w", err)}
		}
		q.Kinds = append(q.Kinds, kinds...)
	}
	for _, m := range []struct {
		flag, text string
		to         *time.Time
	}{{"since", r.since, &q.Since}, {"until", r.until, &q.Until}} {
		if *m.to, err = moment(m.text, f.now()); err != nil {
			return q, usageError{fmt.Errorf("--%s: %w", m.flag, err)}
		}
	}
	if q.After, err = audit.ParseCursor(r.after); err != nil {
		return q, usageError{fmt.Errorf("--after: %w", err)}
	}
	if err := q.Validate(); err != nil {
		return q, usageError{err}
	}
	if strings.Contains(r.account, "@") {
		a, err := f.account(cmd, r.on, r.account)
		if err != nil {
			return q, err
		}
		q.Account = a.ID
	}
	return q, nil
}

// moment reads a time as RFC 3339 has it, a day in UTC, or a duration before now; the zero time for nothing.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q: a moment such as 2026-11-29T12:00:00Z, a day such as 2026-11-29, or a duration such as 24h", text)
}

// eventLine is an event of the record as JSON. An empty field is one that the event does not have.
type eventLine struct {
	Cursor   string        `json:"cursor"`
	ID       string        `json:"id"`
	At       time.Time     `json:"at"`
	Platform platform.ID   `json:"platform"`
	Kind     audit.Kind    `json:"kind"`
	Outcome  audit.Outcome `json:"outcome"`
	Actor    string        `json:"actor"`
	Account  account.ID    `json:"account,omitempty"`
	Party    string        `json:"party,omitempty"`
	Session  string        `json:"session,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	originLine

	statedLine
	Connection string `json:"connection,omitempty"`
}

// statedLine is what staff said with an act.
type statedLine struct {
	StatedReason string `json:"stated_reason,omitempty"`
	Identified   string `json:"identified,omitempty"`
}

// originLine is where an event came from.
type originLine struct {
	Address   string `json:"address,omitempty"`
	Agent     string `json:"agent,omitempty"`
	Reference string `json:"reference,omitempty"`
}

func eventLineOf(r audit.Recorded) eventLine {
	return eventLine{
		r.Cursor().String(), r.ID, r.At.UTC(), r.Platform, r.Kind, r.Outcome, r.Actor, r.Account, r.Party, r.Session, r.Reason,
		originLine{r.Address, r.Agent, r.Reference}, statedLine{r.StatedReason, r.Identified}, r.Connection,
	}
}

// print writes one line. Strangers may have sent the agent, the party and some others, so each is written as one visible
// word, or between quotes.
func (l eventLine) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %-19s %-7s  by %s", l.At.Format("2006-01-02T15:04:05.000Z"), l.Kind, l.Outcome, visible(l.Actor))
	for _, f := range []struct{ name, value string }{
		{"account", string(l.Account)}, {"party", l.Party}, {"session", l.Session}, {"reason", l.Reason},
		{"stated_reason", l.StatedReason}, {"identified", l.Identified}, {"connection", l.Connection}, {"from", l.Address},
		{"agent", l.Agent}, {"reference", l.Reference},
	} {
		if f.value != "" {
			fmt.Fprintf(w, "  %s %s", f.name, visible(f.value))
		}
	}
	fmt.Fprintln(w)
}

func printRecord(g *globals, cmd *cobra.Command, all []audit.Recorded, limit int) error {
	lines := make([]eventLine, len(all))
	for i, r := range all {
		lines[i] = eventLineOf(r)
	}
	return g.print(cmd, lines, func(w io.Writer) {
		for _, l := range lines {
			l.print(w)
		}
		if len(lines) == limit {
			fmt.Fprintf(cmd.ErrOrStderr(), "There may be more: --after %s\n", lines[len(lines)-1].Cursor)
		}
	})
}
