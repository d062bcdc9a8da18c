package authn

import (
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
)

// Queued is what somebody is told of what is saved with it, and what is on record of it.
type Queued struct {
	Issue    []Ticket // of buttons; where one of a purpose works at a time, an older one is voided
	Messages []outbox.Message
	Events   []audit.Event
}

// Queue is the change that queues a message; see NewQueued.
func Queue(d outbox.Draft, about []byte, seal func(plain []byte, binding string) []byte) Change {
	q := NewQueued(d, about, seal)
	return Change{Platform: d.Platform, Issue: q.Issue, Messages: q.Messages}
}

// NewQueued is a message, with the ticket of its button where its kind has one; an older ticket stops
// working. The ticket keeps about, sealed, for what the account does not say; nil: nothing. Every link is made here.
func NewQueued(d outbox.Draft, about []byte, seal func(plain []byte, binding string) []byte) (q Queued) {
	if purpose := TicketPurpose(d.Ticket()); purpose != "" {
		d.Contents.Token = secret.Token()
		t := NewTicket(secret.Hash(d.Contents.Token), d.Platform, purpose, d.Account, d.Now)
		t.Party = d.Contents.Party
		if about != nil {
			t.Sealed = seal(about, t.Binding())
		}
		q.Issue = []Ticket{t}
	}
	q.Messages = []outbox.Message{d.Seal(seal)}
	return q
}
