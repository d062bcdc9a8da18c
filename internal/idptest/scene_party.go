package idptest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Parts reads a JWT without verifying it.
func Parts(t testing.TB, jwt string) (header, claims map[string]any) {
	t.Helper()
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt+"..", ".")[i])
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatalf("%q is not a JWT: %v", jwt, err)
		}
	}
	return header, claims
}

// AuthorizeQuery is a right authorization request of a party, changed.
func AuthorizeQuery(party string, change func(url.Values)) url.Values {
	q := url.Values{
		"client_id": {party}, "redirect_uri": {RedirectURI}, "response_type": {"code"}, "scope": {"openid profile email offline_access"},
		"state": {"state of the party"}, "nonce": {"nonce of the party"}, "code_challenge": {Challenge}, "code_challenge_method": {"S256"},
	}
	if party == "app" {
		q.Set("redirect_uri", "net.example.app:/callback")
	}
	if change != nil {
		change(q)
	}
	return q
}

func Set(pairs ...string) func(url.Values) {
	return func(q url.Values) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				q.Del(pairs[i])
			} else {
				q.Set(pairs[i], pairs[i+1])
			}
		}
	}
}

func (s *Scene) AuthorizeURL(party string, change func(url.Values)) string {
	return s.Issuer + "/authorize?" + AuthorizeQuery(party, change).Encode()
}

// Tokens is an answer of the token endpoint.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`
	Answer
}

// Basic is how a party with a secret proves itself; public parties name themselves in the form.
func Basic(party string) http.Header {
	if party == "spa" || party == "app" {
		return nil
	}
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(party, PartySecret)
	return r.Header
}

// Token asks the token endpoint as a party.
func (s *Scene) Token(party string, form url.Values) Tokens {
	s.Helper()
	if Basic(party) == nil {
		form.Set("client_id", party)
	}
	t := Tokens{Answer: s.Post("/token", form, Basic(party))}
	if err := json.Unmarshal([]byte(t.Body), &t); err != nil {
		s.Fatalf("token answers %d %q: %v", t.Status, t.Body, err)
	}
	return t
}

func CodeForm(party, code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {AuthorizeQuery(party, nil).Get("redirect_uri")}, "code_verifier": {Verifier}}
}

func (s *Scene) Redeem(party, code string) Tokens {
	s.Helper()
	return s.Token(party, CodeForm(party, code))
}

func (s *Scene) RefreshGrant(party, refresh string) Tokens {
	s.Helper()
	return s.Token(party, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

// RefusedGrant says that the token endpoint refused a grant and gave nothing.
func (s *Scene) RefusedGrant(what string, t Tokens) {
	s.Helper()
	if t.Status != http.StatusBadRequest || t.Error != "invalid_grant" || t.Access != "" || t.Refresh != "" {
		s.Errorf("%s: %d %s, want invalid_grant", what, t.Status, t.Body)
	}
}

func Bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// Userinfo is the status for an access token.
func (s *Scene) Userinfo(token string) int {
	s.Helper()
	return s.Send(http.MethodGet, s.Issuer+"/userinfo", "", Bearer(token)).Status
}

// Claims are what userinfo says.
func (s *Scene) Claims(token string) map[string]any {
	s.Helper()
	a := s.Send(http.MethodGet, s.Issuer+"/userinfo", "", Bearer(token))
	var claims map[string]any
	if err := json.Unmarshal([]byte(a.Body), &claims); err != nil || a.Status != http.StatusOK {
		s.Fatalf("userinfo answers %d %q", a.Status, a.Body)
	}
	return claims
}

// Active reports whether a token counts, as a party is told that asks.
func (s *Scene) Active(party, token string) bool {
	s.Helper()
	a := s.Post("/introspect", url.Values{"token": {token}}, Basic(party))
	var body struct {
		Active bool `json:"active"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != http.StatusOK {
		s.Fatalf("introspection answers %d %q", a.Status, a.Body)
	}
	if !body.Active && strings.TrimSpace(a.Body) != `{"active":false}` {
		s.Errorf("introspection tells more of a token that does not count: %s", a.Body)
	}
	return body.Active
}

// GrantTypesNotServed are those that the library knows and we do not serve.
var GrantTypesNotServed = []string{
	"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:device_code",
	"urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:grant-type:saml2-bearer", "password", "implicit",
}
