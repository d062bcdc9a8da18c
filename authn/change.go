package authn

import (
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
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
	Uncount  []string    // keys of counters that counted what was right: taken back, and the count of wrong ones in a row is zero again
	Count    []Limit     // happenings that this is; fault.Throttled, and nothing is saved, if one is too many
	Messages []outbox.Message
	Events   []audit.Event
	Taken    []byte      // hash of the handle of an upstream's answer, which is taken once; fault.Spent
	Platform platform.ID // of Answered, Forgive, Fresh and Taken
	Answered string      // authorization request that this answers by an error, once; fault.Spent if it was answered
}

// And is what both changes are together: lists one after the other, and of everything else what one of them has. What
// both have is a mistake of the caller, and fault.Invalid; but for a platform or a request that is the same, and for
// different things of one account.
func (c Change) And(d Change) (Change, error) {
	m := merge{}
	sum := Change{
		Journey:  only(&m, "Journey", c.Journey, d.Journey),
		Start:    only(&m, "Start", c.Start, d.Start),
		Raise:    only(&m, "Raise", c.Raise, d.Raise),
		Consent:  only(&m, "Consent", c.Consent, d.Consent),
		Spend:    slices.Concat(c.Spend, d.Spend),
		Void:     slices.Concat(c.Void, d.Void),
		Issue:    slices.Concat(c.Issue, d.Issue),
		Add:      only(&m, "Add", c.Add, d.Add),
		Account:  m.account(c.Account, d.Account),
		Put:      slices.Concat(c.Put, d.Put),
		Retire:   slices.Concat(c.Retire, d.Retire),
		Cut:      only(&m, "Cut", c.Cut, d.Cut),
		End:      only(&m, "End", c.End, d.End),
		Remember: only(&m, "Remember", c.Remember, d.Remember),
		Rotate:   only(&m, "Rotate", c.Rotate, d.Rotate),
		Forget:   only(&m, "Forget", c.Forget, d.Forget),
		Forgive:  slices.Concat(c.Forgive, d.Forgive),
		Fresh:    slices.Concat(c.Fresh, d.Fresh),
		Uncount:  slices.Concat(c.Uncount, d.Uncount),
		Count:    slices.Concat(c.Count, d.Count),
		Messages: slices.Concat(c.Messages, d.Messages),
		Events:   slices.Concat(c.Events, d.Events),
		Taken:    slices.Concat(c.Taken, d.Taken),
		Platform: only(&m, "Platform", c.Platform, d.Platform),
		Answered: only(&m, "Answered", c.Answered, d.Answered),
	}
	if len(m.both) > 0 {
		return Change{}, fmt.Errorf("changes that both have %v: %w", m.both, fault.Invalid)
	}
	return sum, nil
}

// merge collects what two changes both have.
type merge struct{ both []string }

// only is the one of two values that is not zero.
func only[T comparable](m *merge, field string, a, b T) T {
	var zero T
	switch {
	case a == zero:
		return b
	case b != zero && a != b:
		m.both = append(m.both, field)
	}
	return a
}

// account is what both change of an account, each something else of it.
func (m *merge) account(a, b *AccountChange) *AccountChange {
	if a == nil || b == nil || a == b || a.ID != b.ID {
		return only(m, "Account", a, b)
	}
	return &AccountChange{
		ID:         a.ID,
		Activate:   a.Activate || b.Activate,
		Verified:   a.Verified || b.Verified,
		Email:      only(m, "Account.Email", a.Email, b.Email),
		Role:       only(m, "Account.Role", a.Role, b.Role),
		Stop:       a.Stop || b.Stop,
		Locale:     only(m, "Account.Locale", a.Locale, b.Locale),
		Offered:    a.Offered || b.Offered,
		Remember:   only(m, "Account.Remember", a.Remember, b.Remember),
		OwnerShown: a.OwnerShown || b.OwnerShown,
	}
}

// Part is one thing that a change does: where, and to whom.
type Part struct {
	Platform *platform.ID // nil: it does not say, and is of the one that other parts name
	Account  account.ID   // whom it is about; empty: nobody, or one whose row it does not need
	Given    bool         // it is saved for a person, and nobody gets it whose account is not active
}

// Parts lists all that a change does; none: it does nothing. It is the only place that knows of each field whose it is.
func (c *Change) Parts() []Part {
	var all []Part
	add := func(there bool, part func() Part) {
		if there {
			all = append(all, part())
		}
	}
	add(c.Platform != "", func() Part { return Part{Platform: &c.Platform} })
	add(c.Journey != nil, func() Part { return Part{Platform: &c.Journey.Platform} })
	add(c.Start != nil, func() Part { return ofSession(&c.Start.Session) })
	add(c.Raise != nil, func() Part { return ofSession(&c.Raise.Session) })
	add(c.Consent != nil, func() Part { return Part{Account: c.Consent.Account, Given: true} })
	add(c.Add != nil, func() Part { return Part{Platform: &c.Add.Platform} }) // there is no row yet
	add(c.Account != nil, func() Part { return Part{Account: c.Account.ID} })
	add(c.Cut != nil, func() Part { return Part{Account: c.Cut.Account} })
	add(c.End != nil, func() Part { return Part{Account: c.End.Account} })
	add(c.Remember != nil, func() Part { return Part{Account: c.Remember.Device.Account, Given: true} })
	add(c.Rotate != nil, func() Part { return Part{Account: c.Rotate.Account, Given: true} })
	add(c.Forget != nil, func() Part { return Part{Account: *c.Forget} })
	for i := range c.Void {
		all = append(all, Part{Account: c.Void[i].Account})
	}
	for i := range c.Issue {
		all = append(all, Part{Platform: &c.Issue[i].Platform, Account: c.Issue[i].Account})
	}
	for i := range c.Put {
		all = append(all, Part{Account: c.Put[i].Account, Given: true})
	}
	for i := range c.Messages {
		all = append(all, Part{Platform: &c.Messages[i].Platform})
	}
	for i := range c.Events {
		all = append(all, Part{Platform: &c.Events[i].Platform})
	}
	add(len(c.Retire) > 0 && c.Journey != nil, func() Part { return Part{Account: c.Journey.Account, Given: true} })
	add(len(c.Retire) > 0 && c.Journey == nil, func() Part { return Part{} }) // by staff, whatever the account's state
	add(len(c.Spend)+len(c.Forgive)+len(c.Fresh)+len(c.Uncount)+len(c.Count) > 0, func() Part { return Part{} })
	add(c.Answered != "" || c.Taken != nil, func() Part { return Part{} })
	return all
}

func ofSession(s *Session) Part { return Part{Platform: &s.Platform, Account: s.Account, Given: true} }

// AccountChange is what changes of an account that exists. Zero fields change nothing. fault.Refused: it is deactivated.
type AccountChange struct {
	ID       account.ID
	Activate bool           // an invited account becomes active; fault.Spent if it is already
	Verified bool           // the person showed that the address is theirs
	Email    *account.Email // the new address, confirmed; fault.Taken if another account has it
	Role     *RoleChange    // by staff; fault.Stale if it has another one by now
	Stop     bool           // deactivated at once, with everything that End ends
	Locale   string         // language chosen for our pages and messages
	Offered  bool           // the set-up of two-step authentication was put off, or it was turned off
	Remember *time.Duration // how long browsers are remembered from now on; nil: as it was

	// OwnerShown takes the mark of a reset by staff away, once: fault.Spent if it has none. Only a journey may in which
	// that was shown.
	OwnerShown bool
}

// RoleChange is the role that an account had and the one that it gets.
type RoleChange struct{ From, To platform.Role }

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
	Devices bool   // those of mobile apps are removed as well, with their PINs
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
