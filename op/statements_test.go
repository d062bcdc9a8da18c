package op_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

// What each endpoint asks of the database: its reads by statement, and how often it writes at all. A request that looks
// something up twice raises a figure here.
func TestReadsOfEachEndpoint(t *testing.T) {
	var reads, writes atomic.Int64
	_, db := idptest.SQLiteHeld(t, func(text string) {
		switch verb, _, _ := strings.Cut(strings.TrimSpace(text), " "); {
		case strings.HasPrefix(verb, "SELECT"):
			reads.Add(1)
		case strings.HasPrefix(verb, "INSERT"), strings.HasPrefix(verb, "UPDATE"), strings.HasPrefix(verb, "DELETE"):
			writes.Add(1)
		}
	})
	c := callerOn(t, db)
	c.declare("client_id: web, rotate_refresh_tokens: true, grant_types: [authorization_code, refresh_token, client_credentials]")
	c.declare("client_id: post, subject_type: pairwise")
	b := c.signIn(issuer)
	measure := func(endpoint string, wantReads, wantWrites int64, request func()) {
		t.Helper()
		reads.Store(0)
		writes.Store(0)
		request()
		if r, w := reads.Load(), writes.Load(); r != wantReads || w != wantWrites {
			t.Errorf("%s: %d reads and %d writes, want %d and %d", endpoint, r, w, wantReads, wantWrites)
		}
	}
	var code, uri string
	var got tokens
	measure("authorize, signed in", 1, 1, func() { code = c.code(b, "web", nil) })
	measure("authorize, prompt=none", 1, 1, func() { c.code(b, "web", func(q url.Values) { q.Set("prompt", "none") }) })
	measure("authorize, the first pairwise subject", 1, 2, func() { c.code(b, "post", nil) })
	measure("authorize, a pairwise subject", 1, 1, func() { c.code(b, "post", nil) })
	measure("authorize, not signed in", 0, 1, func() { c.get(issuer + authorizeQuery("web", nil)) })
	measure("authorize by POST", 0, 1, func() {
		c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery("web", nil), "/authorize?"), nil)
	})
	measure("token, code", 0, 1, func() { got = c.given(c.token(codeForm(code), "web")) })
	measure("token, refresh", 0, 1, func() {
		got = c.given(c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, "web"))
	})
	measure("token, refresh for fewer scopes", 1, 1, func() {
		got = c.given(c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "scope": {"openid"}}, "web"))
	})
	measure("token, client credentials", 0, 0, func() {
		c.given(c.token(url.Values{"grant_type": {"client_credentials"}}, "web"))
	})
	c.Declare(keyHouse(t)...)
	form := asserted(c.assertion("keys", nil)).Encode()
	measure("token, client credentials by assertion", 0, 1, func() { c.send(http.MethodPost, issuer+"/token", form, nil) })
	measure("… a second time, which is on record", 0, 2, func() { c.send(http.MethodPost, issuer+"/token", form, nil) })
	bearer := map[string]string{"Authorization": "Bearer " + got.Access}
	basic := basicOf("web", secretText)
	measure("push", 0, 1, func() { uri = c.push("web", nil, nil).RequestURI })
	measure("authorize, pushed, signed in", 3, 2, func() {
		if b.MustOpen(t, pushedQuery("web", uri)); b.URL.Query().Get("code") == "" {
			t.Errorf("no code at %s", b.URL)
		}
	})
	key := newProver(c)
	bound := func() string {
		return c.given(c.bound(codeForm(c.code(b, "web", nil)), "web", key.proof("POST", tokenURL, ""))).Access
	}()
	measure("userinfo with a key", 1, 1, func() { c.info("DPoP", bound, key.proof("GET", userinfoURL, bound)) })
	measure("userinfo", 1, 0, func() { c.send(http.MethodGet, issuer+"/userinfo", "", bearer) })
	measure("introspect, access token", 1, 0, func() {
		c.send(http.MethodPost, issuer+"/introspect", "token="+got.Access, basic)
	})
	measure("introspect, refresh token", 1, 0, func() {
		c.send(http.MethodPost, issuer+"/introspect", "token="+got.Refresh, basic)
	})
	measure("revoke", 1, 2, func() { c.send(http.MethodPost, issuer+"/revoke", "token="+got.Refresh, basic) })
	waiting := idptest.NewBrowser(c.Server, "en")
	waiting.MustOpen(t, issuer+authorizeQuery("web", nil))
	request := path.Base(path.Dir(waiting.URL.Path))       // /login/{journey}/password
	waiting.MustOpen(t, issuer+authorizeQuery("web", nil)) // another request, whose sign-in answers both
	idptest.SendPassword(t, waiting, "anna@example.org")
	measure("callback", 2, 2, func() {
		if waiting.MustOpen(t, issuer+"/authorize/callback?request="+request); waiting.URL.Query().Get("code") == "" {
			t.Errorf("no code at %s", waiting.URL)
		}
	})
	measureApp(t, c, measure)
	c.Declare(referHouse...)
	server := referrerAt(c)
	ask := server.ask()
	refer := map[string]string{"Authorization": "Bearer " + server.own("web", "accounts:refer"), "Content-Type": "application/json"}
	measure("referral", 2, 4, func() { c.send(http.MethodPost, issuer+"/api/v1/referrals", ask, refer) })
	measure("discovery", 0, 0, func() { c.get(issuer + "/.well-known/openid-configuration") })
	measure("logout, asked", 1, 0, func() {
		if err := b.Open(issuer + "/logout"); err != nil {
			t.Fatal(err)
		}
	})
	measure("logout, confirmed", 2, 4, func() {
		if err := b.Press("Yes, log out"); err != nil {
			t.Fatal(err)
		}
	})
}

// measureApp goes from a QR code to a PIN. A phone that waits, and one whose PIN is wrong, write what counts and their proof.
func measureApp(t *testing.T, c caller, measure func(endpoint string, reads, writes int64, request func())) {
	t.Helper()
	h := newHandset(newDesk(c))
	var got reply
	answers := func(status int) {
		t.Helper()
		if got.status != status {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	measure("app: no nonce", 0, 0, func() {
		got = h.sends(http.MethodPost, "/app/handoff", "", fixed(url.Values{"client_id": {"app"}}))
	})
	h.nonce = got.header.Get("DPoP-Nonce")
	reference := h.code()
	measure("app: handoff", 2, 3, func() { got = h.claims(reference) })
	answers(http.StatusOK)
	measure("app: handoff that was claimed", 1, 2, func() { got = h.claims(reference) })
	answers(http.StatusBadRequest)
	measure("token, handoff that waits", 0, 2, func() { got = h.polls() })
	answers(http.StatusBadRequest)
	h.types(h.handoff, h.number)
	measure("token, handoff", 1, 12, func() { got = h.polls() })
	answers(http.StatusOK)
	measure("app: PIN is chosen", 2, 4, func() { got = h.chooses(h.pinKey) })
	answers(http.StatusNoContent)
	measure("token, wrong PIN", 1, 4, func() { got = h.enters(secret.Bytes(grant.PINKeySize)) })
	answers(http.StatusBadRequest)
	measure("token, PIN", 1, 7, func() { got = h.enters(h.pinKey) })
	answers(http.StatusOK)
	measure("token, the next PIN", 1, 10, func() { got = h.enters(h.pinKey) })
	answers(http.StatusOK)
}
