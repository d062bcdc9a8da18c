package storagetest

import (
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
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
		token := secret.Token()
		got, err := w.db.Redeem(w.Context(), w.redemption(linde, code, token))
		w.ok(err)
		found, a, err := w.db.GrantByRefresh(w.Context(), linde, secret.Hash(token), w.now)
		w.ok(err)
		w.same("grant", found.ID, got.ID)
		w.same("account", a.ID, w.anna.ID)
		w.same("claims", found.Claims, grant.Requested{UserInfo: []string{"name"}})
		_, _, err = w.db.GrantByRefresh(w.Context(), wilg, secret.Hash(token), w.now)
		w.fails(err, fault.NotFound)
		_, err = w.db.Rotate(w.Context(), w.rotation(token))
		w.ok(err)
		_, _, err = w.db.GrantByRefresh(w.Context(), linde, secret.Hash(token), w.now)
		w.fails(err, fault.NotFound)
	}},
}
