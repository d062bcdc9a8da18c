package op_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// Benchmarks of the protocol in process: what the handlers, the signature and SQLite cost, without a network. Their
// figures compare within one run only.

func benchCaller(b *testing.B) (caller, *idptest.Browser) {
	s := idptest.NewServer(b, idptest.SQLite(b))
	s.Apply(house)
	c := caller{b, s}
	return c, c.signIn(issuer)
}

func BenchmarkDiscovery(b *testing.B) {
	c, _ := benchCaller(b)
	for b.Loop() {
		c.get(issuer + "/.well-known/openid-configuration")
	}
}

// BenchmarkCodeSSO is an authorization request with a live session, and its token request (ES256).
func BenchmarkCodeSSO(b *testing.B) {
	c, browser := benchCaller(b)
	for b.Loop() {
		form := codeForm(c.code(browser, "post", nil))
		form.Set("client_id", "post")
		form.Set("client_secret", secretText)
		if got := c.token(form, ""); got.Error != "" {
			b.Fatal(got.Error)
		}
	}
}

func BenchmarkRefresh(b *testing.B) {
	c, browser := benchCaller(b)
	form := codeForm(c.code(browser, "spa", nil))
	form.Set("client_id", "spa")
	form.Set("redirect_uri", "https://spa.test/cb")
	got := c.token(form, "")
	for b.Loop() {
		if got = c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {"spa"}}, ""); got.Error != "" {
			b.Fatal(got.Error)
		}
	}
}

func BenchmarkUserInfo(b *testing.B) {
	c, browser := benchCaller(b)
	got := c.token(codeForm(c.code(browser, "web", nil)), "web")
	for b.Loop() {
		if res := c.send(http.MethodGet, issuer+"/userinfo", "", map[string]string{"Authorization": "Bearer " + got.Access}); res.StatusCode != 200 {
			b.Fatal(res.StatusCode)
		}
	}
}
