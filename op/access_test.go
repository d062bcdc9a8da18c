package op_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

var machines = idptest.Demo{Parties: []string{
	"client_id: report, type: service, scopes: [report.read, report.write], audience: [api]",
	"client_id: api, type: service, scopes: []",
	"client_id: jwt, access_token: jwt, id_token_alg: ES256, audience: [api]",
	"client_id: pair, subject_type: pairwise, amr_details: true, " + toRP,
	"client_id: koppel, id_token_claims: [email]",
	`client_id: strict, minimum_acr: "urn:minddistrict:acr:2fa"`,
}}

// claimsOf reads a JWT without verifying it; go-oidc verifies them in the journeys.
func claimsOf(t *testing.T, jwt string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", jwt)
	}
	for i, to := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(text, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// introspect asks as a party; the answer is decoded.
func (c caller) introspect(as, token string) map[string]any {
	c.Helper()
	res := c.send(http.MethodPost, issuer+"/introspect", url.Values{"token": {token}}.Encode(), basicOf(as, secretText))
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != 200 || res.Header.Get("Cache-Control") != "no-store" {
		c.Fatalf("introspection: %d %v", res.StatusCode, err)
	}
	return answer
}

func (c caller) userinfo(token string) (int, map[string]any) {
	c.Helper()
	res := c.send(http.MethodGet, issuer+"/userinfo", "", map[string]string{"Authorization": "Bearer " + token})
	var claims map[string]any
	_ = json.NewDecoder(res.Body).Decode(&claims) // the status says whether there are any
	return res.StatusCode, claims
}

func TestClientCredentials(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	ask := func(as string, scope ...string) tokens {
		return c.token(url.Values{"grant_type": {"client_credentials"}, "scope": {strings.Join(scope, " ")}}, as)
	}
	got := ask("report", "report.read")
	if got.Access == "" || got.Refresh != "" || got.ID != "" {
		t.Fatalf("%+v", got)
	}
	if a := c.introspect("report", got.Access); a["active"] != true || a["scope"] != "report.read" || a["client_id"] != "report" || a["sub"] != "report" {
		t.Errorf("introspection: %v", a)
	}
	if status, _ := c.userinfo(got.Access); status != http.StatusForbidden {
		t.Errorf("userinfo for a machine: %d", status)
	}
	for says, refused := range map[string]tokens{
		"scope about people": ask("report", "openid"), "unregistered scope": ask("api", "report.read"),
	} {
		if refused.Error != "invalid_scope" {
			t.Errorf("%s: %+v", says, refused)
		}
	}
	if got := ask("web"); got.Error != "unauthorized_client" {
		t.Errorf("a party that may not: %+v", got)
	}
	c.Clock.Later(16 * time.Minute)
	if a := c.introspect("report", got.Access); len(a) != 1 || a["active"] != false {
		t.Errorf("after 16 minutes: %v", a)
	}
}

// CVE-2024-47077: a token is described to its party and to whom it is for, and to nobody else.
func TestIntrospectionAnswersOnlyWhomItConcerns(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	got := c.token(codeForm(c.code(c.signIn(issuer), "jwt", nil)), "jwt")
	for as, want := range map[string]bool{"jwt": true, "api": true, "report": false, "web": false} {
		if a := c.introspect(as, got.Access); a["active"] != want || !want && len(a) != 1 {
			t.Errorf("access token to %s: %v", as, a)
		}
	}
	for as, want := range map[string]bool{"jwt": true, "api": false, "web": false} {
		if a := c.introspect(as, got.Refresh); a["active"] != want || !want && len(a) != 1 {
			t.Errorf("refresh token to %s: %v", as, a)
		}
	}
	if a := c.introspect("jwt", got.ID); a["active"] != false {
		t.Errorf("an ID token is not an access token: %v", a)
	}
	if a := c.introspect("jwt", got.Access); a["acr"] != "urn:minddistrict:acr:1fa" || a["iss"] != issuer || a["sub"] == "" {
		t.Errorf("access token: %v", a)
	}
	res := c.send(http.MethodPost, issuer+"/introspect", "token=x&client_id=spa", nil)
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a public party: %d", res.StatusCode)
	}
}

// RFC 9068: a JWT access token is typed, says for whom it is, and ends with its grant wherever we are asked.
func TestJWTAccessTokens(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	got := c.token(codeForm(c.code(c.signIn(issuer), "jwt", nil)), "jwt")
	header, claims := claimsOf(t, got.Access)
	_, id := claimsOf(t, got.ID)
	if header["typ"] != "at+jwt" || header["alg"] != "ES256" || claims["iss"] != issuer || claims["sub"] != id["sub"] || claims["client_id"] != "jwt" ||
		claims["scope"] != "openid offline_access" || claims["acr"] != "urn:minddistrict:acr:1fa" || claims["auth_time"] != id["auth_time"] {
		t.Errorf("%v %v", header, claims)
	}
	if aud, _ := claims["aud"].([]any); len(aud) != 1 || aud[0] != "api" {
		t.Errorf("aud %v", claims["aud"])
	}
	if status, info := c.userinfo(got.Access); status != 200 || info["sub"] != id["sub"] {
		t.Errorf("userinfo: %d %v", status, info)
	}
	for says, token := range map[string]string{"ID token": got.ID, "cut": got.Access[:len(got.Access)-2], "unsigned": strings.Join(strings.Split(got.Access, ".")[:2], ".") + "."} {
		if status, _ := c.userinfo(token); status != http.StatusUnauthorized {
			t.Errorf("%s as access token: %d", says, status)
		}
	}
	c.send(http.MethodPost, issuer+"/revoke", url.Values{"token": {got.Access}}.Encode(), basicOf("jwt", secretText))
	if status, _ := c.userinfo(got.Access); status != http.StatusUnauthorized {
		t.Errorf("after revocation: %d", status)
	}
}

func TestPairwiseSubjectEverywhere(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	b := c.signIn(issuer)
	got := c.token(codeForm(c.code(b, "pair", nil)), "pair")
	_, id := claimsOf(t, got.ID)
	_, public := claimsOf(t, c.token(codeForm(c.code(b, "web", nil)), "web").ID)
	_, info := c.userinfo(got.Access)
	a := c.introspect("pair", got.Access)
	if id["sub"] == public["sub"] || id["sub"] != info["sub"] || id["sub"] != a["sub"] {
		t.Errorf("ID token %v, userinfo %v, introspection %v, public %v", id["sub"], info["sub"], a["sub"], public["sub"])
	}
	details, _ := id["amr_details"].([]any)
	if len(details) != 1 || details[0].(map[string]any)["method"] != "password" || details[0].(map[string]any)["source"] != "here" {
		t.Errorf("amr_details %v", id["amr_details"])
	}
	if code := c.code(b, "pair", func(q url.Values) { q.Set("prompt", "none"); q.Set("id_token_hint", got.ID) }); code == "" {
		t.Error("its own ID token as a hint")
	}
}

func TestClaimsGoWhereTheyWereAsked(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	b := c.signIn(issuer)
	asked := func(q url.Values) {
		q.Set("scope", "openid")
		q.Set("claims", `{"userinfo":{"name":{"essential":true}},"id_token":{"given_name":null,"nonsense":null}}`)
	}
	got := c.token(codeForm(c.code(b, "web", asked)), "web")
	_, id := claimsOf(t, got.ID)
	_, info := c.userinfo(got.Access)
	if id["given_name"] != "Anna" || id["name"] != nil || info["name"] != "Anna Bakker" || info["given_name"] != nil {
		t.Errorf("ID token %v, userinfo %v", id, info)
	}
	refreshed := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, "web")
	if _, info := c.userinfo(refreshed.Access); info["name"] != "Anna Bakker" {
		t.Errorf("after a refresh: %v", info)
	}
	// a party of Koppeltaal reads the address from the ID token on a bare openid
	_, id = claimsOf(t, c.token(codeForm(c.code(b, "koppel", func(q url.Values) { q.Set("scope", "openid") })), "koppel").ID)
	if id["email"] != "anna@example.org" {
		t.Errorf("ID token %v", id)
	}
	_, id = claimsOf(t, c.token(codeForm(c.code(b, "web", nil)), "web").ID)
	var names []string
	for name := range id {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "acr amr at_hash aud auth_time exp iat iss nonce sid sub" {
		t.Errorf("an ID token says %s", got)
	}
}

func TestStrongerThanPossibleIsToldTheParty(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	b := c.signIn(issuer)
	for says, query := range map[string]string{
		"acr_values":       authorizeQuery("web", func(q url.Values) { q.Set("acr_values", "urn:minddistrict:acr:2fa") }),
		"an unknown value": authorizeQuery("web", func(q url.Values) { q.Set("acr_values", "urn:unknown") }),
		"claims": authorizeQuery("web", func(q url.Values) {
			q.Set("claims", `{"id_token":{"acr":{"essential":true,"values":["urn:minddistrict:acr:2fa"]}}}`)
		}),
		"the party's minimum":  authorizeQuery("strict", nil),
		"silent, with a value": authorizeQuery("web", func(q url.Values) { q.Set("acr_values", "urn:minddistrict:acr:2fa"); q.Set("prompt", "none") }),
	} {
		if err := b.Open(issuer + query); err != nil {
			t.Fatal(err)
		}
		if got := b.URL.Query().Get("error"); got != "unmet_authentication_requirements" {
			t.Errorf("%s: %q at %s", says, got, b.URL)
		}
	}
	if code := c.code(b, "web", func(q url.Values) { q.Set("acr_values", "urn:minddistrict:acr:2fa urn:minddistrict:acr:1fa") }); code == "" {
		t.Error("any one of the values suffices")
	}
}
