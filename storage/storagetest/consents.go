package storagetest

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

var consents = []promise{
	{"a consent is remembered, and the next one takes its place", func(w *world) {
		_, err := w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.fails(err, fault.NotFound)
		given := authn.Consent{Account: w.anna.ID, Party: string(web), Scopes: []string{"openid", "email"}, Journey: "one", At: w.now}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Consent: &given}, w.now))
		got, err := w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.ok(err)
		w.same("consent", *got, given)
		given.Scopes, given.Journey = []string{"openid"}, "two"
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Consent: &given}, w.now))
		got, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.ok(err)
		w.same("consent", *got, given)
	}},
	{"a consent is nobody else's", func(w *world) {
		given := authn.Consent{Account: w.anna.ID, Party: string(web), Scopes: []string{"openid"}, Journey: "one", At: w.now}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Consent: &given}, w.now))
		for _, look := range []func() (*authn.Consent, error){
			func() (*authn.Consent, error) { return w.db.Consent(w.Context(), wilg, w.anna.ID, string(web)) },
			func() (*authn.Consent, error) { return w.db.Consent(w.Context(), linde, w.far.ID, string(web)) },
			func() (*authn.Consent, error) { return w.db.Consent(w.Context(), linde, w.anna.ID, string(other)) },
		} {
			_, err := look()
			w.fails(err, fault.NotFound)
		}
	}},
	{"a grant keeps the claims that were asked by name, and is found by its current refresh token only", func(w *world) {
		_, code := w.code(w.visit(w.anna), "openid", "offline_access")
		id, _ := grant.IDOf(code)
		token := grant.NewToken(id)
		look := func(p platform.ID, at time.Time) (*grant.Grant, *account.Account, error) {
			return w.db.GrantByRefresh(w.Context(), p, presented(token), time.Hour, at)
		}
		got, err := w.db.Redeem(w.Context(), w.redemption(linde, code, token))
		w.ok(err)
		found, a, err := look(linde, w.now)
		w.ok(err)
		w.same("grant", found.ID, got.ID)
		w.same("account", a.ID, w.anna.ID)
		w.same("claims", found.Claims, grant.Requested{UserInfo: []string{"name"}})
		_, _, err = look(wilg, w.now)
		w.fails(err, fault.NotFound)
		_, err = w.db.Rotate(w.Context(), w.rotation(token))
		w.ok(err)
		_, _, err = look(linde, w.now)
		w.fails(err, fault.NotFound)
	}}, {"a refresh token is found as long as it would work", func(w *world) {
		v := w.visit(w.anna)
		_, online := w.tokens(v, "openid")
		_, offline := w.tokens(v, "openid", "offline_access")
		look := func(token string, at time.Time) (*grant.Grant, error) {
			g, _, err := w.db.GrantByRefresh(w.Context(), linde, presented(token), time.Hour, at)
			return g, err
		}
		g, err := look(online, w.now.Add(time.Hour-time.Millisecond))
		w.ok(err)
		w.same("end of the token", g.RefreshEnds, w.rotation(online).RefreshEnds)
		_, err = look(online, w.now.Add(time.Hour)) // idle
		w.fails(err, fault.NotFound)
		_, err = look(offline, w.now.Add(time.Hour))
		w.ok(err)
		_, err = look(offline, g.RefreshEnds.Add(-time.Millisecond))
		w.ok(err)
		_, err = look(offline, g.RefreshEnds)
		w.fails(err, fault.NotFound)
	}},
}
