package notify

import (
	"encoding/json"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// draft is what a letter with a link is made from.
type draft struct {
	platform *platform.Platform
	account  *account.Account // nil: there is none yet
	now      time.Time
	sealer   Sealer
	to       account.Email
	locale   string // of the page that asked; the account's own comes first
	party    string // client_id where the person goes on
}

// plainLife is how long a letter without a link is worth sending.
const plainLife = 24 * time.Hour

// letter is what a letter of that kind adds, with the ticket of its button, which takes the place of an older one. An
// empty kind adds nothing.
//
// A letter with a button is not sent any more when half of the button's time is over, because it says how long that
// works, counted from when it is read.
func (d draft) letter(kind outbox.Kind, form json.RawMessage) authn.Change {
	change := authn.Change{Platform: d.platform.ID}
	if kind == "" {
		return change
	}
	l := outbox.Message{ID: secret.ID(), Platform: d.platform.ID, Kind: kind, Recipient: outbox.Mail, QueuedAt: d.now, ExpiresAt: d.now.Add(plainLife)}
	c := outbox.Contents{To: d.to.Address, Party: d.party}
	l.Locale = ui.Match(d.locale, d.platform.Locale)
	if a := d.account; a != nil {
		// The name of somebody without an account is what a stranger typed: it could be an advertisement.
		l.Account, c.To, c.Name = a.ID, a.Email.Address, a.Profile.Name()
		l.Locale = ui.Match(a.Locale, d.locale, d.platform.Locale)
	}
	if purpose, ok := purposes[kind]; ok {
		c.Token = secret.Token()
		t := authn.NewTicket(secret.Hash(c.Token), d.platform.ID, purpose, l.Account, d.now)
		t.Party = d.party
		if purpose == authn.TicketSignUp {
			t.Sealed = d.sealer.Seal(form, t.Binding())
		}
		change.Issue = []authn.Ticket{t}
		l.ExpiresAt = d.now.Add(purpose.Life() / 2)
	}
	l.Seal(c, d.sealer.Seal)
	change.Messages = []outbox.Message{l}
	return change
}
