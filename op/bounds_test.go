package op_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// What a party sends along is kept and sent back as it is, or refused: PostgreSQL stores no NUL and no broken UTF-8, and
// an address has an end.
func TestStateAndNonceAreShortPlainText(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		c := callerOn(t, db)
		for value, good := range map[string]bool{
			"state": true, "é ☂ 'x' \"y\"": true, strings.Repeat("s", 2048): true,
			strings.Repeat("s", 2049): false, "a\x00b": false, "a\nb": false, "a\x7fb": false, "\xff\xfe": false, "\xed\xa0\x80": false,
		} {
			for _, param := range []string{"state", "nonce"} {
				query := authorizeQuery("web", func(q url.Values) { q.Set(param, value) })
				for method, res := range map[string]*http.Response{
					http.MethodGet:  c.get(issuer + query),
					http.MethodPost: c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(query, "/authorize?"), nil),
				} {
					to, err := url.Parse(res.Header.Get("Location"))
					if err != nil || res.StatusCode != http.StatusSeeOther {
						t.Fatalf("%s of %.20q by %s: %d %v", param, value, method, res.StatusCode, err)
					}
					got := to.Query()
					if good && to.Host == "rp.test" || !good && (got.Get("error") != "invalid_request" || param == "state" && got.Has("state")) {
						t.Errorf("%s of %.20q by %s leads to %.200s", param, value, method, to)
					}
				}
			}
		}
	})
}

// OpenID Connect Core 1.0 section 5.3: userinfo is for sign-ins, and a token without `openid` is of none.
func TestUserinfoNeedsOpenID(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	for scope, want := range map[string]int{"profile email": http.StatusForbidden, "offline_access": http.StatusForbidden, "openid": http.StatusOK} {
		got := c.token(codeForm(c.code(b, "web", func(q url.Values) { q.Set("scope", scope) })), "web")
		if got.Access == "" || (got.ID == "") == (want == http.StatusOK) {
			t.Fatalf("scope %q: %+v", scope, got)
		}
		status, claims := c.userinfo(got.Access)
		if status != want || want != http.StatusOK && (claims["error"] != "insufficient_scope" || claims["sub"] != nil || claims["email"] != nil) {
			t.Errorf("scope %q: %d %v", scope, status, claims)
		}
	}
}

// RP-Initiated Logout 1.0 section 3: nobody is led away who was not signed out by a hint or by herself, not even to where
// the party registered.
func TestLogoutLeadsBackOnlyWithAHintOrAConfirmation(t *testing.T) {
	c := newCaller(t)
	b, stranger := c.signIn(issuer), idptest.NewBrowser(c.Server, "en")
	bye := []string{"client_id", "web", "post_logout_redirect_uri", "https://rp.test/bye", "state", "s"}
	for says, pairs := range map[string][]string{"a party": bye, "a party and a broken hint": append([]string{"id_token_hint", "x.y.z"}, bye...), "no party": bye[2:]} {
		if c.logout(stranger, pairs...); stranger.URL.Host != "login.linde.test" || stranger.URL.Path != "/logged-out" {
			t.Errorf("nobody signed in, %s: at %s", says, stranger.URL)
		}
	}
	res := c.send(http.MethodPost, issuer+"/logout", "do=logout&client_id=web&post_logout_redirect_uri=https://rp.test/bye", map[string]string{"Sec-Fetch-Site": "cross-site"})
	if to := res.Header.Get("Location"); !strings.HasPrefix(to, issuer+"/logout?") {
		t.Errorf("a form of another site leads to %s", to)
	}
	if !c.logout(b, bye...) || !c.signedIn(b) {
		t.Fatalf("signed in, and not asked: at %s", b.URL)
	}
	c.logout(b, bye...)
	b.MustPress(c, "Yes, log out")
	if b.URL.String() != "https://rp.test/bye?state=s" {
		t.Errorf("confirmed: at %s", b.URL)
	}
}

func TestLogoutHintIsBounded(t *testing.T) {
	c := newCaller(t)
	for length, want := range map[int]int{8 << 10: http.StatusSeeOther, 8<<10 + 1: http.StatusBadRequest} {
		res := c.send(http.MethodPost, issuer+"/logout", url.Values{"id_token_hint": {strings.Repeat("x", length)}}.Encode(), nil)
		if res.StatusCode != want {
			t.Errorf("a hint of %d characters: %d, want %d", length, res.StatusCode, want)
		}
	}
}
