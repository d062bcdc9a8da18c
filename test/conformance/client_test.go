package conformance

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var at = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func testClient(t *testing.T, alg string) Client {
	t.Helper()
	var key any
	var err error
	switch alg {
	case "PS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Client{ID: "party", JWKS: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "k", Algorithm: alg}}}}
}

// opened verifies a token with go-jose, by the key given or, where none is, by the one in its own header.
func opened(t *testing.T, token, alg string, key any) (jose.Header, map[string]any) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatal(err)
	}
	header := jws.Signatures[0].Protected
	if key == nil {
		if header.JSONWebKey == nil || !header.JSONWebKey.IsPublic() {
			t.Fatalf("jwk %v: wanted a public key", header.JSONWebKey)
		}
		key = header.JSONWebKey
	}
	payload, err := jws.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := object(payload)
	if err != nil {
		t.Fatal(err)
	}
	return header, claims
}

func signedBy(t *testing.T, j *jwt, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	token, err := j.sign()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestProofVerifiesWithTheKeyInIt(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"", "ES256", "PS256", "EdDSA"} {
		key, err := Client{ProofAlg: alg}.proofKey()
		if err != nil {
			t.Fatal(err)
		}
		header, claims := opened(t, signedBy(t, proof(key, http.MethodPost, "https://id.test/token", "", at), nil), key.Algorithm, nil)
		if header.ExtraHeaders["typ"] != "dpop+jwt" || header.JSONWebKey.Algorithm != "" || header.JSONWebKey.KeyID != "" {
			t.Errorf("%s: header %+v", alg, header)
		}
		if claims["htm"] != "POST" || claims["htu"] != "https://id.test/token" || text(claims, "jti") == "" || claims["ath"] != nil {
			t.Errorf("%s: claims %v", alg, claims)
		}
		if iat, _ := number(claims, "iat"); iat != at.Unix() {
			t.Errorf("%s: iat %v", alg, claims["iat"])
		}
	}
}

// TestProofOfAnAccessToken has the hash of RFC 9449 section 7.1, and TestThumbprint the thumbprint of section 6.1.
func TestProofOfAnAccessToken(t *testing.T) {
	t.Parallel()
	key, err := Client{}.proofKey()
	if err != nil {
		t.Fatal(err)
	}
	_, claims := opened(t, signedBy(t, proof(key, http.MethodGet, "https://id.test/userinfo", "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU", at), nil), "ES256", nil)
	if claims["ath"] != "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo" {
		t.Errorf("ath %v", claims["ath"])
	}
}

func TestThumbprint(t *testing.T) {
	t.Parallel()
	var key jose.JSONWebKey
	// RFC 9449 section 4.2, figure 3.
	const jwk = `{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}`
	if err := json.Unmarshal([]byte(jwk), &key); err != nil {
		t.Fatal(err)
	}
	if got, err := thumbprint(key); err != nil || got != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestAssertionAndRequestObjectVerify(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"PS256", "ES256", "EdDSA"} {
		c := testClient(t, alg)
		public := c.JWKS.Keys[0].Public()
		j, err := c.assertion("https://id.test", at)
		header, claims := opened(t, signedBy(t, j, err), alg, public)
		if header.KeyID != "k" || claims["iss"] != "party" || claims["sub"] != "party" || claims["aud"] != "https://id.test" || text(claims, "jti") == "" {
			t.Errorf("%s: assertion %v %v", alg, header, claims)
		}
		if exp, _ := number(claims, "exp"); exp != at.Add(time.Minute).Unix() {
			t.Errorf("%s: exp %v", alg, claims["exp"])
		}
		j, err = c.requestObject(url.Values{"client_id": {"party"}, "claims": {`{"userinfo":{"name":null}}`}}, "https://id.test", at)
		_, claims = opened(t, signedBy(t, j, err), alg, public)
		if _, ok := claims["claims"].(map[string]any); !ok || claims["aud"] != "https://id.test" || claims["iss"] != "party" || claims["client_id"] != "party" {
			t.Errorf("%s: request object %v", alg, claims)
		}
		if claims["sub"] != nil {
			t.Errorf("%s: a request object with sub could be taken for an assertion (RFC 9101 section 10.8)", alg)
		}
	}
}

func TestSpoiltTokensDoNotVerify(t *testing.T) {
	t.Parallel()
	c := testClient(t, "PS256")
	algs := []jose.SignatureAlgorithm{jose.PS256}
	public := c.JWKS.Keys[0].Public()
	for name, spoil := range map[string]func(*jwt){
		"broken":       func(j *jwt) { j.spoil = brokenSignature },
		"two parts":    func(j *jwt) { j.spoil = withoutSignature },
		"no alg":       func(j *jwt) { j.spoil = otherAlgName },
		"none":         func(j *jwt) { j.alg = "none" },
		"RS256":        func(j *jwt) { j.alg = "RS256" },
		"another key":  func(j *jwt) { j.key = testClient(t, "PS256").JWKS.Keys[0].Key },
		"another kind": func(j *jwt) { j.alg, j.key = "ES256", testClient(t, "ES256").JWKS.Keys[0].Key },
	} {
		j, err := c.assertion("https://id.test", at)
		spoil(j)
		token := signedBy(t, j, err)
		jws, err := jose.ParseSignedCompact(token, algs)
		if err == nil {
			_, err = jws.Verify(public)
		}
		if err == nil {
			t.Errorf("%s: it verifies: %s", name, token)
		}
	}
	j, err := c.assertion("https://id.test", at)
	j.alg = "RS256"
	opened(t, signedBy(t, j, err), "RS256", public) // well signed, by what FAPI 2.0 does not allow
}

func TestPrivateKeyCanBeShown(t *testing.T) {
	t.Parallel()
	key, err := Client{}.proofKey()
	if err != nil {
		t.Fatal(err)
	}
	j := proof(key, http.MethodGet, "https://id.test/userinfo", "", at)
	j.head("jwk", key)
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(signedBy(t, j, nil), ".")[0])
	if err != nil || !strings.Contains(string(header), `"d":`) {
		t.Errorf("header %s, %v", header, err)
	}
}

func TestReadsSignedResponse(t *testing.T) {
	t.Parallel()
	server := testClient(t, "ES256")
	answer := func(change func(map[string]any)) string {
		j, err := server.statement()
		if err != nil {
			t.Fatal(err)
		}
		j.claims = map[string]any{"iss": "https://id.test", "aud": "party", "exp": at.Add(5 * time.Minute).Unix(), "code": "c", "state": "s"}
		change(j.claims)
		return signedBy(t, j, nil)
	}
	for _, row := range []struct {
		says           string
		change         func(map[string]any)
		failed, warned int
	}{
		{"right", func(map[string]any) {}, 0, 0},
		{"another iss", func(c map[string]any) { c["iss"] = "https://evil.test" }, 1, 0},
		{"another aud", func(c map[string]any) { c["aud"] = "x" }, 1, 0},
		{"no exp", func(c map[string]any) { delete(c, "exp") }, 1, 0},
		{"expired", func(c map[string]any) { c["exp"] = at.Add(-time.Hour).Unix() }, 1, 0},
		{"good for an hour", func(c map[string]any) { c["exp"] = at.Add(time.Hour).Unix() }, 0, 1},
		{"from tomorrow", func(c map[string]any) { c["iat"] = at.Add(24 * time.Hour).Unix() }, 1, 0},
		{"a number for a code", func(c map[string]any) { c["code"] = 1 }, 1, 0},
	} {
		r := &run{Suite: &Suite{Now: func() time.Time { return at }}, meta: metadata{
			"issuer": "https://id.test", "authorization_signing_alg_values_supported": []any{"ES256"},
		}}
		r.keys.Keys = []jose.JSONWebKey{server.JWKS.Keys[0].Public()}
		values, err := r.jarm(answer(row.change), Client{ID: "party"})
		if err != nil || len(r.failed) != row.failed || len(r.warned) != row.warned {
			t.Errorf("%s: %v, failed %q, warned %q", row.says, err, r.failed, r.warned)
		}
		if row.failed == 0 && (values.Get("code") != "c" || values.Get("state") != "s" || len(values) != 2) {
			t.Errorf("%s: %v", row.says, values)
		}
		if _, err := r.jarm(brokenSignature(answer(row.change)), Client{ID: "party"}); err == nil {
			t.Errorf("%s: read with a broken signature", row.says)
		}
	}
}
