package staff

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Invite queues the welcome mail of an account that has no password yet. The button of an older one stops working.
// fault.Refused: the account has a password, or is deactivated; storage adds fault.Throttled, where a person sends it
// again too soon.
func Invite(f Facts) (authn.Change, error) {
	e, err := f.guard(audit.AccountInvited)
	if err != nil {
		return authn.Change{}, err
	}
	change := authn.Queue(f.mail(outbox.Welcome), nil, f.Sealer.Seal)
	change.Events = []audit.Event{e}
	change.Count = f.resends()
	return change, nil
}

// SetEmail asks somebody to confirm a new address, by a button in a mail to it, and tells the old one. Until the button
// is pressed the old address counts. Of somebody who has no password yet the old address may be a stranger's: it is
// told nothing, and the button that went to it stops working at once.
//
// fault.Refused: the account is deactivated, or has the address already; storage adds: or two-step authentication was
// reset less than authn.ApartFor ago. Other has the new address; nil: nobody; fault.Taken: it is another account.
func SetEmail(f Facts, email account.Email, other *account.Account) (authn.Change, error) {
	e, err := f.guard(audit.EmailChangeRequested)
	a := f.Account
	switch {
	case err != nil:
		return authn.Change{}, err
	case email == a.Email:
		return authn.Change{}, fmt.Errorf("%w: %s", fault.Refused, sameAddress)
	case other != nil && other.ID != a.ID:
		return authn.Change{}, fault.Taken
	}
	confirm := f.mail(outbox.EmailConfirm)
	confirm.Contents = outbox.Contents{To: email.Address} // no name: the new address may be mistyped
	change := authn.Queue(confirm, []byte(email.Address), f.Sealer.Seal)
	change.Events = []audit.Event{e}
	change.Cut = &authn.Cut{Account: a.ID, By: authn.ActAddressAsked}
	if a.State == account.Invited {
		change.Void = []authn.TicketVoid{{Account: a.ID, Purpose: authn.TicketWelcome}}
		return change, nil
	}
	tell := f.mail(outbox.EmailChanged)
	tell.Contents.Values = map[string]string{"email_masked": email.Masked()}
	change.Messages = append(change.Messages, tell.Seal(f.Sealer.Seal))
	return change, nil
}

// ResetTwoStep takes two-step authentication from an account whose owner lost phone and recovery codes. Whoever held
// the old factor is out: its credentials, sessions, tokens, remembered browsers, links and journeys end. The owner gets
// a mail with a button for when it was somebody else who asked. The account is marked (account.TwoStep): nobody is
// signed in before password and the button of another mail were given in one journey. The reason is kept in the audit
// record. fault.Refused: it has none; storage adds: or got a new address less than authn.ApartFor ago, and
// fault.Throttled where a person did ResetsPerHour.
func ResetTwoStep(f Facts) (authn.Change, error) {
	e, err := f.guard(audit.TwoStepReset)
	if err != nil {
		return authn.Change{}, err
	}
	a := f.Account
	retire := a.SecondCredentials()
	if len(retire) == 0 {
		return authn.Change{}, fmt.Errorf("it is not set up: %w", fault.Refused)
	}
	change := authn.Queue(f.mail(outbox.TwoStepReset), nil, f.Sealer.Seal)
	change.Retire = retire
	change.Cut = &authn.Cut{Account: a.ID, By: authn.ActTwoStepReset}      // before the ticket of the mail
	change.Forgive = []string{authn.CodeOwner(f.Sealer, a.Platform, a.ID)} // somebody else may have used the budget up
	change.End = &authn.End{Account: a.ID, Devices: true, Reason: "two-step reset"}
	change.Events = []audit.Event{e}
	change.Count = f.limits()
	return change, nil
}

// ResetsPerHour is how many resets one person does in an hour, counted where the act is saved: whoever wants more is
// stopped, because a helpdesk that is talked into one is talked into many. The operator is not counted.
const ResetsPerHour = 5

func (f Facts) limits() []authn.Limit {
	if f.Actor.Account == "" {
		return nil
	}
	key := hex.EncodeToString(f.Sealer.MAC("resets by staff", string(f.Platform)+"\x00"+string(f.Actor.Account)))
	return []authn.Limit{{Key: key, Max: ResetsPerHour, Window: time.Hour}}
}

// Unblock lets somebody log in at once after too many wrong passwords or codes: all counts of the account start again.
func Unblock(f Facts) (authn.Change, error) {
	e, err := f.guard(audit.AccountUnblocked)
	if err != nil {
		return authn.Change{}, err
	}
	a := f.Account
	return authn.Change{
		Platform: a.Platform, Events: []audit.Event{e}, Messages: f.mailOwner(outbox.UnblockedByStaff),
		Forgive: []string{authn.PasswordOwner(f.Sealer, a.Platform, a.Email.Key), authn.CodeOwner(f.Sealer, a.Platform, a.ID)},
	}, nil
}

// EndSessions ends all sessions of an account, with the tokens that derive from them and the remembered browsers.
// Storage adds fault.Throttled: a person did LogOutsPerHour.
func EndSessions(f Facts) (authn.Change, error) {
	e, err := f.guard(audit.AllSessionsEnded)
	if err != nil {
		return authn.Change{}, err
	}
	a := f.Account
	return authn.Change{
		Platform: a.Platform, End: &authn.End{Account: a.ID, Devices: true, Reason: "ended by staff"}, Events: []audit.Event{e},
		Messages: f.mailOwner(outbox.LoggedOutByStaff), Count: f.logOuts(),
	}, nil
}

// SetRole gives somebody another role. Manager is given, and a manager gets another role, where a second manager
// agreed.
func SetRole(f Facts, to platform.Role) (authn.Change, error) {
	f.gives = to
	e, err := f.guard(audit.RoleGiven)
	a := f.Account
	switch {
	case err != nil:
		return authn.Change{}, err
	case ranks[to] == 0:
		return authn.Change{}, fmt.Errorf("%w: role %q", fault.Invalid, to)
	case a.Role == to:
		return authn.Change{}, fmt.Errorf("%w: account that is %s", fault.Refused, to)
	}
	e.Reason = fmt.Sprintf("from %s to %s", a.Role, to)
	return authn.Change{
		Platform: a.Platform, Account: &authn.AccountChange{ID: a.ID, Role: &authn.RoleChange{From: a.Role, To: to}}, Events: []audit.Event{e},
		Messages: f.mailOwner(outbox.RoleByStaff),
	}, nil
}

// EndSession ends one session of an account: its event, and what the owner is told.
func EndSession(f Facts, sid string) (audit.Event, []outbox.Message, error) {
	e, err := f.guard(audit.SessionEnded)
	if err != nil {
		return e, nil, err
	}
	e.Session = sid
	return e, f.mailOwner(outbox.DeviceOutByStaff), nil
}

// ForgetDevice forgets one remembered browser of an account.
func ForgetDevice(f Facts) (authn.Change, error) {
	e, err := f.guard(audit.DeviceForgotten)
	if err != nil {
		return authn.Change{}, err
	}
	return authn.Change{
		Platform: f.Account.Platform, Events: []audit.Event{e}, Messages: f.mailOwner(outbox.ForgottenByStaff),
	}, nil
}

// RemoveDevice removes one device with the mobile app from an account, with its PIN.
func RemoveDevice(f Facts) (authn.Change, error) {
	e, err := f.guard(audit.DeviceRemoved)
	if err != nil {
		return authn.Change{}, err
	}
	return authn.Change{
		Platform: f.Account.Platform, Events: []audit.Event{e}, Messages: f.mailOwner(outbox.AppRemovedByStaff),
	}, nil
}

// StateChange is a state that an account gets, its event, and what its owner is told.
type StateChange struct {
	State account.State
	Event audit.Event
	Tells []outbox.Message
	Count []authn.Limit // happenings that this is; fault.Throttled, and nothing is saved, if one is too many
}

// Deactivate refuses sign-in and ends sessions and tokens at once; data is kept. Storage adds fault.Throttled, as of
// EndSessions.
func Deactivate(f Facts) (StateChange, error) {
	e, err := f.guard(audit.AccountDeactivated)
	if err != nil {
		return StateChange{}, err
	}
	return StateChange{State: account.Deactivated, Event: e, Tells: f.mailOwner(outbox.DeactivatedByStaff), Count: f.logOuts()}, nil
}

// Reactivate lets a deactivated account sign in again. One that has nothing to sign in with is invited, as it was.
func Reactivate(f Facts) (StateChange, error) {
	e, err := f.guard(audit.AccountReactivated)
	switch {
	case err != nil:
		return StateChange{}, err
	case !f.Account.CanSignIn():
		return StateChange{State: account.Invited, Event: e}, nil
	}
	tells := []outbox.Message{f.mail(outbox.ReactivatedByStaff).Seal(f.Sealer.Seal)}
	return StateChange{State: account.Active, Event: e, Tells: tells}, nil
}

// mailOwner is a mail that tells somebody who can sign in what was done; nobody else has anything to look for.
func (f Facts) mailOwner(kind outbox.Kind) []outbox.Message {
	if f.Account.State != account.Active {
		return nil
	}
	return []outbox.Message{f.mail(kind).Seal(f.Sealer.Seal)}
}

// mail is a draft of a mail to the account.
func (f Facts) mail(kind outbox.Kind) outbox.Draft {
	return outbox.To(f.Account, kind, f.Now)
}
