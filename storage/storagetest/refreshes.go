package storagetest

import (
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

var refreshes = []promise{
	{"a refresh token is rotated once, and each of a hundred gets the same successor", func(w *world) {
		g, refresh := w.tokens(w.visit(w.anna), "openid")
		var rotated [crowd]time.Time
		for _, err := range race(func(i int) error {
			r := w.rotation(refresh)
			r.Now = w.now.Add(time.Duration(i) * time.Millisecond)
			got, err := w.db.Rotate(w.Context(), r)
			if err == nil {
				rotated[i] = got.RefreshedAt
			}
			return err
		}) {
			w.ok(err)
		}
		for _, at := range rotated {
			w.same("time of the one rotation", at, rotated[0])
		}
		w.now = w.now.Add(time.Second)
		got, err := w.db.Rotate(w.Context(), w.rotation(next(refresh)))
		w.ok(err)
		w.same("grant", got.ID, g.ID)
		w.same("events", w.kinds(), []audit.Kind(nil))
	}},
	{"a refresh token gives the grant", func(w *world) {
		g, refresh := w.tokens(w.visit(w.anna), "openid")
		started := w.now
		w.now = w.now.Add(time.Minute)
		want := withoutCode(g)
		want.CodeUsedAt, want.RefreshedAt, want.RefreshEnds = started, w.now, w.rotation(refresh).RefreshEnds
		for range 2 { // the second is a repeat
			got, err := w.db.Rotate(w.Context(), w.rotation(refresh))
			w.ok(err)
			w.same("grant", *got, want)
		}
	}},
	{"a refresh may be repeated for ten seconds; later it ends the family", func(w *world) {
		g, refresh := w.tokens(w.visit(w.anna), "openid")
		_, err := w.db.Rotate(w.Context(), w.rotation(refresh))
		w.ok(err)
		w.now = w.now.Add(grant.RefreshRepeat - time.Millisecond)
		_, err = w.db.Rotate(w.Context(), w.rotation(refresh))
		w.ok(err)
		w.now = w.now.Add(time.Millisecond)
		_, err = w.db.Rotate(w.Context(), w.rotation(refresh))
		w.fails(err, fault.Spent)
		w.is("grant gives", w.given(g), false)
		for _, token := range []string{refresh, next(refresh)} {
			_, err = w.db.Rotate(w.Context(), w.rotation(token))
			w.fails(err, fault.NotFound)
		}
		w.same("events", w.kinds(), []audit.Kind{audit.RefreshTokenReplayed})
	}},
	{"an older refresh token ends the family at once", func(w *world) {
		g, first := w.tokens(w.visit(w.anna), "openid")
		token := first
		for range 3 {
			_, err := w.db.Rotate(w.Context(), w.rotation(token))
			w.ok(err)
			token = next(token)
		}
		_, err := w.db.Rotate(w.Context(), w.rotation(first))
		w.fails(err, fault.Spent)
		w.is("grant gives", w.given(g), false)
		_, err = w.db.Rotate(w.Context(), w.rotation(token))
		w.fails(err, fault.NotFound)
		w.same("events", w.kinds(), []audit.Kind{audit.RefreshTokenReplayed})
	}},
	{"a token that does not rotate stays, and its time moves", func(w *world) {
		_, refresh := w.tokens(w.visit(w.anna), "openid", "offline_access")
		use := func() error {
			r := w.rotation(refresh)
			r.Next, r.Outdated, r.RefreshEnds = r.Hash, nil, w.now.Add(time.Hour)
			_, err := w.db.Rotate(w.Context(), r)
			return err
		}
		for _, err := range race(func(int) error { return use() }) {
			w.ok(err)
		}
		w.now = w.now.Add(time.Hour - time.Millisecond)
		w.ok(use())
		w.now = w.now.Add(time.Hour)
		w.fails(use(), fault.Expired)
	}},
	{"a refresh token is refused to anybody else, and nothing changes", func(w *world) {
		g, refresh := w.tokens(w.visit(w.anna), "openid")
		for name, change := range map[string]func(*grant.Rotation){
			"other party":    func(r *grant.Rotation) { r.Party = other },
			"other platform": func(r *grant.Rotation) { r.Platform = wilg },
			"other token":    func(r *grant.Rotation) { r.Hash = secret.Hash("x") },
			"other grant":    func(r *grant.Rotation) { r.Grant = grant.ID(secret.ID()) },
		} {
			r := w.rotation(refresh)
			change(&r)
			_, err := w.db.Rotate(w.Context(), r)
			if w.fails(err, fault.NotFound); w.Failed() {
				w.Log(name)
			}
		}
		w.is("grant gives", w.given(g), true)
		_, err := w.db.Rotate(w.Context(), w.rotation(refresh))
		w.ok(err)
	}},
	{"a refresh ends with its session: idle, over or signed out; an offline one with its grant", func(w *world) {
		v := w.visit(w.anna)
		_, online := w.tokens(v, "openid")
		g, offline := w.tokens(v, "openid", "offline_access")
		rotate := func(token string, at time.Time, change ...func(*grant.Rotation)) error {
			r := w.rotation(token)
			r.Now, r.RefreshEnds = at, at.Add(365*24*time.Hour)
			for _, c := range change {
				c(&r)
			}
			_, err := w.db.Rotate(w.Context(), r)
			return err
		}
		w.fails(rotate(online, w.now.Add(time.Hour)), fault.Expired) // idle
		never := func(r *grant.Rotation) { r.IdleAfter = 0 }
		w.fails(rotate(online, v.EndsAt, never), fault.Expired)
		w.ok(rotate(online, v.EndsAt.Add(-time.Second), never))
		w.fails(rotate(online, v.EndsAt, never), fault.Expired) // a repeat that comes too late for the session
		w.ok(rotate(offline, v.EndsAt.Add(24*time.Hour)))
		w.fails(rotate(next(offline), g.EndsAt), fault.Expired)
	}},
	{"a refresh counts as activity, once a minute, unless it is offline", func(w *world) {
		v := w.visit(w.anna)
		seen := func() time.Time {
			s, _, err := w.db.Session(w.Context(), linde, secret.Hash(v.cookie), w.now)
			w.ok(err)
			return s.SeenAt
		}
		started := w.now
		_, online := w.tokens(v, "openid")
		_, offline := w.tokens(v, "openid", "offline_access")
		w.now = started.Add(authn.SeenEvery - time.Millisecond)
		_, err := w.db.Rotate(w.Context(), w.rotation(online))
		w.ok(err)
		w.same("within a minute", seen(), started)
		w.now = started.Add(authn.SeenEvery)
		_, err = w.db.Rotate(w.Context(), w.rotation(offline))
		w.ok(err)
		w.same("offline", seen(), started)
		_, err = w.db.Rotate(w.Context(), w.rotation(next(online)))
		w.ok(err)
		w.same("after a minute", seen(), w.now)
	}},
	{"a refresh token is revoked by its party only: the current one or one that it replaced", func(w *world) {
		v := w.visit(w.anna)
		for _, rotations := range []int{0, 1, 3} {
			g, refresh := w.tokens(v, "openid")
			current := refresh
			for range rotations {
				_, err := w.db.Rotate(w.Context(), w.rotation(current))
				w.ok(err)
				current = next(current)
			}
			w.fails(w.db.RevokeRefresh(w.Context(), presented(refresh), w.ending(linde, other)), fault.NotFound)
			w.fails(w.db.RevokeRefresh(w.Context(), presented(refresh), w.ending(wilg, web)), fault.NotFound)
			forged := presented(refresh)
			forged.Hash = secret.Hash(grant.NewToken(g.ID))
			forged.Outdated = func(current []byte) bool { return grant.Outdated(successorKey, grant.NewToken(g.ID), current) }
			w.fails(w.db.RevokeRefresh(w.Context(), forged, w.ending(linde, web)), fault.NotFound)
			w.is("grant gives", w.given(g), true)
			for range 2 {
				w.ok(w.db.RevokeRefresh(w.Context(), presented(refresh), w.ending(linde, web)))
			}
			w.is("grant gives", w.given(g), false)
		}
		w.same("events", w.kinds(), []audit.Kind{audit.GrantEnded, audit.GrantEnded, audit.GrantEnded})
	}},
}
