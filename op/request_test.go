package op_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// OpenID Connect Core 1.0 section 3.1.2.6: no error is lost because an app cannot take a form.
func TestErrorsReachAnAppThatAskedForAForm(t *testing.T) {
	c := newCaller(t)
	c.declare(`client_id: app, type: native, redirect_uris: ["net.example.linde:/cb", "http.example:/cb"]`)
	for want, changes := range map[string][]func(url.Values){
		"invalid_request": {
			func(url.Values) {}, func(q url.Values) { q.Del("response_type") }, func(q url.Values) { q.Set("state", strings.Repeat("s", 3000)) },
			func(q url.Values) { q.Set("redirect_uri", "http.example:/cb") },
		},
		"request_not_supported": {func(q url.Values) { q.Set("request", "x.y.z") }},
	} {
		for i, change := range changes {
			res := c.get(issuer + authorizeQuery("app", func(q url.Values) {
				q.Set("redirect_uri", "net.example.linde:/cb")
				q.Set("response_mode", "form_post")
				change(q)
			}))
			to, err := url.Parse(res.Header.Get("Location"))
			if err != nil || res.StatusCode != http.StatusSeeOther || to.Query().Get("error") != want {
				t.Errorf("%s %d: %d %q", want, i, res.StatusCode, res.Header.Get("Location"))
			}
		}
	}
}

// OpenID Connect Core 1.0 section 6.1: what stands in the request object supersedes what stands outside.
func TestRequestObjectIsRefusedInItsOwnResponseMode(t *testing.T) {
	c := newCaller(t)
	object := func(claims string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
	}
	b := idptest.NewBrowser(c.Server, "en")
	for _, row := range []struct {
		claims, outside string
		form            bool
	}{
		{`{"response_mode":"form_post"}`, "", true},
		{`{"response_mode":"query"}`, "form_post", false},
		{`{"state":"x"}`, "form_post", true},
		{`{"response_mode":1}`, "", false},
	} {
		c.Site("rp.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		b.MustOpen(c, issuer+authorizeQuery("web", func(q url.Values) {
			q.Set("request", object(row.claims))
			q.Set("response_mode", row.outside)
		}))
		got := b.URL.Query().Get("error")
		if row.form {
			got = b.Value("error")
		}
		if got != "request_not_supported" {
			t.Errorf("%s, outside %q: error %q at %s", row.claims, row.outside, got, b.URL)
		}
	}
}

// A stored request is answered at most once, whoever comes with its address, and an error is an answer.
func TestStoredRequestIsRefusedOnce(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	for says, row := range map[string]struct {
		change func(url.Values)
		want   string
	}{
		"silently": {asking("openid", "", "prompt", "none"), "login_required"},
		"too weak": {asking("openid", "", "acr_values", twoFactor), "unmet_authentication_requirements"},
	} {
		res := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery("web", row.change), "/authorize?"), nil)
		stored := res.Header.Get("Location")
		first := b
		if row.want == "login_required" {
			first = idptest.NewBrowser(c.Server, "en")
		}
		if first.MustOpen(c, stored); first.URL.Query().Get("error") != row.want {
			t.Errorf("%s: %s", says, first.URL)
		}
		c.Site("linde.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if b.MustOpen(c, stored); b.URL.String() != "https://linde.test/home" {
			t.Errorf("%s, answered again: %s", says, b.URL)
		}
	}
}
