package op_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// signers are keys that parties sign with, made once.
var signers = sync.OnceValue(func() map[string]crypto.Signer {
	made := map[string]crypto.Signer{}
	for _, name := range []string{"ec", "ec2", "stranger"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		made[name] = key
	}
	small, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		panic(err)
	}
	made["p384"] = small
	_, made["ed"], _ = ed25519.GenerateKey(rand.Reader)
	if made["rsa"], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		panic(err)
	}
	return made
})

// publicJWKS is the key set of some of the signers, whose names are the kids.
func publicJWKS(t testing.TB, names ...string) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, name := range names {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: signers()[name].Public(), KeyID: name, Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// keyHouse adds parties with keys to the house of the other tests.
func keyHouse(t testing.TB) []idptest.Demo {
	t.Helper()
	const all = ", grant_types: [authorization_code, refresh_token, client_credentials]"
	own := "auth: private_key_jwt, jwks: " + publicJWKS(t, "ec", "ed", "rsa") + ", "
	another := "auth: private_key_jwt, jwks: " + publicJWKS(t, "ec2") + ", "
	return []idptest.Demo{
		{Parties: []string{
			"client_id: keys, " + own + toRP + all,
			"client_id: others, " + another + toRP + ", grant_types: [authorization_code, client_credentials]",
			"client_id: narrow, " + own + "token_endpoint_auth_signing_alg: PS256, type: service",
			"client_id: fapi, " + own + toRP + ", profile: fapi2, id_token_alg: ES256" + all,
			"client_id: keyed, jwks: " + publicJWKS(t, "ec", "ed", "rsa") + ", type: service",
			`client_id: gone, auth: private_key_jwt, jwks_uri: "https://rp.test/keys", type: service`,
		}},
		{Name: "wilg", Parties: []string{"client_id: keys, " + own + "type: service"}},
	}
}

func newKeyCaller(t *testing.T) caller {
	c := newCaller(t)
	c.Declare(keyHouse(t)...)
	return c
}

// object is JSON that a test may spoil.
type object map[string]any

// compact signs what a test wants, however wrong it is.
func compact(t testing.TB, signer, header, claims string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	var h struct{ Alg any }
	_ = json.Unmarshal([]byte(header), &h)
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	var signature []byte
	var err error
	digest := sha256.Sum256([]byte(input))
	switch key := signers()[signer].(type) {
	case *ecdsa.PrivateKey:
		r, s, signErr := ecdsa.Sign(rand.Reader, key, digest[:])
		size := (key.Curve.Params().BitSize + 7) / 8
		err = signErr
		signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(input))
	case *rsa.PrivateKey:
		if h.Alg == "RS256" {
			signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
		} else {
			signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 32})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + encode(signature)
}

// text is an object as JSON.
func (o object) text(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var nextID = struct {
	sync.Mutex
	n int
}{}

// freshID is a jti that no test used.
func freshID() string {
	nextID.Lock()
	defer nextID.Unlock()
	nextID.n++
	return fmt.Sprintf("jti-%d", nextID.n)
}

// claims are those of an assertion as libraries make it.
func (c caller) claims(party string, change object) object {
	now := c.Clock.Now()
	claims := object{"iss": party, "sub": party, "aud": issuer, "jti": freshID(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	for name, value := range change {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	return claims
}

// assertion is one with another claim or two: nil takes one away.
func (c caller) assertion(party string, change object) string {
	c.Helper()
	return compact(c, "ec", `{"alg":"ES256","kid":"ec"}`, c.claims(party, change).text(c))
}

// asserted is a form with an assertion beside what it asks.
func asserted(assertion string, more ...string) url.Values {
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// RFC 7523 section 3, OpenID Connect Core 1.0 section 9: what is taken.
func TestPartyProvesItselfWithItsKey(t *testing.T) {
	c := newKeyCaller(t)
	with := func(change object) string { return c.assertion("keys", change) }
	now, key := c.Clock.Now(), newProver(c)
	for says, form := range map[string]url.Values{
		"as libraries do":                asserted(with(nil)),
		"named":                          asserted(with(nil), "client_id", "keys"),
		"for the token endpoint":         asserted(with(object{"aud": issuer + "/token"})),
		"for both":                       asserted(with(object{"aud": []string{issuer, issuer + "/token"}})),
		"for one, in a list":             asserted(with(object{"aud": []string{issuer}})),
		"no iat":                         asserted(with(object{"iat": nil})),
		"parts of a second":              asserted(with(object{"exp": float64(now.Unix()) + 59.5})),
		"the clock is late":              asserted(with(object{"exp": now.Add(-59 * time.Second).Unix()})),
		"the clock is early":             asserted(with(object{"nbf": now.Add(time.Minute).Unix(), "iat": now.Add(time.Minute).Unix()})),
		"ten minutes":                    asserted(with(object{"exp": now.Add(10 * time.Minute).Unix()})),
		"a jti of 255":                   asserted(with(object{"jti": strings.Repeat("j", 255)})),
		"the jti of another":             asserted(c.assertion("keys", object{"jti": "shared"})),
		"… and of the one":               asserted(compact(t, "ec2", `{"alg":"ES256"}`, c.claims("others", object{"jti": "shared"}).text(t))),
		"EdDSA":                          asserted(compact(t, "ed", `{"alg":"EdDSA","kid":"ed"}`, c.claims("keys", nil).text(t))),
		"RS256":                          asserted(compact(t, "rsa", `{"alg":"RS256","kid":"rsa"}`, c.claims("keys", nil).text(t))),
		"PS256":                          asserted(compact(t, "rsa", `{"alg":"PS256","kid":"rsa"}`, c.claims("keys", nil).text(t))),
		"PS256 only":                     asserted(compact(t, "rsa", `{"alg":"PS256","kid":"rsa"}`, c.claims("narrow", nil).text(t))),
		"no kid":                         asserted(compact(t, "ed", `{"alg":"EdDSA"}`, c.claims("keys", nil).text(t))),
		"typ JWT":                        asserted(compact(t, "ec", `{"alg":"ES256","typ":"JWT"}`, c.claims("keys", nil).text(t))),
		"typ jwt":                        asserted(compact(t, "ec", `{"alg":"ES256","typ":"jwt"}`, c.claims("keys", nil).text(t))),
		"typ client-authentication+jwt":  asserted(compact(t, "ec", `{"alg":"ES256","typ":"client-authentication+jwt"}`, c.claims("keys", nil).text(t))),
		"a key in the header beside":     asserted(compact(t, "ec", `{"alg":"ES256","kid":"ec","jku":"https://evil.test/"}`, c.claims("keys", nil).text(t))),
		"claims that nobody knows":       asserted(with(object{"foo": object{"a": 1, "b": []any{object{"a": 1}, object{"a": 2}}}})),
		"held to FAPI 2.0":               asserted(c.assertion("fapi", nil)),
		"held to FAPI 2.0, at its clock": asserted(c.assertion("fapi", object{"nbf": now.Add(10 * time.Second).Unix()})),
	} {
		proof := map[string]string{"DPoP": key.proof("POST", tokenURL, "")} // FAPI 2.0 wants one as well
		if got := c.said(c.send(http.MethodPost, issuer+"/token", form.Encode(), proof)); got.status != http.StatusOK {
			t.Errorf("%s: %+v", says, got)
		}
	}
	code := c.code(c.signIn(issuer), "keys", nil)
	form := codeForm(code)
	for name, values := range asserted(with(nil)) {
		if name != "grant_type" {
			form[name] = values
		}
	}
	got := c.given(c.token(form, ""))
	for _, path := range []string{"/introspect", "/revoke"} {
		for says, aud := range map[string]string{"issuer": issuer, "its own address": issuer + path, "the token endpoint": issuer + "/token"} {
			form := asserted(with(object{"aud": aud}), "token", got.Access)
			if res := c.send(http.MethodPost, issuer+path, form.Encode(), nil); res.StatusCode != http.StatusOK {
				t.Errorf("%s for the %s: %d", path, says, res.StatusCode)
			}
		}
	}
}

// What does not prove a party: one thing is wrong with each (CVE-2025-27370).
func TestAssertionsThatProveNobody(t *testing.T) {
	c := newKeyCaller(t)
	now := c.Clock.Now()
	with := func(change object) string { return c.assertion("keys", change) }
	good := func() string { return c.claims("keys", nil).text(t) }
	header := func(h string) string { return compact(t, "ec", h, good()) }
	encode := base64.RawURLEncoding.EncodeToString
	hs256 := func(key []byte) string {
		input := encode([]byte(`{"alg":"HS256","kid":"ec"}`)) + "." + encode([]byte(good()))
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		return input + "." + encode(mac.Sum(nil))
	}
	point, err := signers()["ec"].Public().(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	inside := func(key any) string {
		text, err := json.Marshal(jose.JSONWebKey{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	stranger := signers()["stranger"]
	valid := with(nil)
	parts := strings.Split(valid, ".")
	used := with(nil)
	if got := c.said(c.send(http.MethodPost, issuer+"/token", asserted(used).Encode(), nil)); got.status != http.StatusOK {
		t.Fatalf("%+v", got)
	}
	for says, form := range map[string]url.Values{
		"alg none":                        asserted(encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."),
		"alg None, with a signature":      asserted(header(`{"alg":"None"}`)),
		"no alg":                          asserted(header(`{"kid":"ec"}`)),
		"alg of another kind":             asserted(header(`{"alg":"RS256","kid":"ec"}`)),
		"alg in a list":                   asserted(header(`{"alg":["ES256"],"kid":"ec"}`)),
		"alg ES384":                       asserted(compact(t, "p384", `{"alg":"ES384","kid":"ec"}`, good())),
		"alg ES256 with P-384":            asserted(compact(t, "p384", `{"alg":"ES256","kid":"ec"}`, good())),
		"HS256 with the public point":     asserted(hs256(point)),
		"HS256 with the public JWK":       asserted(hs256([]byte(publicJWKS(t, "ec")))),
		"HS256 with nothing":              asserted(hs256(nil)),
		"alg that is not registered":      asserted(compact(t, "ec", `{"alg":"ES256","kid":"ec"}`, c.claims("narrow", nil).text(t))),
		"RS256 held to FAPI 2.0":          asserted(compact(t, "rsa", `{"alg":"RS256","kid":"rsa"}`, c.claims("fapi", nil).text(t))),
		"typ of an access token":          asserted(header(`{"alg":"ES256","typ":"at+jwt"}`)),
		"typ of a proof":                  asserted(header(`{"alg":"ES256","typ":"dpop+jwt"}`)),
		"typ of a request object":         asserted(header(`{"alg":"ES256","typ":"application/oauth-authz-req+jwt"}`)),
		"typ of a logout token":           asserted(header(`{"alg":"ES256","typ":"logout+jwt"}`)),
		"typ that is no text":             asserted(header(`{"alg":"ES256","typ":7}`)),
		"crit":                            asserted(header(`{"alg":"ES256","crit":["exp"],"exp":1}`)),
		"crit that is known":              asserted(header(`{"alg":"ES256","crit":["b64"],"b64":true}`)),
		"b64":                             asserted(header(`{"alg":"ES256","b64":false}`)),
		"alg twice":                       asserted(header(`{"alg":"ES256","alg":"ES256"}`)),
		"kid of another party":            asserted(compact(t, "ec2", `{"alg":"ES256","kid":"ec2"}`, good())),
		"key of another party":            asserted(compact(t, "ec2", `{"alg":"ES256","kid":"ec"}`, good())),
		"key of another party, no kid":    asserted(compact(t, "ec2", `{"alg":"ES256"}`, good())),
		"kid of another key of its own":   asserted(header(`{"alg":"ES256","kid":"rsa"}`)),
		"kid that is empty":               asserted(header(`{"alg":"ES256","kid":""}`)),
		"kid that is no text":             asserted(header(`{"alg":"ES256","kid":null}`)),
		"a key inside":                    asserted(compact(t, "stranger", `{"alg":"ES256","jwk":`+inside(stranger.Public())+`}`, good())),
		"a private key inside":            asserted(compact(t, "stranger", `{"alg":"ES256","kid":"ec","jwk":`+inside(stranger)+`}`, good())),
		"its own private key inside":      asserted(compact(t, "ec", `{"alg":"ES256","kid":"ec","jwk":`+inside(signers()["ec"])+`}`, good())),
		"jku, with its key":               asserted(compact(t, "stranger", `{"alg":"ES256","kid":"stranger","jku":"https://rp.test/keys"}`, good())),
		"no iss":                          asserted(with(object{"iss": nil}), "client_id", "keys"),
		"no sub":                          asserted(with(object{"sub": nil}), "client_id", "keys"),
		"iss of another":                  asserted(with(object{"iss": "others"})),
		"sub of another":                  asserted(with(object{"sub": "others"})),
		"sub of another, named":           asserted(with(object{"sub": "others"}), "client_id", "keys"),
		"another is named":                asserted(with(nil), "client_id", "others"),
		"another is named, of that key":   asserted(with(nil), "client_id", "fapi"),
		"nobody is named":                 asserted(with(object{"iss": "nobody", "sub": "nobody"})),
		"sub in a list":                   asserted(with(object{"sub": []string{"keys"}}), "client_id", "keys"),
		"no aud":                          asserted(with(object{"aud": nil})),
		"aud empty":                       asserted(with(object{"aud": ""})),
		"aud an empty list":               asserted(with(object{"aud": []string{}})),
		"aud a number":                    asserted(with(object{"aud": 7})),
		"aud with a slash":                asserted(with(object{"aud": issuer + "/"})),
		"aud the other platform":          asserted(with(object{"aud": "https://id.test/p/wilg"})),
		"aud its token endpoint":          asserted(with(object{"aud": "https://id.test/p/wilg/token"})),
		"aud another endpoint of ours":    asserted(with(object{"aud": issuer + "/introspect"})),
		"aud ours and another":            asserted(with(object{"aud": []string{issuer, "https://evil.test"}})),
		"aud ours and a number":           asserted(with(object{"aud": []any{issuer, 7}})),
		"aud in a list, held to FAPI 2.0": asserted(c.assertion("fapi", object{"aud": []string{issuer}})),
		"aud the endpoint, held to it":    asserted(c.assertion("fapi", object{"aud": issuer + "/token"})),
		"no exp":                          asserted(with(object{"exp": nil})),
		"exp over":                        asserted(with(object{"exp": now.Add(-time.Minute).Unix()})),
		"exp in ten years":                asserted(with(object{"exp": now.AddDate(10, 0, 0).Unix()})),
		"exp in twelve minutes":           asserted(with(object{"exp": now.Add(12 * time.Minute).Unix()})),
		"exp beyond all time":             asserted(with(object{"exp": 1e300})),
		"exp a text":                      asserted(with(object{"exp": fmt.Sprint(now.Add(time.Minute).Unix())})),
		"exp by another name":             asserted(with(object{"exp": nil, "EXP": now.Add(time.Minute).Unix()})),
		"nbf ahead":                       asserted(with(object{"nbf": now.Add(61 * time.Second).Unix()})),
		"nbf null":                        asserted(compact(t, "ec", `{"alg":"ES256"}`, strings.Replace(good(), `{`, `{"nbf":null,`, 1))),
		"iat ahead":                       asserted(with(object{"iat": now.Add(61 * time.Second).Unix()})),
		"no jti":                          asserted(with(object{"jti": nil})),
		"jti empty":                       asserted(with(object{"jti": ""})),
		"jti of 256":                      asserted(with(object{"jti": strings.Repeat("j", 256)})),
		"jti a number":                    asserted(with(object{"jti": 7})),
		"jti twice":                       asserted(used),
		"sub twice":                       asserted(compact(t, "ec", `{"alg":"ES256"}`, strings.Replace(good(), `{`, `{"sub":"keys",`, 1)), "client_id", "keys"),
		"a member twice, deep inside":     asserted(compact(t, "ec", `{"alg":"ES256"}`, strings.Replace(good(), `{`, `{"x":[{"y":{"a":1,"a":2}}],`, 1)), "client_id", "keys"),
		"… spelt in two ways":             asserted(compact(t, "ec", `{"alg":"ES256"}`, strings.Replace(good(), `{`, `{"\u0073ub":"keys",`, 1)), "client_id", "keys"),
		"claims that are a list":          asserted(compact(t, "ec", `{"alg":"ES256"}`, `["keys"]`), "client_id", "keys"),
		"claims that are null":            asserted(compact(t, "ec", `{"alg":"ES256"}`, `null`), "client_id", "keys"),
		"claims and more":                 asserted(compact(t, "ec", `{"alg":"ES256"}`, good()+good()), "client_id", "keys"),
		"a signature that is not its own": asserted(parts[0] + "." + encode([]byte(good())) + "." + parts[2]),
		"no signature":                    asserted(parts[0] + "." + parts[1] + "."),
		"two parts":                       asserted(parts[0]+"."+parts[1], "client_id", "keys"),
		"four parts":                      asserted(valid+".", "client_id", "keys"),
		"a line end inside":               asserted(strings.Replace(valid, ".", ".\n", 1)),
		"padded":                          asserted(valid + "="),
		"dots":                            asserted(strings.Repeat(".", 60_000), "client_id", "keys"),
		"longer than is read":             asserted(with(object{"foo": strings.Repeat("x", 8<<10)}), "client_id", "keys"),
		"braces":                          asserted("."+encode([]byte(strings.Repeat("[", 6000)))+".", "client_id", "keys"),
		"of a party with a secret":        asserted(c.assertion("keyed", nil)),
		"of a party that is public":       asserted(c.assertion("spa", nil)),
		"of a party whose keys are gone":  asserted(c.assertion("gone", nil)),
	} {
		c.Clock.Later(0)
		for _, path := range []string{"/token", "/introspect", "/revoke"} {
			if path == "/introspect" && says == "aud another endpoint of ours" {
				continue
			}
			form.Set("token", "x")
			got := c.said(c.send(http.MethodPost, issuer+path, form.Encode(), nil))
			if got.code != "invalid_client" || got.status != http.StatusUnauthorized {
				t.Errorf("%s at %s: %+v", says, path, got)
			}
		}
	}
	if got := c.said(c.send(http.MethodPost, issuer+"/token", asserted(valid).Encode(), nil)); got.status != http.StatusOK {
		t.Errorf("what failed in other forms used it up: %+v", got)
	}
}

// A million dots are refused before anything is made of them; the form itself is bounded before.
func TestMillionDotsCostNothing(t *testing.T) {
	c := newKeyCaller(t)
	form := asserted(strings.Repeat(".", 1_000_000), "client_id", "keys")
	if got := c.said(c.send(http.MethodPost, issuer+"/token", form.Encode(), nil)); got.code != "invalid_request" {
		t.Errorf("%+v", got)
	}
}

// A party proves itself by what it registered and by nothing else; two ways at once are refused (RFC 6749 section 2.3).
func TestAssertionStandsAlone(t *testing.T) {
	c := newKeyCaller(t)
	for says, row := range map[string]struct {
		form   url.Values
		header map[string]string
		want   string
	}{
		"a secret in the body beside":   {asserted(c.assertion("keys", nil), "client_secret", secretText), nil, "invalid_request"},
		"a secret in the header beside": {asserted(c.assertion("keys", nil)), basicOf("keys", secretText), "invalid_request"},
		"another kind of assertion":     {asserted(c.assertion("keys", nil), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), nil, "invalid_request"},
		"no kind of assertion":          {asserted(c.assertion("keys", nil), "client_assertion_type", ""), nil, "invalid_request"},
		"a kind, and no assertion":      {asserted("", "client_id", "keys"), nil, "invalid_client"},
		"no proof at all":               {url.Values{"grant_type": {"client_credentials"}, "client_id": {"keys"}}, nil, "invalid_client"},
		"a secret in its place":         {url.Values{"grant_type": {"client_credentials"}, "client_id": {"keys"}, "client_secret": {secretText}}, nil, "invalid_client"},
		"… in the header":               {url.Values{"grant_type": {"client_credentials"}}, basicOf("keys", secretText), "invalid_client"},
	} {
		if got := c.said(c.send(http.MethodPost, issuer+"/token", row.form.Encode(), row.header)); got.code != row.want {
			t.Errorf("%s: %+v, want %s", says, got, row.want)
		}
	}
}

// Keys at an address (jwks_uri): a new one is found by its kid, one that is not there any more proves nobody ten minutes later.
func TestPartyChangesItsKeys(t *testing.T) {
	c := newKeyCaller(t)
	var served string
	c.Site("rp.test", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, served) }))
	try := func(says, key string, want int) {
		t.Helper()
		assertion := compact(t, key, `{"alg":"ES256","kid":"`+key+`"}`, c.claims("gone", nil).text(t))
		if got := c.said(c.send(http.MethodPost, issuer+"/token", asserted(assertion).Encode(), nil)); got.status != want {
			t.Errorf("%s: %+v, want %d", says, got, want)
		}
	}
	try("nothing is there", "ec", http.StatusUnauthorized)
	served = publicJWKS(t, "ec")
	try("… within 30 seconds", "ec", http.StatusUnauthorized)
	c.Clock.Later(30 * time.Second)
	try("its key", "ec", http.StatusOK)
	try("a stranger's", "stranger", http.StatusUnauthorized)
	served = publicJWKS(t, "ec2")
	c.Clock.Later(30 * time.Second)
	try("the old key, not looked at again", "ec", http.StatusOK)
	try("the new key", "ec2", http.StatusOK)
	try("the old key", "ec", http.StatusUnauthorized)
	served = "gone again"
	c.Clock.Later(23 * time.Hour)
	try("the new key, when nothing can be read", "ec2", http.StatusOK)
	c.Clock.Later(time.Hour)
	try("… for a day", "ec2", http.StatusUnauthorized)
}

// What was wrong stands on record, in words of ours; whoever asked hears nothing of it.
func TestRecordSaysWhatIsWrongWithAnAssertion(t *testing.T) {
	c := newKeyCaller(t)
	lasts := object{"exp": c.Clock.Now().Add(9 * time.Minute).Unix()} // longer than this test
	used := c.assertion("keys", lasts)
	c.said(c.send(http.MethodPost, issuer+"/token", asserted(used).Encode(), nil))
	for assertion, want := range map[string]string{
		used: "keys not proven: private_key_jwt (jti was used before)",
		c.assertion("keys", object{"aud": "https://evil.test", "exp": lasts["exp"]}):          "keys not proven: private_key_jwt (aud)",
		compact(t, "stranger", `{"alg":"ES256","kid":"ec"}`, c.claims("keys", lasts).text(t)): "keys not proven: private_key_jwt (signature)",
		c.assertion("nobody", lasts): " unknown",
	} {
		c.Clock.Later(time.Minute) // a refusal is noted once a minute
		c.said(c.send(http.MethodPost, issuer+"/token", asserted(assertion).Encode(), nil))
		if refused := c.refusals(); len(refused) == 0 || refused[0].Party+" "+refused[0].Reason != want {
			t.Errorf("%+v, want %q", refused[:min(1, len(refused))], want)
		}
	}
}

// An assertion counts once: at both nodes on one database, after a restart, at every endpoint, and until it is over
// (CVE-2020-5300, CVE-2020-15222).
func TestAssertionCountsOnceOnAllNodes(t *testing.T) {
	idptest.EachNodes(t, 3, func(t *testing.T, databases []*storage.DB) {
		one := callerOn(t, databases[0])
		nodes := map[string]caller{"this node": one, "the other": {t, idptest.NewServer(t, databases[1])}}
		one.Declare(keyHouse(t)...)
		later := func(d time.Duration) {
			for _, node := range nodes {
				node.Clock.Later(d)
			}
		}
		later(time.Minute) // all nodes look at the settings
		form := asserted(one.assertion("keys", object{"exp": one.Clock.Now().Add(10 * time.Minute).Unix()}), "token", "x").Encode()
		if got := one.said(one.send(http.MethodPost, issuer+"/token", form, nil)); got.status != http.StatusOK {
			t.Fatalf("%+v", got)
		}
		for _, d := range []time.Duration{0, time.Second, 9 * time.Minute, 118 * time.Second, time.Second, time.Hour} {
			later(d)
			if _, err := one.DB.CleanUp(t.Context(), one.Clock.Now(), 100); err != nil {
				t.Fatal(err)
			}
			restarted := caller{t, idptest.NewServer(t, databases[2])}
			restarted.Clock.Later(one.Clock.Now().Sub(restarted.Clock.Now()))
			nodes["one that was restarted"] = restarted
			for name, node := range nodes {
				for _, path := range []string{"/token", "/introspect", "/revoke"} {
					if got := node.said(node.send(http.MethodPost, issuer+path, form, nil)); got.code != "invalid_client" {
						t.Errorf("%s later, %s at %s: %+v", d, path, name, got)
					}
				}
			}
		}
		var left int
		if err := one.DB.SQL().QueryRow("SELECT COUNT(*) FROM uses").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d uses are remembered when nobody takes them any more: %v", left, err)
		}
	})
}
