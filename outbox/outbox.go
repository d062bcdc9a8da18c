// Package outbox owns what is to be sent: Message, to whom (Recipient), what it is (Kind) and how it ended (Outcome).
//
// A message is a row that is written in the transaction that causes it; whichever node takes it first sends it. The
// package is pure: doors make messages, storage keeps them, notify sends them. Its stored kinds and outcomes stay.
package outbox

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// Message is a mail or a text message that is to be sent, or a wish for one. It is a row of the outbox, written in the
// transaction that causes it, and sent by a worker of whichever node takes it first.
//
// A wish is what a page leaves that must not tell whether an account exists: it holds the address as typed, costs the
// same for everybody, and the worker decides afterwards which letter it becomes, if any.
type Message struct {
	ID        string
	Platform  platform.ID
	Account   account.ID // whose; empty: a wish, which names an address only
	Kind      Kind
	Recipient Recipient
	Locale    string // language it is written in; empty: the platform's
	Sealed    []byte // Contents as JSON, sealed and bound to the row; emptied when the letter is settled
	QueuedAt  time.Time
	ExpiresAt time.Time // not sent any more from then on: nobody gets a late code
	Tries     int       // attempts to send so far
	Outcome   Outcome
	Reason    string // of a refusal or of the last failure, in a word or a code of the other side
	SettledAt time.Time
}

// Recipient is how a letter travels.
type Recipient string

const (
	Mail Recipient = "mail"
	SMS  Recipient = "sms"
	URL  Recipient = "url" // an address of another program, which is posted to
)

// Outcome is how a letter ended; empty while it waits.
type Outcome string

const (
	Sent     Outcome = "sent"     // handed over to the mail server or gateway
	Refused  Outcome = "refused"  // for good: no such mailbox
	GaveUp   Outcome = "gave_up"  // not possible until it expired
	Answered Outcome = "answered" // a wish that became a letter, or none
)

// Reasons of text messages that were sent: what a gateway reported afterwards.
const (
	Delivered   = "delivered"
	Undelivered = "undelivered" // and will not be
)

// Contents are what a letter says beside its texts. They hold an address and often a link or code, so they are sealed
// at rest and deleted once the letter is settled.
type Contents struct {
	To     string            `json:"to"`               // address, E.164 number or URL
	Name   string            `json:"name,omitempty"`   // of who gets it; empty: nobody is addressed by name
	Token  string            `json:"token,omitempty"`  // of the button's link; the address is made from the platform's issuer
	Values map[string]string `json:"values,omitempty"` // placeholders of the texts, such as date and phone_end
	Party  string            `json:"party,omitempty"`  // client_id where the person goes on afterwards
	Form   json.RawMessage   `json:"form,omitempty"`   // what was filled in, of a wish
	Body   string            `json:"body,omitempty"`   // what is posted, of a message to a URL
}

// Binding is the additional data that ties Sealed to its row.
func (l *Message) Binding() string { return "letter/" + string(l.Platform) + "/" + l.ID }

// Seal puts contents into the letter.
func (l *Message) Seal(c Contents, seal func(plain []byte, binding string) []byte) {
	plain, _ := json.Marshal(c) // strings only: cannot fail
	l.Sealed = seal(plain, l.Binding())
}

// Open reads the contents.
func (l *Message) Open(open func(sealed []byte, binding string) ([]byte, error)) (c Contents, err error) {
	plain, err := open(l.Sealed, l.Binding())
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err != nil {
		return Contents{}, fmt.Errorf("letter %s: %w", l.ID, err)
	}
	return c, nil
}
