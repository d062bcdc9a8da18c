package op_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// What a party may sign, but no form and no address could carry: zero bytes, half characters, numbers out of every range,
// lists and objects where a text is meant. Each is answered as a mistake of the party's or as nothing at all, never as ours,
// on both databases: PostgreSQL takes no zero byte in a text.
func TestHostileValuesInsideObjectsAreNoErrorOfOurs(t *testing.T) {
	values := []string{
		`"\u0000"`, `"a\u0000b"`, `"openid\u0000"`, `"\ud800"`, `"\udc00\ud800"`, "\"\xff\xfe\"", "\"\xc3\"", `"\r\nSet-Cookie: a=b"`, `"\u202e"`, `" "`, `""`,
		`null`, `true`, `[]`, `["\u0000"]`, `[["a"]]`, `[null]`, `[1]`, `{}`, `{"\u0000":"\u0000"}`, `{"id_token":{"\u0000":{"value":"\u0000"},"acr":{"values":["\u0000"]},"sub":{"value":"\u0000"}}}`,
		`{"userinfo":{"sub":{"value":"a\u0000b"},"name":{"value":"\u0000"}}}`, `{"id_token":{"sub":{"value":"\ud800"}}}`,
		`0`, `-0`, `-1`, `1e400`, `1E-400`, `1e18`, `99999999999999999999999999`, `0.1`, `1e999999999`, `"` + strings.Repeat("x", 3000) + `"`, `"` + strings.Repeat(`\u0000`, 300) + `"`,
	}
	names := []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt",
		"max_age", "display", "ui_locales", "claims_locales", "id_token_hint", "login_hint", "acr_values", "claims", "dpop_jkt", "request", "request_uri",
		"registration", "resource", "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_assertion", "\\u0000", "\\ud800", "\xff",
	}
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		t.Parallel()
		c := callerOn(t, db)
		c.Declare(keyHouse(t)...)
		v := c.visitor()
		v.open(issuer + authorizeQuery("web", nil))
		v.logIn()
		for _, name := range names {
			for _, value := range values {
				o := object{}
				requester{c, "keys", "ec", `{"alg":"ES256"}`}.object(func(all object) { o = all })
				delete(o, name)
				text := strings.Replace(o.text(t), "{", fmt.Sprintf(`{"%s":%s,`, name, value), 1)
				signed := compact(t, "ec", `{"alg":"ES256","kid":"ec"}`, text)
				q := v.open(issuer + "/authorize?" + url.Values{"client_id": {"keys"}, "request": {signed}, "redirect_uri": {redirect}}.Encode())
				if v.Status >= 500 || q.Get("error") == "server_error" {
					t.Errorf("%s: %s in the browser: %d %s", name, value, v.Status, v.URL)
				}
				if code := q.Get("code"); code != "" {
					form := codeForm(code)
					for k, values := range asserted(c.assertion("keys", nil)) {
						if k != "grant_type" {
							form[k] = values
						}
					}
					if res := c.send(http.MethodPost, issuer+"/token", form.Encode(), nil); res.StatusCode >= 500 {
						t.Errorf("%s: %s redeemed: %d", name, value, res.StatusCode)
					}
				}
				for where, form := range map[string]url.Values{
					"/par":   {"client_assertion_type": {assertionType}, "client_assertion": {c.assertion("keys", nil)}, "request": {signed}},
					"/token": asserted(compact(t, "ec", `{"alg":"ES256"}`, strings.Replace(c.claims("keys", object{name: nil}).text(t), "{", fmt.Sprintf(`{"%s":%s,`, name, value), 1))),
				} {
					if res := c.send(http.MethodPost, issuer+where, form.Encode(), nil); res.StatusCode >= 500 {
						t.Errorf("%s: %s at %s: %d", name, value, where, res.StatusCode)
					}
				}
			}
		}
	})
}
