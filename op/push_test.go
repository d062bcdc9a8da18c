package op_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

type pushedAnswer struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int    `json:"expires_in"`
	Error      string `json:"error"`
	Text       string `json:"error_description"`
	Status     int    `json:"-"`
}

// push pushes what the query of an authorization request of a party would be.
func (c caller) push(party string, change func(url.Values), header map[string]string) pushedAnswer {
	c.Helper()
	form, err := url.ParseQuery(strings.TrimPrefix(authorizeQuery(party, change), "/authorize?"))
	if err != nil {
		c.Fatal(err)
	}
	if header == nil && party != "spa" {
		header = basicOf(party, secretText)
	}
	res := c.send(http.MethodPost, issuer+"/par", form.Encode(), header)
	answer := pushedAnswer{Status: res.StatusCode}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		c.Fatal(err)
	}
	return answer
}

func pushedQuery(party, uri string) string {
	return issuer + "/authorize?" + url.Values{"client_id": {party}, "request_uri": {uri}}.Encode()
}

// visitor is a browser with somebody at the keyboard.
type visitor struct {
	*idptest.Browser
	testing.TB
}

func (c caller) visitor() visitor {
	c.Site("rp.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	c.Site("spa.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return visitor{idptest.NewBrowser(c.Server, "en"), c.TB}
}

func (v visitor) open(address string) url.Values {
	v.Helper()
	if err := v.Open(address); err != nil {
		v.Fatal(err)
	}
	return v.URL.Query()
}

func (v visitor) logIn() url.Values {
	v.Helper()
	idptest.SendPassword(v, v.Browser, "anna@example.org")
	return v.URL.Query()
}

// RFC 9126: what was pushed counts, nothing beside it, once, in the browser that brings it within a minute.
func TestPushedRequestIsAnsweredOnce(t *testing.T) {
	c := newCaller(t)
	got := c.push("web", nil, nil)
	if got.Status != http.StatusCreated || got.ExpiresIn != 60 || !strings.HasPrefix(got.RequestURI, "urn:ietf:params:oauth:request_uri:") {
		t.Fatalf("%+v", got)
	}
	v, other := c.visitor(), c.visitor()
	v.open(pushedQuery("web", got.RequestURI) + "&state=other&scope=openid+profile&redirect_uri=https://evil.test/")
	first := v.URL.String()
	if v.open(pushedQuery("web", got.RequestURI)); v.URL.String() != first {
		t.Errorf("a reload begins another journey: %s, %s", first, v.URL)
	}
	// Shown is not answered: somebody who opens the address elsewhere can log in there.
	if other.open(pushedQuery("web", got.RequestURI)); other.URL.String() == first || !strings.HasPrefix(other.URL.Path, "/login/") {
		t.Fatalf("another browser is at %s", other.URL)
	}
	// Over the minute this browser still goes on.
	c.Clock.Later(2 * time.Minute)
	if v.open(pushedQuery("web", got.RequestURI)); v.URL.String() != first {
		t.Errorf("after a minute: %s", v.URL)
	}
	if third := c.visitor(); third.open(pushedQuery("web", got.RequestURI)) == nil || third.URL.Path != "/authorize" || third.Status != http.StatusBadRequest {
		t.Errorf("after a minute, a new browser: %d %s", third.Status, third.URL)
	}
	q := v.logIn()
	if q.Get("code") == "" || q.Get("state") != "s t&=" || q.Get("iss") != issuer {
		t.Fatalf("no answer at %s", v.URL)
	}
	if q := other.logIn(); q.Get("code") != "" {
		t.Errorf("a second answer at %s", other.URL)
	}
	if v.open(pushedQuery("web", got.RequestURI)); v.URL.Path != "/authorize" || v.Status != http.StatusBadRequest {
		t.Errorf("answered, and brought again: %d %s", v.Status, v.URL)
	}
	if tokens := c.token(codeForm(q.Get("code")), "web"); tokens.Error != "" {
		t.Errorf("%+v", tokens)
	}
	// Somebody who is signed in gets the answer at once, and that is one as well; so is an error.
	for says, change := range map[string]func(url.Values){
		"a code": nil, "an error": func(q url.Values) {
			q.Set("prompt", "none")
			q.Set("acr_values", "urn:none")
			q.Set("claims", `{"id_token":{"acr":{"essential":true,"value":"urn:none"}}}`)
		},
	} {
		again := c.push("web", change, nil)
		q := v.open(pushedQuery("web", again.RequestURI))
		if (q.Get("code") == "") == (q.Get("error") == "") || v.URL.Host != "rp.test" {
			t.Errorf("%s: %s", says, v.URL)
		}
		if v.open(pushedQuery("web", again.RequestURI)); v.URL.Path != "/authorize" || v.Status != http.StatusBadRequest {
			t.Errorf("%s, and brought again: %d %s", says, v.Status, v.URL)
		}
	}
	// By POST as well (OpenID Connect Core 1.0 section 3.1.2.1).
	posted := c.push("web", nil, nil)
	res := c.send(http.MethodPost, issuer+"/authorize", url.Values{"client_id": {"web"}, "request_uri": {posted.RequestURI}}.Encode(), nil)
	if res.StatusCode != http.StatusSeeOther || v.open(res.Header.Get("Location")).Get("code") == "" {
		t.Errorf("by POST: %d, then %s", res.StatusCode, v.URL)
	}
}

// What is wrong with a pushed request is told its party, which nobody else can bring.
func TestPushesThatAreRefused(t *testing.T) {
	c := newCaller(t)
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	p := newProver(c)
	for says, row := range map[string]struct {
		got  pushedAnswer
		code string
	}{
		"a stranger":               {c.push("web", nil, map[string]string{}), "invalid_client"},
		"a wrong secret":           {c.push("web", nil, basicOf("web", "wrong")), "invalid_client"},
		"another's client_id":      {c.push("web", set("client_id", "post"), basicOf("web", secretText)), "invalid_request"},
		"a request_uri":            {c.push("web", set("request_uri", "urn:x"), nil), "invalid_request"},
		"no redirect_uri":          {c.push("web", set("redirect_uri", ""), nil), "invalid_request"},
		"another redirect_uri":     {c.push("web", set("redirect_uri", "https://evil.test/"), nil), "invalid_request"},
		"no challenge":             {c.push("web", set("code_challenge", ""), nil), "invalid_request"},
		"plain":                    {c.push("web", set("code_challenge_method", "plain"), nil), "invalid_request"},
		"response_type token":      {c.push("web", set("response_type", "token"), nil), "unsupported_response_type"},
		"response_type of two":     {c.push("web", set("response_type", "code id_token"), nil), "unsupported_response_type"},
		"no scope of its own":      {c.push("web", set("scope", "x"), nil), "invalid_scope"},
		"an object without keys":   {c.push("web", set("request", "x.y.z"), nil), "request_not_supported"},
		"a key that is not proven": {c.push("web", set("dpop_jkt", strings.Repeat("A", 43)), withProof(basicOf("web", secretText), p.proof("POST", issuer+"/par", ""))), "invalid_dpop_proof"},
		"a spoiled proof":          {c.push("web", nil, withProof(basicOf("web", secretText), p.proof("GET", issuer+"/par", ""))), "invalid_dpop_proof"},
	} {
		if row.got.Error != row.code || row.got.RequestURI != "" || row.got.Status < 400 || row.got.Text == "" {
			t.Errorf("%s: %+v", says, row.got)
		}
	}
	ours := c.push("web", nil, nil)
	for says, address := range map[string]string{
		"another party's": pushedQuery("post", ours.RequestURI), "unknown": pushedQuery("web", "urn:ietf:params:oauth:request_uri:"+secret.ID()),
		"no id": pushedQuery("web", "urn:ietf:params:oauth:request_uri:"), "a long one": pushedQuery("web", ours.RequestURI+strings.Repeat("a", 4000)),
		"another platform's": strings.Replace(pushedQuery("web", ours.RequestURI), issuer, "https://id.test/p/wilg", 1),
	} {
		if v := c.visitor(); v.open(address) == nil || v.Status != http.StatusBadRequest || v.URL.Host == "rp.test" {
			t.Errorf("%s: %d %s", says, v.Status, v.URL)
		}
	}
	if v := c.visitor(); !strings.HasPrefix(v.openPath(pushedQuery("web", ours.RequestURI)), "/login/") {
		t.Errorf("after all that it is refused: %s", v.URL)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		if res := c.send(method, issuer+"/par", "", nil); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
}

func (v visitor) openPath(address string) string { v.open(address); return v.URL.Path }

func withProof(header map[string]string, proof string) map[string]string {
	header["DPoP"] = proof
	return header
}

// A party that must push is answered nothing else; one that proves a key binds its code to it (RFC 9449 section 10.1).
func TestPushingBindsAndIsDemanded(t *testing.T) {
	c := newCaller(t)
	c.declare("client_id: web, require_pushed_authorization_requests: true")
	v := c.visitor()
	if q := v.open(issuer + authorizeQuery("web", nil)); q.Get("error") != "invalid_request" || q.Get("state") != "s t&=" {
		t.Errorf("not pushed: %s", v.URL)
	}
	ours, theirs := newProver(c), newProver(c)
	got := c.push("web", nil, withProof(basicOf("web", secretText), ours.proof("POST", issuer+"/par", "")))
	v.open(pushedQuery("web", got.RequestURI))
	form := codeForm(v.logIn().Get("code"))
	if got := c.bound(form, "web", theirs.proof("POST", tokenURL, "")); got.Error != "invalid_grant" {
		t.Errorf("another key: %+v", got)
	}
	if got := c.bound(form, "web", ours.proof("POST", tokenURL, "")); got.Error != "" {
		t.Errorf("its key: %+v", got)
	}
}

// A flood is bounded by party: it fills no more than its own room.
func TestPushFloodIsBoundedByParty(t *testing.T) {
	c := newCaller(t)
	for i := range 3000 {
		if got := c.push("web", nil, nil); got.Error != "" {
			t.Fatalf("push %d: %+v", i, got)
		}
	}
	if got := c.push("web", nil, nil); got.Status != http.StatusTooManyRequests || got.Error != "temporarily_unavailable" {
		t.Errorf("one more: %+v", got)
	}
	if got := c.push("post", nil, map[string]string{}); got.Error != "invalid_client" {
		t.Errorf("another party, not proven: %+v", got)
	}
	if got := c.push("spa", nil, nil); got.Error != "" {
		t.Errorf("another party: %+v", got)
	}
	c.Clock.Later(61 * time.Second)
	if got := c.push("web", nil, nil); got.Error != "" {
		t.Errorf("a minute later: %+v", got)
	}
}

// JARM: answers and errors in one signed JWT, by address and by form, that is no ID token.
func TestSignedAnswers(t *testing.T) {
	c := newCaller(t)
	v := c.visitor()
	v.open(issuer + authorizeQuery("web", nil))
	v.logIn()
	read := func(text string, alg jose.SignatureAlgorithm) (claims map[string]any) {
		t.Helper()
		jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{alg})
		if err != nil {
			t.Fatal(err)
		}
		var keys jose.JSONWebKeySet
		if err := json.NewDecoder(c.get(issuer + "/keys").Body).Decode(&keys); err != nil {
			t.Fatal(err)
		}
		payload, err := jws.Verify(keys)
		if err != nil || json.Unmarshal(payload, &claims) != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if typ := jws.Signatures[0].Protected.ExtraHeaders["typ"]; typ == "JWT" {
			t.Error("it could be taken for an ID token")
		}
		return claims
	}
	for _, mode := range []string{"jwt", "query.jwt", "form_post.jwt"} {
		for party, alg := range map[string]jose.SignatureAlgorithm{"web": jose.RS256, "post": jose.ES256} {
			for says, change := range map[string]func(url.Values){"code": nil, "error": func(q url.Values) { q.Set("scope", "x") }} {
				q := v.open(issuer + authorizeQuery(party, func(q url.Values) {
					q.Set("response_mode", mode)
					if change != nil {
						change(q)
					}
				}))
				text := q.Get("response")
				if mode == "form_post.jwt" {
					text = v.Value("response")
				}
				if len(q) > 1 && mode != "form_post.jwt" || text == "" {
					t.Fatalf("%s %s %s: %d %s %.600s", party, mode, says, v.Status, v.URL, v.Body)
				}
				claims := read(text, alg)
				if claims["iss"] != issuer || claims["aud"] != party || claims["state"] != "s t&=" || claims[says] == nil || claims["exp"].(float64) > float64(c.Now().Add(10*time.Minute).Unix()) {
					t.Errorf("%s %s: %v", mode, says, claims)
				}
				if says == "code" && mode == "jwt" && party == "web" {
					if got := c.token(codeForm(fmt.Sprint(claims["code"])), "web"); got.Error != "" {
						t.Errorf("%+v", got)
					}
					hinted := v.open(issuer + authorizeQuery("web", func(q url.Values) { q.Set("id_token_hint", text) }))
					if hinted.Get("error") != "invalid_request" {
						t.Errorf("it is taken as an id_token_hint: %s", v.URL)
					}
				}
			}
		}
	}
	for _, mode := range []string{"fragment", "fragment.jwt", "web_message", "JWT"} {
		if q := v.open(issuer + authorizeQuery("web", func(q url.Values) { q.Set("response_mode", mode) })); q.Get("error") != "invalid_request" {
			t.Errorf("%s: %s", mode, v.URL)
		}
	}
}
