package op_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// requester makes request objects of the party "keys", right ones unless they are spoiled.
type requester struct {
	caller
	party          string
	signer, header string
}

func (r requester) object(spoil func(object)) string {
	r.Helper()
	o := object{
		"iss": r.party, "aud": issuer, "client_id": r.party, "redirect_uri": redirect, "response_type": "code", "scope": "openid",
		"state": "inside", "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256",
		"nbf": r.Clock.Now().Unix(), "exp": r.Clock.Now().Add(time.Minute).Unix(),
	}
	if spoil != nil {
		spoil(o)
	}
	return compact(r.TB, r.signer, r.header, o.text(r.TB))
}

// front sends an object by the browser, beside parameters that must not count.
func (r requester) front(v visitor, text string) url.Values {
	r.Helper()
	return v.open(issuer + "/authorize?" + url.Values{
		"client_id": {r.party}, "request": {text}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"outside"},
	}.Encode())
}

// RFC 9101: what is signed counts, nothing beside it, and an object with an identifier once.
func TestRequestObjectCounts(t *testing.T) {
	c := newKeyCaller(t)
	v := c.visitor()
	v.open(issuer + authorizeQuery("web", nil))
	v.logIn()
	for _, header := range []string{`{"alg":"ES256","kid":"ec"}`, `{"alg":"ES256","typ":"oauth-authz-req+jwt"}`, `{"alg":"ES256","typ":"JWT"}`} {
		r := requester{c, "keys", "ec", header}
		q := r.front(v, r.object(func(o object) { o["max_age"], o["claims"] = 3600, object{"userinfo": object{"name": nil}} }))
		if q.Get("code") == "" || q.Get("state") != "inside" {
			t.Fatalf("%s: %s", header, v.URL)
		}
	}
	r := requester{c, "keys", "rsa", `{"alg":"PS256"}`}
	once := r.object(func(o object) { o["jti"] = "one" })
	if q := r.front(v, once); q.Get("code") == "" {
		t.Fatalf("with jti: %s", v.URL)
	}
	if q := r.front(v, once); q.Get("error") != "invalid_request_object" || q.Get("state") != "inside" {
		t.Errorf("with jti, again: %s", v.URL)
	}
	// Refused for another reason it was not used.
	kept := r.object(func(o object) { o["jti"], o["scope"] = "two", "none" })
	for range 2 {
		if q := r.front(v, kept); q.Get("error") != "invalid_scope" || q.Get("state") != "inside" {
			t.Errorf("with a scope that it may not ask: %s", v.URL)
		}
	}
	if q := r.front(v, r.object(func(o object) { o["response_mode"] = "form_post" })); len(q) == 0 || v.Value("state") != "inside" {
		t.Errorf("form_post inside: %s", v.URL)
	}
	// A party without keys: as it was.
	q := v.open(issuer + authorizeQuery("web", func(q url.Values) { q.Set("request", once) }))
	if q.Get("error") != "request_not_supported" {
		t.Errorf("a party without keys: %s", v.URL)
	}
	// Pushed, with the party's own proof of itself.
	res := c.send(http.MethodPost, issuer+"/par", url.Values{
		"request": {r.object(nil)}, "client_assertion_type": {assertionType}, "client_assertion": {c.assertion("keys", nil)},
	}.Encode(), nil)
	var answer pushedAnswer
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("pushed: %d %+v %v", res.StatusCode, answer, err)
	}
	if q := v.open(pushedQuery("keys", answer.RequestURI)); q.Get("state") != "inside" || q.Get("code") == "" {
		t.Errorf("pushed: %s", v.URL)
	}
}

func TestRequestObjectsThatAreRefused(t *testing.T) {
	c := newKeyCaller(t)
	c.declare("client_id: keys, require_signed_request_object: true")
	c.Apply("platforms: [ { name: wilg, parties: [ { client_id: keys, require_signed_request_object: true } ] } ]")
	v := c.visitor()
	r := requester{c, "keys", "ec", `{"alg":"ES256","kid":"ec"}`}
	with := func(name string, value any) string {
		return r.object(func(o object) {
			if o[name] = value; value == nil {
				delete(o, name)
			}
		})
	}
	headed := func(signer, header string) string { return requester{c, "keys", signer, header}.object(nil) }
	now := c.Clock.Now()
	good := r.object(nil)
	parts := strings.Split(good, ".")
	for says, text := range map[string]string{
		"nothing":                    "x",
		"a million dots":             strings.Repeat(".", 20_000),
		"none":                       headed("", `{"alg":"none"}`),
		"HS256":                      headed("", `{"alg":"HS256"}`),
		"another's key":              headed("ec2", `{"alg":"ES256"}`),
		"kid of another":             headed("ec2", `{"alg":"ES256","kid":"ec2"}`),
		"key inside":                 headed("stranger", `{"alg":"ES256","jwk":`+strings.TrimSuffix(strings.TrimPrefix(publicJWKS(t, "stranger"), `{"keys":[`), `]}`)+`}`),
		"an access token":            headed("ec", `{"alg":"ES256","typ":"at+jwt"}`),
		"an assertion by type":       headed("ec", `{"alg":"ES256","typ":"client-authentication+jwt"}`),
		"a proof by type":            headed("ec", `{"alg":"ES256","typ":"dpop+jwt"}`),
		"crit":                       headed("ec", `{"alg":"ES256","crit":["x"],"x":1}`),
		"spoiled payload":            parts[0] + "." + parts[1][1:] + "A." + parts[2],
		"an assertion":               c.assertion("keys", nil),
		"sub":                        with("sub", "keys"),
		"no client_id":               with("client_id", nil),
		"another client_id":          with("client_id", "others"),
		"client_id a number":         with("client_id", 5),
		"another iss":                with("iss", "others"),
		"no aud":                     with("aud", nil),
		"aud of another":             with("aud", "https://id.test/p/wilg"),
		"aud an endpoint":            with("aud", issuer+"/par"),
		"no exp":                     with("exp", nil),
		"no nbf":                     with("nbf", nil),
		"expired":                    with("exp", now.Add(-2*time.Minute).Unix()),
		"exp in ten years":           with("exp", now.AddDate(10, 0, 0).Unix()),
		"exp in 61 minutes":          with("exp", now.Add(61*time.Minute).Unix()),
		"nbf in two minutes":         with("nbf", now.Add(2*time.Minute).Unix()),
		"nbf two hours ago":          with("nbf", now.Add(-2*time.Hour).Unix()),
		"jti of 300":                 with("jti", strings.Repeat("x", 300)),
		"a request inside":           with("request", good),
		"a request_uri inside":       with("request_uri", "urn:x"),
		"state a list":               with("state", []string{"a", "b"}),
		"state null":                 with("state", json.RawMessage("null")),
		"another redirect, unsigned": "e30.e30.e30",
	} {
		if q := r.front(v, text); q.Get("error") != "invalid_request_object" || q.Get("state") != "outside" || v.URL.Host != "rp.test" {
			t.Errorf("%s: %s", says, v.URL)
		}
		res := c.send(http.MethodPost, issuer+"/par", url.Values{
			"request": {text}, "client_assertion_type": {assertionType}, "client_assertion": {c.assertion("keys", nil)},
		}.Encode(), nil)
		if said := c.said(res); said.code != "invalid_request_object" || said.status != http.StatusBadRequest {
			t.Errorf("%s, pushed: %+v", says, said)
		}
	}
	if q := v.open(issuer + authorizeQuery("keys", nil)); q.Get("error") != "invalid_request" {
		t.Errorf("not signed: %s", v.URL)
	}
	// The address to answer at is never taken from what is not proven.
	v.open(issuer + "/authorize?" + url.Values{"client_id": {"keys"}, "request": {with("aud", nil)}, "state": {"outside"}}.Encode())
	if v.URL.Host == "rp.test" || v.Status != http.StatusBadRequest {
		t.Errorf("an object that is refused says where to answer: %d %s", v.Status, v.URL)
	}
	for says, text := range map[string]string{
		"aud a list": with("aud", []string{"https://other.test", issuer}), "nbf 8 seconds ahead": with("nbf", now.Add(8*time.Second).Unix()),
		"59 minutes": with("exp", now.Add(59*time.Minute).Unix()), "no iss": with("iss", nil), "another nbf": with("nbf", now.Add(-time.Minute).Unix()),
	} {
		if r.front(v, text); !strings.HasPrefix(v.URL.Path, "/login/") {
			t.Errorf("%s: %s", says, v.URL)
		}
	}
}
