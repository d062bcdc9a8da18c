package notify

import (
	"encoding/json"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
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

// letter is what a letter of that kind adds, with the ticket of its button, which takes the place of an older one. An
// empty kind adds nothing. The ticket of somebody who signs up keeps the form.
func (d draft) letter(kind outbox.Kind, form json.RawMessage) authn.Change {
	if kind == "" {
		return authn.Change{Platform: d.platform.ID}
	}
	m := outbox.Draft{
		Kind: kind, Platform: d.platform.ID, Locale: ui.Match(d.locale, d.platform.Locale), Now: d.now,
		Contents: outbox.Contents{To: d.to.Address, Party: d.party},
	}
	if a := d.account; a != nil {
		// The name of somebody without an account is what a stranger typed: it could be an advertisement.
		m.Account, m.Contents.To, m.Contents.Name = a.ID, a.Email.Address, a.Profile.Name()
		m.Locale = ui.Match(a.Locale, d.locale, d.platform.Locale)
	}
	var about []byte
	if kind == outbox.SignUpConfirm {
		about = form
	}
	return authn.Queue(m, about, d.sealer.Seal)
}
