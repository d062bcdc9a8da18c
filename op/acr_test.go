package op_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

const (
	oneFactor = "urn:minddistrict:acr:1fa"
	twoFactor = "urn:minddistrict:acr:2fa"
	alias     = "https://refeds.org/profile/sfa"
)

// OpenID Connect Core 1.0 section 5.5.1.1: an essential acr is met or refused, whatever else would do.
func TestEssentialACRIsNotWeakened(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	for claims, weaker := range map[string]string{
		`{"id_token":{"acr":{"essential":true,"value":"` + twoFactor + `"}}}`:                                                        oneFactor,
		`{"id_token":{"acr":{"essential":true,"values":["` + twoFactor + `"]}},"userinfo":{"acr":{"values":["` + oneFactor + `"]}}}`: "",
		`{"id_token":{"acr":{"essential":true,"value":2}}}`:                                                                          oneFactor,
	} {
		b.MustOpen(c, issuer+authorizeQuery("web", asking("openid", claims, "acr_values", weaker)))
		if got := b.URL.Query(); got.Get("error") != "unmet_authentication_requirements" {
			t.Errorf("%s with acr_values=%s: %v", claims, weaker, got)
		}
	}
}

// OpenID Connect Core 1.0 section 5.5.1.1: the answer is one of the values that were asked.
func TestACRIsAnsweredAsItWasAsked(t *testing.T) {
	c := newCaller(t)
	c.Declare(idptest.Demo{Policy: "acr_aliases: { \"" + alias + "\": \"" + oneFactor + "\" }"})
	b := c.signIn(issuer)
	essential := `{"id_token":{"acr":{"essential":true,"values":["` + alias + `"]}},"userinfo":{"acr":null}}`
	for _, row := range []struct{ says, claims, values, want string }{
		{"nothing asked", "", "", oneFactor},
		{"an alias", "", alias, alias},
		{"our own name too", "", alias + " " + oneFactor, oneFactor},
		{"an alias by claims", essential, "", alias},
		{"an alias by claims, our own name beside it", essential, oneFactor, alias},
		{"our own name by claims", `{"id_token":{"acr":{"value":"` + oneFactor + `"}}}`, alias, oneFactor},
	} {
		got := c.token(codeForm(c.code(b, "web", asking("openid", row.claims, "acr_values", row.values))), "web")
		if _, id := claimsOf(t, got.ID); id["acr"] != row.want {
			t.Errorf("%s: %v, want %s", row.says, id["acr"], row.want)
		}
		if _, info := c.userinfo(got.Access); row.claims == essential && info["acr"] != row.want {
			t.Errorf("%s: userinfo %v", row.says, info)
		}
		again := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, "web")
		if _, id := claimsOf(t, again.ID); id["acr"] != row.want {
			t.Errorf("%s, refreshed: %v, want %s", row.says, id["acr"], row.want)
		}
	}
	var m struct {
		Values []string `json:"acr_values_supported"`
	}
	err := json.NewDecoder(c.get(issuer + "/.well-known/openid-configuration").Body).Decode(&m)
	// The alias of the default policy is there as well: mappings of a file merge.
	if want := []string{oneFactor, twoFactor, "https://refeds.org/profile/mfa", alias}; err != nil || !slices.Equal(m.Values, want) {
		t.Errorf("acr_values_supported %v, want %v: %v", m.Values, want, err)
	}
}

// OpenID Connect Core 1.0 section 5.5: claims_supported lists them, so they come where they are asked.
func TestClaimsAboutTheSignInComeWhereTheyAreAsked(t *testing.T) {
	c := newCaller(t)
	c.declare("client_id: lax, id_token_claims: [amr_details]")
	b := c.signIn(issuer)
	got := c.token(codeForm(c.code(b, "lax", asking("openid", `{"userinfo":{"acr":null,"amr":null,"auth_time":{"essential":true},"amr_details":null}}`))), "lax")
	_, id := claimsOf(t, got.ID)
	_, info := c.userinfo(got.Access)
	for _, name := range []string{"acr", "amr", "auth_time", "amr_details"} {
		asText := func(v any) string { text, _ := json.Marshal(v); return string(text) }
		if id[name] == nil || asText(info[name]) != asText(id[name]) {
			t.Errorf("%s: userinfo %v, ID token %v", name, info[name], id[name])
		}
	}
	got = c.token(codeForm(c.code(b, "lax", asking("openid", ""))), "lax")
	if _, info := c.userinfo(got.Access); len(info) != 1 {
		t.Errorf("nothing asked: %v", info)
	}
}

// OpenID Connect Core 1.0 section 5.5.1: a wanted value may be any JSON.
func TestWantedValuesMayBeAnyJSON(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	for _, claims := range []string{
		`{"userinfo":{"email_verified":{"value":true}}}`, `{"id_token":{"https://rp.test/level":{"values":[1,2]}}}`, `{"userinfo":{"address":{"value":{"country":"NL"}}}}`,
	} {
		c.code(b, "web", asking("openid", claims))
	}
	for _, claims := range []string{`{"userinfo":{"name":null}}]`, `{"userinfo":{"name":null}}}`} {
		b.MustOpen(c, issuer+authorizeQuery("web", asking("openid", claims)))
		if got := b.URL.Query().Get("error"); got != "invalid_request" {
			t.Errorf("%s: %q", claims, got)
		}
	}
}
