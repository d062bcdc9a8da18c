package staff_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// clinic has two helpers, a manager and nine clients who log in with a code.
func clinic(role string) []idptest.Demo {
	d := idptest.Demo{Accounts: []string{
		"email: baas@example.org, role: manager", "email: hulp@example.org, role: " + role,
		"email: ander@example.org, role: helpdesk",
	}}
	for i := range 9 {
		d.Accounts = append(d.Accounts, fmt.Sprintf("email: client%d@example.org, totp_secret: %s", i, idptest.TOTPSecret))
	}
	return []idptest.Demo{d}
}

var lostPhone = staff.Justification{Reason: staff.LostPhone, Identified: staff.InPerson}

// person acts at a node.
func person(t *testing.T, node *idptest.Server, email string) *staff.Acts {
	t.Helper()
	acts := node.Tools().Acts()
	acts.Now = node.Clock.Now()
	acts.Actor = staff.Actor{
		Name: "helper", Platform: "linde", Account: whoIs(t, node, email).ID, Role: platform.Manager, Active: true, FreshAt: acts.Now,
	}
	return acts
}

// What a helper may is read where he acts, and a burst of resets is stopped: by two nodes at once, on both databases.
func TestHelperAsHeStandsNow(t *testing.T) {
	nodes(t, clinic("helpdesk"), func(t *testing.T, nodes []*idptest.Server) {
		reset := func(by *staff.Acts, client int) error {
			return by.ResetTwoStep(t.Context(), "linde", staff.ByAddress(fmt.Sprintf("client%d@example.org", client)), lostPhone)
		}
		enrolled := func(client int) bool { return enrolled(t, nodes[1], fmt.Sprintf("client%d@example.org", client)) }
		ended := make([]error, 9)
		var all sync.WaitGroup
		for i := range ended {
			all.Go(func() { ended[i] = reset(person(t, nodes[i%2], "hulp@example.org"), i) })
		}
		all.Wait()
		done := 0
		for i, err := range ended {
			switch {
			case err == nil:
				done++
			case !errors.Is(err, fault.Throttled):
				t.Errorf("reset %d: %v", i, err)
			}
			if enrolled(i) == (err == nil) {
				t.Errorf("reset %d: %v, and the factor stands: %t", i, err, enrolled(i))
			}
		}
		if done != staff.ResetsPerHour {
			t.Errorf("%d resets in an hour, want %d", done, staff.ResetsPerHour)
		}
		left := 0
		for enrolled(left) == false {
			left++
		}
		// Another helper is not stopped by it; a manager's account is above both, and so is one's own.
		if err := person(t, nodes[1], "ander@example.org").Unblock(t.Context(), "linde", staff.ByAddress(fmt.Sprintf("client%d@example.org", left))); err != nil {
			t.Errorf("another helper: %v", err)
		}
		for _, whom := range []string{"baas@example.org", "hulp@example.org", "ander@example.org"} {
			if err := person(t, nodes[0], "hulp@example.org").Unblock(t.Context(), "linde", staff.ByAddress(whom)); !errors.Is(err, fault.Refused) {
				t.Errorf("helper unblocks %s: %v", whom, err)
			}
		}
		// Demoted at one node, with a form open at the other: whatever his session says of him.
		open := person(t, nodes[1], "hulp@example.org")
		nodes[0].Declare(clinic("client")...)
		if err := open.Unblock(t.Context(), "linde", staff.ByAddress("client1@example.org")); !errors.Is(err, fault.Refused) {
			t.Errorf("a helper who is none any more: %v", err)
		}
		if err := nodes[0].Tools().Acts().Deactivate(t.Context(), "linde", staff.ByAddress("ander@example.org"), staff.Justification{Reason: staff.Left}); err != nil {
			t.Fatal(err)
		}
		if err := person(t, nodes[1], "ander@example.org").Unblock(t.Context(), "linde", staff.ByAddress("client1@example.org")); !errors.Is(err, fault.Refused) {
			t.Errorf("a helper who is deactivated: %v", err)
		}
		nobody := person(t, nodes[1], "baas@example.org")
		nobody.Actor.Account = "gone"
		if err := nobody.Unblock(t.Context(), "linde", staff.ByAddress("client1@example.org")); !errors.Is(err, fault.Refused) {
			t.Errorf("somebody who is gone: %v", err)
		}
		nobody.People = nil
		if err := nobody.Unblock(t.Context(), "linde", staff.ByAddress("client1@example.org")); !errors.Is(err, fault.Refused) {
			t.Errorf("somebody who is not looked up: %v", err)
		}
	})
}
