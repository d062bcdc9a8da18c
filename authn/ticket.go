package authn

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// Ticket is something given once: the link of a mail, a code of a text message, a recovery code. Only a hash of it is
// stored, and using it is one conditional statement. Rows stay 30 days after their end, so that a used, an expired and
// a replaced link can be told apart.
type Ticket struct {
	Hash      []byte // SHA-256 of 256 random bits; of a short code its HMAC, bound to account and purpose
	Platform  platform.ID
	Purpose   TicketPurpose
	Account   account.ID // empty: there is none yet
	Party     string     // client_id where the person goes on afterwards; empty: the platform itself
	Sealed    []byte     // what it is for, where the account does not say it, bound to Binding; nil: nothing more
	IssuedAt  time.Time
	ExpiresAt time.Time
	UsedAt    time.Time
	VoidedAt  time.Time // a newer one took its place, or what it was for is gone
}

// TicketPurpose is what a ticket is for.
type TicketPurpose string

const (
	TicketWelcome TicketPurpose = "welcome" // set the first password
	TicketReset   TicketPurpose = "reset"   // set a new one
	TicketSignUp  TicketPurpose = "sign-up" // confirm the address and set the first password
	TicketUnblock TicketPurpose = "unblock" // sign in before the waiting time is over
	TicketEmail   TicketPurpose = "email"   // confirm a new address
	TicketFreeze  TicketPurpose = "freeze"  // "this was not me", after staff reset two-step authentication
	TicketDevice  TicketPurpose = "device"  // "this was not me", after somebody signed in on a device with the mobile app
	TicketStop    TicketPurpose = "stop"    // "this is not to happen", before what staff asked for is done

	TicketReferral   TicketPurpose = "referral"    // a professional helps the account, sent by his platform
	TicketAfterReset TicketPurpose = "after-reset" // sign in after that: the owner reads the mails

	TicketSMS          TicketPurpose = "sms"           // a code of a text message
	TicketMailCode     TicketPurpose = "mail-code"     // a code of a mail: whose account it is, of who is known elsewhere; it has no account until it is typed
	TicketRecoveryCode TicketPurpose = "recovery-code" // outlives deactivation and a restore: it is a factor
)

// Life is how long a ticket of this purpose works.
func (p TicketPurpose) Life() time.Duration {
	switch p {
	case TicketWelcome, TicketFreeze, TicketDevice:
		return 7 * 24 * time.Hour
	case TicketStop:
		return 48 * time.Hour // longer than an act waits, so that it works until the act is done
	case TicketSignUp, TicketEmail:
		return 24 * time.Hour
	case TicketReferral:
		return 5 * time.Minute // he is on his way from the platform
	case TicketSMS, TicketMailCode:
		return 10 * time.Minute // "De code werkt 10 minuten"
	}
	return time.Hour
}

// NewTicket makes a link's ticket from the hash of its token.
func NewTicket(hash []byte, p platform.ID, purpose TicketPurpose, id account.ID, now time.Time) Ticket {
	return Ticket{Hash: hash, Platform: p, Purpose: purpose, Account: id, IssuedAt: now, ExpiresAt: now.Add(purpose.Life())}
}

// Binding is the additional data that ties Sealed to its row.
func (t *Ticket) Binding() string {
	return "ticket/" + string(t.Platform) + "/" + string(t.Purpose) + "/" + string(t.Hash)
}

// TicketState is whether a ticket works, or why not.
type TicketState string

const (
	TicketWorks    TicketState = ""
	TicketUsed     TicketState = "used"
	TicketReplaced TicketState = "replaced"
	TicketExpired  TicketState = "expired"
)

// State reports whether the ticket works now.
func (t *Ticket) State(now time.Time) TicketState {
	switch {
	case !t.UsedAt.IsZero():
		return TicketUsed
	case !t.VoidedAt.IsZero():
		return TicketReplaced
	case !now.Before(t.ExpiresAt):
		return TicketExpired
	}
	return TicketWorks
}

// TicketUse spends a ticket: fault.Spent if it was used or replaced, or had expired at Opened. A link is opened first
// and spent with what it was for, so it may expire in between; a code is opened when it is typed.
type TicketUse struct {
	Hash    []byte
	Purpose TicketPurpose
	Opened  time.Time
}

// TicketVoid voids all unused tickets of an account and purpose: a newer one takes their place, or, if Done, what they
// are for was done without them, and they count as used.
type TicketVoid struct {
	Account account.ID
	Purpose TicketPurpose
	Done    bool
}
