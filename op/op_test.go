package op_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

const (
	issuer     = idptest.HostIssuer
	redirect   = idptest.RedirectURI
	secretText = idptest.PartySecret
	verifier   = idptest.Verifier
	challenge  = idptest.Challenge
	toRP       = `redirect_uris: ["https://rp.test/cb"]` // and nowhere else
)

// linde and wilg are in every house of these tests.
var (
	linde = idptest.Demo{
		Parties: []string{
			"client_id: web, " + toRP + `, post_logout_redirect_uris: ["https://rp.test/bye"]`,
			"client_id: post, auth: post, id_token_alg: ES256, " + toRP,
			"client_id: lax, pkce: optional, id_token_alg: EdDSA, " + toRP,
			`client_id: spa, type: spa, id_token_alg: PS256, redirect_uris: ["https://spa.test/cb"]`,
		},
		Accounts: []string{"email: anna@example.org, name: { given: Anna, family: Bakker }"},
	}
	wilg = idptest.Demo{Name: "wilg", Parties: []string{"client_id: web, " + toRP}, Accounts: []string{"email: anna@example.org"}}
)

// caller talks to a house the way a party or an attacker does.
type caller struct {
	testing.TB
	*idptest.Server
}

func newCaller(t *testing.T) caller { return callerOn(t, idptest.SQLite(t)) }

func callerOn(t testing.TB, db *storage.DB) caller {
	c := caller{t, idptest.NewServer(t, db)}
	c.Declare(linde, wilg)
	return c
}

// declare makes a party of linde, or changes what is said of one that there is.
func (c caller) declare(party string) {
	c.Apply("platforms: [ { name: linde, parties: [ { " + party + " } ] } ]")
}

// get sends a request without cookies and follows nothing.
func (c caller) get(address string) *http.Response { return c.send(http.MethodGet, address, "", nil) }

func (c caller) send(method, address, body string, header map[string]string) *http.Response {
	c.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	res, err := c.RoundTrip(r)
	if err != nil {
		c.Fatal(err)
	}
	return res
}

func authorizeQuery(client string, change func(url.Values)) string {
	q := url.Values{
		"client_id": {client}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid offline_access"},
		"state": {"s t&="}, "nonce": {"n1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	if client == "spa" {
		q.Set("redirect_uri", "https://spa.test/cb")
	}
	if change != nil {
		change(q)
	}
	return "/authorize?" + q.Encode()
}

// signIn signs Anna in through the pages and returns her browser.
func (c caller) signIn(at string) *idptest.Browser {
	c.Helper()
	b := idptest.NewBrowser(c.Server, "en")
	c.Site("rp.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	c.Site("spa.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	idptest.LogIn(c, b, at+authorizeQuery("web", nil), "anna@example.org")
	return b
}

// code signs Anna in if need be and returns a fresh code for a party.
func (c caller) code(b *idptest.Browser, client string, change func(url.Values)) string {
	c.Helper()
	if err := b.Open(issuer + authorizeQuery(client, change)); err != nil {
		c.Fatal(err)
	}
	code := b.URL.Query().Get("code")
	if code == "" {
		c.Fatalf("no code at %s", b.URL)
	}
	return code
}

type tokens struct {
	Type    string `json:"token_type"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Error   string `json:"error"`
	Text    string `json:"error_description"`
	Status  int    `json:"-"`
	Header  http.Header
}

func (c caller) token(form url.Values, basic string) tokens {
	c.Helper()
	header := map[string]string{}
	if basic != "" {
		header = basicOf(basic, secretText)
	}
	res := c.send(http.MethodPost, issuer+"/token", form.Encode(), header)
	t := tokens{Status: res.StatusCode, Header: res.Header}
	if err := json.NewDecoder(res.Body).Decode(&t); err != nil {
		c.Fatal(err)
	}
	return t
}

func codeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
}

func TestDiscoveryIsCompleteAndTrue(t *testing.T) {
	c := newCaller(t)
	for _, row := range []struct{ issuer, wellKnown string }{
		{issuer, issuer + "/.well-known/openid-configuration"},
		{issuer, issuer + "/.well-known/oauth-authorization-server"},
		{"https://id.test/p/wilg", "https://id.test/p/wilg/.well-known/openid-configuration"},
		{"https://id.test/p/wilg", "https://id.test/.well-known/oauth-authorization-server/p/wilg"},
	} {
		res := c.get(row.wellKnown)
		var m map[string]any
		if err := json.NewDecoder(res.Body).Decode(&m); err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %d %v", row.wellKnown, res.StatusCode, err)
		}
		if m["issuer"] != row.issuer || m["jwks_uri"] != row.issuer+"/keys" || m["authorization_response_iss_parameter_supported"] != true ||
			m["request_uri_parameter_supported"] != false {
			t.Errorf("%s: %v", row.wellKnown, m)
		}
		for _, absent := range []string{"registration_endpoint", "device_authorization_endpoint", "check_session_iframe"} {
			if _, ok := m[absent]; ok {
				t.Errorf("%s is advertised and not served", absent)
			}
		}
		again := c.send(http.MethodGet, row.wellKnown, "", map[string]string{"If-None-Match": res.Header.Get("ETag")})
		if again.StatusCode != http.StatusNotModified || !strings.Contains(res.Header.Get("Cache-Control"), "max-age") {
			t.Errorf("%s: %d for a known ETag, %v", row.wellKnown, again.StatusCode, res.Header)
		}
	}
	var jwks struct{ Keys []map[string]any }
	if err := json.NewDecoder(c.get(issuer + "/keys").Body).Decode(&jwks); err != nil || len(jwks.Keys) != 4 {
		t.Fatalf("%d keys, want one for each algorithm: %v", len(jwks.Keys), err)
	}
	for _, k := range jwks.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, ok := k[private]; ok {
				t.Fatalf("JWKS shows %s", private)
			}
		}
	}
}

// Unknown party or unregistered redirect: a page of ours, never a redirect.
func TestNoRedirectToWhereNobodyRegistered(t *testing.T) {
	c := newCaller(t)
	for says, query := range map[string]string{
		"unknown party":         authorizeQuery("nobody", nil),
		"party of another":      authorizeQuery("linde-web", nil),
		"no party":              authorizeQuery("", nil),
		"unregistered redirect": authorizeQuery("web", func(q url.Values) { q.Set("redirect_uri", "https://evil.test/cb") }),
		"no redirect":           authorizeQuery("web", func(q url.Values) { q.Del("redirect_uri") }),
		"repeated redirect":     authorizeQuery("web", nil) + "&redirect_uri=https://evil.test/cb",
		"repeated state":        authorizeQuery("web", nil) + "&state=2",
	} {
		res := c.get(issuer + query)
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || len(res.Cookies()) != 0 {
			t.Errorf("%s: %d, Location %q", says, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// Everything else goes back to the party, in the way it asked, with state and issuer.
func TestErrorsGoBackToTheParty(t *testing.T) {
	c := newCaller(t)
	set := func(k, v string) func(url.Values) { return func(q url.Values) { q.Set(k, v) } }
	for want, changes := range map[string][]func(url.Values){
		"invalid_request": {
			set("prompt", "none login"), set("prompt", "maybe"), set("max_age", "-1"), set("max_age", "soon"), set("response_mode", "fragment"),
			set("code_challenge", ""), set("code_challenge_method", "plain"), set("code_challenge_method", ""), set("code_challenge", "short"),
			set("response_type", ""), set("id_token_hint", "x.y.z"), set("nonce", strings.Repeat("n", 3000)),
		},
		"unsupported_response_type":  {set("response_type", "token"), set("response_type", "code id_token"), set("response_type", "none")},
		"request_not_supported":      {set("request", "x.y.z")},
		"request_uri_not_supported":  {set("request_uri", "https://evil.test/")},
		"registration_not_supported": {set("registration", "{}")},
		"login_required":             {set("prompt", "none")},
		"invalid_scope":              {set("scope", "unknown"), set("scope", "")},
	} {
		for i, change := range changes {
			res := c.get(issuer + authorizeQuery("web", change))
			to, _ := url.Parse(res.Header.Get("Location"))
			q := to.Query()
			if res.StatusCode != http.StatusSeeOther || to.Host != "rp.test" || q.Get("error") != want || q.Get("state") != "s t&=" || q.Get("iss") != issuer {
				t.Errorf("%s %d: %d %s", want, i, res.StatusCode, to)
			}
		}
	}
	b := idptest.NewBrowser(c.Server, "en")
	if err := b.Open(issuer + authorizeQuery("web", func(q url.Values) { q.Set("response_mode", "form_post"); q.Set("prompt", "none") })); err != nil {
		t.Fatal(err)
	}
	if b.Status != 200 || b.Value("error") != "login_required" || b.Value("state") != "s t&=" || b.Value("iss") != issuer {
		t.Errorf("form_post error: %d %s", b.Status, b.Body)
	}
}

func TestCodeIsBoundToEverything(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	for says, change := range map[string]func(url.Values){
		"no verifier":       func(f url.Values) { f.Del("code_verifier") },
		"wrong verifier":    func(f url.Values) { f.Set("code_verifier", verifier[:42]+"X") },
		"challenge as such": func(f url.Values) { f.Set("code_verifier", challenge) },
		"short verifier":    func(f url.Values) { f.Set("code_verifier", "abc") },
		"another redirect":  func(f url.Values) { f.Set("redirect_uri", "https://rp.test/cb2") },
		"another code":      func(f url.Values) { f.Set("code", verifier) },
	} {
		form := codeForm(c.code(b, "web", nil))
		change(form)
		if got := c.token(form, "web"); got.Error != "invalid_grant" || got.Status != 400 || got.Access != "" {
			t.Errorf("%s: %+v", says, got)
		}
	}
	if got := c.token(codeForm(c.code(b, "web", nil)), "lax"); got.Error != "invalid_grant" {
		t.Errorf("another party: %+v", got)
	}
	code := c.code(b, "lax", func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") })
	if got := c.token(codeForm(code), "lax"); got.Error != "invalid_grant" {
		t.Errorf("a verifier without a challenge: %+v", got)
	}
	code = c.code(b, "web", nil)
	c.Clock.Later(61 * time.Second)
	if got := c.token(codeForm(code), "web"); got.Error != "invalid_grant" {
		t.Errorf("after 61 seconds: %+v", got)
	}
}

func TestCodeUsedTwiceEndsWhatItGave(t *testing.T) {
	c := newCaller(t)
	form := codeForm(c.code(c.signIn(issuer), "web", nil))
	first := c.token(form, "web")
	if first.Access == "" || first.Refresh == "" || first.ID == "" || first.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%+v", first)
	}
	if got := c.token(form, "lax"); got.Error != "invalid_grant" {
		t.Fatalf("another party: %+v", got)
	}
	if got := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}}, "web"); got.Error != "" {
		t.Fatalf("another party's replay ended the grant: %+v", got)
	}
	if got := c.token(form, "web"); got.Error != "invalid_grant" {
		t.Fatalf("second use: %+v", got)
	}
	if got := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}}, "web"); got.Error != "invalid_grant" {
		t.Errorf("refresh after the replay: %+v", got)
	}
	if res := c.send(http.MethodGet, issuer+"/userinfo", "", map[string]string{"Authorization": "Bearer " + first.Access}); res.StatusCode != 401 {
		t.Errorf("userinfo after the replay: %d", res.StatusCode)
	}
}

func TestPartyProvesItselfAsRegistered(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	with := func(form url.Values, more ...string) url.Values {
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	for says, got := range map[string]tokens{
		"wrong secret":              c.token(with(codeForm("x"), "client_id", "post", "client_secret", "wrong"), ""),
		"no secret":                 c.token(with(codeForm("x"), "client_id", "web"), ""),
		"public party has a secret": c.token(with(codeForm("x"), "client_id", "spa", "client_secret", secretText), ""),
		"unknown":                   c.token(codeForm("x"), "nobody"),
		"nothing at all":            c.token(codeForm("x"), ""),
	} {
		if got.Error != "invalid_client" || got.Status != 401 {
			t.Errorf("%s: %+v", says, got)
		}
	}
	if got := c.token(codeForm("x"), "nobody"); !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("no challenge: %v", got.Header)
	}
	if got := c.token(with(codeForm(c.code(b, "post", nil)), "client_id", "post", "client_secret", secretText), ""); got.Error != "" {
		t.Errorf("post party: %+v", got)
	}
	form := with(codeForm(c.code(b, "spa", nil)), "client_id", "spa", "redirect_uri", "https://spa.test/cb")
	if got := c.token(form, ""); got.Error != "" {
		t.Errorf("public party: %+v", got)
	}
	// zitadel's own relying-party library repeats the secret in header and body
	if got := c.token(with(codeForm(c.code(b, "web", nil)), "client_id", "web", "client_secret", secretText), "web"); got.Error != "" {
		t.Errorf("the same secret twice: %+v", got)
	}
	if got := c.token(with(codeForm("x"), "client_id", "web", "client_secret", "another"), "web"); got.Error != "invalid_request" {
		t.Errorf("two secrets: %+v", got)
	}
}

func TestUnservedGrantTypesAreNamedAsSuch(t *testing.T) {
	c := newCaller(t)
	for _, kind := range []string{"password", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:device_code", "implicit"} {
		if got := c.token(url.Values{"grant_type": {kind}}, "web"); got.Error != "unsupported_grant_type" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

func TestMachineEndpointsAreStrict(t *testing.T) {
	c := newCaller(t)
	basic := map[string]string{"Authorization": "Basic d2ViOng="}
	for says, res := range map[string]*http.Response{
		"GET token":             c.get(issuer + "/token?grant_type=authorization_code&code=x"),
		"PUT token":             c.send(http.MethodPut, issuer+"/token", "grant_type=x", nil),
		"secret in the URL":     c.send(http.MethodPost, issuer+"/token?client_secret=x", "grant_type=authorization_code", basic),
		"repeated parameter":    c.send(http.MethodPost, issuer+"/token", "grant_type=authorization_code&code=a&code=b", basic),
		"another content type":  c.send(http.MethodPost, issuer+"/token", "{}", map[string]string{"Content-Type": "application/json"}),
		"body too large":        c.send(http.MethodPost, issuer+"/token", "grant_type="+strings.Repeat("x", 70<<10), basic),
		"unknown grant":         c.send(http.MethodPost, issuer+"/token", "grant_type=password&username=a&password=b", basic),
		"jwt-bearer":            c.send(http.MethodPost, issuer+"/token", "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=x", basic),
		"token in the query":    c.get(issuer + "/userinfo?access_token=x"),
		"introspection, wrong":  c.send(http.MethodPost, issuer+"/introspect", "token=x", basic),
		"registration":          c.send(http.MethodPost, issuer+"/register", "x=y", basic),
		"device authorization":  c.send(http.MethodPost, issuer+"/device_authorization", "client_id=web", nil),
		"userinfo without":      c.get(issuer + "/userinfo"),
		"userinfo with garbage": c.send(http.MethodGet, issuer+"/userinfo", "", map[string]string{"Authorization": "Bearer idpat_" + strings.Repeat("A", 100)}),
	} {
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode < 400 || res.StatusCode > 499 || res.Header.Get("Cache-Control") != "no-store" || strings.Contains(string(body), "json:") || strings.Contains(string(body), "sql") {
			t.Errorf("%s: %d %v %s", says, res.StatusCode, res.Header, body)
		}
	}
}
