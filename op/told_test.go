package op_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/staff"
)

// plusParty has a secret that is another one when it is read as a form.
const plusParty = `
platforms:
  - name: linde
    issuer: https://login.linde.test
    organisation: GGZ De Linde
    home_url: https://linde.test/home
    parties:
      - { client_id: plus, secret: "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGa+q3iXoV6tCjM", redirect_uris: ["https://rp.test/cb"] }
`

// Whoever refuses a party tells its operator why, in the log and on record, and the party no more than before.
func TestOperatorLearnsWhyAPartyIsRefused(t *testing.T) {
	c := newKeyCaller(t)
	c.Apply(plusParty)
	if err := c.Tools().Acts().RotateSecret(t.Context(), "linde", "post", staff.SecretRotation{
		Secret: secret.Text("bD3kR8wZ1nM6vT0yX5cJ9fH2gL7sQ4pA-uE8iO3xW1k"), OlderEnds: c.Clock.Now().Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Tools().Acts().DisableParty(t.Context(), "linde", "lax"); err != nil {
		t.Fatal(err)
	}
	c.Clock.Later(2 * time.Hour)
	log := c.logged()
	unencoded := func(id, secret string) map[string]string {
		r, _ := http.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(id, secret)
		return map[string]string{"Authorization": r.Header.Get("Authorization")}
	}
	named := func(id string) url.Values { return url.Values{"client_id": {id}} }
	const wrong = "a secret that is wrong, with 30 more"
	for says, row := range map[string]struct {
		form   url.Values
		header map[string]string
		line   string // of the log
		record string // party and reason; empty: nothing more is on record
	}{
		"wrong secret": {nil, basicOf("web", wrong), `party=web auth=basic error=invalid_client reason="not proven: basic (wrong secret)"`, "web not proven: basic (wrong secret)"},
		"a secret, of a party with keys": {
			url.Values{"client_id": {"keys"}, "client_secret": {wrong}}, nil,
			`party=keys auth=post error=invalid_client reason="not proven: post (a secret came in the body, registered is private_key_jwt)"`,
			"keys not proven: post (a secret came in the body, registered is private_key_jwt)",
		},
		"an assertion, of a party with a secret": {
			asserted(c.assertion("keyed", nil)), nil,
			`reason="not proven: private_key_jwt (an assertion came, registered is basic)"`,
			"keyed not proven: private_key_jwt (an assertion came, registered is basic)",
		},
		"nothing": {named("web"), nil, `reason="not proven: none (no secret came, registered is basic)"`, "web not proven: none (no secret came, registered is basic)"},
		"a secret that ended": {
			url.Values{"client_id": {"post"}, "client_secret": {secretText}}, nil,
			`party=post auth=post error=invalid_client reason="not proven: post (secret is expired)"`, "post not proven: post (secret is expired)",
		},
		"a secret that is not encoded": {
			nil, unencoded("plus", "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGa+q3iXoV6tCjM"),
			`reason="not proven: basic (the right secret came in the header, not encoded as in a form (RFC 6749 section 2.3.1))"`,
			"plus not proven: basic (the right secret came in the header, not encoded as in a form (RFC 6749 section 2.3.1))",
		},
		"another scheme": {
			named("web"), map[string]string{"Authorization": "Digest x"},
			`auth="another scheme" error=invalid_client reason="not proven: another scheme (another scheme than Basic came in the header, registered is basic)"`,
			"web not proven: another scheme (another scheme than Basic came in the header, registered is basic)",
		},
		"nobody":            {nil, basicOf("wbe", wrong), `client_id=wbe auth=basic error=invalid_client reason="no such party"`, " unknown"},
		"disabled":          {nil, basicOf("lax", secretText), `party=lax auth=basic error=invalid_client reason="party is disabled"`, "lax disabled"},
		"secret as a name":  {nil, basicOf(secretText, "web"), `msg=request auth=basic error=invalid_client reason="no such party"`, " unknown"},
		"a line as a name":  {nil, basicOf("x\nlevel=ERROR", wrong), `msg=request auth=basic error=invalid_client reason="no such party"`, " unknown"},
		"no authentication": {nil, nil, `error=invalid_client reason="no client authentication"`, ""},
	} {
		for path, more := range map[string]url.Values{"/token": codeForm("x"), "/introspect": {"token": {"x"}}, "/revoke": {"token": {"x"}}, "/par": {"scope": {"openid"}}} {
			form := maps.Clone(more)
			maps.Copy(form, row.form)
			line, record := row.line, row.record
			if path == "/introspect" && says == "nothing" { // without a secret nobody is asked there
				line, record = `party=web auth=none error=invalid_client reason="not taken at this endpoint: none"`, ""
			}
			if form.Get("client_assertion") != "" && path != "/token" {
				form.Set("client_assertion", c.assertion("keyed", nil))
			}
			c.Clock.Later(time.Minute)
			log.Reset()
			before := len(c.refusals())
			got := c.said(c.send(http.MethodPost, issuer+path, form.Encode(), row.header))
			if got.code != "invalid_client" || !strings.Contains(got.body, `"error_description":"Client authentication failed."`) {
				t.Errorf("%s at %s: the party hears %+v", says, path, got)
			}
			if !strings.Contains(log.String(), line) {
				t.Errorf("%s at %s: want %s in the log: %s", says, path, line, log)
			}
			for _, value := range []string{wrong, secretText, "x\nlevel"} {
				if strings.Contains(log.String(), value) {
					t.Errorf("%s at %s: what came is in the log: %s", says, path, log)
				}
			}
			all := c.refusals()
			switch {
			case record == "" && len(all) != before:
				t.Errorf("%s at %s: on record %q", says, path, all[0].Reason)
			case record != "" && (len(all) == before || all[0].Party+" "+all[0].Reason != record):
				t.Errorf("%s at %s: on record %q, want %q", says, path, all[0].Party+" "+all[0].Reason, record)
			}
		}
	}
}

// Every refusal of a program has its reason in the log, whatever it is.
func TestEveryRefusedCallHasAReason(t *testing.T) {
	c := newKeyCaller(t)
	log := c.logged()
	proven := basicOf("web", secretText)
	for says, row := range map[string]struct {
		path, body string
		header     map[string]string
		line       string
	}{
		"a query":          {"/token?x=y", "grant_type=authorization_code", proven, `error=invalid_request reason="the address has a query"`},
		"no grant type":    {"/token", "client_id=web", proven, `party=web auth=basic error=invalid_request reason="no grant_type"`},
		"no such code":     {"/token", codeForm("x").Encode(), proven, `party=web auth=basic error=invalid_grant reason="redeeming code: malformed code"`},
		"twice":            {"/token", "grant_type=x&grant_type=x", proven, `error=invalid_request reason="a parameter is there twice"`},
		"no form":          {"/token", "", proven, `error=invalid_request reason="the body is not application/x-www-form-urlencoded"`},
		"no token":         {"/revoke", "x=y", proven, `error=invalid_request reason="token is missing"`},
		"an unknown token": {"/userinfo", "access_token=x", nil, `error=invalid_token reason="userinfo: unknown, expired or revoked"`},
	} {
		log.Reset()
		if c.send(http.MethodPost, issuer+row.path, row.body, row.header); !strings.Contains(log.String(), row.line) {
			t.Errorf("%s: want %s in the log: %s", says, row.line, log)
		}
	}
}
