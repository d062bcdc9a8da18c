package authn_test

import (
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
)

var (
	acts = []authn.Act{
		authn.ActActivated, authn.ActPassword, authn.ActAddressAsked, authn.ActAddress, authn.ActDeactivated, authn.ActTwoStepReset,
		authn.ActOwnerShown, authn.ActStopped,
	}
	ticketPurposes = []authn.TicketPurpose{
		authn.TicketWelcome, authn.TicketReset, authn.TicketSignUp, authn.TicketUnblock, authn.TicketEmail, authn.TicketFreeze,
		authn.TicketDevice, authn.TicketStop, authn.TicketReferral, authn.TicketAfterReset, authn.TicketSMS, authn.TicketMailCode, authn.TicketRecoveryCode,
	}
)

// What voids what, written out: an x is a ticket that stops working.
func TestWhatVoidsWhat(t *testing.T) {
	columns := "welcome reset sign-up unblock email freeze device stop referral after-reset sms mail-code recovery-code journeys waiting"
	for act, row := range map[authn.Act]string{
		authn.ActActivated:    "x . . . . . . . . . . . . . .",
		authn.ActPassword:     "x x . x . . . . . . . . . x .",
		authn.ActAddressAsked: ". . . . x . . x . . . . . . x",
		authn.ActAddress:      "x x . x x x x x . x . . . . x",
		authn.ActDeactivated:  "x x . x x x x x x x x . . x x",
		authn.ActTwoStepReset: "x x . x x x x x x x x . x x x",
		authn.ActOwnerShown:   ". . . . . . . . . x . . . x .",
		authn.ActStopped:      ". . . . . . . x . . . . . . x",
	} {
		got := ""
		for _, purpose := range ticketPurposes {
			got += mark(slices.Contains(act.Voids(), purpose)) + " "
		}
		if got += mark(act.EndsJourneys()) + " " + mark(act.EndsWaiting()); got != row {
			t.Errorf("%s voids\n%s\n%s, want\n%s", act, columns, got, row)
		}
		if done := act == authn.ActActivated || act == authn.ActPassword || act == authn.ActOwnerShown || act == authn.ActStopped; act.Done() != done {
			t.Errorf("%s: what it voids counts as used: %t", act, act.Done())
		}
	}
}

func mark(b bool) string {
	if b {
		return "x"
	}
	return "."
}

// Staff's two acts wait for each other, and for nothing else.
func TestActsThatAreKeptApart(t *testing.T) {
	for _, act := range acts {
		want := map[authn.Act]authn.Act{authn.ActAddressAsked: authn.ActTwoStepReset, authn.ActTwoStepReset: authn.ActAddressAsked}[act]
		if got := act.Apart(); got != want {
			t.Errorf("%s waits for %q, want %q", act, got, want)
		}
	}
}

func TestActsOfAChange(t *testing.T) {
	email := account.Email{Address: "b@example.org", Key: "b@example.org"}
	for name, row := range map[string]struct {
		change authn.Change
		want   []authn.Act
	}{
		"nothing":     {authn.Change{Account: &authn.AccountChange{Locale: "nl", Verified: true, Offered: true}}, nil},
		"a cut":       {authn.Change{Cut: &authn.Cut{By: authn.ActPassword}}, []authn.Act{authn.ActPassword}},
		"a welcome":   {authn.Change{Cut: &authn.Cut{By: authn.ActPassword}, Account: &authn.AccountChange{Activate: true}}, []authn.Act{authn.ActPassword, authn.ActActivated}},
		"an address":  {authn.Change{Account: &authn.AccountChange{Email: &email}}, []authn.Act{authn.ActAddress}},
		"the end":     {authn.Change{Account: &authn.AccountChange{Stop: true}}, []authn.Act{authn.ActDeactivated}},
		"the owner":   {authn.Change{Account: &authn.AccountChange{OwnerShown: true}}, []authn.Act{authn.ActOwnerShown}},
		"an addition": {authn.Change{Add: &account.Account{}}, nil},
	} {
		if got := row.change.Acts(); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

func TestActsOfADeclaration(t *testing.T) {
	with := func(s account.State, credentials ...account.Credential) *account.Account {
		return &account.Account{State: s, Credentials: credentials}
	}
	old := account.Credential{ID: "old", Use: account.Primary}
	fresh := account.Credential{ID: "fresh", Use: account.Primary}
	totp := account.Credential{ID: "totp", Use: account.Second}
	for name, row := range map[string]struct {
		before, after *account.Account
		want          []authn.Act
	}{
		"as it was":         {with(account.Active, old), with(account.Active, old), nil},
		"a second factor":   {with(account.Active, old), with(account.Active, old, totp), nil},
		"another password":  {with(account.Active, old), with(account.Active, fresh), []authn.Act{authn.ActPassword}},
		"a first password":  {with(account.Invited), with(account.Active, fresh), []authn.Act{authn.ActActivated, authn.ActPassword}},
		"still invited":     {with(account.Invited), with(account.Invited), nil},
		"deactivated":       {with(account.Active, old), with(account.Deactivated, old), []authn.Act{authn.ActDeactivated}},
		"active once again": {with(account.Deactivated, old), with(account.Active, old), nil},
	} {
		if got := authn.Declared(row.before, row.after); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

// A journey that knew its account before the account was cut is over, whatever the clocks say; where a node of the
// release before saved it, the clock must do.
func TestJourneyOfBeforeTheCut(t *testing.T) {
	for name, row := range map[string]struct {
		journey authn.Journey
		cutAt   time.Time
		want    bool
	}{
		"never cut":                      {authn.Journey{Progress: authn.Progress{Account: "anna"}}, time.Time{}, false},
		"cut since":                      {authn.Journey{Progress: authn.Progress{Account: "anna"}, StartedAt: at(9)}, at(5), true},
		"knew it afterwards":             {authn.Journey{Progress: authn.Progress{Account: "anna", CutAt: at(5)}}, at(5), false},
		"cut again since":                {authn.Journey{Progress: authn.Progress{Account: "anna", CutAt: at(5)}}, at(6), true},
		"somebody else's":                {authn.Journey{Progress: authn.Progress{Account: "bram"}}, at(5), false},
		"nobody's yet":                   {authn.Journey{}, at(5), false},
		"of an older node, began before": {authn.Journey{Progress: authn.Progress{Account: "anna", Unlinked: true}, StartedAt: at(4)}, at(5), true},
		"of an older node, began after":  {authn.Journey{Progress: authn.Progress{Account: "anna", Unlinked: true}, StartedAt: at(6)}, at(5), false},
		"of an older node, never cut":    {authn.Journey{Progress: authn.Progress{Account: "anna", Unlinked: true}, StartedAt: at(6)}, time.Time{}, false},
	} {
		if got := row.journey.EndedByAct(&account.Account{ID: "anna", CutAt: row.cutAt}); got != row.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestJourneyKeepsWhatItKnewOfItsAccount(t *testing.T) {
	j := authn.Journey{}
	j.SetAccount(&account.Account{ID: "anna", CutAt: at(1)})
	j.SetAccount(&account.Account{ID: "anna", CutAt: at(2)})
	if j.Account != "anna" || !j.CutAt.Equal(at(1)) {
		t.Errorf("a password shown again hides the cut: %+v", j)
	}
	j.SetAccount(&account.Account{ID: "bram", CutAt: at(3)})
	if j.Account != "bram" || !j.CutAt.Equal(at(3)) {
		t.Errorf("another account: %+v", j)
	}
}

func TestTicketsFitTheStateOfTheirAccount(t *testing.T) {
	states := []account.State{account.Invited, account.Active, account.Deactivated}
	for _, purpose := range ticketPurposes {
		want := map[authn.TicketPurpose]string{
			authn.TicketWelcome: "x . .", authn.TicketReset: ". x .", authn.TicketUnblock: ". x .", authn.TicketEmail: "x x .",
			authn.TicketReferral:   ". x .",
			authn.TicketAfterReset: ". x .",
		}[purpose]
		if want == "" {
			want = "x x x"
		}
		got := mark(purpose.Fits(states[0])) + " " + mark(purpose.Fits(states[1])) + " " + mark(purpose.Fits(states[2]))
		if got != want {
			t.Errorf("%s for %v: %s, want %s", purpose, states, got, want)
		}
		several := []authn.TicketPurpose{authn.TicketDevice, authn.TicketSignUp, authn.TicketReferral, authn.TicketSMS, authn.TicketMailCode, authn.TicketRecoveryCode}
		one := !slices.Contains(several, purpose)
		if purpose.OneWorks() != one {
			t.Errorf("%s: one works at a time: %t", purpose, purpose.OneWorks())
		}
	}
}
