package storagetest

import (
	"fmt"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// pushed stores a request that a party pushed.
func (w *world) pushed() grant.AuthRequest {
	w.Helper()
	_, r := w.journey()
	r.Browser, r.Expiry, r.State = nil, w.now.Add(grant.PushedLife), "af0ifjsldkj"
	w.ok(w.db.Push(w.Context(), r, crowd))
	return r
}

// brought stores what a browser made of it.
func (w *world) brought(from grant.AuthRequest) grant.AuthRequest {
	w.Helper()
	r := from
	r.ID, r.Pushed, r.Browser, r.Expiry = secret.ID(), from.ID, secret.Hash(secret.Token()), w.now.Add(grant.RequestLife)
	w.ok(w.db.SaveRequest(w.Context(), r))
	return r
}

var pushes = []promise{
	{"a pushed request comes back whole, to its platform", func(w *world) {
		r := w.pushed()
		got, err := w.db.Pushed(w.Context(), linde, r.ID)
		w.ok(err)
		r.CreatedAt = time.Time{} // nobody asks
		w.same("pushed request", *got, r)
		_, err = w.db.Pushed(w.Context(), wilg, r.ID)
		w.fails(err, fault.NotFound)
		w.fails(w.db.SpendPushed(w.Context(), wilg, r.ID, w.now), fault.NotFound)
	}},
	{"a party's pushed requests are bounded while they wait, those of others are not", func(w *world) {
		_, r := w.journey()
		push := func(p grant.PartyID) error {
			r.ID, r.Party, r.CreatedAt, r.Expiry = secret.ID(), p, w.now, w.now.Add(grant.PushedLife)
			return w.db.Push(w.Context(), r, 3)
		}
		for range 3 {
			w.ok(push(web))
		}
		w.fails(push(web), fault.Throttled)
		w.ok(push(other))
		w.now = w.now.Add(grant.PushedLife)
		w.ok(push(web))
	}},
	{"a pushed request that was answered waits no more, and makes room for another", func(w *world) {
		_, r := w.journey()
		v := w.visit(w.anna)
		push := func() (string, error) {
			r.ID, r.Party, r.CreatedAt, r.Expiry = secret.ID(), web, w.now, w.now.Add(grant.PushedLife)
			return r.ID, w.db.Push(w.Context(), r, 2)
		}
		for i := range 3 {
			w.now = w.now.Add(time.Second)
			id, err := push()
			w.ok(err)
			other, err := push()
			w.ok(err)
			_, err = push()
			w.fails(err, fault.Throttled)
			g, _ := w.newGrant(v, "openid")
			w.ok(w.db.Answer(w.Context(), grant.Answered{Pushed: id}, g))
			w.ok(w.db.SpendPushed(w.Context(), linde, other, w.now))
			if i > 0 {
				w.fails(w.db.SpendPushed(w.Context(), linde, id, w.now.Add(time.Second)), fault.Spent)
			}
		}
	}},
	{"a pushed request is answered once, in whichever browser, by a grant or by an error", func(w *world) {
		v, r := w.visit(w.anna), w.pushed()
		grants, copies := make([]grant.Grant, crowd), make([]grant.AuthRequest, crowd)
		for i := range copies {
			grants[i], _ = w.newGrant(v, "openid")
			copies[i] = w.brought(r)
		}
		ended := race(func(i int) error {
			switch i % 4 {
			case 0:
				return w.db.SpendPushed(w.Context(), linde, r.ID, w.now)
			case 1:
				return w.db.Answer(w.Context(), grant.Answered{Pushed: r.ID}, grants[i])
			case 2:
				return w.db.Answer(w.Context(), grant.Answered{Request: copies[i].ID, Pushed: r.ID}, grants[i])
			}
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Answered: copies[i].ID}, w.now)
		})
		w.onlyOne(ended, fault.Spent)
		for i, err := range ended {
			w.is("grant saved", w.given(grants[i]), err == nil && (i%4 == 1 || i%4 == 2))
			got, err := w.db.Request(w.Context(), linde, copies[i].ID)
			w.ok(err)
			w.is("copy answered", !got.AnsweredAt.IsZero(), ended[i] == nil && i%4 >= 2)
		}
		got, err := w.db.Pushed(w.Context(), linde, r.ID)
		w.ok(err)
		w.is("open", got.Open(w.now), false)
	}},
	{"a browser that brings a pushed request twice at once brings one", func(w *world) {
		r := w.pushed()
		r.Pushed, r.ID, r.Browser, r.Expiry = r.ID, secret.ID(), secret.Hash("x"), w.now.Add(grant.RequestLife)
		for _, err := range race(func(int) error { return w.db.SaveRequest(w.Context(), r) }) {
			w.ok(err)
		}
		got, err := w.db.Request(w.Context(), linde, r.ID)
		w.ok(err)
		w.same("request", *got, r)
	}},
	{"a code, and a refresh token where they are bound, work with their key only", func(w *world) {
		v := w.visit(w.anna)
		g, code := w.newGrant(v, "openid")
		g.JKT = "ours"
		w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
		r := w.redemption(linde, code, secret.Token())
		for _, jkt := range []string{"", "theirs"} {
			r.Key = grant.Key{JKT: jkt}
			_, err := w.db.Redeem(w.Context(), r)
			w.fails(err, fault.NotFound)
		}
		r.Key = grant.Key{JKT: "ours"}
		got, err := w.db.Redeem(w.Context(), r)
		w.ok(err)
		w.same("key", got.JKT, "ours")

		for _, binds := range []bool{false, true} {
			_, code := w.code(v, "openid")
			refresh := grant.NewToken(mustID(code))
			r := w.redemption(linde, code, refresh)
			r.Key = grant.Key{JKT: "first", Binds: binds}
			_, err := w.db.Redeem(w.Context(), r)
			w.ok(err)
			for _, jkt := range []string{"", "second", "first"} { // the last rotation, then its repeat with each
				rotation := w.rotation(refresh)
				rotation.Key = grant.Key{JKT: jkt, Binds: binds}
				_, err := w.db.Rotate(w.Context(), rotation)
				w.is("rotated with "+jkt, err == nil, !binds || jkt == "first")
			}
			for _, jkt := range []string{"", "second", "first"} {
				rotation := w.rotation(refresh)
				rotation.Key = grant.Key{JKT: jkt, Binds: binds}
				_, err := w.db.Rotate(w.Context(), rotation)
				w.is("repeated with "+jkt, err == nil, !binds || jkt == "first")
			}
		}
	}},
	{"a refresh token that is bound to no key is bound to the first that is proven", func(w *world) {
		_, code := w.code(w.visit(w.anna), "openid")
		refresh := grant.NewToken(mustID(code))
		_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, refresh))
		w.ok(err)
		for i, row := range []struct {
			key   grant.Key
			works bool
		}{
			{grant.Key{JKT: "not asked"}, true}, {grant.Key{Binds: true}, true}, {grant.Key{JKT: "first", Binds: true}, true},
			{grant.Key{Binds: true}, false}, {grant.Key{JKT: "second", Binds: true}, false}, {grant.Key{JKT: "first", Binds: true}, true},
		} {
			rotation := w.rotation(refresh)
			rotation.Next, rotation.Key = rotation.Hash, row.key
			_, err := w.db.Rotate(w.Context(), rotation)
			w.is(fmt.Sprintf("refreshed, step %d", i), err == nil, row.works)
		}
	}},
	{"pushed requests are forgotten two hours after their minute", func(w *world) {
		r := w.pushed()
		_, err := w.db.CleanUp(w.Context(), r.Expiry.Add(2*time.Hour), 100)
		w.ok(err)
		_, err = w.db.Pushed(w.Context(), linde, r.ID)
		w.ok(err)
		_, err = w.db.CleanUp(w.Context(), r.Expiry.Add(2*time.Hour+time.Millisecond), 100)
		w.ok(err)
		_, err = w.db.Pushed(w.Context(), linde, r.ID)
		w.fails(err, fault.NotFound)
	}},
}

func mustID(token string) grant.ID {
	id, ok := grant.IDOf(token)
	if !ok {
		panic("not a token")
	}
	return id
}
