package op_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/minddistrict/idp/op"
)

// What a row of the table says of an endpoint is what the endpoint does, and the other places that tell of it agree.
func TestEndpointsDoWhatTheirRowsSay(t *testing.T) {
	c := newCaller(t)
	var discovery map[string]any
	if err := json.NewDecoder(c.get(issuer + "/.well-known/openid-configuration").Body).Decode(&discovery); err != nil {
		t.Fatal(err)
	}
	for _, e := range op.Endpoints() {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			res := c.send(method, issuer+e.Path, "", nil)
			if served := slices.Contains(e.Served(), method); served == (res.StatusCode == http.StatusMethodNotAllowed) {
				t.Errorf("%s %s: %d", method, e.Path, res.StatusCode)
			}
		}
		if slices.Contains(e.Methods, "POST") {
			res := c.send("POST", issuer+e.Path, "a=b", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"})
			if e.CrossSite == (res.StatusCode == http.StatusForbidden) {
				t.Errorf("%s: a form of another site is answered %d", e.Path, res.StatusCode)
			}
		}
		if e.CrossSite != slices.Contains(op.OpenToOthers(), e.Path) {
			t.Errorf("%s is open to others, or not", e.Path)
		}
		method := e.Methods[0]
		for origin, want := range map[string]string{
			"https://spa.test":  map[op.Scripts]string{op.ScriptsOfOrigins: "https://spa.test", op.ScriptsOfAll: "*"}[e.Scripts],
			"https://evil.test": map[op.Scripts]string{op.ScriptsOfAll: "*"}[e.Scripts],
		} {
			res := c.send(method, issuer+e.Path, "", map[string]string{"Origin": origin})
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != want || res.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: scripts of %s: %q, want %q", method, e.Path, origin, got, want)
			}
		}
		if first, _, _ := strings.Cut(e.Path[1:], "/"); !op.Reserved(first) {
			t.Errorf("%s: a platform may have its issuer there", e.Path)
		}
		if e.Published == "" {
			continue
		}
		if discovery[e.Published] != issuer+e.Path {
			t.Errorf("%s: discovery has %v for %s", e.Path, discovery[e.Published], e.Published)
		}
		delete(discovery, e.Published)
		if e.Path == "/par" { // RFC 9126 section 2: as at the token endpoint
			if token := op.Endpoints()[slices.IndexFunc(op.Endpoints(), func(e op.Endpoint) bool { return e.Path == "/token" })]; !slices.Equal(e.Auth, token.Auth) {
				t.Errorf("a party that pushes proves itself by %v, and by %v at the token endpoint", e.Auth, token.Auth)
			}
			continue
		}
		if auth := e.Published + "_auth_methods_supported"; len(e.Auth) > 0 {
			if fmt.Sprint(discovery[auth]) != fmt.Sprint(e.Auth) {
				t.Errorf("%s: discovery has %v for %s", e.Path, discovery[auth], auth)
			}
			delete(discovery, auth)
		}
		auth, algs := e.Published+"_auth_signing_alg_values_supported", "<nil>"
		if slices.Contains(e.Auth, oidc.AuthMethodPrivateKeyJWT) {
			algs = "[ES256 EdDSA PS256 RS256]"
		}
		if fmt.Sprint(discovery[auth]) != algs {
			t.Errorf("%s: discovery has %v for %s, want %s", e.Path, discovery[auth], auth, algs)
		}
		delete(discovery, auth)
	}
	for name := range discovery {
		if strings.HasSuffix(name, "_endpoint") || strings.HasSuffix(name, "_uri") && name != "op_policy_uri" || strings.HasSuffix(name, "auth_methods_supported") || strings.Contains(name, "_auth_signing_alg_") {
			t.Errorf("discovery has %s, and no row has it", name)
		}
	}
	for _, free := range []string{"", "p", "linde", "tokens", "authoriz"} {
		if op.Reserved(free) {
			t.Errorf("%q is taken", free)
		}
	}
}

// Answers for programs carry what a program obeys, answers for people what their browser does too; and no address is in
// two rows, of which the table and the router would choose another one.
func TestAnswersHaveTheHeadersOfWhoReadsThem(t *testing.T) {
	c := newCaller(t)
	programs := []string{"/par", "/token", "/userinfo", "/revoke", "/introspect", "/app/handoff", "/app/pin", "/api/v1/referrals"}
	ofPages := []string{
		"Content-Security-Policy", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
	}
	seen := map[string]bool{}
	for _, e := range op.Endpoints() {
		if e.Scripts == op.ScriptsOfAll {
			continue // prebuilt, and cached
		}
		for _, method := range e.Served() {
			if seen[method+e.Path] {
				t.Errorf("%s %s is in two rows", method, e.Path)
			}
			seen[method+e.Path] = true
			h := c.send(method, issuer+e.Path, "a=b", nil).Header
			if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") == "" {
				t.Errorf("%s %s: %v", method, e.Path, h)
			}
			for _, name := range ofPages {
				if _, said := h[name]; said == slices.Contains(programs, e.Path) {
					t.Errorf("%s %s: %s %q", method, e.Path, name, h[name])
				}
			}
		}
	}
	for _, page := range []string{issuer + "/unknown", "https://nobody.test/token"} {
		for _, name := range ofPages {
			if res := c.send(http.MethodPost, page, "a=b", nil); res.Header.Get(name) == "" {
				t.Errorf("%s: no %s", page, name)
			}
		}
	}
}

// RFC 6749 sections 3.1 and 3.2: a parameter without a value was left out, one that an endpoint does not know is ignored,
// and names are written in one way.
func TestParametersCountAsTheyAreWritten(t *testing.T) {
	c := newCaller(t)
	got := c.token(codeForm(c.code(c.signIn(issuer), "web", nil)), "web")
	again := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "scope": {""}}, "web")
	if again.Error != "" || again.Access == "" || again.ID == "" {
		t.Errorf("an empty scope at a refresh: %+v", again)
	}
	if said := c.token(url.Values{"grant_type": {"refresh_token"}, "Refresh_Token": {again.Refresh}}, "web"); said.Error != "invalid_request" {
		t.Errorf("a refresh token under another name: %+v", said)
	}
	for _, path := range []string{"/introspect", "/revoke"} {
		for _, kind := range []string{"client_credentials", "password"} {
			form := url.Values{"token": {"x"}, "grant_type": {kind}}
			if res := c.send(http.MethodPost, issuer+path, form.Encode(), basicOf("web", secretText)); res.StatusCode != http.StatusOK {
				t.Errorf("%s with grant_type %s: %d", path, kind, res.StatusCode)
			}
		}
	}
}

// Who asks comes before what is wrong with the question.
func TestStrangersHearNothingButThatTheyAre(t *testing.T) {
	c := newCaller(t)
	for path, forms := range map[string][]string{
		"/token":      {"grant_type=password&username=a&password=b", "grant_type=authorization_code", "grant_type=refresh_token&refresh_token="},
		"/introspect": {"", "token=", "token=x"},
		"/revoke":     {"", "token=", "token=x"},
	} {
		for _, form := range forms {
			if said := c.said(c.send(http.MethodPost, issuer+path, form+"&x=y", nil)); said.code != "invalid_client" || said.status != http.StatusUnauthorized {
				t.Errorf("%s with %q: %+v", path, form, said)
			}
		}
	}
	if said := c.said(c.send(http.MethodPost, issuer+"/introspect", "x=y", basicOf("web", "wrong"))); said.code != "invalid_client" {
		t.Errorf("introspection by a stranger, of nothing: %+v", said)
	}
	assertion := "token=x&client_secret=y&client_assertion=z&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	if said := c.said(c.send(http.MethodPost, issuer+"/introspect", assertion, nil)); said.code != "invalid_request" {
		t.Errorf("an assertion beside a secret: %+v", said)
	}
}
