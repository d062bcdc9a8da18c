package staff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// WaitsFor is how long an act waits: until it is done, or, where a second one must agree, until it lapses.
const WaitsFor = SecondFor

// Waits is the Denial of an act that is not done at once: who may do it asks for it (Acts.Ask…).
const Waits Denial = "it waits: ask for it"

// Pending is an act that somebody asked for and that waits: for its time, or for a second one who agrees. It is done
// with the rights that the asker and the second one have at that moment, to the account as it is then.
type Pending struct {
	ID       string
	Platform platform.ID
	Act      Act
	Account  account.ID    // whom it is done to
	Gives    platform.Role // of ActSetRole
	Address  string        // the new one, of ActCorrectAddress; empty once it ended
	EmailKey string        // of the account when it was asked for; the act comes to nothing when that changes; empty once it ended
	Asker    account.ID
	Said     Justification
	AskedAt  time.Time
	DueAt    time.Time // it is done then, or lapses
	End      PendingEnd
}

// PendingEnd is how an act ended that waited; the zero value while it waits.
type PendingEnd struct {
	At  time.Time
	How Ending
	By  account.ID // who agreed or withdrew it; empty: nobody
}

// Ending is how an act ended that waited.
type Ending string

const (
	Done      Ending = "done" // its time came
	Confirmed Ending = "confirmed"
	Withdrawn Ending = "withdrawn"
	Dropped   Ending = "dropped" // it could not be done any more
	Lapsed    Ending = "lapsed"  // nobody agreed in time
)

// wait is one row of the table of acts that wait.
type wait struct {
	act    Act
	of     func(Subject) bool // whom it is done to
	in     []account.State    // of the account, when it is asked for and when it is done
	lapses bool               // without a second one it lapses; otherwise it is done when its time comes
	second []platform.Role    // who may agree; he ranks above the account, or is a manager as it is
	tells  outbox.Kind        // managers, when it is asked for; empty: none
	all    bool               // the operator at the command line waits, too
}

var waits = []wait{
	{ // by the operator: nobody of the platform may
		act: ActReset, of: func(on Subject) bool { return on.Role == platform.Manager }, in: []account.State{account.Active}, tells: outbox.ManagerReset, all: true,
	},
	{act: ActReset, of: ranksFrom(platform.Professional), in: []account.State{account.Active}, second: []platform.Role{platform.Helpdesk, platform.Manager}},
	{
		act: ActCorrectAddress, of: ranksFrom(platform.Professional), in: []account.State{account.Invited},
		second: []platform.Role{platform.Manager}, tells: outbox.AddressWaits,
	},
	{
		act: ActSetRole, of: overManager, in: []account.State{account.Active, account.Invited}, lapses: true,
		second: []platform.Role{platform.Manager}, tells: outbox.SecondWanted,
	},
	{
		act: ActDeactivate, of: overManager, in: []account.State{account.Active, account.Invited}, lapses: true,
		second: []platform.Role{platform.Manager}, tells: outbox.SecondWanted,
	},
}

func ranksFrom(r platform.Role) func(Subject) bool {
	return func(on Subject) bool { return rankOf(on.Role) >= ranks[r] }
}

func overManager(on Subject) bool { return on.Role == platform.Manager || on.Gives == platform.Manager }

// waitOf is the row of an act that waits; ok is false where it does not.
func waitOf(act Act, on Subject) (row wait, ok bool) {
	i := slices.IndexFunc(waits, func(w wait) bool { return w.act == act && w.of(on) })
	if i < 0 {
		return wait{}, false
	}
	return waits[i], true
}

// MustWait reports whether an act is not done at once to a subject, whoever of the platform does it; lapses: it is not
// done at all without a second one.
func MustWait(act Act, on Subject) (waits, lapses bool) {
	row, ok := waitOf(act, on)
	return ok, row.lapses
}

// MayAgree reports whether somebody may agree to an act that waits, once he signs in anew.
func (p Pending) MayAgree(by Actor, on Subject, now time.Time) bool {
	by.FreshAt = now
	_, err := Facts{Account: on.account(), Actor: by, Now: now}.agrees(p)
	return err == nil
}

// MayWithdraw reports whether somebody may end an act that waits.
func (p Pending) MayWithdraw(by Actor, on Subject, now time.Time) bool {
	_, err := Withdraw(Facts{Account: on.account(), Actor: by, Now: now}, p)
	return err == nil
}

// account is the subject as facts have it.
func (on Subject) account() *account.Account {
	return &account.Account{ID: on.Account, Role: on.Role, Platform: on.Platform}
}

// ActDetails is what is asked for, where the act does not say all of it.
type ActDetails struct {
	Gives platform.Role    // of ActSetRole
	To    account.Email    // of ActCorrectAddress
	Other *account.Account // that has this address; nil: nobody
}

// perform is what an act does to the account of the facts.
func (f Facts) perform(act Act, w ActDetails) (authn.Change, error) {
	switch act {
	case ActReset:
		return ResetTwoStep(f)
	case ActCorrectAddress:
		return SetEmail(f, w.To, w.Other)
	case ActSetRole:
		return SetRole(f, w.Gives)
	case ActDeactivate:
		to, err := Deactivate(f)
		if err != nil {
			return authn.Change{}, err
		}
		return authn.Change{
			Platform: f.Platform, Account: &authn.AccountChange{ID: f.Account.ID, Stop: true}, Events: []audit.Event{to.Event}, Messages: to.Tells,
		}, nil
	}
	return authn.Change{}, fmt.Errorf("%w: %s does not wait", fault.Refused, act)
}

// anybody is a second manager who agreed, for asking whether that is all that is missing.
var anybody = account.ID("-")

// Ask asks for an act that waits. It refuses what the act refuses but for the waiting. Managers are those of the
// platform who are active. The owner of an account whose second factor is to go gets a mail with a button that stops
// it.
func Ask(f Facts, act Act, w ActDetails, managers []account.Account) (Pending, authn.Change, error) {
	f.gives = w.Gives
	row, ok := waitOf(act, f.subject())
	asker := f.Actor.Account
	if f.Actor.operator && row.all && isOperator(f.Actor.Name) {
		asker = account.ID(f.Actor.Name)
	}
	if !ok || asker == "" {
		return Pending{}, authn.Change{}, fmt.Errorf("%w: %s of this account by %s does not wait", fault.Refused, act, f.Actor.Name)
	}
	try := f
	try.Actor.Second, try.carried = Second{Account: anybody, Role: platform.Manager, At: f.Now}, true
	if _, err := try.perform(act, w); err != nil {
		return Pending{}, authn.Change{}, err
	}
	if !slices.Contains(row.in, f.Account.State) {
		return Pending{}, authn.Change{}, fmt.Errorf("%w: account that is %s", fault.Refused, f.Account.State)
	}
	p := Pending{
		ID: secret.ID(), Platform: f.Platform, Act: act, Account: f.Account.ID, Gives: w.Gives, Address: w.To.Address,
		EmailKey: f.Account.Email.Key, Asker: asker, Said: f.Justification, AskedAt: f.Now, DueAt: f.Now.Add(WaitsFor),
	}
	change := authn.Change{Platform: f.Platform}
	if act == ActReset {
		change = authn.Queue(f.mail(outbox.ResetAsked), nil, f.Sealer.Seal)
		change.Count = f.limits()
	}
	for _, m := range managers {
		if row.tells == "" || m.ID == p.Asker || m.ID == p.Account {
			continue
		}
		change.Messages = append(change.Messages, f.mailTo(row.tells, m, map[string]string{
			"person": f.Account.Email.Masked(), "email_masked": w.To.Masked(),
		}))
	}
	change.Events = []audit.Event{f.Origin.Of(p.event(audit.ActAsked, f.Actor, f.Now))}
	return p, change, nil
}

// isOperator reports whether somebody is named as the record names who works at the command line. No account is: its
// identifier has no blank.
func isOperator(name string) bool { return strings.HasPrefix(name, "cli ") }

// Confirm does an act that waits, because another one agrees: f has him as its actor, and the account. fault.NotFound:
// he is of another platform; NotFresh: he has to sign in again first; fault.Expired: its time is over.
func Confirm(f Facts, p Pending, asker Actor, w ActDetails) (authn.Change, error) {
	by := f.Actor
	row, err := f.agrees(p)
	if err != nil {
		return authn.Change{}, err
	}
	if row.lapses && !f.Now.Before(p.DueAt) {
		return authn.Change{}, fmt.Errorf("agreeing to %s: %w", p.Act, fault.Expired)
	}
	asker.Second = Second{Account: by.Account, Role: by.Role, At: f.Now}
	change, err := performDue(f, p, asker, w)
	if err != nil {
		return authn.Change{}, err
	}
	change.Events = append([]audit.Event{f.Origin.Of(p.event(audit.ActConfirmed, by, f.Now))}, change.Events...)
	return change, nil
}

// agrees reports whether the actor may agree to an act that waits, and returns its row.
func (f Facts) agrees(p Pending) (wait, error) {
	by := f.Actor
	f.gives = p.Gives
	row, ok := waitOf(p.Act, f.subject())
	switch {
	case by.Platform != p.Platform || f.Account.Platform != p.Platform:
		return row, fault.NotFound
	case !ok: // it would be done at once by now: whoever wants it does it anew
		return row, fmt.Errorf("%w: %s of this account does not wait", fault.Refused, p.Act)
	case by.Account == "", !by.Active, by.Account == p.Asker, by.Account == p.Account, !slices.Contains(row.second, by.Role):
		return row, fault.Refused
	case !row.lapses && rankOf(f.Account.Role) >= ranks[by.Role]:
		return row, fault.Refused
	case by.FreshAt.IsZero() || f.Now.Sub(by.FreshAt) > FreshFor:
		return row, NotFresh
	}
	return row, nil
}

// Due does an act whose time has come, or lets it lapse where a second one would have had to agree: f has the account.
func Due(f Facts, p Pending, asker Actor, w ActDetails) (authn.Change, Ending, error) {
	f.gives = p.Gives
	if row, ok := waitOf(p.Act, f.subject()); ok && row.lapses {
		return p.ends(audit.ActLapsed, systemActor, "", f.Now), Lapsed, nil
	}
	change, err := performDue(f, p, asker, w)
	return change, Done, err
}

// systemActor is nobody of the platform.
var systemActor = Actor{Name: "system"}

// performDue does an act that waited with the rights of who asked for it as they are now. He was fresh when he asked.
func performDue(f Facts, p Pending, asker Actor, w ActDetails) (authn.Change, error) {
	f.gives = p.Gives
	row, ok := waitOf(p.Act, f.subject())
	switch {
	case f.Account.Email.Key != p.EmailKey:
		return authn.Change{}, fmt.Errorf("%w: account whose address changed", fault.Refused)
	case ok && !slices.Contains(row.in, f.Account.State):
		return authn.Change{}, fmt.Errorf("%w: account that is %s", fault.Refused, f.Account.State)
	}
	asker.FreshAt = f.Now
	f.Actor, f.Justification, f.carried = asker, p.Said, true
	change, err := f.perform(p.Act, w)
	change.Count = nil // counted when it was asked for
	return change, err
}

// Withdraw ends an act that waits: who asked for it does, or who could agree to it, fresh or not.
func Withdraw(f Facts, p Pending) (authn.Change, error) {
	by := f.Actor
	if by.Platform != p.Platform {
		return authn.Change{}, fault.NotFound
	}
	if _, err := f.agrees(p); err != nil && err != error(NotFresh) && (by.Account == "" || by.Account != p.Asker || !by.Active) {
		return authn.Change{}, fault.Refused
	}
	change := p.ends(audit.ActWithdrawn, by, "", f.Now)
	change.Events[0] = f.Origin.Of(change.Events[0])
	return change, nil
}

// ends is what ends an act without doing it: its event, and the end of the button that stops it.
func (p Pending) ends(kind audit.Kind, by Actor, why string, now time.Time) authn.Change {
	e := p.event(kind, by, now)
	if why != "" {
		e.Reason += ": " + why
	}
	change := authn.Change{Platform: p.Platform, Events: []audit.Event{e}}
	if p.Act == ActReset {
		change.Void = []authn.TicketVoid{{Account: p.Account, Purpose: authn.TicketStop}}
	}
	return change
}

// event is one about an act that waits; its reason says which.
func (p Pending) event(kind audit.Kind, by Actor, now time.Time) audit.Event {
	return by.does(audit.Event{
		At: now, Platform: p.Platform, Kind: kind, Account: p.Account, Outcome: audit.Success, Reason: string(p.Act),
		Stated: audit.Stated{StatedReason: string(p.Said.Reason), Identified: string(p.Said.Identified)},
	})
}

// mailTo is a mail to another account than that of the facts.
func (f Facts) mailTo(kind outbox.Kind, to account.Account, values map[string]string) outbox.Message {
	d := outbox.Draft{
		Kind: kind, Platform: to.Platform, Account: to.ID, Locale: to.Locale, Now: f.Now,
		Contents: outbox.Contents{To: to.Email.Address, Name: to.Profile.Name(), Values: values},
	}
	return d.Seal(f.Sealer.Seal)
}
