package outbox

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// Draft is what a message is made from. Where it goes and how long it is tried follows from its kind.
type Draft struct {
	Kind     Kind
	Spec     *Spec // of a kind that is not in Kinds; nil: its row there
	Platform platform.ID
	Account  account.ID // whose; empty: an address only is known
	Locale   string     // language it is written in; empty: the platform's
	Now      time.Time
	Contents Contents
}

// To is the draft of a mail to an account, of a kind that is in Kinds.
func To(a *account.Account, kind Kind, now time.Time) Draft {
	return Draft{
		Kind: kind, Platform: a.Platform, Account: a.ID, Locale: a.Locale, Now: now,
		Contents: Contents{To: a.Email.Address, Name: a.Profile.Name()},
	}
}

func (d Draft) spec() Spec {
	if d.Spec != nil {
		return *d.Spec
	}
	return Kinds[d.Kind]
}

// Ticket is the purpose of the link that the message's button opens; empty: of none.
func (d Draft) Ticket() string { return d.spec().Ticket }

// Seal makes the message. All messages are made here.
func (d Draft) Seal(seal func(plain []byte, binding string) []byte) Message {
	spec := d.spec()
	m := Message{
		ID: secret.ID(), Platform: d.Platform, Account: d.Account, Kind: d.Kind, Recipient: spec.Recipient, Locale: d.Locale,
		QueuedAt: d.Now, ExpiresAt: d.Now.Add(spec.Life),
	}
	m.Seal(d.Contents, seal)
	return m
}
