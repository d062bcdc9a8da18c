package staff_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// ward has helpers, managers, two therapists and one who never signed in.
var ward = []idptest.Demo{{
	Accounts: []string{
		"email: baas@example.org, role: manager", "email: tweede@example.org, role: manager",
		"email: hulp@example.org, role: helpdesk", "email: ander@example.org, role: helpdesk",
		"email: tess@example.org, role: professional, totp_secret: " + idptest.TOTPSecret,
		"email: tom@example.org, role: professional, totp_secret: " + idptest.TOTPSecret,
	},
	Invited: []string{"email: nieuw@example.org, role: professional"},
}}

// nodes are two of some platforms, on each database.
func nodes(t *testing.T, of []idptest.Demo, test func(t *testing.T, nodes []*idptest.Server)) {
	idptest.EachNodes(t, 2, func(t *testing.T, databases []*storage.DB) {
		all := []*idptest.Server{idptest.NewServer(t, databases[0]), idptest.NewServer(t, databases[1])}
		all[0].Declare(of...)
		test(t, all)
	})
}

func whoIs(t *testing.T, node *idptest.Server, email string) *account.Account {
	t.Helper()
	return find(t, node, "linde", email)
}

// later moves the clocks of all nodes.
func later(all []*idptest.Server, d time.Duration) {
	for _, s := range all {
		s.Clock.Later(d)
	}
}

func enrolled(t *testing.T, node *idptest.Server, email string) bool {
	return len(whoIs(t, node, email).SecondCredentials()) > 0
}

// tally says how many events there are of each of some kinds.
func tally(t *testing.T, node *idptest.Server, kinds ...audit.Kind) string {
	t.Helper()
	all, err := node.DB.Events(t.Context(), "linde", 1000)
	must(t, err)
	var said []string
	for _, k := range kinds {
		n := 0
		for _, e := range all {
			if e.Kind == k {
				n++
			}
		}
		said = append(said, fmt.Sprintf("%s %d", k, n))
	}
	return strings.Join(said, ", ")
}

// reasons are those of all events of a kind.
func reasons(t *testing.T, node *idptest.Server, kind audit.Kind) (all []string) {
	t.Helper()
	events, err := node.DB.Events(t.Context(), "linde", 1000)
	must(t, err)
	for _, e := range events {
		if e.Kind == kind {
			all = append(all, e.Reason)
		}
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// carryOut is the job at every node, at once.
func carryOut(t *testing.T, all []*idptest.Server) {
	t.Helper()
	var both sync.WaitGroup
	for i := range 6 {
		node := all[i%2]
		both.Go(func() {
			if _, err := node.Tools().Acts().CarryOut(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}

// The reset of a therapist waits a day, and is done once, whichever nodes find it due; or sooner, when another helper
// agrees. Until then the old factor stands.
func TestResetOfATherapistWaits(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		tess := staff.ByAddress("tess@example.org")
		if err := person(t, all[0], "hulp@example.org").ResetTwoStep(t.Context(), "linde", tess, lostPhone); !errors.Is(err, staff.Waits) {
			t.Fatalf("at once: %v", err)
		}
		p, err := person(t, all[0], "hulp@example.org").AskReset(t.Context(), "linde", tess, lostPhone)
		must(t, err)
		if _, err := person(t, all[1], "baas@example.org").AskReset(t.Context(), "linde", tess, lostPhone); !errors.Is(err, fault.Taken) {
			t.Errorf("asked again: %v", err)
		}
		waiting, err := person(t, all[1], "ander@example.org").PendingOf(t.Context(), "linde", whoIs(t, all[1], "tess@example.org").ID)
		if err != nil || len(waiting) != 1 || waiting[0] != p {
			t.Errorf("it waits: %+v, %v", waiting, err)
		}
		if _, err := person(t, all[1], "tom@example.org").Pending(t.Context(), "linde"); !errors.Is(err, fault.Refused) {
			t.Errorf("a therapist lists what waits: %v", err)
		}
		for _, who := range []string{"hulp@example.org", "tess@example.org", "tom@example.org"} {
			if err := person(t, all[1], who).Confirm(t.Context(), "linde", p.ID); !errors.Is(err, fault.Refused) {
				t.Errorf("%s agrees: %v", who, err)
			}
		}
		later(all, staff.WaitsFor-time.Second)
		carryOut(t, all)
		if !enrolled(t, all[0], "tess@example.org") {
			t.Fatal("it is done before its time")
		}
		later(all, time.Second)
		carryOut(t, all)
		if got := tally(t, all[1], audit.ActAsked, audit.TwoStepReset); enrolled(t, all[1], "tess@example.org") || got != "act.ask 1, two_step.reset 1" {
			t.Errorf("at its time: %s", got)
		}

		p, err = person(t, all[0], "hulp@example.org").AskReset(t.Context(), "linde", staff.ByAddress("tom@example.org"), lostPhone)
		must(t, err)
		stale := person(t, all[1], "ander@example.org")
		stale.Actor.FreshAt = stale.Now.Add(-staff.FreshFor - time.Second)
		if err := stale.Confirm(t.Context(), "linde", p.ID); !errors.Is(err, staff.NotFresh) {
			t.Errorf("not fresh: %v", err)
		}
		if err := person(t, all[1], "ander@example.org").Confirm(t.Context(), "wilg", p.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("on another platform: %v", err)
		}
		must(t, person(t, all[1], "ander@example.org").Confirm(t.Context(), "linde", p.ID))
		if got := tally(t, all[1], audit.ActConfirmed, audit.TwoStepReset); enrolled(t, all[1], "tom@example.org") || got != "act.confirm 1, two_step.reset 2" {
			t.Errorf("agreed: %s", got)
		}
		if err := person(t, all[1], "baas@example.org").Confirm(t.Context(), "linde", p.ID); err == nil {
			t.Error("agreed twice")
		}
		if err := person(t, all[1], "baas@example.org").Withdraw(t.Context(), "linde", p.ID); !errors.Is(err, fault.Spent) {
			t.Errorf("withdrawn afterwards: %v", err)
		}
	})
}

// The rights of the asker are those that he has when the act is done.
func TestWhatADemotedHelperAskedForIsDropped(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		p, err := person(t, all[0], "hulp@example.org").AskReset(t.Context(), "linde", staff.ByAddress("tess@example.org"), lostPhone)
		must(t, err)
		q, err := person(t, all[0], "hulp@example.org").AskReset(t.Context(), "linde", staff.ByAddress("tom@example.org"), lostPhone)
		must(t, err)
		must(t, person(t, all[1], "baas@example.org").SetRole(t.Context(), "linde", staff.ByAddress("hulp@example.org"), platform.Client, staff.Justification{Reason: staff.LeftTask}))
		if err := person(t, all[0], "baas@example.org").Confirm(t.Context(), "linde", q.ID); !errors.Is(err, fault.Refused) {
			t.Errorf("a manager agrees with who is no helper any more: %v", err)
		}
		later(all, staff.WaitsFor)
		carryOut(t, all)
		for _, id := range []string{p.ID, q.ID} {
			got, err := all[1].DB.Pending(t.Context(), "linde", id)
			if err != nil || got.End.How != staff.Dropped {
				t.Errorf("%+v, %v", got.End, err)
			}
		}
		if !enrolled(t, all[0], "tess@example.org") || !enrolled(t, all[0], "tom@example.org") {
			t.Error("it was done")
		}
		if got := tally(t, all[0], audit.ActDropped, audit.ActConfirmed, audit.TwoStepReset); got != "act.drop 2, act.confirm 0, two_step.reset 0" {
			t.Errorf("events: %s", got)
		}
		if why := reasons(t, all[0], audit.ActDropped); !slices.Equal(why, []string{"reset two-step: refused", "reset two-step: refused"}) {
			t.Errorf("recorded as %q", why)
		}
	})
}

// The record says why an act was dropped that somebody else made impossible in the meantime.
func TestWhatCannotBeDoneAnyMoreIsDropped(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		helper, boss := person(t, all[0], "hulp@example.org"), person(t, all[1], "baas@example.org")
		mistyped := staff.Justification{Reason: staff.Mistyped}
		p, err := helper.AskAddress(t.Context(), "linde", staff.ByAddress("nieuw@example.org"), "new@example.org", mistyped)
		must(t, err)
		all[0].Declare(idptest.Demo{Accounts: []string{"email: new@example.org"}})
		if err := boss.Confirm(t.Context(), "linde", p.ID); !errors.Is(err, fault.Taken) {
			t.Errorf("an address that somebody has: %v", err)
		}
		if why := reasons(t, all[0], audit.ActDropped); !slices.Equal(why, []string{"correct address: taken"}) {
			t.Errorf("recorded as %q", why)
		}
	})
}

// A manager is made, demoted and deactivated by two, within a day.
func TestManagersAreChangedByTwo(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		task, left := staff.Justification{Reason: staff.NewTask}, staff.Justification{Reason: staff.Left}
		hulp, second := staff.ByAddress("hulp@example.org"), staff.ByAddress("tweede@example.org")
		boss := func() *staff.Acts { return person(t, all[0], "baas@example.org") }
		if err := boss().SetRole(t.Context(), "linde", hulp, platform.Manager, task); !errors.Is(err, staff.NoSecond) {
			t.Errorf("alone: %v", err)
		}
		forged := boss()
		forged.Actor.Second = staff.Second{Account: "second", Role: platform.Manager, At: forged.Now}
		if err := forged.SetRole(t.Context(), "linde", hulp, platform.Manager, task); !errors.Is(err, staff.NoSecond) {
			t.Errorf("with a second one that a door made up: %v", err)
		}
		p, err := boss().AskRole(t.Context(), "linde", hulp, platform.Manager, task)
		must(t, err)
		for _, who := range []string{"baas@example.org", "hulp@example.org", "ander@example.org"} {
			if err := person(t, all[1], who).Confirm(t.Context(), "linde", p.ID); !errors.Is(err, fault.Refused) {
				t.Errorf("%s agrees: %v", who, err)
			}
		}
		must(t, person(t, all[1], "tweede@example.org").Confirm(t.Context(), "linde", p.ID))
		if role := whoIs(t, all[0], "hulp@example.org").Role; role != platform.Manager {
			t.Errorf("hulp is %s", role)
		}
		p, err = boss().AskDeactivate(t.Context(), "linde", second, left)
		must(t, err)
		later(all, staff.WaitsFor)
		if err := person(t, all[1], "hulp@example.org").Confirm(t.Context(), "linde", p.ID); !errors.Is(err, fault.Expired) {
			t.Errorf("too late: %v", err)
		}
		carryOut(t, all)
		if got := tally(t, all[0], audit.ActLapsed); whoIs(t, all[0], "tweede@example.org").State != account.Active || got != "act.lapse 1" {
			t.Errorf("lapsed: %s", got)
		}
		p, err = boss().AskDeactivate(t.Context(), "linde", second, left)
		must(t, err)
		must(t, person(t, all[1], "hulp@example.org").Confirm(t.Context(), "linde", p.ID))
		if state := whoIs(t, all[0], "tweede@example.org").State; state != account.Deactivated {
			t.Errorf("tweede is %s", state)
		}
	})
}

// The address of a therapist who never signed in is corrected after a day, or when a manager says so; managers are
// told.
func TestAddressOfATherapistWaits(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		mistyped, nieuw := staff.Justification{Reason: staff.Mistyped}, staff.ByAddress("nieuw@example.org")
		ask := func() (staff.Pending, error) {
			return person(t, all[0], "hulp@example.org").AskAddress(t.Context(), "linde", nieuw, "nieuwer@example.org", mistyped)
		}
		if err := person(t, all[0], "hulp@example.org").SetEmail(t.Context(), "linde", nieuw, "nieuwer@example.org", mistyped); !errors.Is(err, staff.Waits) {
			t.Errorf("at once: %v", err)
		}
		p, err := ask()
		must(t, err)
		must(t, person(t, all[1], "hulp@example.org").Withdraw(t.Context(), "linde", p.ID))
		p, err = ask()
		must(t, err)
		if err := person(t, all[1], "ander@example.org").Confirm(t.Context(), "linde", p.ID); !errors.Is(err, fault.Refused) {
			t.Errorf("another helper agrees: %v", err)
		}
		must(t, person(t, all[1], "tweede@example.org").Confirm(t.Context(), "linde", p.ID))
		p, err = ask()
		must(t, err)
		later(all, staff.WaitsFor)
		carryOut(t, all)
		if got, err := all[0].DB.Pending(t.Context(), "linde", p.ID); err != nil || got.End.How != staff.Done {
			t.Errorf("%+v, %v", got.End, err)
		}
		if got := tally(t, all[0], audit.ActAsked, audit.ActWithdrawn, audit.ActConfirmed, audit.EmailChangeRequested); got != "act.ask 3, act.withdraw 1, act.confirm 1, email.ask 2" {
			t.Errorf("events: %s", got)
		}
	})
}

// Who looks at what waits is on record, and whoever may not look is not, nor is what does an act.
func TestReadingWhatWaitsIsOnRecord(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		tess := whoIs(t, all[0], "tess@example.org").ID
		p, err := person(t, all[0], "hulp@example.org").AskReset(t.Context(), "linde", staff.ByAddress("tess@example.org"), lostPhone)
		must(t, err)
		by := person(t, all[0], "ander@example.org")
		by.Origin = audit.Origin{Reference: "7KQ4-MXDA", Address: "192.0.2.7", Agent: "Firefox"}
		read := func() (lines []string) {
			events, err := all[1].DB.Events(t.Context(), "linde", 100)
			must(t, err)
			for _, e := range events {
				if e.Kind == audit.PeopleSearched || e.Kind == audit.PersonOpened {
					lines = append(lines, fmt.Sprintf("%s %t %s %s", e.Kind, e.Account == tess, e.Reason, e.Reference))
				}
			}
			slices.Sort(lines) // of one moment
			return lines
		}
		if waiting, err := by.Pending(t.Context(), "linde"); err != nil || len(waiting) != 1 {
			t.Fatal(waiting, err)
		}
		if got, want := fmt.Sprint(read()), "[people.search false 1 7KQ4-MXDA]"; got != want {
			t.Errorf("the list: %s, want %s", got, want)
		}
		if one, err := by.OpenPending(t.Context(), "linde", p.ID); err != nil || one != p {
			t.Fatal(one, err)
		}
		if got, want := fmt.Sprint(read()), "[people.open true  7KQ4-MXDA people.search false 1 7KQ4-MXDA]"; got != want {
			t.Errorf("one: %s, want %s", got, want)
		}
		if _, err := person(t, all[1], "tom@example.org").OpenPending(t.Context(), "linde", p.ID); !errors.Is(err, fault.Refused) {
			t.Errorf("a therapist looks: %v", err)
		}
		must(t, by.Withdraw(t.Context(), "linde", p.ID))
		if _, err := by.OpenPending(t.Context(), "linde", p.ID); err != nil || len(read()) != 2 {
			t.Errorf("what ended: %v, %v", err, read())
		}
	})
}

// Who wants a sixth reset within the hour is stopped, and managers are told: once, however often he tries and wherever.
func TestManagersAreToldOfABurst(t *testing.T) {
	nodes(t, clinic("helpdesk"), func(t *testing.T, all []*idptest.Server) {
		burst := func(from int) {
			var tries sync.WaitGroup
			for i := range 4 {
				by := person(t, all[i%2], "hulp@example.org")
				client := "client" + string(rune('0'+from+i)) + "@example.org"
				tries.Go(func() {
					if err := by.ResetTwoStep(t.Context(), "linde", staff.ByAddress(client), lostPhone); !errors.Is(err, fault.Throttled) {
						t.Errorf("%s: %v", client, err)
					}
				})
			}
			tries.Wait()
		}
		for i := range 5 {
			client := "client" + string(rune('0'+i)) + "@example.org"
			must(t, person(t, all[0], "hulp@example.org").ResetTwoStep(t.Context(), "linde", staff.ByAddress(client), lostPhone))
		}
		burst(5)
		burst(5)
		told := func() (n, mails int) {
			events, err := all[0].DB.Events(t.Context(), "linde", 100)
			must(t, err)
			for _, e := range events {
				if e.Kind == audit.ResetsStopped && e.Outcome == audit.Failure && e.Reason == "5 an hour" {
					n++
				}
			}
			must(t, all[0].DB.SQL().QueryRow("SELECT COUNT(*) FROM letters WHERE kind = 'mail_resets_stopped'").Scan(&mails))
			return n, mails
		}
		if n, mails := told(); n != 1 || mails != 1 {
			t.Errorf("%d events and %d mails to one manager, want 1 of each", n, mails)
		}
	})
}

// One session, one browser and one phone end, of the person that was named and of nobody else.
func TestHelperEndsOneSession(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		by, tess := person(t, all[0], "hulp@example.org"), whoIs(t, all[0], "tess@example.org")
		session := authn.NewSession(secret.ID(), tess, authn.Browser, nil, platform.DefaultPolicy(), by.Now)
		device := account.Device{ID: secret.ID(), Platform: "linde", Account: tess.ID, AddedAt: by.Now, SeenAt: by.Now, EndsAt: by.Now.Add(time.Hour)}
		must(t, all[0].DB.SaveChange(t.Context(), authn.Change{
			Start: &authn.SessionStart{Session: session, Cookie: secret.Hash("session")}, Remember: &authn.DeviceStart{Device: device, Cookie: secret.Hash("device")},
		}, by.Now))
		phone := idptest.Device(t, all[0].DB, tess, "Tess' telefoon", by.Now)
		lost := staff.Justification{Reason: staff.LostDevice}
		for says, err := range map[string]error{
			"session": by.EndSession(t.Context(), "linde", staff.ByID(whoIs(t, all[0], "tess@example.org").ID), "unknown", lost),
			"browser": by.ForgetDevice(t.Context(), "linde", staff.ByAddress("tess@example.org"), "unknown", lost),
			"device":  by.RemoveDevice(t.Context(), "linde", staff.ByAddress("tess@example.org"), "unknown", lost),
		} {
			if !errors.Is(err, map[string]error{"session": fault.NotFound, "browser": fault.Spent, "device": fault.NotFound}[says]) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", says, err)
			}
		}
		theirs := staff.ByAddress("tom@example.org")
		if err := by.EndSession(t.Context(), "linde", theirs, session.ID, lost); !errors.Is(err, fault.NotFound) {
			t.Errorf("session of somebody else: %v", err)
		}
		if err := by.ForgetDevice(t.Context(), "linde", theirs, device.ID, lost); !errors.Is(err, fault.Spent) {
			t.Errorf("browser of somebody else: %v", err)
		}
		if err := by.RemoveDevice(t.Context(), "linde", theirs, phone.ID, lost); !errors.Is(err, fault.NotFound) {
			t.Errorf("phone of somebody else: %v", err)
		}
		for says, said := range map[string]staff.Justification{"by a therapist": lost, "without a reason": {}} {
			by := by
			if says == "by a therapist" {
				by = person(t, all[1], "tom@example.org")
			}
			if err := by.RemoveDevice(t.Context(), "linde", staff.ByID(tess.ID), phone.ID, said); !errors.Is(err, fault.Refused) {
				t.Errorf("phone %s: %v", says, err)
			}
		}
		if err := person(t, all[1], "tom@example.org").EndSession(t.Context(), "linde", staff.ByID(tess.ID), session.ID, lost); !errors.Is(err, fault.Refused) {
			t.Errorf("by a therapist: %v", err)
		}
		must(t, by.EndSession(t.Context(), "linde", staff.ByID(tess.ID), session.ID, lost))
		must(t, by.EndSession(t.Context(), "linde", staff.ByID(tess.ID), session.ID, lost)) // it has ended
		must(t, by.ForgetDevice(t.Context(), "linde", staff.ByID(tess.ID), device.ID, lost))
		must(t, by.RemoveDevice(t.Context(), "linde", staff.ByID(tess.ID), phone.ID, lost))
		if err := by.RemoveDevice(t.Context(), "linde", staff.ByID(tess.ID), phone.ID, lost); !errors.Is(err, fault.NotFound) {
			t.Errorf("phone that is removed: %v", err)
		}
		left, err := all[1].DB.Sessions(t.Context(), "linde", tess.ID, by.Now)
		must(t, err)
		remembered, err := all[1].DB.Devices(t.Context(), "linde", tess.ID, by.Now)
		must(t, err)
		phones, err := all[1].DB.AppDevices(t.Context(), "linde", tess.ID)
		must(t, err)
		got := tally(t, all[1], audit.SessionEnded, audit.DeviceForgotten, audit.DeviceRemoved)
		if len(left)+len(remembered)+len(phones) > 0 || got != "session.end 1, device.forget 1, app.remove 1" {
			t.Errorf("%d sessions, %d browsers and %d phones are left: %s", len(left), len(remembered), len(phones), got)
		}
	})
}

// Who wants to log out more people everywhere than one may in an hour, by whichever of two acts, is stopped at all
// nodes, and managers are told once. What is done already is not counted, and a colleague goes on.
func TestWhoLogsOutManyIsStopped(t *testing.T) {
	house := clinic("helpdesk")
	for i := range 2 * staff.LogOutsPerHour {
		house[0].Invited = append(house[0].Invited, fmt.Sprintf("email: many%d@example.org", i))
	}
	nodes(t, house, func(t *testing.T, all []*idptest.Server) {
		out := func(who string, i int) error {
			by, whom := person(t, all[i%2], who), staff.ByAddress(fmt.Sprintf("many%d@example.org", i))
			if i%4 < 2 {
				return by.Deactivate(t.Context(), "linde", whom, staff.Justification{Reason: staff.Left})
			}
			return by.EndSessions(t.Context(), "linde", whom, staff.Justification{Reason: staff.LostDevice})
		}
		ended := make([]error, 2*staff.LogOutsPerHour)
		var tries sync.WaitGroup
		for i := range ended {
			tries.Go(func() { ended[i] = out("hulp@example.org", i) })
		}
		tries.Wait()
		done := 0
		for i, err := range ended {
			a := whoIs(t, all[0], fmt.Sprintf("many%d@example.org", i))
			switch {
			case err == nil:
				done++
			case !errors.Is(err, fault.Throttled):
				t.Errorf("%d: %v", i, err)
			}
			if deactivated := a.State == account.Deactivated; deactivated != (err == nil && i%4 < 2) {
				t.Errorf("%d: %v, and it is %s", i, err, a.State)
			}
		}
		if done != staff.LogOutsPerHour {
			t.Errorf("%d in an hour, want %d", done, staff.LogOutsPerHour)
		}
		var mails int
		must(t, all[0].DB.SQL().QueryRow("SELECT COUNT(*) FROM letters WHERE kind = 'mail_log_outs_stopped'").Scan(&mails))
		if got := tally(t, all[0], audit.LogOutsStopped, audit.ResetsStopped); got != "account.burst 1, two_step.burst 0" || mails != 1 {
			t.Errorf("%s, and %d mails to one manager", got, mails)
		}
		for i, err := range ended {
			if err != nil {
				must(t, out("ander@example.org", i))
				break
			}
		}
		must(t, person(t, all[0], "hulp@example.org").Unblock(t.Context(), "linde", staff.ByAddress("client1@example.org")))
		later(all, time.Hour)
		must(t, out("hulp@example.org", 2))
	})
}

// stubborn is people of whom some cannot be read.
type stubborn struct{ staff.People }

var errStubborn = errors.New("broken row")

func (s stubborn) Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error) {
	if strings.HasPrefix(string(id), "broken") {
		return nil, errStubborn
	}
	return s.People.Account(ctx, p, id)
}

// More acts that fail than are done at once do not keep those from being done that are due after them; they are tried
// again, less and less often.
func TestActsThatFailLetLaterOnesPass(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		_, err := person(t, all[0], "hulp@example.org").AskReset(t.Context(), "linde", staff.ByAddress("tess@example.org"), lostPhone)
		must(t, err)
		const broken = 250
		asker := whoIs(t, all[0], "hulp@example.org")
		for i := range broken {
			p := staff.Pending{
				ID: fmt.Sprint("pending", i), Platform: "linde", Act: staff.ActReset, Account: account.ID(fmt.Sprint("broken", i)), Asker: asker.ID,
				Said: lostPhone, AskedAt: all[0].Clock.Now().Add(-time.Hour), DueAt: all[0].Clock.Now().Add(staff.WaitsFor - time.Hour),
			}
			must(t, all[0].DB.AskPending(t.Context(), p, authn.Change{Platform: "linde"}, p.AskedAt))
		}
		later(all, staff.WaitsFor)
		tried := func() int {
			acts := all[0].Tools().Acts()
			acts.People = stubborn{acts.People}
			n, err := acts.CarryOut(t.Context())
			if failed := errors.Is(err, errStubborn); failed != (err != nil) {
				t.Fatal(err)
			}
			return n
		}
		if n := tried(); n >= broken {
			t.Fatalf("%d at once: all that fail, so nothing is shown", n)
		}
		if enrolled(t, all[0], "tess@example.org") {
			tried()
		}
		if enrolled(t, all[1], "tess@example.org") {
			t.Error("what is due later is not done")
		}
		for _, row := range []struct {
			after time.Duration
			tries int
		}{
			{30 * time.Second, 0}, {time.Hour, 200}, {0, 50}, {0, 0}, {30 * time.Minute, 0}, {30 * time.Minute, 200},
		} {
			later(all, row.after)
			if n := tried(); n != row.tries {
				t.Errorf("after %s: %d were tried, want %d", row.after, n, row.tries)
			}
		}
	})
}
