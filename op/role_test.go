package op_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

var roleParties = idptest.Demo{Parties: []string{
	"client_id: api, type: service, scopes: []",
	"client_id: scoped, scopes: [openid, role, offline_access]",
	"client_id: named, id_token_claims: [role]",
	"client_id: jwt, access_token: jwt, audience: [api], scopes: [openid, role, offline_access]",
	"client_id: third, name: Dagboek, third_party: true, scopes: [openid, email]",
	"client_id: machine, type: service, scopes: [role, report.read]",
}}

const roleByName = `{"id_token":{"role":null},"userinfo":{"role":{"essential":true}}}`

// The role is in ID token and userinfo where the party is registered for it and asks, or has it registered as a claim
// of its ID tokens; nowhere else, whoever asks and however.
func TestRoleIsToldToWhoIsRegisteredForIt(t *testing.T) {
	c := newCaller(t)
	c.Declare(roleParties)
	b := c.signIn(issuer)
	for says, row := range map[string]struct{ party, scope, claims, id, userinfo string }{
		"by scope":                             {"scoped", "openid role", "", "", "client"},
		"by name":                              {"scoped", "openid", roleByName, "client", "client"},
		"by scope and name":                    {"scoped", "openid role offline_access", roleByName, "client", "client"},
		"not asked":                            {"scoped", "openid", "", "", ""},
		"registered as a claim of ID tokens":   {"named", "openid", "", "client", ""},
		"as such a claim, and asked elsewhere": {"named", "openid role", `{"userinfo":{"role":null}}`, "client", ""},
		"not registered, by scope":             {"web", "openid role", "", "", ""},
		"not registered, by name":              {"web", "openid profile email", roleByName, "", ""},
		"JWT access tokens":                    {"jwt", "openid role", roleByName, "client", "client"},
		"a third party that is not registered": {"third", "openid role", roleByName, "", ""},
	} {
		var got tokens
		if row.party == "third" {
			var asked string
			if asked, got = c.consented(b, row.party, asking(row.scope, row.claims)); strings.Contains(asked, "Your role") {
				t.Errorf("%s: the page names it: %s", says, asked)
			}
		} else {
			got = c.token(codeForm(c.code(b, row.party, asking(row.scope, row.claims))), row.party)
		}
		_, id := claimsOf(t, got.ID)
		_, info := c.userinfo(got.Access)
		for where, pair := range map[string][2]any{"ID token": {id["role"], row.id}, "userinfo": {info["role"], row.userinfo}} {
			if have, _ := pair[0].(string); have != pair[1] {
				t.Errorf("%s: %s has role %q, want %q", says, where, have, pair[1])
			}
		}
		for _, as := range []string{row.party, "api"} {
			if a := c.introspect(as, got.Access); a["role"] != nil {
				t.Errorf("%s: introspection by %s: %v", says, as, a)
			}
		}
		if row.party == "jwt" {
			if _, claims := claimsOf(t, got.Access); claims["role"] != nil {
				t.Errorf("%s: the access token has %v", says, claims["role"])
			}
		}
	}
}

// What is told is the role of that moment; and nothing any more when the registration is taken away.
func TestRoleIsThatOfTheMoment(t *testing.T) {
	c := newCaller(t)
	c.Declare(roleParties)
	got := c.token(codeForm(c.code(c.signIn(issuer), "scoped", asking("openid role offline_access", roleByName))), "scoped")
	told := func() (id, userinfo any) {
		t.Helper()
		got = c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, "scoped")
		_, claims := claimsOf(t, got.ID)
		_, info := c.userinfo(got.Access)
		return claims["role"], info["role"]
	}
	acts := c.Tools().Acts()
	for _, role := range []platform.Role{platform.Relative, platform.Professional, platform.Helpdesk} {
		if err := acts.SetRole(t.Context(), "linde", staff.ByAddress("anna@example.org"), role, staff.Justification{Reason: staff.NewTask}); err != nil {
			t.Fatal(err)
		}
		if _, info := c.userinfo(got.Access); info["role"] != string(role) {
			t.Errorf("userinfo with the token of before: %v, want %s", info["role"], role)
		}
		if id, info := told(); id != string(role) || info != string(role) {
			t.Errorf("after the refresh: ID token %v, userinfo %v, want %s", id, info, role)
		}
	}
	c.declare("client_id: scoped, scopes: [openid, offline_access]")
	if _, info := c.userinfo(got.Access); info["role"] != nil {
		t.Errorf("not registered any more, userinfo: %v", info["role"])
	}
	if id, info := told(); id != nil || info != nil {
		t.Errorf("not registered any more: ID token %v, userinfo %v", id, info)
	}
}

// A party without a list of scopes has those of OpenID Connect and no role; a machine has none about people.
func TestRoleIsNoScopeOfAnybodyElse(t *testing.T) {
	c := newCaller(t)
	c.Declare(roleParties)
	parties, err := c.DB.Parties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parties {
		if p.ID == "web" && (len(p.Scopes) == 0 || slices.Contains(p.Scopes, "role")) {
			t.Errorf("a party that lists no scopes has %v", p.Scopes)
		}
	}
	if got := c.token(url.Values{"grant_type": {"client_credentials"}, "scope": {"role"}}, "machine"); got.Error != "invalid_scope" {
		t.Errorf("asked for itself: %+v", got)
	}
	got := c.token(url.Values{"grant_type": {"client_credentials"}}, "machine")
	if a := c.introspect("machine", got.Access); a["scope"] != "report.read" {
		t.Errorf("scopes of a machine: %v", a)
	}
	var m struct {
		Scopes []string `json:"scopes_supported"`
		Claims []string `json:"claims_supported"`
	}
	if err := json.NewDecoder(c.get(issuer + "/.well-known/openid-configuration").Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(m.Scopes, "role") || !slices.Contains(m.Claims, "role") {
		t.Errorf("discovery: scopes %v, claims %v", m.Scopes, m.Claims)
	}
}

// A party that is held to FAPI 2.0 has it in the same way.
func TestRoleOfAPartyHeldToFAPI(t *testing.T) {
	c := newKeyCaller(t)
	for scopes, want := range map[string]any{"[openid, role]": "client", "[openid]": nil} {
		c.declare("client_id: fapi, scopes: " + scopes)
		b, key := c.signIn(issuer), newProver(c)
		pushed := c.push("fapi", func(q url.Values) {
			asking("openid role", roleByName, "client_assertion_type", assertionType, "client_assertion", c.assertion("fapi", nil))(q)
		}, map[string]string{})
		if err := b.Open(pushedQuery("fapi", pushed.RequestURI)); err != nil {
			t.Fatal(err)
		}
		form := codeForm(b.URL.Query().Get("code"))
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", c.assertion("fapi", nil))
		got := c.bound(form, "", key.proof("POST", tokenURL, ""))
		if got.Error != "" {
			t.Fatalf("%s: %+v at %s", scopes, got, b.URL)
		}
		_, id := claimsOf(t, got.ID)
		res := c.info("DPoP", got.Access, key.proof("GET", userinfoURL, got.Access))
		var info map[string]any
		if err := json.NewDecoder(res.Body).Decode(&info); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: userinfo %d, %v", scopes, res.StatusCode, err)
		}
		if id["role"] != want || info["role"] != want {
			t.Errorf("%s: ID token %v, userinfo %v, want %v", scopes, id["role"], info["role"], want)
		}
	}
}
