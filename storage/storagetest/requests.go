package storagetest

import (
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// request saves an open request that is bound to a browser.
func (w *world) request() grant.AuthRequest {
	w.Helper()
	_, r := w.journey()
	w.ok(w.db.SaveRequest(w.Context(), r, nil))
	return r
}

var requests = []promise{
	{"a request comes back whole", func(w *world) {
		_, r := w.journey()
		r.State = "af0ifjsldkj"
		w.ok(w.db.SaveRequest(w.Context(), r, nil))
		got, err := w.db.Request(w.Context(), linde, r.ID)
		w.ok(err)
		w.same("request", *got, r)
	}},
	{"a request is bound to the first browser, with its journey", func(w *world) {
		j, r := w.journey()
		r.Browser = nil
		w.ok(w.db.SaveRequest(w.Context(), r, nil))
		browsers, started := make([][]byte, crowd), make([]authn.Journey, crowd)
		ended := race(func(i int) error {
			browsers[i], started[i] = secret.Hash(secret.Token()), j
			started[i].ID, started[i].Browser = secret.ID(), browsers[i]
			if i%2 == 0 {
				return w.db.BindRequest(w.Context(), linde, r.ID, browsers[i], nil)
			}
			return w.db.BindRequest(w.Context(), linde, r.ID, browsers[i], &started[i])
		})
		w.onlyOne(ended, fault.Spent)
		got, err := w.db.Request(w.Context(), linde, r.ID)
		w.ok(err)
		for i, err := range ended {
			if err == nil {
				w.same("browser", got.Browser, browsers[i])
			}
			_, missing := w.db.Journey(w.Context(), linde, started[i].ID)
			w.is("journey saved", w.found(missing), err == nil && i%2 == 1)
		}
		w.fails(w.db.BindRequest(w.Context(), linde, "unknown", browsers[0], nil), fault.NotFound)
	}},
	{"a request that was answered is bound to nobody", func(w *world) {
		_, r := w.journey()
		r.Browser = nil
		w.ok(w.db.SaveRequest(w.Context(), r, nil))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Answered: r.ID}, w.now))
		w.fails(w.db.BindRequest(w.Context(), linde, r.ID, secret.Hash("x"), nil), fault.Spent)
	}},
	{"a request is answered once, by a grant or by an error", func(w *world) {
		v, r := w.visit(w.anna), w.request()
		grants := make([]grant.Grant, crowd)
		ended := race(func(i int) error {
			grants[i], _ = w.newGrant(v, "openid")
			if i%2 == 0 {
				return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Answered: r.ID}, w.now)
			}
			return w.db.Answer(w.Context(), r.ID, grants[i])
		})
		w.onlyOne(ended, fault.Spent)
		for i, err := range ended {
			w.is("grant saved", w.given(grants[i]), err == nil && i%2 == 1)
		}
	}},
	{"a request is answered in time, and by someone who is signed in", func(w *world) {
		v, r := w.visit(w.anna), w.request()
		g, _ := w.newGrant(v, "openid")
		late := g
		late.StartedAt = r.Expiry
		w.fails(w.db.Answer(w.Context(), r.ID, late), fault.Expired)
		w.fails(w.db.Answer(w.Context(), "unknown", g), fault.NotFound)

		gone := w.newVisit(w.anna) // never saved
		g, _ = w.newGrant(gone, "openid")
		w.fails(w.db.Answer(w.Context(), r.ID, g), fault.Refused)
		w.fails(w.db.Answer(w.Context(), "", g), fault.Refused)
		got, err := w.db.Request(w.Context(), linde, r.ID)
		w.ok(err)
		w.is("open after a refusal", got.Open(w.now), true)

		g, _ = w.newGrant(v, "openid")
		g.StartedAt = v.EndsAt
		w.fails(w.db.Answer(w.Context(), "", g), fault.Refused)
		g, _ = w.newGrant(v, "openid")
		g.Account = w.person(linde, "other@example.org").ID
		w.fails(w.db.Answer(w.Context(), "", g), fault.Refused)
	}},
}
