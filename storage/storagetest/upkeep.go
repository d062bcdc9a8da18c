package storagetest

import (
	"bytes"
	"errors"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// kept is how long rows stay after their end.
const kept = 30 * 24 * time.Hour

var upkeep = []promise{
	{"rows are kept for 30 days after their end and then removed in batches", func(w *world) {
		v := w.visit(w.anna)
		online, _ := w.tokens(v, "openid")
		offline, refresh := w.tokens(v, "openid", "offline_access")
		for range 3 {
			j, _ := w.first()
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now))
		}
		_, err := w.db.CountAttempt(w.Context(), linde, guess, w.now)
		w.ok(err)
		clean := func(at time.Time, limit, want int) {
			w.Helper()
			removed, err := w.db.CleanUp(w.Context(), at, limit)
			w.ok(err)
			w.same("removed at "+at.String(), removed, want)
		}
		journeysEnd := w.now.Add(authn.JourneyLife + 24*time.Hour) // anybody can make those: kept a day
		clean(journeysEnd, 10, 2)                                  // the attempt, at the address and at its source, forgotten after a day
		clean(journeysEnd.Add(time.Millisecond), 2, 4)             // two journeys, two requests
		clean(journeysEnd.Add(time.Millisecond), 2, 2)
		clean(v.EndsAt.Add(kept), 10, 0)                                           // the session ended 30 days ago to the moment
		clean(v.EndsAt.Add(kept+time.Millisecond), 10, 1)                          // the online grant
		clean(offline.EndsAt.Add(kept), 10, 0)                                     // the session waits for the offline grant
		_, _, err = w.db.Grant(w.Context(), linde, offline.ID, v.EndsAt.Add(kept)) // which still works
		w.ok(err)
		w.is("online grant", w.given(online), false)

		w.ok(w.db.RevokeRefresh(w.Context(), presented(refresh), w.ending(linde, web)))
		clean(w.now.Add(kept+time.Millisecond), 10, 1) // ended early, kept from then
		clean(v.EndsAt.Add(kept+time.Millisecond), 10, 1)
		clean(v.EndsAt.Add(10*kept), 10, 0)
		w.same("number of events", len(w.kinds()), 1)
	}},
	{"cleaning up and working go on at the same time", func(w *world) {
		for range 10 {
			j, _ := w.journey()
			w.start(j)
			w.request()
		}
		for _, err := range race(func(i int) error {
			switch {
			case i%4 == 0:
				_, err := w.db.BoundWaiting(w.Context(), 3, 2, w.now)
				return err
			case i%2 == 0:
				_, err := w.db.CleanUp(w.Context(), w.now.Add(2*kept), 3)
				return err
			}
			v := w.newVisit(w.anna)
			return w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}}, w.now.Add(2*kept))
		}) {
			w.ok(err)
		}
	}},
	{"a request that nobody sent a form for is kept for two hours", func(w *world) {
		waits := w.request()
		answered, _ := w.first()
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Answered: answered.Request}, w.now))
		begun, _ := w.first()
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: &begun}, w.now))
		end := w.now.Add(2 * time.Hour)
		for at, want := range map[time.Duration]int{0: 0, time.Millisecond: 1} {
			if removed, err := w.db.CleanUp(w.Context(), end.Add(at), 10); err != nil || at == 0 && removed > 0 {
				w.Errorf("at two hours and %v: %d, %v, want %d", at, removed, err, want)
			}
		}
		for id, kept := range map[string]bool{waits.ID: false, answered.ID: true, begun.ID: true} {
			_, err := w.db.Request(w.Context(), linde, id)
			w.is("kept", w.found(err), kept)
		}
		_, err := w.db.Journey(w.Context(), linde, begun.ID)
		w.ok(err)
	}},
	{"of too many requests that wait the oldest go, on their own platform", func(w *world) {
		wait := func(p platform.ID, after time.Duration) string {
			_, r := w.journey()
			r.Platform, r.CreatedAt = p, w.now.Add(after)
			w.ok(w.db.SaveRequest(w.Context(), r))
			return r.ID
		}
		begin := func(id string) {
			j, err := w.db.Journey(w.Context(), linde, id)
			w.ok(err)
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: j}, w.now))
		}
		kept, gone := map[platform.ID][]string{}, []string{}
		first := wait(linde, 0) // the oldest, and in use
		begin(first)
		kept[linde] = append(kept[linde], first)
		for i := range 3 {
			kept[wilg] = append(kept[wilg], wait(wilg, time.Duration(i)))
		}
		for i := range 5 {
			gone = append(gone, wait(linde, time.Duration(1+i)*time.Millisecond))
		}
		for i := range 3 {
			kept[linde] = append(kept[linde], wait(linde, time.Duration(10-i)*time.Millisecond))
		}
		for _, want := range []int{5, 0} {
			removed, err := w.db.BoundWaiting(w.Context(), 3, 2, w.now)
			w.ok(err)
			w.same("removed", removed, want)
		}
		for p, ids := range kept {
			for _, id := range ids {
				_, err := w.db.Request(w.Context(), p, id)
				w.ok(err)
			}
		}
		for _, id := range gone {
			_, err := w.db.Request(w.Context(), linde, id)
			w.fails(err, fault.NotFound)
		}
	}},
	{"who sends the first form while requests are bounded has the journey and its request, or begins anew", func(w *world) {
		for range rounds / 2 {
			var first []authn.Journey
			var calls []func() error
			for range 4 {
				j, _ := w.first()
				j.SetAccount(&w.anna) // what is sent for one account waits for it
				if first = append(first, j); len(first)%2 == 0 {
					j.Account = ""
				}
				calls = append(calls, func() error { return w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now) })
			}
			for range 2 {
				calls = append(calls, func() error { _, err := w.db.BoundWaiting(w.Context(), 1, 1, w.now); return err })
				calls = append(calls, func() error { _, err := w.db.CleanUp(w.Context(), w.now.Add(2*time.Hour+1), 2); return err })
			}
			ended := w.some(calls...)
			w.ok(errors.Join(ended[len(first):]...))
			for i, j := range first {
				if ended[i] != nil {
					w.fails(ended[i], fault.Stale)
				}
				got, err := w.db.Journey(w.Context(), linde, j.ID)
				w.is("journey", w.found(err) && got.Version != authn.Unstored, ended[i] == nil)
				_, err = w.db.Request(w.Context(), linde, j.ID)
				w.is("request", w.found(err), ended[i] == nil || got != nil)
			}
			if w.Failed() {
				return
			}
		}
	}},
	{"events come back whole, newest first, those of one change in its order", func(w *world) {
		first := w.event(audit.SessionStarted, w.anna)
		first.Party, first.Session, first.Reason = string(web), "sid", "because"
		first.StatedReason, first.Identified, first.Connection = "lost-phone", "called-back", "lindehof"
		second, third := first, first
		second.Kind, third.Kind, third.At = audit.CredentialAdded, audit.SessionEnded, w.now.Add(time.Millisecond)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{first, second}}, w.now))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{third}}, w.now))
		got, err := w.db.Events(w.Context(), linde, 10)
		w.ok(err)
		w.same("events", got, []audit.Event{third, second, first})
		got, err = w.db.Events(w.Context(), linde, 1)
		w.ok(err)
		w.same("newest event", got, []audit.Event{third})
	}},
	{"an event is recorded whatever the browser calls itself", func(w *world) {
		e := w.event(audit.SessionStarted, w.anna)
		e.Agent = "Moz\x00illa \xff\xfe"
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{e}}, w.now))
		got, err := w.db.Events(w.Context(), linde, 1)
		w.ok(err)
		w.same("agent", got[0].Agent, "Mozilla \uFFFD")
	}},
	{"after a restore everything held is ended, on all platforms", func(w *world) {
		v, far := w.visit(w.anna), w.visit(w.far)
		g, refresh := w.tokens(v, "openid")
		offline, offlineRefresh := w.tokens(v, "openid", "offline_access")
		_, code := w.code(far, "openid")
		j, r := w.journey()
		w.ok(w.db.SaveRequest(w.Context(), r))
		w.start(j)
		link, recovery := w.ticket(authn.TicketReset), w.ticket(authn.TicketRecoveryCode)
		w.message()
		w.consent(w.anna, web, w.now)
		left := w.visit(w.anna)
		w.ok(w.db.EndSession(w.Context(), linde, left.ID, w.event(audit.SessionEnded, w.anna), w.now))
		version, err := w.db.Version(w.Context())
		w.ok(err)

		later := w.now.Add(time.Second)
		e := audit.Event{At: later, Kind: audit.DatabaseRestored, Actor: "cli ria", Outcome: audit.Success}
		ended, err := w.db.EndEverything(w.Context(), e, later)
		w.ok(err)
		w.same("ended", ended, storage.Ended{Sessions: 2, Grants: 3, Requests: 1, Journeys: 1, Consents: 1, Tickets: 1, Messages: 1})
		w.is("session", w.alive(v) || w.alive(far), false)
		w.same("link", w.ticketState(link), authn.TicketReplaced)
		w.same("recovery code", w.ticketState(recovery), authn.TicketWorks)
		_, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.fails(err, fault.NotFound)
		w.same("letters to send", len(w.take(later)), 0)
		w.is("grants", w.given(g) || w.given(offline), false)
		for _, token := range []string{refresh, offlineRefresh} {
			rotation := w.rotation(token)
			rotation.Now = later
			_, err := w.db.Rotate(w.Context(), rotation)
			w.is("refresh token", err == nil, false)
		}
		redemption := w.redemption(wilg, code, secret.Token())
		redemption.Now = later
		_, err = w.db.Redeem(w.Context(), redemption)
		w.is("code", err == nil, false)
		late, _ := w.newGrant(v, "openid")
		late.StartedAt = later
		w.is("answer", w.db.Answer(w.Context(), grant.Answered{Request: r.ID}, late) == nil, false)
		open, err := w.db.Journey(w.Context(), linde, j.ID)
		w.ok(err)
		w.is("journey ended", !open.EndedAt.IsZero(), true)
		raised, err := w.db.Version(w.Context())
		w.ok(err)
		w.is("nodes read settings again", raised > version, true)
		for _, p := range []platform.ID{linde, wilg} {
			events, err := w.db.Events(w.Context(), p, 1)
			w.ok(err)
			want := e
			want.Platform = p
			w.same("event", events[0], want)
		}
		w.is("people sign in again", w.alive(w.visit(w.anna)), true)
		ended, err = w.db.EndEverything(w.Context(), e, later)
		w.ok(err)
		w.same("ended again", ended, storage.Ended{Sessions: 1})
	}},
	{"everything sealed is sealed anew, or nothing", func(w *world) {
		w.ok(w.saveKeys([]keys.Key{{
			KID: "k1", Platform: wilg, Alg: "ES256", Public: []byte("{}"), Sealed: []byte("key"), MadeAt: w.now, UseAt: w.now,
		}}, nil))
		before := w.dump()
		calls, trouble := 0, errors.New("cannot open")
		e := audit.Event{At: w.now, Kind: audit.MasterKeyRotated, Actor: "cli operator", Outcome: audit.Success}
		_, err := w.db.Reseal(w.Context(), e, func(string, []byte) ([]byte, error) {
			if calls++; calls == 4 {
				return nil, trouble
			}
			return []byte("half-way"), nil
		})
		w.fails(err, trouble)
		w.is("unchanged", w.dump() == before, true)

		t, l, i := w.ticket(authn.TicketSignUp), w.message(), w.intake("one")
		w.keeps(i)
		want := map[string][]byte{"key/wilg/k1": []byte("key"), t.Binding(): t.Sealed, l.Binding(): l.Sealed, i.Binding(): i.Sealed}
		for _, a := range []account.Account{w.anna, w.far} {
			for _, c := range a.Credentials {
				want[c.Binding()] = c.Sealed
			}
		}
		got := map[string][]byte{}
		n, err := w.db.Reseal(w.Context(), e, func(binding string, sealed []byte) ([]byte, error) {
			got[binding] = bytes.Clone(sealed)
			return append([]byte("new "), sealed...), nil
		})
		w.ok(err)
		w.same("number", n, len(want))
		w.same("sealed", got, want)
		a, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		for i, c := range sortedCredentials(w.anna).Credentials {
			w.same("sealed anew", a.Credentials[i].Sealed, append([]byte("new "), c.Sealed...))
		}
		for _, p := range []platform.ID{linde, wilg} {
			events, err := w.db.Events(w.Context(), p, 10)
			w.ok(err)
			want := e
			want.Platform = p
			w.same("event", events, []audit.Event{want})
		}
	}},
	{"the schema is ours and the database answers", func(w *world) {
		w.ok(w.db.SchemaError(w.Context()))
		w.ok(w.db.Ping(w.Context()))
		w.ok(w.db.Migrate(w.Context())) // nothing to do
	}},
	{"a schema of another version is refused with a sentence", func(w *world) {
		for _, c := range []struct {
			statement string
			want      error
		}{
			{"INSERT INTO schema_versions (version_id, is_applied) VALUES (9999, TRUE)", fault.Refused},
			{"DELETE FROM schema_versions WHERE version_id > 3", fault.Stale},
		} {
			w.run(c.statement)
			w.fails(w.db.SchemaError(w.Context()), c.want)
			if c.want == fault.Refused {
				w.fails(w.db.Migrate(w.Context()), c.want)
			}
		}
		w.run("DROP TABLE schema_versions")
		w.fails(w.db.SchemaError(w.Context()), fault.Stale)
	}},
}
