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
	Platform      platform.ID
	Account       *account.Account // as read; nil in an act on settings
	Sealer        Sealer
	Actor         Actor         // who does it
	Justification Justification // kept in the audit record
	Origin        audit.Origin
	Now           time.Time

	gives   platform.Role // by this act; empty: none
	carried bool          // it has waited, or a second one agreed
}

// Sealer closes what a mail brings, and what a referral says, opens that, and names counters.
type Sealer interface {
	Seal(plain []byte, binding string) []byte
	Open(sealed []byte, binding string) ([]byte, error)
	MAC(purpose, data string) []byte
}

// demand is what an act demands of the facts.
type demand struct {
	act    Act             // the right that it takes
	states []account.State // of the account; nil: any
	says   string          // of an account in another state; empty: which it is in
}

// demands has a row for every act, by the event that it leaves.
var demands = map[audit.Kind]demand{
	audit.AccountAdded:   {act: ActInvite, states: []account.State{account.Invited}},
	audit.AccountInvited: {act: ActInvite, states: []account.State{account.Invited}},
	audit.EmailChangeRequested: {
		act: ActChangeAddress, states: []account.State{account.Active, account.Invited}, says: sameAddress,
	},
	audit.TwoStepReset:       {act: ActReset},
	audit.ReferralMade:       {act: ActRefer, states: []account.State{account.Active}},
	audit.AccountUnblocked:   {act: ActUnblock},
	audit.AccountDeactivated: {act: ActDeactivate},
	audit.AccountReactivated: {act: ActReactivate},
	audit.AllSessionsEnded:   {act: ActEndSessions},
	audit.RoleGiven:          {act: ActSetRole, states: []account.State{account.Active, account.Invited}},
	audit.SessionEnded:       {act: ActRemoveDevice},
	audit.DeviceForgotten:    {act: ActRemoveDevice},
	audit.DeviceRemoved:      {act: ActRemoveDevice},
	audit.CredentialRetired:  {act: ActRemoveLink},
	audit.PartySet:           {act: ActParties},
	audit.PartyDeleted:       {act: ActParties},
	audit.PartySecretSet:     {act: ActParties},
	audit.SigningKeyMade:     {act: ActKeys},

	audit.ConnectionSet:       {act: ActOrganisation},
	audit.ConnectionConfirmed: {act: ActOrganisation},
	audit.LinksImported:       {act: ActOrganisation},
}

// sameAddress says why no other address is asked for: one of the two.
const sameAddress = "account is deactivated, or has this address"

// right is the right that an act takes: another address of somebody who never signed in only corrects it.
func (f Facts) right(kind audit.Kind, d demand) Act {
	if kind == audit.EmailChangeRequested && f.Account != nil && f.Account.State == account.Invited {
		return ActCorrectAddress
	}
	return d.act
}

// subject is whom an act is done to; an act on settings is done to the platform.
func (f Facts) subject() Subject {
	if f.Account == nil {
		return Subject{Platform: f.Platform}
	}
	return Subject{Account: f.Account.ID, Role: f.Account.Role, Platform: f.Account.Platform, Gives: f.gives}
}

// guard refuses what the row of an act does not allow, and otherwise returns its event. fault.Invalid: nobody is named,
// or a word is missing, or is none of the act's (words.go); fault.Refused: the account is in a state that the act is
// not for; what Actor.May says, and Waits.
func (f Facts) guard(kind audit.Kind) (audit.Event, error) {
	d, ok := demands[kind]
	switch {
	case !ok:
		return audit.Event{}, fmt.Errorf("%w: %s is no act of staff", fault.Refused, kind)
	case f.Actor.Name == "":
		return audit.Event{}, fmt.Errorf("%w: nobody is named who does it", fault.Invalid)
	}
	act, on := f.right(kind, d), f.subject()
	if kind == audit.AccountAdded {
		on.Gives = on.Role
	}
	if err := f.Actor.May(act, on, f.Justification, f.Now); err != nil {
		return audit.Event{}, err
	}
	if err := f.Justification.Check(act); err != nil {
		return audit.Event{}, err
	}
	if d.states != nil && !slices.Contains(d.states, f.Account.State) {
		return audit.Event{}, fmt.Errorf("%w: %s", fault.Refused, cmp.Or(d.says, "account that is "+string(f.Account.State)))
	}
	if row, ok := waitOf(act, f.subject()); ok && !f.carried && (row.all || !f.Actor.operator) {
		return audit.Event{}, Waits
	}
	e := audit.Event{
		At: f.Now, Platform: f.Platform, Kind: kind, Outcome: audit.Success,
		Stated: audit.Stated{StatedReason: string(f.Justification.Reason), Identified: string(f.Justification.Identified)}, Origin: f.Origin,
	}
	if f.Account != nil {
		e.Account = f.Account.ID
	}
	return f.Actor.does(e), nil
}

// does is an event of what an actor does. Of a person it is saved only while he has the role that it was decided by.
func (by Actor) does(e audit.Event) audit.Event {
	e.Actor = by.Name
	if !by.operator && by.Account != "" {
		e.As = audit.Acting{Account: by.Account, Role: by.Role}
	}
	return e
}

// ActorChanged says whose role or state is not that which an act was decided by, when the act was to be saved. It is
// fault.Refused.
type ActorChanged account.ID

func (a ActorChanged) Error() string {
	return fmt.Sprintf("actor %s has another role by now, or none", string(a))
}

// Unwrap makes it fault.Refused.
func (ActorChanged) Unwrap() error { return fault.Refused }
