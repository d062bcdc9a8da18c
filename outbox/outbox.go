// Package outbox owns what is to be sent: Message, to whom (Recipient), what it is (Kind) and how it ended (Outcome).
//
// A message is a row that is written in the transaction that causes it; whichever node takes it first sends it. What is
// settled of a kind is its row in Kinds. Messages are made in one place, by Draft.Seal; where a message brings a link,
// authn.Queue calls it and adds the ticket. The package is pure: doors and staff make messages, storage keeps them,
// notify sends them. The stored words stay: kinds, outcomes, names of fields.
package outbox

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// Message is something that is to be sent, or a request for it. It is a row of the outbox, written in the transaction
// that causes it, and sent by a worker of whichever node takes it first.
//
// A request is what a page leaves that must not tell whether an account exists: it holds the address as typed, costs
// the same for everybody, and the worker decides afterwards which message it becomes, if any.
type Message struct {
	ID        string
	Platform  platform.ID
	Account   account.ID // whose; empty: a request, which names an address only
	Kind      Kind
	Recipient Recipient
	Party     string    // client_id that is told; empty: a person is
	Session   string    // that the party is told of, as sessions have it
	IdledAt   time.Time // with Session the visit that the party is told of (grant.SIDSource)
	Locale    string    // language it is written in; empty: the platform's
	Sealed    []byte    // Contents as JSON, sealed and bound to the row; emptied when the message is settled; of one that says what it says by party and session: nothing
	QueuedAt  time.Time
	ExpiresAt time.Time // not sent any more from then on: nobody gets a late code
	Tries     int       // attempts to send so far
	Outcome   Outcome
	Reason    string // of a refusal or of the last failure, in a word or a code of the other side
	SettledAt time.Time
}

// Receipt is what became of a message that tells a party of the end of a session.
type Receipt struct {
	Party     string
	Session   string
	Outcome   Outcome // empty: the party has not confirmed it yet
	SettledAt time.Time
}

// Recipient is the sort of address that a message goes to, and so how it travels.
type Recipient string

const (
	Mail Recipient = "mail"
	SMS  Recipient = "sms"
	URL  Recipient = "url" // an address of another program, which is posted to
)

// Queue is what is delivered by itself: messages of one party, so that a slow one delays no other.
type Queue struct {
	Recipient Recipient
	Platform  platform.ID
	Party     string // client_id; empty: messages that are no party's
}

// Outcome is how a message ended; empty while it waits.
type Outcome string

const (
	Sent     Outcome = "sent"     // handed over to the mail server or gateway
	Refused  Outcome = "refused"  // for good: no such mailbox
	GaveUp   Outcome = "gave_up"  // not possible until it expired
	Answered Outcome = "answered" // a request that became a message, or none
)

// Reasons of text messages that were sent: what a gateway reported afterwards.
const (
	Delivered   = "delivered"
	Undelivered = "undelivered" // and will not be
)

// Contents are what a message says beside its texts. They hold an address and often a link or code, so they are sealed
// at rest and deleted once the message is settled.
type Contents struct {
	To     string            `json:"to"`               // address, E.164 number or URL
	Name   string            `json:"name,omitempty"`   // of who gets it; empty: nobody is addressed by name
	Token  string            `json:"token,omitempty"`  // of the button's link; the address is made from the platform's issuer
	Values map[string]string `json:"values,omitempty"` // placeholders of the texts, such as date and phone_end
	Party  string            `json:"party,omitempty"`  // client_id where the person goes on afterwards
	Form   json.RawMessage   `json:"form,omitempty"`   // what was filled in, of a request
	Body   string            `json:"body,omitempty"`   // what is posted, of a message to a URL
}

// Binding is the additional data that ties Sealed to its row.
func (m *Message) Binding() string { return "letter/" + string(m.Platform) + "/" + m.ID }

// Seal puts contents into the message.
func (m *Message) Seal(c Contents, seal func(plain []byte, binding string) []byte) {
	plain, _ := json.Marshal(c) // strings only: cannot fail
	m.Sealed = seal(plain, m.Binding())
}

// Open reads the contents.
func (m *Message) Open(open func(sealed []byte, binding string) ([]byte, error)) (c Contents, err error) {
	plain, err := open(m.Sealed, m.Binding())
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err != nil {
		return Contents{}, fmt.Errorf("letter %s: %w", m.ID, err)
	}
	return c, nil
}
