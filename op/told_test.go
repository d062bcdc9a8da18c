package op_test

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/staff"
)

// plusParty has a secret that is another one when it is read as a form.
const plusParty = `client_id: plus, secret: "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGa+q3iXoV6tCjM"`

// Whoever refuses a party tells its operator why, in the log and on record, and the party no more than before.
func TestOperatorLearnsWhyAPartyIsRefused(t *testing.T) {
	c := newKeyCaller(t)
	c.declare(plusParty + ", " + toRP)
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

// records are party and reason of the events of some kinds, the newest first.
func (c caller) records(kinds ...audit.Kind) (all []string) {
	c.Helper()
	for _, e := range c.events(kinds...) {
		all = append(all, strings.TrimSpace(e.Party+" "+e.Reason))
	}
	return all
}

// A redirect URI that is not registered stands in the log and on record beside those that are: without what may be a
// secret, in one line, and short. Whoever makes one up again and again fills no record.
func TestOperatorLearnsWhichRedirectIsRefused(t *testing.T) {
	c := newCaller(t)
	log := c.logged()
	for sent, shown := range map[string]string{
		"https://rp.test/cb/":                              "https://rp.test/cb/",
		"https://rp.test/cb?code=secret1":                  "https://rp.test/cb",
		"https://rp.test/cb#token=secret1":                 "https://rp.test/cb",
		"https://rp.test/cb/#/x?token=secret1":             "https://rp.test/cb/",
		"https://anna:secret1@rp.test/cb":                  "https://rp.test/cb",
		"https://anna:secret1@rp.test":                     "https://rp.test",
		"//secret1@rp.test/a//b@c":                         "//rp.test/a//b@c",
		"https://rp.test/\n\u202elevel=ERROR":              `https://rp.test/\n\u202elevel=ERROR`,
		"https://rp.test/\"\x00":                           `https://rp.test/\"\x00`,
		"https://rp.test/" + strings.Repeat("x", 5000):     "https://rp.test/" + strings.Repeat("x", 184),
		"https://rp.test/" + strings.Repeat("\u00e9", 500): ("https://rp.test/" + strings.Repeat(`\u00e9`, 50))[:200],
		"":         "",
		"rp.test":  "rp.test",
		"x y <b>&": "x y <b>&",
	} {
		other := func(q url.Values) { q.Set("redirect_uri", sent) }
		push := url.Values{"redirect_uri": {sent}, "response_type": {"code"}, "scope": {"openid"}}
		for says, ask := range map[string]func() *http.Response{
			"by GET": func() *http.Response { return c.get(issuer + authorizeQuery("web", other)) },
			"by POST": func() *http.Response {
				_, form, _ := strings.Cut(authorizeQuery("web", other), "?")
				return c.send(http.MethodPost, issuer+"/authorize", form, nil)
			},
			"pushed": func() *http.Response {
				return c.send(http.MethodPost, issuer+"/par", push.Encode(), basicOf("web", secretText))
			},
		} {
			c.Clock.Later(time.Minute)
			log.Reset()
			before := len(c.records(audit.RedirectRefused))
			res := ask()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusBadRequest {
				t.Fatalf("%q %s: %d, %v", sent, says, res.StatusCode, err)
			}
			told := string(body)
			if _, details, page := strings.Cut(told, "<details"); page {
				told = details // what is before has the address in links for other languages
			}
			if shown != "" && strings.Contains(told, shown) || strings.Contains(told, "https://rp.test/cb") {
				t.Errorf("%q %s: who asks is told more than before: %s", sent, says, body)
			}
			var b strings.Builder
			slog.New(slog.NewTextHandler(&b, nil)).Info("", "parameter", "redirect_uri", "received", shown, "registered", "https://rp.test/cb")
			_, want, _ := strings.Cut(strings.TrimSpace(b.String()), ` msg="" `)
			line := log.String()
			for _, part := range []string{want, " party=web ", " error=invalid_request ", `reason="redirect_uri is not registered"`} {
				if !strings.Contains(line, part) || strings.Count(line, "\n") != 1 {
					t.Errorf("%q %s: want one line with %s: %s", sent, says, part, line)
				}
			}
			all, record := c.records(audit.RedirectRefused), "web redirect: received "+shown+", registered https://rp.test/cb"
			if len(all) != before+1 || all[0] != record {
				t.Errorf("%q %s: on record %q, want %q", sent, says, all[:min(1, len(all))], record)
			}
			if strings.Contains(line+strings.Join(all, ""), "secret1") {
				t.Errorf("%q %s: a secret: %s%s", sent, says, line, all)
			}
		}
	}
	before := len(c.records(audit.RedirectRefused))
	c.Clock.Later(time.Minute)
	for i := range 5 {
		c.get(issuer + authorizeQuery("web", func(q url.Values) { q.Set("redirect_uri", fmt.Sprint("https://rp.test/", i)) }))
	}
	if n := len(c.records(audit.RedirectRefused)) - before; n != 1 {
		t.Errorf("%d events of one minute", n)
	}
}

// A party with many addresses makes no line that nobody can read.
func TestRegisteredAddressesFitALine(t *testing.T) {
	c := newCaller(t)
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf("https://rp.test/%d/%s", i, strings.Repeat("x", 1900)))
	}
	c.declare("client_id: many, secret: " + secretText + `, redirect_uris: ["` + strings.Join(many, `", "`) + `"]`)
	log := c.logged()
	c.get(issuer + authorizeQuery("many", nil))
	if line := log.String(); len(line) > 3000 || !strings.Contains(line, " …") || !strings.Contains(line, many[0]) {
		t.Errorf("%d bytes: %.3000s", len(line), line)
	}
}

// What a party gets wrong in a request is named in the log: the person sees nothing of it, and its makers not always.
func TestOperatorLearnsWhichParameterIsWrong(t *testing.T) {
	c := newCaller(t)
	log := c.logged()
	long := strings.Repeat("x", 3000)
	for parameter, row := range map[string]struct{ value, code string }{
		"response_type":         {"token", "unsupported_response_type"},
		"response_mode":         {"fragment", "invalid_request"},
		"scope":                 {"nothing", "invalid_scope"},
		"state":                 {long, "invalid_request"},
		"nonce":                 {long, "invalid_request"},
		"code_challenge":        {"", "invalid_request"},
		"code_challenge_method": {"plain", "invalid_request"},
		"prompt":                {"create", "invalid_request"},
		"max_age":               {"soon", "invalid_request"},
		"claims":                {"x", "invalid_request"},
		"id_token_hint":         {"x", "invalid_request"},
		"acr_values":            {long, "invalid_request"},
		"dpop_jkt":              {"x", "invalid_request"},
		"request":               {"x", "request_not_supported"},
		"request_uri":           {"https://rp.test/r", "request_uri_not_supported"},
		"registration":          {"{}", "registration_not_supported"},
		"client_id":             {"nobody", "unauthorized_client"},
	} {
		log.Reset()
		c.get(issuer + authorizeQuery("web", func(q url.Values) { q.Set(parameter, row.value) }))
		line := log.String()
		if !strings.Contains(line, " error="+row.code+" reason=") || !strings.Contains(line, " parameter="+parameter+" ") {
			t.Errorf("%s: %s", parameter, line)
		}
		if parameter != "client_id" && !strings.Contains(line, " party=web ") {
			t.Errorf("%s: the party is not named: %s", parameter, line)
		}
	}
	log.Reset()
	if c.get(issuer + authorizeQuery("web", nil) + "&scope=openid"); !strings.Contains(log.String(), `reason="repeated parameter" parameter=scope`) {
		t.Errorf("a parameter twice: %s", log)
	}
}

// Where everybody is a developer the page says it as well.
func TestDevelopersAreToldOnThePage(t *testing.T) {
	c := newCaller(t)
	ask := func() string {
		t.Helper()
		res := c.get(issuer + authorizeQuery("web", func(q url.Values) { q.Set("redirect_uri", "https://rp.test/<b>cb?x=secret1") }))
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusBadRequest {
			t.Fatalf("%d, %v", res.StatusCode, err)
		}
		return strings.ReplaceAll(string(text), "<wbr>", "") // where an address may go on in another line
	}
	told := []string{
		"<details open>", "<dt>parameter</dt><dd>redirect_uri</dd>", "<dt>received</dt><dd>https://rp.test/&lt;b&gt;cb</dd>",
		"<dt>registered</dt><dd>https://rp.test/cb</dd>",
	}
	for _, text := range told {
		if page := ask(); strings.Contains(page, text) {
			t.Errorf("everybody is told %q", text)
		}
	}
	c.House = c.Another(func(o *wire.Options) { o.Explain = true })
	page := ask()
	for _, text := range told {
		if !strings.Contains(page, text) {
			t.Errorf("a developer is not told %q: %s", text, page)
		}
	}
	if _, told, _ := strings.Cut(page, "<details"); strings.Contains(told, "secret1") {
		t.Error("the query is on the page")
	}
}

// What names no client that there is, or no address, is in the log as it came; what is missing is called that.
func TestOperatorLearnsWhichClientIsUnknown(t *testing.T) {
	c := newCaller(t)
	log := c.logged()
	for path, want := range map[string]string{
		authorizeQuery("nobody", func(url.Values) {}):                      `reason="unknown client" parameter=client_id received=nobody`,
		authorizeQuery("a\n\"b", func(url.Values) {}):                      `reason="unknown client" parameter=client_id received="a\\n\\\"b"`,
		authorizeQuery("web", func(q url.Values) { q.Del("client_id") }):   `reason="client_id is missing" parameter=client_id reference=`,
		"/.well-known/openid-konfiguration":                                `error=not_found reason="the platform has no such address"`,
		"/logout?client_id=web&post_logout_redirect_uri=https://rp.test/x": `reason="post_logout_redirect_uri is not registered, or nothing says of which client"`,
	} {
		log.Reset()
		_ = c.get(issuer + path).Body.Close() // in memory
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s: want %s: %s", path, want, log.String())
		}
	}
}
