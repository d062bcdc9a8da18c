package main

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// shownAccount is an account with what explains why somebody cannot get in: what the page of a person has for staff.
type shownAccount struct {
	accountLine
	CreatedAt     time.Time           `json:"created_at"`
	SignedInAt    time.Time           `json:"signed_in_at,omitzero"` // absent: never
	Invitation    account.InviteState `json:"invitation,omitempty"`  // absent: there was none
	Sessions      int                 `json:"sessions"`
	Devices       int                 `json:"devices"` // browsers that are asked no code
	Apps          int                 `json:"apps"`    // devices with the mobile app
	RecoveryCodes int                 `json:"recovery_codes"`
	Waits         []waitLine          `json:"waits"`
	Mails         []mailLine          `json:"mails"` // of the last 30 days, at most 50, the newest first
}

type waitLine struct {
	For   authn.WaitFor `json:"for"`
	Until time.Time     `json:"until"`
}

// mailLine is a mail or text message to somebody, never its text nor where it went.
type mailLine struct {
	Kind      outbox.Kind      `json:"kind"`
	Medium    outbox.Recipient `json:"medium"`
	State     staff.MailState  `json:"state"`
	Said      string           `json:"said,omitempty"` // codes of the server that did not take it
	Tries     int              `json:"tries"`
	QueuedAt  time.Time        `json:"queued_at"`
	SettledAt time.Time        `json:"settled_at,omitzero"` // absent: it waits
}

func accountShow(g *globals, on *string) *cobra.Command {
	return &cobra.Command{
		Use: "show EMAIL", Short: "Show an account, and why somebody cannot get in", Args: cobra.ExactArgs(1),
		Long: "Shows an account: name, role, state, what it signs in with, when it last did, what it waits for after too many wrong answers, and its mails " +
			"and text messages of the last 30 days.\n\nThat somebody looked is on the record (people.open), as it is for staff.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			a, err := f.account(cmd, *on, args[0])
			if err != nil {
				return err
			}
			if _, err := f.keys(cmd.Context()); err != nil {
				return err // another master key names other counters: it would say that nobody waits
			}
			card, err := f.db.Card(cmd.Context(), platform.ID(*on), a.ID, f.sealer, audit.Reader{Name: setup.Operator()}, f.now())
			if err != nil {
				return err
			}
			shown := shownAccountOf(card)
			return g.print(cmd, shown, shown.text)
		}),
	}
}

func shownAccountOf(c *staff.Card) shownAccount {
	s := shownAccount{
		accountLine: accountLineOf(&c.Account), CreatedAt: c.Account.CreatedAt.UTC(), SignedInAt: c.SignedInAt, Invitation: c.Invitation.State,
		Sessions: len(c.Sessions), Devices: len(c.Devices), Apps: len(c.Apps), RecoveryCodes: c.RecoveryCodes,
		Waits: []waitLine{}, Mails: []mailLine{},
	}
	for _, w := range c.Waits {
		s.Waits = append(s.Waits, waitLine{w.For, w.Until.UTC()})
	}
	for _, m := range c.Mails {
		s.Mails = append(s.Mails, mailLine{m.Kind, m.Recipient, m.State, m.Said, m.Tries, m.QueuedAt.UTC(), m.SettledAt})
	}
	return s
}

func (s shownAccount) text(w io.Writer) {
	signedIn := "never"
	if !s.SignedInAt.IsZero() {
		signedIn = s.SignedInAt.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(w, "sub         %s\nplatform    %s\nemail       %s\nname        %s\nrole        %s\nstate       %s\nfactors     %v\n",
		s.ID, s.Platform, s.Email, printable(cmp.Or(s.Name, "none")), s.Role, s.State, s.Factors)
	fmt.Fprintf(w, "made        %s\nsigned in   %s\ninvitation  %s\n", s.CreatedAt.Format(time.RFC3339), signedIn, cmp.Or(string(s.Invitation), "none"))
	fmt.Fprintf(w, "sessions    %d\ndevices     %d\napps        %d\ncodes left  %d\n", s.Sessions, s.Devices, s.Apps, s.RecoveryCodes)
	for _, wait := range s.Waits {
		fmt.Fprintf(w, "waits       %s, until %s\n", wait.For, wait.Until.Format(time.RFC3339))
	}
	if len(s.Waits) == 0 {
		fmt.Fprintln(w, "waits       no")
	}
	for _, m := range s.Mails {
		fmt.Fprintf(w, "%-11s %s  %s, %s", m.Medium, m.QueuedAt.Format(time.RFC3339), m.Kind, m.State)
		if m.Said != "" {
			fmt.Fprintf(w, " (%s)", printable(m.Said))
		}
		fmt.Fprintln(w)
	}
	if len(s.Mails) == 0 {
		fmt.Fprintln(w, "mails       none")
	}
}
