package staff

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// waitingCase is an act that waits, with who asks for it and who agrees.
type waitingCase struct {
	act    Act
	asker  platform.Role
	second platform.Role
	role   platform.Role // of the account
	raised platform.Role // above the asker
	lower  platform.Role // who may not agree
	state  account.State
	wish   ActDetails
	does   audit.Kind
	due    Ending
}

var waitingCases = []waitingCase{
	{ActReset, platform.Helpdesk, platform.Helpdesk, platform.Professional, platform.Helpdesk, platform.Professional, account.Active, ActDetails{}, audit.TwoStepReset, Done},
	{ActReset, platform.Manager, platform.Manager, platform.Helpdesk, platform.Manager, platform.Helpdesk, account.Active, ActDetails{}, audit.TwoStepReset, Done},
	{ActCorrectAddress, platform.Helpdesk, platform.Manager, platform.Professional, platform.Helpdesk, platform.Helpdesk, account.Invited, ActDetails{To: elsewhere}, audit.EmailChangeRequested, Done},
	{ActSetRole, platform.Manager, platform.Manager, platform.Helpdesk, platform.Manager, platform.Helpdesk, account.Active, ActDetails{Gives: platform.Manager}, audit.RoleGiven, Lapsed},
	{ActSetRole, platform.Manager, platform.Manager, platform.Manager, "superuser", platform.Helpdesk, account.Active, ActDetails{Gives: platform.Client}, audit.RoleGiven, Lapsed},
	{ActDeactivate, platform.Manager, platform.Manager, platform.Manager, "superuser", platform.Helpdesk, account.Active, ActDetails{}, audit.AccountDeactivated, Lapsed},
}

// asked is the facts of an act that was asked for, and what waits.
func (c waitingCase) asked(t *testing.T) (Facts, Pending, authn.Change) {
	t.Helper()
	f := facts(c.state)
	f.Now, f.Account.Role, f.Actor, f.Justification = rightsNow, c.role, staffed(c.asker), wanted(c.act)
	p, change, err := Ask(f, c.act, c.wish, []account.Account{
		{ID: "someone", Platform: "linde"}, {ID: "anna", Platform: "linde"}, {ID: "third", Platform: "linde"},
	})
	if err != nil {
		t.Fatalf("%s of %s: %v", c.act, c.role, err)
	}
	return f, p, change
}

// agreeing is another one who agrees, fresh.
func (c waitingCase) agreeing() Actor {
	return with(staffed(c.second), func(a *Actor) { a.Name, a.Account = "second", "second" })
}

func TestWhatWaitsIsNotDoneAtOnce(t *testing.T) {
	for _, c := range waitingCases {
		f, p, change := c.asked(t)
		if _, err := f.perform(c.act, c.wish); !errors.Is(err, Waits) && !errors.Is(err, NoSecond) {
			t.Errorf("%s of %s at once: %v", c.act, c.role, err)
		}
		want := Pending{
			ID: p.ID, Platform: "linde", Act: c.act, Account: "anna", Gives: c.wish.Gives, Address: c.wish.To.Address, EmailKey: "anna@example.org",
			Asker: "someone", Said: f.Justification, AskedAt: rightsNow, DueAt: rightsNow.Add(WaitsFor),
		}
		if p != want || p.ID == "" {
			t.Errorf("%+v, want %+v", p, want)
		}
		if e := change.Events; len(e) != 1 || e[0].Kind != audit.ActAsked || e[0].Actor != "someone" || e[0].Account != "anna" || e[0].Reason != string(c.act) {
			t.Errorf("%s: events %+v", c.act, e)
		}
		var kinds []outbox.Kind
		for _, m := range change.Messages {
			kinds = append(kinds, m.Kind)
			if to := map[bool]account.ID{true: "anna", false: "third"}[m.Kind == outbox.ResetAsked]; m.Account != to {
				t.Errorf("%s: %s to %s", c.act, m.Kind, m.Account)
			}
		}
		mails := map[Act]outbox.Kind{
			ActReset: outbox.ResetAsked, ActCorrectAddress: outbox.AddressWaits, ActSetRole: outbox.SecondWanted, ActDeactivate: outbox.SecondWanted,
		}
		if !slices.Equal(kinds, []outbox.Kind{mails[c.act]}) {
			t.Errorf("%s: mails %v", c.act, kinds)
		}
		if c.act == ActReset != (len(change.Issue) == 1 && change.Issue[0].Purpose == authn.TicketStop) || c.act == ActReset != (len(change.Count) == 1) {
			t.Errorf("%s: tickets %v, counts %v", c.act, change.Issue, change.Count)
		}
	}
}

// What does not wait is not asked for: it would only be slower. Nobody asks for what he may not do.
func TestAskRefuses(t *testing.T) {
	for _, c := range waitingCases {
		for says, change := range map[string]func(*Facts){
			"a client":         func(f *Facts) { f.Account.Role = platform.Client },
			"by the operator":  func(f *Facts) { f.Actor = Operator("cli test") },
			"by a client":      func(f *Facts) { f.Actor = staffed(platform.Client) },
			"of oneself":       func(f *Facts) { f.Actor.Account = "anna" },
			"by a system":      func(f *Facts) { f.Actor = system("accounts:invite", "accounts:write") },
			"who is not there": func(f *Facts) { f.Actor.Active = false },
			"deactivated":      func(f *Facts) { f.Account.State = account.Deactivated },
		} {
			f := facts(c.state)
			f.Now, f.Account.Role, f.Actor, f.Justification = rightsNow, c.role, staffed(c.asker), wanted(c.act)
			change(&f)
			if says == "a client" && c.wish.Gives == platform.Manager {
				continue // which waits for everybody
			}
			if p, _, err := Ask(f, c.act, c.wish, nil); !errors.Is(err, fault.Refused) || p != (Pending{}) {
				t.Errorf("%s %s of %s: %v", c.act, says, c.role, err)
			}
		}
		f := facts(c.state)
		f.Now, f.Account.Role, f.Actor, f.Justification = rightsNow, c.role, staffed(c.asker), Justification{Reason: "because"}
		if _, _, err := Ask(f, c.act, c.wish, nil); err == nil {
			t.Errorf("%s for no reason of ours", c.act)
		}
	}
}

// What waits is done with the rights of both as they are then, to the account as it is then. dropped: whoever agrees is
// right, and it cannot be done any more; refused: he may not agree, and it goes on waiting.
func TestPendingActsMeetWhatChangedMeanwhile(t *testing.T) {
	type moment struct {
		f     Facts
		p     Pending
		asker Actor
	}
	for says, row := range map[string]struct {
		change  func(waitingCase, *moment)
		agree   error // nil: it is done
		due     error // nil: it is done, or lapses
		waiting bool  // agrees is what refuses: the act goes on waiting
	}{
		"nothing":                {func(waitingCase, *moment) {}, nil, nil, false},
		"asker demoted":          {func(_ waitingCase, m *moment) { m.asker.Role = platform.Client }, fault.Refused, fault.Refused, false},
		"asker deactivated":      {func(_ waitingCase, m *moment) { m.asker.Active = false }, fault.Refused, fault.Refused, false},
		"subject raised":         {func(c waitingCase, m *moment) { m.f.Account.Role = c.raised }, fault.Refused, fault.Refused, false},
		"subject deactivated":    {func(_ waitingCase, m *moment) { m.f.Account.State = account.Deactivated }, fault.Refused, fault.Refused, false},
		"address changed":        {func(_ waitingCase, m *moment) { m.f.Account.Email = elsewhere }, fault.Refused, fault.Refused, false},
		"second is the asker":    {func(_ waitingCase, m *moment) { m.f.Actor.Account = "someone" }, fault.Refused, nil, true},
		"second is the subject":  {func(_ waitingCase, m *moment) { m.f.Actor.Account = "anna" }, fault.Refused, nil, true},
		"second of lower rank":   {func(c waitingCase, m *moment) { m.f.Actor.Role = c.lower }, fault.Refused, nil, true},
		"second is a client":     {func(_ waitingCase, m *moment) { m.f.Actor.Role = platform.Client }, fault.Refused, nil, true},
		"second not active":      {func(_ waitingCase, m *moment) { m.f.Actor.Active = false }, fault.Refused, nil, true},
		"stale confirmation":     {func(_ waitingCase, m *moment) { m.f.Actor.FreshAt = rightsNow.Add(-FreshFor - 1) }, NotFresh, nil, true},
		"never fresh":            {func(_ waitingCase, m *moment) { m.f.Actor.FreshAt = m.f.Actor.FreshAt.Add(-1e18) }, NotFresh, nil, true},
		"second of another":      {func(_ waitingCase, m *moment) { m.f.Actor.Platform = "wilg" }, fault.NotFound, nil, true},
		"second is a system":     {func(_ waitingCase, m *moment) { m.f.Actor = system("accounts:write") }, fault.Refused, nil, true},
		"second is the operator": {func(_ waitingCase, m *moment) { m.f.Actor = Operator("cli") }, fault.NotFound, nil, true},
	} {
		for _, c := range waitingCases {
			f, p, _ := c.asked(t)
			m := moment{f, p, with(staffed(c.asker), func(a *Actor) { a.FreshAt = a.FreshAt.Add(-WaitsFor) })}
			m.f.Actor, m.f.Justification = c.agreeing(), Justification{}
			row.change(c, &m)
			_, refused := m.f.agrees(m.p)
			change, err := Confirm(m.f, m.p, m.asker, c.wish)
			if !errors.Is(err, row.agree) || row.agree == nil && err != nil {
				t.Errorf("%s of %s, %s: agreeing: %v, want %v", c.act, c.role, says, err, row.agree)
			}
			if row.waiting && refused == nil {
				t.Errorf("%s of %s, %s: he may agree", c.act, c.role, says)
			}
			if err == nil {
				e := change.Events
				if len(e) != 2 || e[0].Kind != audit.ActConfirmed || e[0].Actor != "second" || e[1].Kind != c.does || e[1].Actor != "someone" ||
					e[1].StatedReason != string(p.Said.Reason) || e[1].Identified != string(p.Said.Identified) || len(change.Count) > 0 {
					t.Errorf("%s of %s: done as %+v", c.act, c.role, e)
				}
			}
			m.f.Actor, m.f.Now = Actor{}, p.DueAt
			change, how, err := Due(m.f, m.p, m.asker, c.wish)
			switch {
			case c.due == Lapsed && says != "subject raised" && says != "subject deactivated":
				// Whatever happened, nobody agreed; and what would be done at once by now, the asker may not do any more.
				if err == nil && (how != Lapsed || change.Events[0].Kind != audit.ActLapsed) {
					t.Errorf("%s of %s, %s: due: %s, %v", c.act, c.role, says, how, change.Events)
				}
			case c.due == Lapsed:
				if err == nil && how != Lapsed {
					t.Errorf("%s of %s, %s: due: %s", c.act, c.role, says, how)
				}
			case !errors.Is(err, row.due) || row.due == nil && (err != nil || how != c.due || change.Events[0].Kind != c.does):
				t.Errorf("%s of %s, %s: due: %s, %v, want %v", c.act, c.role, says, how, err, row.due)
			}
		}
	}
}

// What wants a second one lapses with its time: who agrees a moment too late does nothing.
func TestASecondOneAgreesInTime(t *testing.T) {
	for _, c := range waitingCases {
		f, p, _ := c.asked(t)
		f.Actor, f.Now = c.agreeing(), p.DueAt
		f.Actor.FreshAt = f.Now
		_, err := Confirm(f, p, staffed(c.asker), c.wish)
		if lapses := c.due == Lapsed; lapses != errors.Is(err, fault.Expired) || !lapses && err != nil {
			t.Errorf("%s at its time: %v", c.act, err)
		}
	}
}

func TestWhoMayWithdraw(t *testing.T) {
	for _, c := range waitingCases {
		f, p, _ := c.asked(t)
		for says, row := range map[string]struct {
			by  Actor
			err error
		}{
			"asker":             {staffed(c.asker), nil},
			"asker, demoted":    {staffed(platform.Client), nil}, // it comes to nothing anyhow
			"asker, gone":       {with(staffed(c.asker), func(a *Actor) { a.Active = false }), fault.Refused},
			"second":            {c.agreeing(), nil},
			"second, not fresh": {with(c.agreeing(), func(a *Actor) { a.FreshAt = rightsNow.Add(-1e13) }), nil},
			"another client":    {with(staffed(platform.Client), func(a *Actor) { a.Account = "other" }), fault.Refused},
			"elsewhere":         {with(c.agreeing(), func(a *Actor) { a.Platform = "wilg" }), fault.NotFound},
		} {
			f.Actor = row.by
			change, err := Withdraw(f, p)
			if !errors.Is(err, row.err) || row.err == nil && err != nil {
				t.Errorf("%s withdraws %s: %v", says, c.act, err)
			}
			if err == nil && (change.Events[0].Kind != audit.ActWithdrawn || (len(change.Void) == 1) != (c.act == ActReset)) {
				t.Errorf("%s withdraws %s: %+v", says, c.act, change)
			}
		}
	}
}

// What pages offer is what is taken.
func TestWhoMayAgreeOrWithdrawIsSaidBefore(t *testing.T) {
	for _, c := range waitingCases {
		f, p, _ := c.asked(t)
		on := Subject{Account: f.Account.ID, Role: f.Account.Role, Platform: f.Account.Platform, Gives: c.wish.Gives}
		if waits, lapses := MustWait(c.act, on); !waits || lapses != (c.due == Lapsed) {
			t.Errorf("%s of %s: waits %t, lapses %t", c.act, c.role, waits, lapses)
		}
		second := c.agreeing()
		second.FreshAt = rightsNow.Add(-time.Hour)
		lower := with(staffed(c.lower), func(a *Actor) { a.Name, a.Account = "third", "third" })
		foreign := with(second, func(a *Actor) { a.Platform = "wilg" })
		for who, row := range map[string]struct {
			by               Actor
			agree, withdraws bool
		}{
			"asker": {f.Actor, false, true}, "second": {second, true, true}, "lower": {lower, false, false}, "foreign": {foreign, false, false},
			"nobody": {Actor{}, false, false},
		} {
			if got := p.MayAgree(row.by, on, rightsNow); got != row.agree {
				t.Errorf("%s of %s: %s may agree: %t", c.act, c.role, who, got)
			}
			if got := p.MayWithdraw(row.by, on, rightsNow); got != row.withdraws {
				t.Errorf("%s of %s: %s may withdraw: %t", c.act, c.role, who, got)
			}
		}
	}
	if waits, _ := MustWait(ActReset, Subject{Role: platform.Client}); waits {
		t.Error("a client waits")
	}
}

// The operator resets a manager, whom nobody of the platform may reset: in a day, with all other managers told, and
// everybody else at once.
func TestOperatorResetsAManagerInADay(t *testing.T) {
	for role, want := range map[platform.Role]error{
		platform.Client: nil, platform.Relative: nil, platform.Professional: nil, platform.Helpdesk: nil, platform.Manager: Waits,
	} {
		f := saying(audit.TwoStepReset, facts(account.Active))
		f.Account.Role, f.Actor = role, Operator("cli ria")
		if _, err := ResetTwoStep(f); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", role, err, want)
		}
	}
	f := saying(audit.TwoStepReset, facts(account.Active))
	f.Account.Role, f.Actor = platform.Manager, Operator("cli ria")
	managers := []account.Account{*f.Account, {ID: "mo", Platform: "linde"}, {ID: "bo", Platform: "linde"}}
	p, change, err := Ask(f, ActReset, ActDetails{}, managers)
	if err != nil {
		t.Fatal(err)
	}
	told := map[account.ID]outbox.Kind{}
	for _, m := range change.Messages {
		told[m.Account] = m.Kind
	}
	if want := map[account.ID]outbox.Kind{"anna": outbox.ResetAsked, "mo": outbox.ManagerReset, "bo": outbox.ManagerReset}; !maps.Equal(told, want) {
		t.Errorf("mails %v, want %v", told, want)
	}
	if p.Asker != "cli ria" || p.DueAt.Sub(p.AskedAt) != 24*time.Hour || len(change.Count) > 0 || len(change.Issue) != 1 {
		t.Errorf("%+v, counts %d, tickets %d", p, len(change.Count), len(change.Issue))
	}
	// Nobody of the platform may agree, nor is it anybody's to withdraw but by the owner's button.
	second := f
	second.Actor = Actor{Name: "mo", Account: "mo", Platform: "linde", Role: platform.Manager, Active: true, FreshAt: f.Now}
	if _, err := Confirm(second, p, f.Actor, ActDetails{}); !errors.Is(err, fault.Refused) {
		t.Errorf("agreed to: %v", err)
	}
	due := f
	due.Actor, due.Now = Actor{}, p.DueAt
	done, how, err := Due(due, p, Operator(string(p.Asker)), ActDetails{})
	if err != nil || how != Done || len(done.Retire) == 0 || done.Events[0].Actor != "cli ria" {
		t.Errorf("when its time comes: %v, %s, %+v", err, how, done)
	}
	// Whoever is named otherwise asks for nothing.
	f.Actor = Operator("somebody")
	if _, _, err := Ask(f, ActReset, ActDetails{}, managers); !errors.Is(err, fault.Refused) {
		t.Errorf("by somebody: %v", err)
	}
}
