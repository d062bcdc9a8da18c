package staff

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/outbox"
)

const (
	MailsFor     = 30 * 24 * time.Hour // that mails stay on a card: their rows are kept as long
	CardMails    = 50                  // at most, the newest
	CardAttempts = 10
)

// Card is what a helper sees of a person who cannot get in, and why.
type Card struct {
	Account       account.Account // of its credentials those that are not retired: the label of a number is its last two digits
	SignedInAt    time.Time       // zero: never
	Invitation    account.Invitation
	RecoveryCodes int              // left
	Devices       []account.Device // remembered browsers, the last used first; at most 100
	Apps          []grant.Device   // with the mobile app, the last used first
	Sessions      []authn.Session  // that live, in browsers and apps, the last used first; at most 100
	Links         []CardLink       // to accounts at organisations
	Waits         []authn.Wait
	Mails         []CardMail       // of MailsFor, the newest first; at most CardMails
	Attempts      []audit.Recorded // to sign in, the newest first; at most CardAttempts
	Ended         []audit.Recorded // what made the account inactive last; empty: it is not, or that is no longer on record
}

// CardMail is a mail or text message to the person, and how it went.
type CardMail struct {
	ID        string
	Kind      outbox.Kind
	Recipient outbox.Recipient
	State     MailState
	Said      string    // codes of the server of the other side, where it refused or is tried again: its words may hold an address
	QueuedAt  time.Time //
	SettledAt time.Time // sent or refused; zero: it waits
	Tries     int       // attempts to send so far
	BegunAt   time.Time // the first form behind its button was sent; zero: not yet
	EndsAt    time.Time // when its button stops working; zero: it has none
}

// MailState is how a mail went, as a card says it.
type MailState string

const (
	MailQueued   MailState = "queued"
	MailSent     MailState = "sent"     // the server of the other side took it
	MailRefused  MailState = "refused"  // for good, or it could not be handed over in time
	MailBegun    MailState = "begun"    // the first form behind its button was sent: scanners only open it
	MailUsed     MailState = "used"     // what it was for was done
	MailReplaced MailState = "replaced" // its button was voided: a newer mail has one that works, or what it was for is gone
	MailExpired  MailState = "expired"  // its button works no more
)

// MailStates are all.
var MailStates = []MailState{MailQueued, MailSent, MailRefused, MailBegun, MailUsed, MailReplaced, MailExpired}

// StateOfMail says how a mail went. t is the ticket of its button and begunAt when the first form behind that was sent;
// nil: it has no button, or its row is gone.
func StateOfMail(m *outbox.Message, t *authn.Ticket, begunAt, now time.Time) MailState {
	state := authn.TicketWorks
	if t != nil {
		state = t.State(now)
	}
	refused := m.Outcome == outbox.Refused || m.Outcome == outbox.GaveUp
	switch {
	case state == authn.TicketUsed:
		return MailUsed
	case refused && begunAt.IsZero():
		return MailRefused
	case state == authn.TicketReplaced:
		return MailReplaced
	case state == authn.TicketExpired:
		return MailExpired
	case !begunAt.IsZero():
		return MailBegun
	case m.Outcome == outbox.Sent:
		return MailSent
	}
	return MailQueued
}

// Endings are the kinds of events after which an account is inactive.
var Endings = []audit.Kind{audit.AccountDeactivated, audit.AccountFrozen}

// Attempts are the kinds of events that a card shows as attempts to sign in.
var Attempts = []audit.Kind{
	audit.SessionStarted, audit.SessionRaised, audit.PasswordRefused, audit.SecondFactorRefused, audit.RecoveryCodeUsed,
	audit.PasswordSet,
}
