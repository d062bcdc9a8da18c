package storagetest

import (
	"errors"
	"slices"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

var codes = []promise{
	{"a code is redeemed once", func(w *world) {
		g, code := w.code(w.visit(w.anna), "openid")
		tokens := make([]string, crowd)
		ended := race(func(i int) error {
			tokens[i] = secret.Token()
			_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, tokens[i]))
			return err
		})
		w.onlyOne(ended, fault.Spent)
		// RFC 6749 section 4.1.2: what the code gave is taken back.
		w.is("grant gives after a replay", w.given(g), false)
		w.same("events", w.kinds(), []audit.Kind{audit.AuthorizationCodeReplayed})
		w.same("where from", w.events()[0].Address, caller.Address)
		for _, token := range tokens {
			_, err := w.db.Rotate(w.Context(), w.rotation(token))
			w.fails(err, fault.NotFound)
		}
	}},
	{"a redeemed code gives the grant and its account", func(w *world) {
		g, code := w.code(w.visit(w.anna), "openid", "email")
		got, err := w.db.Redeem(w.Context(), w.redemption(linde, code, secret.Token()))
		w.ok(err)
		g.CodeUsedAt, g.RefreshEnds = w.now, w.now.Add(30*24*time.Hour)
		g = withoutCode(g)
		w.same("grant", *got, g)
		got, a, err := w.db.Grant(w.Context(), linde, g.ID, w.now)
		w.ok(err)
		w.same("grant", *got, g)
		w.anna.Credentials = nil
		w.same("account", *a, w.anna)
	}},
	{"a code is refused to anybody else, and nothing changes", func(w *world) {
		g, code := w.code(w.visit(w.anna), "openid")
		right := w.redemption(linde, code, secret.Token())
		wrong := map[string]func(*grant.Redemption){
			"other party":        func(r *grant.Redemption) { r.Party = other },
			"other platform":     func(r *grant.Redemption) { r.Platform = wilg },
			"other redirect URI": func(r *grant.Redemption) { r.RedirectURI += "/" },
			"other verifier":     func(r *grant.Redemption) { r.Challenge, _ = grant.ChallengeOf(verifier + "x") },
			"no verifier":        func(r *grant.Redemption) { r.Challenge = "" },
			"other code":         func(r *grant.Redemption) { r.CodeHash = secret.Hash("x") },
			"other grant":        func(r *grant.Redemption) { r.Grant = grant.ID(secret.ID()) },
			"no code":            func(r *grant.Redemption) { r.CodeHash = nil },
		}
		try := func() {
			for name, change := range wrong {
				r := right
				change(&r)
				_, err := w.db.Redeem(w.Context(), r)
				if name == "other redirect URI" && w.redeemed(g) {
					continue // by then it is the right party with the right verifier: a replay
				}
				w.fails(err, fault.NotFound)
			}
		}
		try()
		var seen []string
		for _, e := range w.events() {
			w.same("event", e, caller.Of(audit.Event{
				At: w.now, Platform: linde, Kind: audit.AuthorizationCodeRefused, Actor: "system", Account: g.Account, Party: e.Party, Session: g.Session,
				Outcome: audit.Failure, Reason: e.Reason,
			}))
			seen = append(seen, e.Party+": "+e.Reason)
		}
		slices.Sort(seen)
		w.same("recorded, once each", seen, []string{string(other) + ": another party's", string(web) + ": not the redirect", string(web) + ": not the verifier"})
		_, err := w.db.Redeem(w.Context(), right)
		w.ok(err)
		delete(wrong, "other redirect URI")
		try()
		w.is("grant gives", w.given(g), true)
		recorded := len(w.kinds())
		for _, change := range wrong { // nothing to be had by it any more
			r := right
			change(&r)
			r.Now = g.CodeEndsAt
			_, err := w.db.Redeem(w.Context(), r)
			w.fails(err, fault.NotFound)
		}
		w.same("events once the code is over", len(w.kinds()), recorded)
	}},
	{"what anybody can do again and again is noted once a minute from each source", func(w *world) {
		e := caller.Of(audit.Event{At: w.now, Platform: linde, Kind: audit.PartyRefused, Actor: "system", Party: string(web), Outcome: audit.Failure, Reason: "not proven"})
		for _, err := range race(func(int) error { return w.db.RecordOnce(w.Context(), e, "192.0.2.7") }) {
			w.ok(err)
		}
		w.same("events", w.events(), []audit.Event{e})
		for _, text := range []string{"https://a.test", "https://b.test"} { // what anybody makes up
			another := e
			another.Reason = "told" + audit.Received + text
			w.ok(w.db.RecordOnce(w.Context(), another, "192.0.2.7"))
		}
		w.same("events, two of which differ only in what came", len(w.events()), 2)
		for _, change := range []func(*audit.Event){
			func(e *audit.Event) { e.Party = string(other) }, func(e *audit.Event) { e.Reason = "redirect" },
			func(e *audit.Event) { e.Kind = audit.RedirectRefused }, func(e *audit.Event) { e.At = e.At.Add(time.Minute) },
		} {
			another := e
			change(&another)
			w.ok(w.db.RecordOnce(w.Context(), another, "192.0.2.7"))
		}
		w.ok(w.db.RecordOnce(w.Context(), e, "192.0.2.8"))
		w.same("events", len(w.events()), 7)
	}},
	{"what a page refuses is noted once a minute from each source and of each account and connection, and its number is that of the event", func(w *world) {
		e := caller.Of(audit.Event{At: w.now, Platform: linde, Kind: audit.LinkRefused, Account: w.anna.ID, Outcome: audit.Failure, Reason: "used"})
		got, err := w.db.RecordOnceRef(w.Context(), e, "192.0.2.7")
		w.ok(err)
		w.is("its own number", got == e.Reference, true)
		again := e
		again.Reference = "2222-2222"
		for _, err := range race(func(int) error {
			number, err := w.db.RecordOnceRef(w.Context(), again, "192.0.2.7")
			if err == nil && number != e.Reference {
				err = errors.New(number)
			}
			return err
		}) {
			w.ok(err)
		}
		w.same("events", w.events(), []audit.Event{e})
		for _, change := range []func(*audit.Event){
			func(e *audit.Event) { e.Account = "" }, func(e *audit.Event) { e.Reason = "expired" }, func(e *audit.Event) { e.At = e.At.Add(time.Minute) },
			func(e *audit.Event) { e.Connection = "entra" }, func(e *audit.Event) { e.Connection = "other" },
		} {
			another := again
			change(&another)
			number, err := w.db.RecordOnceRef(w.Context(), another, "192.0.2.7")
			w.ok(err)
			w.is("another number", number == again.Reference, true)
		}
		w.same("events", len(w.events()), 6)
	}},
	{"a code has an end, and so have its grant and its session", func(w *world) {
		v := w.visit(w.anna)
		g, code := w.code(v, "openid")
		r := w.redemption(linde, code, secret.Token())
		r.Now = g.CodeEndsAt
		_, err := w.db.Redeem(w.Context(), r)
		w.fails(err, fault.Expired)
		r.Now = g.CodeEndsAt.Add(-time.Millisecond)
		_, err = w.db.Redeem(w.Context(), r)
		w.ok(err)
		_, _, err = w.db.Grant(w.Context(), linde, g.ID, g.EndsAt.Add(-time.Millisecond))
		w.ok(err)
		_, _, err = w.db.Grant(w.Context(), linde, g.ID, g.EndsAt)
		w.fails(err, fault.NotFound)
	}},
	{"a party without refresh tokens gets none, and without a challenge none is asked", func(w *world) {
		g, code := w.newGrant(w.visit(w.anna), "openid")
		g.Challenge = ""
		w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
		r := w.redemption(linde, code, "")
		r.RefreshHash, r.RefreshEnds = nil, time.Time{}
		_, err := w.db.Redeem(w.Context(), r)
		w.fails(err, fault.NotFound) // a verifier without a challenge
		r.Challenge = ""
		_, err = w.db.Redeem(w.Context(), r)
		w.ok(err)
		_, err = w.db.Rotate(w.Context(), w.rotation(""))
		w.fails(err, fault.NotFound)
	}},
	{"an offline grant outlives the end of its session, another does not", func(w *world) {
		v := w.visit(w.anna)
		online, _ := w.tokens(v, "openid")
		offline, _ := w.tokens(v, "openid", "offline_access")
		for g, want := range map[*grant.Grant]bool{&online: false, &offline: true} {
			_, _, err := w.db.Grant(w.Context(), linde, g.ID, v.EndsAt)
			w.is("gives after the session", w.found(err), want)
		}
	}},
	{"a grant is ended by its party only, once", func(w *world) {
		g, _ := w.tokens(w.visit(w.anna), "openid")
		w.fails(w.db.EndGrant(w.Context(), g.ID, w.ending(linde, other)), fault.NotFound)
		w.fails(w.db.EndGrant(w.Context(), g.ID, w.ending(wilg, web)), fault.NotFound)
		w.is("gives", w.given(g), true)
		for range 2 {
			w.ok(w.db.EndGrant(w.Context(), g.ID, w.ending(linde, web)))
		}
		w.is("gives", w.given(g), false)
		w.same("events", w.kinds(), []audit.Kind{audit.GrantEnded})
	}},
	{"a grant that outlived its session or its account by a race gives nothing", func(w *world) {
		v := w.visit(w.anna)
		online, refresh := w.tokens(v, "openid")
		offline, offlineRefresh := w.tokens(v, "openid", "offline_access")
		for _, left := range []struct {
			by, undo string
			offline  bool // whether an offline grant goes on
		}{
			{"UPDATE sessions SET ended_at = 1", "UPDATE sessions SET ended_at = NULL", true},
			{"UPDATE accounts SET state = 'deactivated'", "UPDATE accounts SET state = 'active'", false},
		} {
			gives := func(alive, offlineAlive bool) {
				w.Helper()
				_, code := w.code(v, "openid", "offline_access")
				w.run(left.by)
				if alive {
					w.run(left.undo)
				}
				_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, secret.Token()))
				w.is("code, "+left.by, w.found(err), alive)
				w.is("grant, "+left.by, w.given(online), alive)
				w.is("offline grant, "+left.by, w.given(offline), offlineAlive)
				for token, want := range map[string]bool{refresh: alive, offlineRefresh: offlineAlive} {
					r := w.rotation(token)
					r.Next, r.Outdated = r.Hash, nil
					if _, err := w.db.Rotate(w.Context(), r); want {
						w.ok(err)
					} else {
						w.fails(err, fault.Expired)
					}
					_, err = w.db.GrantByRefresh(w.Context(), linde, presented(token), time.Hour, w.now)
					w.is("grant by refresh token, "+left.by, w.found(err), want)
				}
				w.run(left.undo)
			}
			gives(false, left.offline)
			gives(true, true)
		}
	}},
}

// withoutCode is a grant as tokens are made of it: what only the code was compared with is not read.
func withoutCode(g grant.Grant) grant.Grant {
	g.RedirectURI, g.Challenge, g.CodeHash, g.CodeEndsAt = "", "", nil, time.Time{}
	return g
}

// redeemed reports whether the code of a grant was used.
func (w *world) redeemed(g grant.Grant) bool {
	w.Helper()
	got, _, err := w.db.Grant(w.Context(), g.Platform, g.ID, w.now)
	w.ok(err)
	return !got.CodeUsedAt.IsZero()
}
