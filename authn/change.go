package authn

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Change is all that one submit changes, saved in one transaction: all of it, or nothing.
type Change struct {
	Journey  *Journey             // saved if its Version is still the stored one; fault.Stale otherwise
	Start    *SessionStart        // a new session; ends the one it replaces
	Raise    *SessionRaise        // more proofs for a session
	Consent  *Consent             // what the person allowed a party; replaces what was allowed before
	Spend    []TicketUse          // all of them, or fault.Spent
	Void     []TicketVoid         // before Issue
	Issue    []Ticket             // where one of a purpose works at a time, an older one is voided
	Add      *account.Account     // with its credentials in Put; fault.Taken if the address has an account
	Account  *AccountChange       // of an account that exists
	Put      []account.Credential // added or replaced whole; a counter only rises
	Retire   []account.CredentialID
	Cut      *Cut         // what of the account is under way ends, before Issue and but for Journey
	End      *End         // what else of the account ends, before Start
	Remember *DeviceStart // this browser is remembered from now on
	Rotate   *DeviceRotation
	Forget   *account.ID // all remembered browsers of an account are forgotten
	Forgive  []string    // owners whose counters start again: Guess.Owner, Limit.Owner
	Fresh    []string    // keys of counters that start again, each by itself: Guess.Counter
	Uncount  []string    // keys of counters that counted what turned out to be right: taken back, and a row of wrong ones ends
	Count    []Limit     // happenings that this is; fault.Throttled, and nothing is saved, if one is too many
	Messages []outbox.Message
	Events   []audit.Event
	Platform platform.ID // of Answered, Forgive and Fresh
	Answered string      // authorization request that this answers by an error, once; fault.Spent if it was answered
}

// AccountChange is what changes of an account that exists. Zero fields change nothing. fault.Refused: it is deactivated.
type AccountChange struct {
	ID       account.ID
	Activate bool           // an invited account becomes active; fault.Spent if it is already
	Verified bool           // the person showed that the address is theirs
	Email    *account.Email // the new address, confirmed; fault.Taken if another account has it
	Stop     bool           // deactivated at once, with everything that End ends
	Locale   string         // language chosen for our pages and letters
	Offered  bool           // the set-up of two-step authentication was put off
	Remember *time.Duration // how long browsers are remembered from now on; nil: as it was
}

// DeviceStart remembers a browser under the hash of its cookie.
type DeviceStart struct {
	Device account.Device
	Cookie []byte
}

// DeviceRotation gives a remembered browser a new cookie, if the presented one is still its current one; otherwise
// nothing happens, because a request beside this one was faster. It does not extend how long it is remembered.
type DeviceRotation struct {
	Account  account.ID
	Device   string
	From, To []byte // hashes of the cookies
}

// End ends sessions of an account and all that derives from them: grants, refresh tokens, access tokens. No browser is
// remembered afterwards.
type End struct {
	Account account.ID
	Except  string // identifier of the session that stays, with its grants; empty: none
	Reason  string // kept with the grants
}

// SessionStart is a session to be created under the hash of its cookie.
type SessionStart struct {
	Session  Session
	Cookie   []byte // hash of the new cookie
	Replaces []byte // hash of the cookie of a session that ends with this; nil: none
}

// SessionRaise replaces proofs, time and cookie of a live session, if its cookie is still the old one
// (compare and set; fault.Stale otherwise). The new cookie keeps a planted or copied one from gaining by it.
type SessionRaise struct {
	Session Session
	From    []byte // hash of the cookie that was presented
	To      []byte // hash of the new cookie
}
