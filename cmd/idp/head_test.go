package main_test

import (
	"net/http"
	"testing"

	"github.com/minddistrict/idp/internal/secret"
)

// HEAD, as link checkers and mail scanners send it, answers for every page, without a body, and does nothing: what comes
// after it goes on as if it had not been.
func TestHeadDoesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.serve()
		anna := i.visitor()
		head := func(address string, want int) {
			t.Helper()
			r := request(t, http.MethodHead, address, nil)
			for name, value := range anna.cookies {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			status, header, body := do(t, r)
			if status != want || body != "" || header.Get("Set-Cookie") != "" || header.Get("Location") != "" && want == http.StatusOK {
				t.Errorf("HEAD %s: %d, want %d, %v %q", address, status, want, header, body)
			}
		}
		head(i.authorize("linde-web", ""), http.StatusOK)
		anna.open(http.MethodGet, i.authorize("linde-web", ""), nil)
		page := anna.page
		head(page, http.StatusOK)
		for _, address := range []string{i.issuer + "/.well-known/openid-configuration", i.issuer + "/.well-known/oauth-authorization-server", i.issuer + "/keys", i.issuer + "/logged-out", i.issuer + "/logout"} {
			head(address, http.StatusOK)
		}
		head(i.issuer+"/", http.StatusSeeOther)
		head(i.issuer+"/login/"+secret.ID()+"/password", http.StatusSeeOther) // an old one leads on
		head(i.issuer+"/login/nobody-could-have-this/password", http.StatusNotFound)
		for _, path := range []string{"/token", "/introspect", "/userinfo"} {
			head(i.issuer+path, http.StatusMethodNotAllowed)
		}
		anna.signIn(i)
		before := i.rows()
		head(i.authorize("linde-web", ""), http.StatusOK)     // a GET gives a code
		head(i.authorize("linde-web", "none"), http.StatusOK) // and so does this
		head(i.issuer+"/logout?client_id=linde-web", http.StatusOK)
		head(i.issuer+"/authorize/callback?request=x", http.StatusOK)
		head(page, http.StatusSeeOther)
		if after := i.rows(); after != before {
			t.Errorf("rows before %v, after %v", before, after)
		}
		if got := anna.silently(i); got != "true" {
			t.Errorf("signed out by HEAD: %s", got)
		}
	})
}
