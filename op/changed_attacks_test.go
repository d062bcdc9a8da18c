package op_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A redirect URI that is taken from the registration, because it leads to somebody else by now, is answered at no more:
// neither a request that was pushed there nor one whose journey goes on. A stricter registration holds for both as well.
func TestRegistrationChangesBeforeTheAnswer(t *testing.T) {
	for says, changed := range map[string]string{
		"redirect URI":    `redirect_uris: ["https://rp.test/new"]`,
		"challenge":       "pkce: required",
		"no codes at all": "grant_types: [client_credentials]",
	} {
		t.Run(says, func(t *testing.T) {
			c := newCaller(t)
			bare := func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") }
			pushed := c.push("lax", bare, basicOf("lax", secretText))
			brought := c.push("lax", bare, basicOf("lax", secretText))
			stored, late, early := c.visitor(), c.visitor(), c.visitor()
			stored.open(issuer + authorizeQuery("lax", bare))
			early.open(pushedQuery("lax", brought.RequestURI))
			posted := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery("lax", bare), "/authorize?"), nil).Header.Get("Location")
			c.declare("client_id: lax, " + changed)
			signedIn := visitor{c.signIn(issuer), t}
			for way, v := range map[string]visitor{"stored": stored, "brought before": early} {
				if q := v.logIn(); q.Get("code") != "" || v.URL.Host == "rp.test" {
					t.Errorf("%s: answered at %s", way, v.URL)
				}
			}
			for way, address := range map[string]string{"pushed": pushedQuery("lax", pushed.RequestURI), "posted": posted} {
				if q := signedIn.open(address); q.Get("code") != "" || signedIn.URL.Host == "rp.test" {
					t.Errorf("%s: answered at %s", way, signedIn.URL)
				}
			}
			if late.open(pushedQuery("lax", pushed.RequestURI)); late.URL.Path != "/authorize" || late.Status != http.StatusBadRequest {
				t.Errorf("pushed, nobody signed in: %d %s", late.Status, late.URL)
			}
		})
	}
}

// RFC 9449 section 5: a refresh token that a public party gets with a proof is bound to that key, whatever the one
// before was; and nobody refreshes with another key, or none, once the party must bind.
func TestRefreshTokenIsBoundFromTheFirstProofOn(t *testing.T) {
	c := newCaller(t)
	b, ours, theirs := c.signIn(issuer), newProver(c), newProver(c)
	at := func(p prover) string { return p.proof("POST", tokenURL, "") }
	form := codeForm(c.code(b, "spa", nil))
	form.Set("client_id", "spa")
	form.Set("redirect_uri", "https://spa.test/cb")
	refresh := func(token string) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"spa"}}
	}
	first := c.bound(form, "", "")
	if first.Error != "" || first.Type != "Bearer" {
		t.Fatalf("%+v", first)
	}
	c.declare("client_id: spa, dpop_bound_access_tokens: true")
	second := c.bound(refresh(first.Refresh), "", at(ours))
	if second.Error != "" || second.Type != "DPoP" {
		t.Fatalf("%+v", second)
	}
	if again := c.bound(refresh(first.Refresh), "", at(theirs)); again.Error != "invalid_grant" {
		t.Errorf("a repeat with another key: %+v", again)
	}
	if again := c.bound(refresh(first.Refresh), "", at(ours)); again.Refresh != second.Refresh {
		t.Errorf("a repeat with the key: %+v", again)
	}
	if got := c.bound(refresh(second.Refresh), "", at(theirs)); got.Error != "invalid_grant" {
		t.Errorf("another key: %+v", got)
	}
	if got := c.bound(refresh(second.Refresh), "", at(ours)); got.Error != "" {
		t.Errorf("the key: %+v", got)
	}
}
