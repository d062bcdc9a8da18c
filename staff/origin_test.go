package staff_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/staff"
)

// The record says from where something was asked for that waits, who agreed and who took it back, as of every other
// act: a helper who was phished asks from elsewhere.
func TestWhatWaitsIsOnRecordWithWhereItCameFrom(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		from := func(email, reference string) *staff.Acts {
			acts := person(t, all[0], email)
			acts.Origin = audit.Origin{Reference: reference, Address: "192.0.2.7", Agent: "a browser"}
			return acts
		}
		p, err := from("hulp@example.org", "ASK1-ASK1").AskReset(t.Context(), "linde", staff.ByAddress("tess@example.org"), lostPhone)
		must(t, err)
		must(t, from("baas@example.org", "YES1-YES1").Confirm(t.Context(), "linde", p.ID))
		q, err := from("hulp@example.org", "ASK1-ASK1").AskReset(t.Context(), "linde", staff.ByAddress("tom@example.org"), lostPhone)
		must(t, err)
		must(t, from("hulp@example.org", "NOT1-NOT1").Withdraw(t.Context(), "linde", q.ID))
		want := map[audit.Kind]string{
			audit.ActAsked: "ASK1-ASK1", audit.ActConfirmed: "YES1-YES1", "two_step.reset": "YES1-YES1", audit.ActWithdrawn: "NOT1-NOT1",
		}
		events, err := all[1].DB.Events(t.Context(), "linde", 1000)
		must(t, err)
		seen := 0
		for _, e := range events {
			if reference, of := want[e.Kind]; of {
				seen++
				if e.Reference != reference || e.Address != "192.0.2.7" || e.Agent != "a browser" {
					t.Errorf("%s by %s: from %+v", e.Kind, e.Actor, e.Origin)
				}
			}
		}
		if seen != len(want)+1 {
			t.Errorf("%d events", seen)
		}
	})
}

// What fails on a page goes to the log, where no address belongs. An operator reads the address that he typed.
func TestErrorsOfPagesHaveNoAddresses(t *testing.T) {
	nodes(t, ward, func(t *testing.T, all []*idptest.Server) {
		err := person(t, all[0], "baas@example.org").SetEmail(t.Context(), "linde", staff.ByID("nobody"), "geheim@example.org", staff.Justification{})
		if !errors.Is(err, fault.NotFound) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v", err)
		}
	})
}
