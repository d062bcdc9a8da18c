package staff

import (
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const (
	FreshFor  = 5 * time.Minute // since the primary and the second proof, where an act wants them fresh
	SecondFor = 24 * time.Hour  // that a second manager's confirmation counts
)

// Act is what somebody may do to a person, a platform or the record: one verb, one right.
type Act string

const (
	ActFind            Act = "find people"       // and see their sign-in card
	ActInvite          Act = "invite"            // and send the invitation again
	ActCorrectAddress  Act = "correct address"   // of somebody who never signed in
	ActChangeAddress   Act = "change address"    // of somebody active
	ActUnblock         Act = "unblock"           //
	ActReset           Act = "reset two-step"    //
	ActRefer           Act = "refer"             // a professional to the page that resets one client
	ActDeactivate      Act = "deactivate"        //
	ActReactivate      Act = "reactivate"        //
	ActEndSessions     Act = "end sessions"      //
	ActRemoveDevice    Act = "remove device"     //
	ActRemoveLink      Act = "remove link"       // to the account that somebody has at an organisation
	ActErase           Act = "erase"             //
	ActSetRole         Act = "set role"          //
	ActOrganisation    Act = "set organisation"  // looks, contact, texts, policy
	ActParties         Act = "set parties"       // and their secrets
	ActKeys            Act = "set signing keys"  // nobody but the operator
	ActReadConnections Act = "read connections"  // to organisations: what is agreed, and how they do
	ActReadRecord      Act = "read the record"   //
	ActExportRecord    Act = "export the record" //
	ActExportPeople    Act = "export people"     // a list of them, as a file
)

// condition is whether, and on what condition, a role has a right.
type condition string

const (
	no         condition = ""
	yes        condition = "yes"
	byReferral condition = "by referral" // of the platform, which knows who treats whom
	withSecond condition = "with a second manager"
)

// Right is a row of the table of rights.
type Right struct {
	Act                             Act
	Helpdesk, Manager, Professional condition
	Scope                           string // by which a system has it (client credentials); "": no system does
	Person                          bool   // it is done to a person, so ranks decide
	Widely                          bool   // a system may do it to everybody but managers, and not to clients, relatives and professionals only
	Fresh, Reason, Identified       bool   // what it wants of the actor: a fresh sign-in, why, and how the person was identified
}

// rights are all there are. What is not in it nobody may do, but the operator at the command line of the server.
var rights = []Right{
	{Act: ActFind, Helpdesk: yes, Manager: yes, Scope: "accounts:read"},
	{Act: ActInvite, Helpdesk: yes, Manager: yes, Scope: "accounts:invite", Person: true},
	{Act: ActCorrectAddress, Helpdesk: yes, Manager: yes, Scope: "accounts:invite", Person: true, Fresh: true, Reason: true},
	{Act: ActChangeAddress, Manager: yes, Scope: "accounts:write", Person: true, Fresh: true, Reason: true},
	{Act: ActUnblock, Helpdesk: yes, Manager: yes, Scope: "accounts:write", Person: true},
	{Act: ActReset, Helpdesk: yes, Manager: yes, Professional: byReferral, Person: true, Fresh: true, Reason: true, Identified: true},
	{Act: ActRefer, Scope: "accounts:refer", Person: true, Reason: true},
	{Act: ActDeactivate, Helpdesk: yes, Manager: yes, Scope: "accounts:write", Person: true, Widely: true, Reason: true},
	{Act: ActReactivate, Helpdesk: yes, Manager: yes, Scope: "accounts:write", Person: true, Reason: true},
	{Act: ActEndSessions, Helpdesk: yes, Manager: yes, Scope: "accounts:write", Person: true, Widely: true, Reason: true},
	{Act: ActRemoveDevice, Helpdesk: yes, Manager: yes, Scope: "accounts:write", Person: true, Reason: true},
	{Act: ActRemoveLink, Helpdesk: yes, Manager: yes, Person: true, Fresh: true, Reason: true, Identified: true},
	{Act: ActErase, Manager: withSecond, Scope: "accounts:erase", Person: true, Reason: true},
	{Act: ActSetRole, Manager: yes, Person: true, Reason: true},
	{Act: ActOrganisation, Manager: yes, Fresh: true},
	{Act: ActParties, Manager: yes, Fresh: true},
	{Act: ActKeys},
	{Act: ActReadConnections, Manager: yes},
	{Act: ActReadRecord, Manager: yes, Scope: "audit:read"},
	{Act: ActExportRecord, Manager: yes, Scope: "audit:read", Fresh: true},
	{Act: ActExportPeople, Manager: yes, Fresh: true},
}

// overManagers are the acts that a manager may do to a manager, or by which he makes one, with a second manager.
var overManagers = []Act{ActSetRole, ActDeactivate}

// ranks order roles: who acts on a person ranks above that person.
var ranks = map[platform.Role]int{
	platform.Client: 1, platform.Relative: 1, platform.Professional: 2, platform.Helpdesk: 3, platform.Manager: 4,
}

// Actor is who does an act, as he stands at that moment: a person of the platform by the row of his account, a system
// by the scopes of its token, or the operator. The zero value is nobody, who may do nothing.
type Actor struct {
	Name     string // as the audit record names him
	operator bool

	Platform platform.ID // of a person or a system
	Account  account.ID  // of a person
	Role     platform.Role
	Active   bool      // the person's account is
	FreshAt  time.Time // the older one of the newest primary and the newest second proof; zero: one was not shown
	Referred account.ID
	Second   Second

	Scopes []string // of a system
}

// Second is a manager who confirmed what another asks; the zero value is nobody.
type Second struct {
	Account account.ID
	Role    platform.Role
	At      time.Time // fresh then
}

// Operator is who works at the command line of the server: whoever has that has the database.
func Operator(name string) Actor { return Actor{Name: name, operator: true} }

// Subject is whom an act is done to, and the role that it gives, if any.
type Subject struct {
	Account  account.ID
	Role     platform.Role
	Platform platform.ID
	Gives    platform.Role
}

// Denial is why an act is not allowed though the actor could do it. It is fault.Refused.
type Denial string

const (
	NotFresh      Denial = "not signed in freshly enough"
	NoReason      Denial = "no reason"
	NotIdentified Denial = "not said how the person was identified"
	NoSecond      Denial = "not confirmed by a second manager"
)

func (d Denial) Error() string { return string(d) }

// Unwrap makes it fault.Refused.
func (Denial) Unwrap() error { return fault.Refused }

// May reports whether an actor may do an act. fault.NotFound: the subject is of another platform, which is all that is
// said of it. fault.Refused: he may not, or a Denial: not like that.
func (by Actor) May(act Act, on Subject, said Justification, now time.Time) error {
	if by.operator {
		return nil
	}
	r := rightTo(act)
	if r.Act == "" || by.Platform == "" {
		return fault.Refused
	}
	if on.Platform != by.Platform {
		return fault.NotFound
	}
	if by.Account == "" {
		return by.systemMay(r, on)
	}
	if err := by.personMay(r, on, now); err != nil {
		return err
	}
	switch {
	case r.Fresh && (by.FreshAt.IsZero() || now.Sub(by.FreshAt) > FreshFor):
		return NotFresh
	case r.Reason && said.Reason == "":
		return NoReason
	case r.Identified && said.Identified == "":
		return NotIdentified
	}
	return nil
}

// HasRight reports whether an actor has a right over anybody or anything, with a second manager or a referral perhaps.
// It opens pages; what is done there asks May.
func (by Actor) HasRight(act Act) bool {
	if by.operator {
		return true
	}
	i := slices.IndexFunc(rights, func(r Right) bool { return r.Act == act })
	switch {
	case i < 0 || by.Platform == "":
		return false
	case by.Account == "":
		return rights[i].Scope != "" && slices.Contains(by.Scopes, rights[i].Scope)
	}
	return by.Active && rights[i].of(by.Role) != no
}

// of is whether a role has the right.
func (r Right) of(role platform.Role) condition {
	switch role {
	case platform.Helpdesk:
		return r.Helpdesk
	case platform.Manager:
		return r.Manager
	case platform.Professional:
		return r.Professional
	}
	return no
}

// systemMay: a system has a right by scope, and acts on those who rank low.
func (by Actor) systemMay(r Right, on Subject) error {
	if r.Scope == "" || !slices.Contains(by.Scopes, r.Scope) {
		return fault.Refused
	}
	highest := ranks[platform.Professional]
	switch {
	case r.Widely:
		highest = ranks[platform.Helpdesk]
	case r.Act == ActRefer:
		highest = ranks[platform.Client]
	}
	if r.Person && (rankOf(on.Role) > highest || on.Gives != "" && rankOf(on.Gives) > highest) {
		return fault.Refused
	}
	return nil
}

// personMay: a person has a right by role, never on himself, and on those who rank below him.
func (by Actor) personMay(r Right, on Subject, now time.Time) error {
	has := r.of(by.Role)
	switch {
	case has == no, !by.Active, r.Person && on.Account == by.Account:
		return fault.Refused
	case has == byReferral && (on.Account == "" || by.Referred != on.Account):
		return fault.Refused
	case has == withSecond && !by.seconded(on, now):
		return NoSecond
	case !r.Person:
		return nil
	}
	below := rankOf(on.Role) < ranks[by.Role] && (on.Gives == "" || rankOf(on.Gives) < ranks[by.Role])
	switch {
	case below:
		return nil
	case by.Role != platform.Manager || !slices.Contains(overManagers, r.Act):
		return fault.Refused
	case !by.seconded(on, now):
		return NoSecond
	}
	return nil
}

// seconded reports whether a second manager, who is neither the actor nor whom it is done to, has confirmed it lately.
func (by Actor) seconded(on Subject, now time.Time) bool {
	s := by.Second
	return s.Role == platform.Manager && s.Account != "" && s.Account != by.Account && s.Account != on.Account &&
		!s.At.After(now) && now.Sub(s.At) <= SecondFor
}

// rankOf is above all for a role that nobody knows.
func rankOf(r platform.Role) int {
	if rank, known := ranks[r]; known {
		return rank
	}
	return len(ranks) + 1
}

// rightTo is the row of an act; the zero value where there is none.
func rightTo(act Act) Right {
	if i := slices.IndexFunc(rights, func(r Right) bool { return r.Act == act }); i >= 0 {
		return rights[i]
	}
	return Right{}
}

// Rights are the rows of the table, for documents and doors.
func Rights() []Right { return slices.Clone(rights) }

// String is a row in words.
func (r Right) String() string {
	return fmt.Sprintf("%s: helpdesk %q, manager %q, professional %q, scope %q", r.Act, r.Helpdesk, r.Manager, r.Professional, r.Scope)
}
