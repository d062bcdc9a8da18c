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
	w.ok(w.db.SaveRequest(w.Context(), r))
	return r
}

var requests = []promise{
	{"a request comes back whole", func(w *world) {
		_, r := w.journey()
		r.State = "af0ifjsldkj"
		w.ok(w.db.SaveRequest(w.Context(), r))
		got, err := w.db.Request(w.Context(), linde, r.ID)
		w.ok(err)
		w.same("request", *got, r)
	}},
	{"a request is bound to the first browser, with what was decided of it there", func(w *world) {
		_, r := w.journey()
		r.Browser, r.State = nil, "af0ifjsldkj"
		w.ok(w.db.SaveRequest(w.Context(), r))
		bound := make([]grant.AuthRequest, crowd)
		ended := race(func(i int) error {
			bound[i] = r
			bound[i].Browser, bound[i].Ask.PromptSelectAccount = secret.Hash(secret.Token()), i%2 == 0
			return w.db.BindRequest(w.Context(), bound[i])
		})
		w.onlyOne(ended, fault.Spent)
		got, err := w.db.Request(w.Context(), linde, r.ID)
		w.ok(err)
		j, err := w.db.Journey(w.Context(), linde, r.ID)
		w.ok(err)
		for i, err := range ended {
			if err == nil {
				w.same("request", *got, bound[i])
				w.same("journey", *j, bound[i].Journey())
			}
		}
		r.ID = "unknown"
		w.fails(w.db.BindRequest(w.Context(), r), fault.NotFound)
	}},
	{"a request that was answered is bound to nobody", func(w *world) {
		_, r := w.journey()
		r.Browser = nil
		w.ok(w.db.SaveRequest(w.Context(), r))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Answered: r.ID}, w.now))
		r.Browser = secret.Hash("x")
		w.fails(w.db.BindRequest(w.Context(), r), fault.Spent)
	}},
	{"a request is answered once, by a grant or by an error", func(w *world) {
		v, r := w.visit(w.anna), w.request()
		grants := make([]grant.Grant, crowd)
		ended := race(func(i int) error {
			grants[i], _ = w.newGrant(v, "openid")
			if i%2 == 0 {
				return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Answered: r.ID}, w.now)
			}
			return w.db.Answer(w.Context(), grant.Answered{Request: r.ID}, grants[i])
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
		w.fails(w.db.Answer(w.Context(), grant.Answered{Request: r.ID}, late), fault.Expired)
		w.fails(w.db.Answer(w.Context(), grant.Answered{Request: "unknown"}, g), fault.NotFound)

		gone := w.newVisit(w.anna) // never saved
		g, _ = w.newGrant(gone, "openid")
		w.fails(w.db.Answer(w.Context(), grant.Answered{Request: r.ID}, g), fault.Refused)
		w.fails(w.db.Answer(w.Context(), grant.Answered{}, g), fault.Refused)
		got, err := w.db.Request(w.Context(), linde, r.ID)
		w.ok(err)
		w.is("open after a refusal", got.Open(w.now), true)

		g, _ = w.newGrant(v, "openid")
		g.StartedAt = v.EndsAt
		w.fails(w.db.Answer(w.Context(), grant.Answered{}, g), fault.Refused)
		g, _ = w.newGrant(v, "openid")
		g.Account = w.person(linde, "other@example.org").ID
		w.fails(w.db.Answer(w.Context(), grant.Answered{}, g), fault.Refused)
	}},
}
