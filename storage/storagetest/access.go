package storagetest

import (
	"errors"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

func (w *world) access(a account.Account, now time.Time) []grant.Access {
	w.Helper()
	all, err := w.db.Access(w.Context(), a.Platform, a.ID, now)
	w.ok(err)
	return all
}

// lives reports whether a refresh token is taken at a time.
func (w *world) lives(refresh string, now time.Time) bool {
	w.Helper()
	r := w.rotation(refresh)
	r.Next, r.Now = r.Hash, now
	_, err := w.db.Rotate(w.Context(), r)
	if err != nil && !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Expired) {
		w.ok(err)
	}
	return err == nil
}

var access = []promise{
	{"access is listed once for a party and session, and beyond the session while a refresh token works", func(w *world) {
		v := w.visit(w.anna)
		w.tokens(v, "openid")
		_, refresh := w.tokens(v, "openid", "offline_access")
		w.tokens(v, "openid", "offline_access")
		w.code(v, "openid", "offline_access") // not redeemed: there are no tokens of it
		w.tokens(w.visit(w.far), "openid", "offline_access")
		settings := w.visit(w.anna) // no party
		want := grant.Access{Session: v.ID, Party: web, Channel: authn.Browser, Agent: v.Agent, Network: v.Network, BeganAt: w.now, UsedAt: w.now}
		w.same("in the session", w.access(w.anna, v.EndsAt.Add(-time.Millisecond)), []grant.Access{want})
		want.Outlives = true
		w.same("after its end", w.access(w.anna, v.EndsAt), []grant.Access{want})
		want.UsedAt = v.EndsAt.Add(time.Hour)
		w.is("refreshed", w.lives(refresh, want.UsedAt), true)
		w.same("after a refresh", w.access(w.anna, want.UsedAt), []grant.Access{want})
		refreshEnds := w.now.Add(30 * 24 * time.Hour)
		w.same("until the refresh tokens end", w.access(w.anna, refreshEnds.Add(-time.Millisecond)), []grant.Access{want})
		w.same("afterwards", w.access(w.anna, refreshEnds), []grant.Access(nil))
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		w.same("signed out", w.access(w.anna, v.EndsAt), []grant.Access(nil))
		w.is("the other session lives", w.alive(settings), true)
	}},
	{"ending access ends every token of a party in a session, once, and nothing else", func(w *world) {
		v, beside := w.visit(w.anna), w.visit(w.anna)
		_, first := w.tokens(v, "openid", "offline_access")
		_, second := w.tokens(v, "openid", "offline_access")
		_, kept := w.tokens(beside, "openid", "offline_access")
		later := v.EndsAt.Add(time.Hour)
		end := func(of account.Account, sid string, party grant.PartyID) error {
			return w.db.EndAccess(w.Context(), of.Platform, of.ID, sid, party, w.event(audit.GrantEnded, of), later)
		}
		bram := w.person(linde, "bram@example.org")
		for what, err := range map[string]error{
			"somebody else's": end(bram, v.ID, web), "of another platform": end(w.far, v.ID, web), "of another party": end(w.anna, v.ID, other),
			"of no session": end(w.anna, "unknown", web),
		} {
			w.ok(err)
			w.is(what+": both work, and nothing is on record", w.lives(first, later) && w.lives(second, later) && len(w.events()) == 0, true)
		}
		for _, err := range race(func(int) error { return end(w.anna, v.ID, web) }) {
			w.ok(err)
		}
		w.same("events", w.kinds(), []audit.Kind{audit.GrantEnded})
		w.is("refreshed", w.lives(first, later) || w.lives(second, later), false)
		w.is("of the other session refreshed", w.lives(kept, later), true)
		w.same("left", len(w.access(w.anna, later)), 1)
	}},
	{"ending access while it refreshes leaves no token that works", func(w *world) {
		v := w.visit(w.anna)
		g, refresh := w.tokens(v, "openid", "offline_access")
		for _, err := range race(func(i int) error {
			if i == crowd/2 {
				return w.db.EndAccess(w.Context(), linde, w.anna.ID, v.ID, web, w.event(audit.GrantEnded, w.anna), w.now)
			}
			_, err := w.db.Rotate(w.Context(), w.rotation(refresh))
			return err
		}) {
			w.notUnavailable(err)
		}
		w.is("refreshed", w.lives(refresh, w.now) || w.lives(next(refresh), w.now), false)
		w.is("grant gives", w.given(g), false)
	}},
	{"a session is known as its account's after its end, and as nobody else's", func(w *world) {
		v := w.visit(w.anna)
		owns := func(of account.Account, sid string) bool {
			theirs, err := w.db.OwnsSession(w.Context(), of.Platform, of.ID, sid)
			w.ok(err)
			return theirs
		}
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		w.is("theirs", owns(w.anna, v.ID), true)
		w.is("of another platform", owns(w.far, v.ID), false)
		w.is("of nobody", owns(w.anna, "unknown"), false)
		w.is("somebody else's", owns(w.person(linde, "bram@example.org"), v.ID), false)
	}},
	{"a hundred of many are listed, the last used first, and logging out everywhere ends them all", func(w *world) {
		const many = 104
		refresh := make([]string, many)
		var last visit
		for i := range refresh {
			last = w.visit(w.anna)
			_, refresh[i] = w.tokens(last, "openid", "offline_access")
		}
		w.is("refreshed in the session", w.lives(refresh[many-1], w.now.Add(time.Minute)), true)
		w.same("in sessions", len(w.access(w.anna, w.now)), 100)
		later := w.now.Add(25 * time.Hour)
		all := w.access(w.anna, later)
		w.same("after them", len(all), 100)
		w.same("the last used", all[0].Session, last.ID)
		here := w.newVisit(w.anna)
		here.StartedAt, here.SeenAt, here.EndsAt = later, later, later.Add(time.Hour)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: here.Session, Cookie: secret.Hash(here.cookie)}}, later))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, End: &authn.End{Account: w.anna.ID, Except: here.ID, Reason: "logged out everywhere"},
		}, later))
		w.same("left", w.access(w.anna, later), []grant.Access(nil))
		for i, r := range refresh {
			if w.lives(r, later) {
				w.Fatalf("token %d of %d lives", i, many)
			}
		}
	}},
}
