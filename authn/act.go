package authn

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
)

// Act is something that happens to an account as a whole, whoever does it. What was under way for the account before it
// no longer counts. A staff.Act is something else: what staff may do.
type Act string

const (
	ActActivated    Act = "activated"     // it has its first password, by whatever way, and is active from now on
	ActPassword     Act = "password"      // a new password was set
	ActAddressAsked Act = "address-asked" // staff gave a new address, which is to be confirmed
	ActAddress      Act = "address"       // a new address was confirmed
	ActDeactivated  Act = "deactivated"   // by staff, or by the button for "this was not me"
	ActTwoStepReset Act = "two-step-reset"
	ActOwnerShown   Act = "owner-shown" // after such a reset password and mail were given in one journey
	ActStopped      Act = "stopped"     // the owner stopped what staff asked for and what waits
)

// effect is one row of the table: what an act ends.
type effect struct {
	voids    []TicketPurpose
	done     bool // they count as used: what they were for was done without them
	journeys bool // those of the account end, and with them the set-ups that they hold; but for the one that does it
	apart    Act  // it is refused within ApartFor of this one
	waiting  bool // what staff asked for the account, and what waits, comes to nothing
}

// effects is what voids what. It is the only place that knows; storage carries it out in the transaction of the act,
// before the tickets that come with the act are issued.
var effects = map[Act]effect{
	ActActivated:    {voids: []TicketPurpose{TicketWelcome}, done: true},
	ActPassword:     {voids: []TicketPurpose{TicketWelcome, TicketReset, TicketUnblock}, done: true, journeys: true},
	ActAddressAsked: {voids: []TicketPurpose{TicketEmail, TicketStop}, apart: ActTwoStepReset, waiting: true},
	ActAddress: {
		voids: []TicketPurpose{
			TicketWelcome, TicketReset, TicketUnblock, TicketEmail, TicketFreeze, TicketDevice, TicketStop, TicketAfterReset,
		},
		waiting: true,
	},
	ActDeactivated: {
		voids: []TicketPurpose{
			TicketWelcome, TicketReset, TicketUnblock, TicketEmail, TicketFreeze, TicketDevice, TicketStop, TicketReferral,
			TicketAfterReset, TicketSMS,
		},
		journeys: true, waiting: true,
	},
	ActTwoStepReset: {
		voids: []TicketPurpose{
			TicketWelcome, TicketReset, TicketUnblock, TicketEmail, TicketFreeze, TicketDevice, TicketStop, TicketReferral,
			TicketAfterReset, TicketSMS, TicketRecoveryCode,
		},
		journeys: true, apart: ActAddressAsked, waiting: true,
	},
	// Somebody else may have given the password in a journey that waits for the mail.
	ActOwnerShown: {voids: []TicketPurpose{TicketAfterReset}, done: true, journeys: true},
	ActStopped:    {voids: []TicketPurpose{TicketStop}, done: true, waiting: true},
}

// Voids lists the tickets of the account that stop working.
func (a Act) Voids() []TicketPurpose { return effects[a].voids }

// Done reports whether they count as used, because what they were for was done without them.
func (a Act) Done() bool { return effects[a].done }

// EndsJourneys reports whether the journeys of the account end, but for the one that does it.
func (a Act) EndsJourneys() bool { return effects[a].journeys }

// EndsWaiting reports whether what staff asked for the account, and what waits, comes to nothing: it was asked for the
// account as it was.
func (a Act) EndsWaiting() bool { return effects[a].waiting }

// ApartFor is how long a new address by staff and a reset of two-step authentication by staff are kept apart. Whoever
// talks a helpdesk into both has the account, and the mail of each that tells its owner goes to the address of then.
const ApartFor = 24 * time.Hour

// ErrTooSoon is why an act is refused within ApartFor of another. It is fault.Refused, and reads like it.
var ErrTooSoon error = tooSoon{}

type tooSoon struct{}

func (tooSoon) Error() string { return fault.Refused.Error() }

// Unwrap makes it fault.Refused.
func (tooSoon) Unwrap() error { return fault.Refused }

// Apart is the act that must be ApartFor ago; empty: none.
func (a Act) Apart() Act { return effects[a].apart }

// Happened says it to staff who must wait because of it.
func (a Act) Happened() string {
	switch a {
	case ActAddressAsked:
		return "a new address was asked for or confirmed"
	case ActTwoStepReset:
		return "two-step authentication was reset"
	}
	return string(a)
}

// Cut says by which act what was under way for an account ends.
type Cut struct {
	Account account.ID
	By      Act
}

// Acts lists what a change does to the account as a whole: what Cut says, and what follows from its other parts.
func (c *Change) Acts() []Act {
	var acts []Act
	if c.Cut != nil {
		acts = append(acts, c.Cut.By)
	}
	if a := c.Account; a != nil {
		if a.Activate {
			acts = append(acts, ActActivated)
		}
		if a.Email != nil {
			acts = append(acts, ActAddress)
		}
		if a.Stop {
			acts = append(acts, ActDeactivated)
		}
		if a.OwnerShown {
			acts = append(acts, ActOwnerShown)
		}
	}
	return acts
}

// Declared lists what a declaration by an operator does to an account that exists.
func Declared(before, after *account.Account) []Act {
	var acts []Act
	if after.State == account.Deactivated {
		acts = append(acts, ActDeactivated)
	}
	if before.State == account.Invited && after.State == account.Active {
		acts = append(acts, ActActivated)
	}
	had := func(c account.Credential) bool {
		return slices.ContainsFunc(before.Credentials, func(old account.Credential) bool { return old.ID == c.ID })
	}
	if slices.ContainsFunc(after.Credentials, func(c account.Credential) bool { return c.Use == account.Primary && !had(c) }) {
		acts = append(acts, ActPassword)
	}
	return acts
}

// EndedByAct reports whether the journey came to know its account before the last act that ended the journeys of it.
// One that a node of the release before has saved does not say; it is held against the time of that act.
func (j *Journey) EndedByAct(a *account.Account) bool {
	switch {
	case j.Account != a.ID:
		return false
	case j.Unlinked:
		return j.StartedAt.Before(a.CutAt)
	}
	return !j.CutAt.Equal(a.CutAt)
}

// SetAccount makes the journey that of an account, as the account is now. Of one that it knew before it keeps what it
// knew then.
func (j *Journey) SetAccount(a *account.Account) {
	if j.Account != a.ID {
		j.Account, j.CutAt, j.Unlinked = a.ID, a.CutAt, false
	}
}

// OneWorks reports whether of tickets of this purpose an account has one at a time that works: a newer one voids it.
func (p TicketPurpose) OneWorks() bool {
	switch p {
	case TicketWelcome, TicketReset, TicketUnblock, TicketEmail, TicketFreeze, TicketStop, TicketAfterReset:
		return true
	}
	return false
}

// Fits reports whether a ticket of this purpose may be given to an account of that state.
func (p TicketPurpose) Fits(s account.State) bool {
	switch p {
	case TicketWelcome:
		return s == account.Invited
	case TicketReset, TicketUnblock, TicketReferral, TicketAfterReset:
		return s == account.Active
	case TicketEmail:
		return s != account.Deactivated
	}
	return true
}
