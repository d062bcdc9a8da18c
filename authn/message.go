package authn

import (
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
)

// Queue is the change that queues a message, with the ticket of its button where its kind has one; an older ticket stops
// working. The ticket keeps about, sealed, for what the account does not say; nil: nothing. Every link is made here.
func Queue(d outbox.Draft, about []byte, seal func(plain []byte, binding string) []byte) Change {
	change := Change{Platform: d.Platform}
	if purpose := TicketPurpose(d.Ticket()); purpose != "" {
		d.Contents.Token = secret.Token()
		t := NewTicket(secret.Hash(d.Contents.Token), d.Platform, purpose, d.Account, d.Now)
		t.Party = d.Contents.Party
		if about != nil {
			t.Sealed = seal(about, t.Binding())
		}
		change.Issue = []Ticket{t}
	}
	change.Messages = []outbox.Message{d.Seal(seal)}
	return change
}
