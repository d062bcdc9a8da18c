package link

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// oneLink is a store with one ticket and its account.
type oneLink struct {
	Store
	ticket authn.Ticket
	state  account.State
}

func (o oneLink) Ticket(context.Context, platform.ID, []byte) (*authn.Ticket, error) {
	return &o.ticket, nil
}

func (o oneLink) Account(context.Context, platform.ID, account.ID) (*account.Account, error) {
	return &account.Account{State: o.state}, nil
}

// A journey goes on with a link that expired since it was opened, and with no other that does not work any more.
func TestWhatBecameOfALink(t *testing.T) {
	p := &platform.Platform{ID: "linde"}
	expired := func(t *authn.Ticket) { t.ExpiresAt = noon }
	used := func(t *authn.Ticket) { t.UsedAt = noon }
	replaced := func(t *authn.Ticket) { t.VoidedAt = noon }
	for name, test := range map[string]struct {
		change func(*authn.Ticket)
		state  account.State
		works  bool
		title  string
		why    string
	}{
		"as it was, so the address is taken": {nil, account.Active, true, "link.used_title", "taken"},
		"expired":                            {expired, account.Active, true, "link.expired_title", "expired"},
		"used":                               {used, account.Active, false, "link.used_title", "used"},
		"replaced":                           {replaced, account.Active, false, "link.newer_title", "replaced"},
		"of nobody any more":                 {replaced, account.Deactivated, false, "inactive.title", "not active"},
	} {
		ticket := authn.NewTicket([]byte("hash"), p.ID, authn.TicketReset, "a", noon.Add(-time.Minute))
		if test.change != nil {
			test.change(&ticket)
		}
		o := Opened{oneLink{ticket: ticket, state: test.state}}
		err := o.Works(t.Context(), p.ID, ticket.Hash, noon)
		if test.works != (err == nil) || !test.works && !errors.Is(err, fault.Spent) {
			t.Errorf("%s: %v", name, err)
		}
		page, refused, err := o.Spent(t.Context(), &login.Visit{Platform: p, Now: noon}, ticket.Hash, "https://linde.test/")
		if err != nil {
			t.Fatal(err)
		}
		data := page.Data.(ui.LinkPage)
		if data.Title != test.title || data.Again != "" || data.LoginURL != "https://linde.test/" {
			t.Errorf("%s: %+v", name, data)
		}
		if want := (audit.Event{Kind: audit.LinkRefused, Account: "a", Reason: test.why}); refused != want {
			t.Errorf("%s: %+v, want %+v", name, refused, want)
		}
	}
}
