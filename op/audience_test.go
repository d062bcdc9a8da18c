package op_test

import (
	"net/url"
	"testing"
)

// For whom a token is, the registration says. What a request names (RFC 8707, and the `audience` of other servers) is
// ignored at every endpoint: it widens nothing, and nobody is refused for it.
func TestAudienceOfARequestIsIgnored(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	b := c.signIn(issuer)
	for says, more := range map[string]url.Values{
		"resource":             {"resource": {"https://api.example.org/"}},
		"two of them":          {"resource": {"https://api.example.org/", "urn:x"}},
		"no address":           {"resource": {"\x00"}},
		"audience":             {"audience": {"web"}},
		"audience of nobody":   {"audience": {"nobody", "x"}},
		"both, and registered": {"audience": {"api"}, "resource": {"api"}},
	} {
		with := func(form url.Values) url.Values {
			for name, values := range more {
				form[name] = values
			}
			return form
		}
		for kind, got := range map[string]tokens{
			"code":    c.token(with(codeForm(c.code(b, "jwt", func(q url.Values) { with(q) }))), "jwt"),
			"machine": c.token(with(url.Values{"grant_type": {"client_credentials"}}), "report"),
		} {
			party := map[string]string{"code": "jwt", "machine": "report"}[kind]
			if got.Error != "" {
				t.Fatalf("%s, %s: %s", says, kind, got.Error)
			}
			if kind == "code" {
				got = c.token(with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}), party)
				if got.Error != "" {
					t.Fatalf("%s, refresh: %s", says, got.Error)
				}
			}
			a := c.introspect(party, got.Access)
			if aud, _ := a["aud"].([]any); len(aud) != 1 || aud[0] != "api" {
				t.Errorf("%s, %s: aud %v", says, kind, a["aud"])
			}
			if other := c.introspect("web", got.Access); other["active"] != false {
				t.Errorf("%s, %s: told to another party: %v", says, kind, other)
			}
		}
		if pushed := c.push("jwt", func(q url.Values) { with(q) }, nil); pushed.RequestURI == "" {
			t.Errorf("%s, pushed: %+v", says, pushed)
		}
	}
}
