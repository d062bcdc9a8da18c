package federated_test

import (
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/login/federated"
	"github.com/minddistrict/idp/platform"
)

// Who looks after a connection is told once a day. The record says each time what it was, whether anybody was told or not.
func TestTheRecordSaysEachTimeWhatChanged(t *testing.T) {
	named, unnamed := at("lindehof", federation.AboveForm), at("iep", federation.AboveForm)
	named.Contact = "ict@lindehof.example"
	h := newHouse(t, named, unnamed)
	o := federated.Options{Store: h.DB, Sealer: h.Sealer, Managers: h.DB.Managers}
	p := &platform.Platform{ID: "linde", Locale: "nl"}
	said := 0
	for i, row := range []struct {
		c     federation.Connection
		what  string
		later time.Duration
		mails int // so far
	}{
		{named, federation.DriftWeaker, 0, 1}, {named, federation.DriftWeaker, time.Minute, 1}, {named, federation.DriftClaim, time.Minute, 2},
		{named, federation.DriftWeaker, 24 * time.Hour, 3},
		{unnamed, federation.DriftDomain, time.Minute, 3}, // this platform has no manager
	} {
		h.Clock.Later(row.later)
		c := row.c
		c.Platform, c.Names = "linde", map[string]string{"nl": "Organisatie Lindehof"}
		if err := o.Alarm(t.Context(), p, &c, row.what, "what changed", audit.Event{At: h.Clock.Now()}); err != nil {
			t.Fatal(err)
		}
		if err := h.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(h.Mails.Sent()); got != row.mails {
			t.Errorf("%d: %d mails, want %d", i, got, row.mails)
		}
		for _, m := range h.Mails.Sent() {
			if !strings.Contains(m.Text, "Organisatie Lindehof (lindehof): what changed") {
				t.Errorf("%d: a mail does not say of which connection, and what: %s", i, m.Text)
			}
		}
		events, err := h.DB.Events(t.Context(), "linde", 1000)
		if err != nil {
			t.Fatal(err)
		}
		var drifts []audit.Event
		for _, e := range events {
			if e.Kind == audit.ConnectionDrifted {
				drifts = append(drifts, e)
			}
		}
		if said++; len(drifts) != said || drifts[0].Reason != row.what || drifts[0].Outcome != audit.Success {
			t.Fatalf("%d: events %+v, want %d, the newest %s", i, drifts, said, row.what)
		}
	}
}
