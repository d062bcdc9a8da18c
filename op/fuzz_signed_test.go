package op

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

// fuzzSign signs with the party's key what may be no JSON at all.
func fuzzSign(header, claims string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(fuzzKey, []byte(input)))
}

// A proof is one that was signed with the key inside it, for this request; it says whose key that is, and is used once.
func FuzzProof(f *testing.F) {
	const target = "https://login.linde.test/token"
	header := `{"typ":"dpop+jwt","alg":"EdDSA","jwk":` + strings.TrimSuffix(strings.TrimPrefix(fuzzKeys, `{"keys":[`), `]}`) + `}`
	good := fmt.Sprintf(`{"jti":"j","htm":"POST","htu":%q,"iat":%d}`, target, fuzzNow.Unix())
	signed := map[string]bool{fuzzSign(header, good): true, fuzzSign(header, strings.Replace(good, "{", `{"ath":"x",`, 1)): true}
	for token := range signed {
		f.Add(token)
		f.Add(token + ".")
		f.Add(strings.Replace(token, ".", ".\n", 1))
	}
	for _, h := range []string{`{"typ":"dpop+jwt","alg":"none"}`, strings.Replace(header, "dpop+jwt", "JWT", 1), strings.Replace(header, "{", `{"crit":["x"],`, 1), strings.Replace(header, "{", `{"alg":"EdDSA",`, 1), `{"typ":"dpop+jwt","alg":"EdDSA"}`} {
		f.Add(fuzzSign(h, good))
	}
	for _, claims := range []string{`{}`, `[]`, `null`, strings.Replace(good, "POST", "GET", 1), strings.Replace(good, "{", `{"jti":"k",`, 1), strings.Replace(good, "/token", "/%2Ftoken", 1), strings.Repeat("[", 2000)} {
		f.Add(fuzzSign(header, claims))
	}
	f.Fuzz(func(t *testing.T, token string) {
		r := &http.Request{Method: http.MethodPost, Header: http.Header{"Dpop": {token}}}
		p, err := fuzzServer(t).readProof(r, fuzzPlatform, "/token", false, fuzzNow)
		var refused *protocolError
		if (err == nil) != signed[token] || err != nil && (!errors.As(err, &refused) || refused.code != invalidProof) {
			t.Fatalf("%q: %v", token, err)
		}
		if err != nil {
			return
		}
		s := fuzzServer(t)
		if p.jkt == "" || s.spend(t.Context(), fuzzPlatform, p) != nil || s.spend(t.Context(), fuzzPlatform, p) == nil {
			t.Fatalf("%q: %+v is not used once", token, p)
		}
	})
}

// Of a request object only what its party signed counts, and it is refused in one word of ours.
func FuzzRequestObject(f *testing.F) {
	now := fuzzNow.Unix()
	good := fmt.Sprintf(`{"client_id":"keys","aud":"https://login.linde.test","exp":%d,"jti":"j","state":"s","max_age":5,"claims":{"userinfo":{"name":null}}}`, now+60)
	signed := map[string]bool{fuzzSign(`{"alg":"EdDSA"}`, good): true, fuzzSign(`{"alg":"EdDSA","kid":"p","typ":"oauth-authz-req+jwt"}`, good): true}
	for token := range signed {
		f.Add(token)
		f.Add(token + "=")
		f.Add(strings.Replace(token, ".", ".\n", 1))
	}
	for _, claims := range []string{
		`{}`, `[]`, `null`, strings.Replace(good, `"s"`, `["s"]`, 1), strings.Replace(good, `"s"`, `null`, 1), strings.Replace(good, "{", `{"request":"x",`, 1),
		strings.Replace(good, "{", `{"sub":"keys",`, 1), strings.Replace(good, "{", `{"client_id":"web",`, 1), fmt.Sprintf(`{"client_id":"keys","exp":%d}`, now*1000),
	} {
		f.Add(fuzzSign(`{"alg":"EdDSA"}`, claims))
	}
	f.Fuzz(func(t *testing.T, token string) {
		s := fuzzServer(t)
		party, _ := s.Registry.Party("linde", "keys")
		o, err := s.openObject(t.Context(), fuzzPlatform, party, token)
		var refused *protocolError
		if (err == nil) != signed[token] || err != nil && (!errors.As(err, &refused) || refused.code != invalidRequestObject) {
			t.Fatalf("%q: %v", token, err)
		}
		if err == nil && (o.form.Get("state") != "s" || o.form.Get("max_age") != "5" || o.form.Has("aud") || s.spendObject(t.Context(), party, o) != nil || s.spendObject(t.Context(), party, o) == nil) {
			t.Fatalf("%q: %+v", token, o)
		}
	})
}

// Whatever stands in claims: what comes out is parameters, each at most once where it may not repeat, or one of our words.
func FuzzParametersOf(f *testing.F) {
	for _, text := range []string{`{"state":"s"}`, `{"state":["a","b"],"resource":["a","b"]}`, `{"claims":{"a":[1]},"max_age":1e3,"x":true,"y":null}`, `{"request_uri":"x"}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var claims map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &claims) != nil {
			return
		}
		form, err := parametersOf(claims)
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatalf("%q: %v", text, err)
		}
		if _, err := url.ParseQuery(form.Encode()); err != nil || form.Has("request") || form.Has("request_uri") {
			t.Fatalf("%q: %v", text, form)
		}
		for _, name := range onceOnly {
			if len(form[name]) > 1 {
				t.Fatalf("%q: %s twice", text, name)
			}
		}
	})
}
