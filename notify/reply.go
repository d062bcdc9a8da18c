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

// reply is what a message that answers a request is made from.
type reply struct {
	platform *platform.Platform
	account  *account.Account // nil: there is none yet
	now      time.Time
	sealer   Sealer
	to       account.Email
	locale   string // of the page that asked; the account's own comes first
	party    string // client_id where the person goes on

	asked        map[string]string // what the request says beside the address: of a code that, and by language the name of the organisation
	organisation string            // with whose account the person signs in; empty: not known, or not of interest
}

// lang is the language of the message.
func (r reply) lang() string {
	if r.account == nil {
		return ui.Match(r.locale, r.platform.Locale)
	}
	return ui.Match(r.account.Locale, r.locale, r.platform.Locale)
}

// change is what a message of that kind adds, with the ticket of its button, which takes the place of an older one. An
// empty kind adds nothing. The ticket of somebody who signs up keeps the form.
func (r reply) change(kind outbox.Kind, form json.RawMessage) authn.Change {
	if kind == "" {
		return authn.Change{Platform: r.platform.ID}
	}
	m := outbox.Draft{
		Kind: kind, Platform: r.platform.ID, Locale: r.lang(), Now: r.now,
		Contents: outbox.Contents{To: r.to.Address, Party: r.party},
	}
	if a := r.account; a != nil {
		// The name of somebody without an account is what a stranger typed: it could be an advertisement.
		m.Account, m.Contents.To, m.Contents.Name = a.ID, a.Email.Address, a.Profile.Name()
	}
	if kind == outbox.OrganisationIn {
		m.Contents.Values = map[string]string{"connection": r.organisation}
	}
	if kind == outbox.LinkCode {
		m.Contents.Values = map[string]string{"connection": r.asked[r.lang()], "code": r.asked["code"]}
	}
	var about []byte
	if kind == outbox.SignUpConfirm {
		about = form
	}
	return authn.Queue(m, about, r.sealer.Seal)
}
