package federated_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/login/federated"
	"github.com/minddistrict/idp/platform"
)

// Who looks after a connection is told once a day. The record says each time what it was, whether anybody was told or
// not.
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
		idptest.Deliver(t, h)
		if got := len(h.Mails.Sent()); got != row.mails {
			t.Errorf("%d: %d mails, want %d", i, got, row.mails)
		}
		for _, m := range h.Mails.Sent() {
			if !strings.Contains(m.Text, "Organisatie Lindehof (lindehof)") || !strings.Contains(m.Text, "\nwhat changed\n") {
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

// What is looked at again and again is on record once a day, also where there is nobody to be told.
func TestTheEndOfACertificateIsOnRecordOnceADay(t *testing.T) {
	c := at("iep", federation.AboveForm) // this platform has no manager
	h := newHouse(t, c)
	o := federated.Options{Store: h.DB, Sealer: h.Sealer, Managers: h.DB.Managers}
	c.Platform = "linde"
	for _, row := range []struct {
		later time.Duration
		want  int
	}{{0, 1}, {10 * time.Minute, 1}, {23*time.Hour + 49*time.Minute, 1}, {2 * time.Minute, 2}} {
		h.Clock.Later(row.later)
		err := o.Alarm(t.Context(), &platform.Platform{ID: "linde", Locale: "nl"}, &c, federated.Certificate, "ends", audit.Event{At: h.Clock.Now()})
		if err != nil {
			t.Fatal(err)
		}
		events, err := h.DB.Events(t.Context(), "linde", 1000)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range events {
			if e.Kind == audit.ConnectionDrifted {
				n++
			}
		}
		if n != row.want {
			t.Errorf("%s later: %d times on record, want %d", row.later, n, row.want)
		}
	}
}

// A mail says that somebody was not let in where that is so, and where it is not, that nobody was stopped: whatever
// drifted, and whether the domains of the organisation are declared or not. What it says in words of the protocol
// stands apart.
func TestAlarmsSayWhetherSomebodyWasLetIn(t *testing.T) {
	out := map[string][]string{ // what says that somebody was stopped
		"nl": {"Die persoon is niet toegelaten", "Niemand wordt toegelaten"}, "en": {"That person was not let in", "Nobody is let in"},
	}
	answer := federation.Answer{Subject: "jan", Format: "urn:persistent", Claims: map[string]any{
		"email": "jan@lindehof.test", "amr": []any{"mfa"}, "sn": "Jansen",
	}}
	drifts := map[string]func(a *federation.Answer){
		federation.DriftDomain: func(a *federation.Answer) { a.Claims["email"] = "jan@elders.test" },
		federation.DriftWeaker: func(a *federation.Answer) { a.Claims["amr"] = []any{"pwd"} },
		federation.DriftClaim:  func(a *federation.Answer) { delete(a.Claims, "sn") },
		federation.DriftFormat: func(a *federation.Answer) { a.Format = "urn:transient" },
	}
	for _, declared := range [][]federation.Domain{nil, {{Name: "lindehof.test"}}} {
		for kind, change := range drifts {
			for lang := range out {
				c := at("lindehof", federation.AboveForm)
				c.Contact, c.Domains = "ict@lindehof.example", declared
				c.Contract = federation.Contract{Counts: true, Rows: []federation.ContractRow{{Claim: federation.ByAMR, Value: "mfa", ACR: authn.TwoFactor}}}
				h := newHouse(t, c)
				c.Platform, c.Key = "linde", federation.KeyRule{By: federation.BySubject}
				b := c.NewBaseline(answer, h.Clock.Now())
				c.Baseline = &b
				came := answer
				came.Claims = maps.Clone(answer.Claims)
				change(&came)
				found := c.Drifts(came, h.Clock.Now())
				if len(found) != 1 || found[0].Kind != kind {
					t.Fatalf("%s: drifts %+v", kind, found)
				}
				o := federated.Options{Store: h.DB, Sealer: h.Sealer, Managers: h.DB.Managers}
				p := &platform.Platform{ID: "linde", Locale: lang}
				if err := o.Alarm(t.Context(), p, &c, kind, found[0].Detail, audit.Event{At: h.Clock.Now()}); err != nil {
					t.Fatal(err)
				}
				idptest.Deliver(t, h)
				_, err := c.Evaluate(came, h.Clock.Now())
				text := strings.Join(strings.Fields(h.Mails.Sent()[0].Text), " ")
				says := slices.ContainsFunc(out[lang], func(words string) bool { return strings.Contains(text, words) })
				if stopped := federation.ReasonOf(err) != ""; says != stopped {
					t.Errorf("%s %s, domains %v: stopped: %v, and the mail says:\n%s", kind, lang, declared, err, text)
				}
				if label := map[string]string{"nl": "Voor de ICT, in het Engels: ", "en": "For the IT department: "}[lang]; !strings.Contains(text, label+found[0].Detail) {
					t.Errorf("%s %s: the detail %q does not stand apart:\n%s", kind, lang, found[0].Detail, text)
				}
			}
		}
	}
}
