package account

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/minddistrict/idp/platform"
)

// Letter is a mail or a text message that is to be sent, or a wish for one. It is a row of the outbox, written in the
// transaction that causes it, and sent by a worker of whichever node takes it first.
//
// A wish is what a page leaves that must not tell whether an account exists: it holds the address as typed, costs the
// same for everybody, and the worker decides afterwards which letter it becomes, if any.
type Letter struct {
	ID        string
	Platform  platform.ID
	Account   ID // whose; empty: a wish, which names an address only
	Kind      LetterKind
	Medium    Medium
	Locale    string // language it is written in; empty: the platform's
	Sealed    []byte // Contents as JSON, sealed and bound to the row; emptied when the letter is settled
	QueuedAt  time.Time
	ExpiresAt time.Time // not sent any more from then on: nobody gets a late code
	Tries     int       // attempts to send so far
	Outcome   LetterOutcome
	Reason    string // of a refusal or of the last failure, in a word or a code of the other side
	SettledAt time.Time
}

// Medium is how a letter travels.
type Medium string

const (
	Mail Medium = "mail"
	SMS  Medium = "sms"
)

// LetterKind names the texts of a letter, or what is wished for.
type LetterKind string

const (
	LetterWelcome      LetterKind = "mail_welcome"
	LetterReset        LetterKind = "mail_reset"
	LetterChanged      LetterKind = "mail_changed" // the password
	LetterUnblock      LetterKind = "mail_unblock"
	LetterExists       LetterKind = "mail_exists" // sign-up with an address that has an account
	LetterConfirm      LetterKind = "mail_confirm"
	LetterInactive     LetterKind = "mail_inactive"
	LetterEmailConfirm LetterKind = "mail_email_confirm" // to the new address
	LetterEmailChanged LetterKind = "mail_email_changed" // to the old one

	LetterRemember     LetterKind = "mail_remember" // an old cookie of a remembered browser was used
	LetterTwoStepOn    LetterKind = "mail_on"
	LetterTwoStepOff   LetterKind = "mail_off"       // by the person, or reset by staff
	LetterTwoStepReset LetterKind = "mail_off_reset" // by staff: with a button for "this was not me"
	LetterMethod       LetterKind = "mail_method"
	LetterPhone        LetterKind = "mail_phone"
	LetterRecovery     LetterKind = "mail_recovery"     // a recovery code was used
	LetterRecoveryNew  LetterKind = "mail_recovery_new" // new ones were made
	LetterCodes        LetterKind = "mail_codes"        // five wrong codes
	LetterCode         LetterKind = "sms_message"

	WishReset   LetterKind = "wish_reset" // of an invited person too, who gets the welcome mail again
	WishSignUp  LetterKind = "wish_sign_up"
	WishUnblock LetterKind = "wish_unblock"
)

// Wish tells whether the outbox must decide first what is sent.
func (k LetterKind) Wish() bool {
	return k == WishReset || k == WishSignUp || k == WishUnblock
}

// LetterOutcome is how a letter ended; empty while it waits.
type LetterOutcome string

const (
	LetterSent     LetterOutcome = "sent"     // handed over to the mail server or gateway
	LetterRefused  LetterOutcome = "refused"  // for good: no such mailbox
	LetterGaveUp   LetterOutcome = "gave_up"  // not possible until it expired
	LetterAnswered LetterOutcome = "answered" // a wish that became a letter, or none
)

// Reasons of text messages that were sent: what a gateway reported afterwards.
const (
	Delivered   = "delivered"
	Undelivered = "undelivered" // and will not be
)

// Contents are what a letter says beside its texts. They hold an address and often a link or code, so they are sealed
// at rest and deleted once the letter is settled.
type Contents struct {
	To     string            `json:"to"`               // address or E.164 number
	Name   string            `json:"name,omitempty"`   // of who gets it; empty: nobody is addressed by name
	Token  string            `json:"token,omitempty"`  // of the button's link; the address is made from the platform's issuer
	Values map[string]string `json:"values,omitempty"` // placeholders of the texts, such as date and phone_end
	Party  string            `json:"party,omitempty"`  // client_id where the person goes on afterwards
	Form   json.RawMessage   `json:"form,omitempty"`   // what was filled in, of a wish
}

// Binding is the additional data that ties Sealed to its row.
func (l *Letter) Binding() string { return "letter/" + string(l.Platform) + "/" + l.ID }

// Seal puts contents into the letter.
func (l *Letter) Seal(c Contents, seal func(plain []byte, binding string) []byte) {
	plain, _ := json.Marshal(c) // strings only: cannot fail
	l.Sealed = seal(plain, l.Binding())
}

// Open reads the contents.
func (l *Letter) Open(open func(sealed []byte, binding string) ([]byte, error)) (c Contents, err error) {
	plain, err := open(l.Sealed, l.Binding())
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err != nil {
		return Contents{}, fmt.Errorf("letter %s: %w", l.ID, err)
	}
	return c, nil
}
