package staff

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// Facts are what an act decides with.
type Facts struct {
	Platform platform.ID
	Account  *account.Account // as read; nil in an act on settings
	Sealer   Sealer
	Actor    string // who does it, as the audit record names them
	Reason   string // who asked and how that is known; kept in the audit record
	Now      time.Time
}

// Sealer closes what a mail brings, and names counters.
type Sealer interface {
	Seal(plain []byte, binding string) []byte
	MAC(purpose, data string) []byte
}

// demand is what an act demands of the facts.
type demand struct {
	states []account.State // of the account; nil: any
	says   string          // of an account in another state; empty: which it is in
	reason bool            // somebody must say why
}

// demands has a row for every act, by the event that it leaves.
var demands = map[audit.Kind]demand{
	audit.AccountInvited: {states: []account.State{account.Invited}},
	audit.EmailChangeRequested: {
		states: []account.State{account.Active, account.Invited}, says: sameAddress,
	},
	audit.TwoStepReset:       {reason: true},
	audit.AccountUnblocked:   {},
	audit.AccountDeactivated: {},
	audit.AccountReactivated: {},
	audit.AllSessionsEnded:   {reason: true},
	audit.PartySet:           {},
	audit.PartySecretSet:     {},
	audit.SigningKeyMade:     {},
}

// sameAddress says why no other address is asked for: one of the two.
const sameAddress = "account is deactivated, or has this address"

// maxReason is how many bytes of a reason the record takes.
const maxReason = 200

// guard refuses what the row of an act does not allow, and otherwise returns its event. fault.Invalid: nobody is named,
// or no reason is given; fault.Refused: the account is in a state that the act is not for.
func (f Facts) guard(kind audit.Kind) (audit.Event, error) {
	d, ok := demands[kind]
	switch {
	case !ok:
		return audit.Event{}, fmt.Errorf("%w: %s is no act of staff", fault.Refused, kind)
	case f.Actor == "":
		return audit.Event{}, fmt.Errorf("%w: nobody is named who does it", fault.Invalid)
	case d.reason && (f.Reason == "" || len(f.Reason) > maxReason):
		return audit.Event{}, fmt.Errorf("%w: a reason of 1 to %d characters", fault.Invalid, maxReason)
	case d.states != nil && !slices.Contains(d.states, f.Account.State):
		return audit.Event{}, fmt.Errorf("%w: %s", fault.Refused, cmp.Or(d.says, "account that is "+string(f.Account.State)))
	}
	e := audit.Event{
		At: f.Now, Platform: f.Platform, Kind: kind, Actor: f.Actor, Outcome: audit.Success, Reason: f.Reason,
	}
	if f.Account != nil {
		e.Account = f.Account.ID
	}
	return e, nil
}
