package link

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Opened tells the engine what became of links while the journeys that they began are under way.
type Opened struct{ Store Store }

// Works is fault.Spent when a link was used elsewhere or replaced. One that expired works: it was opened in time.
func (o Opened) Works(ctx context.Context, p platform.ID, hash []byte, now time.Time) error {
	t, err := o.Store.Ticket(ctx, p, hash)
	if err != nil {
		return err
	}
	if state := t.State(now); state == authn.TicketUsed || state == authn.TicketReplaced {
		return fault.Spent
	}
	return nil
}

// Spent is the page that says so, or that the address which the link confirms has an account by now, and the event.
func (o Opened) Spent(ctx context.Context, v *login.Visit, hash []byte, loginURL string) (login.Page, audit.Event, error) {
	t, err := o.Store.Ticket(ctx, v.Platform.ID, hash)
	if err != nil {
		return login.Page{}, audit.Event{}, err
	}
	refused := audit.Event{Kind: audit.LinkRefused, Account: t.Account, Party: t.Party}
	if refused.Reason = string(t.State(v.Now)); t.State(v.Now) == authn.TicketWorks { // the address is taken
		t.UsedAt, refused.Reason = v.Now, "taken"
	}
	page := ui.LinkPage{LoginURL: loginURL}
	page.Title, page.Body, _ = deadTexts(t, v.Now)
	if t.Account != "" {
		a, err := o.Store.Account(ctx, v.Platform.ID, t.Account)
		if err != nil {
			return login.Page{}, audit.Event{}, err
		}
		if a.State == account.Deactivated {
			page.Title, page.Body = "inactive.title", "inactive.helper" // there is no newer mail
			refused.Reason = notActive
		}
	}
	return login.Page{Template: "link", Data: page}, refused, nil
}
