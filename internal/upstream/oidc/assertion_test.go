package oidc_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
)

// next is the key of a connection that does not sign yet.
var next = key(3072)

var signs = key(3072)

// keyed gives a connection keys of its own.
func keyed(t testing.TB, c *federation.Connection, all ...func() *rsa.PrivateKey) {
	t.Helper()
	var own federation.OwnKeys
	for _, k := range all {
		private, err := x509.MarshalPKCS8PrivateKey(k())
		if err != nil {
			t.Fatal(err)
		}
		of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "linde"}, NotBefore: noon,
			NotAfter: noon.AddDate(2, 0, 0)}
		certificate, err := x509.CreateCertificate(rand.Reader, of, of, k().Public(), k())
		if err != nil {
			t.Fatal(err)
		}
		own.Keys = append(own.Keys, federation.OwnKey{Private: private, Certificate: certificate, MadeAt: noon})
	}
	plain, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	c.Keys = idptest.Sealer(t).Seal(plain, c.Binding("keys"))
	c.OIDC.Auth, c.Secret = federation.PrivateKeyJWT, nil
}

// An assertion is to one audience, for a minute, with a jti, by the first key; its kid is in what we publish.
func TestAssertions(t *testing.T) {
	p := newProvider(t)
	c, u := p.connection(), p.upstream()
	keyed(t, c, signs, next)
	var set jose.JSONWebKeySet
	text, err := u.JWKS(c)
	if err != nil || json.Unmarshal(text, &set) != nil || len(set.Keys) != 2 {
		t.Fatalf("%s, %v", text, err)
	}
	for i, k := range set.Keys {
		thumbprint, _ := k.Thumbprint(crypto.SHA256)
		if !k.IsPublic() || k.KeyID != base64.RawURLEncoding.EncodeToString(thumbprint) || k.Use != "sig" ||
			len(k.Certificates) != 1 {
			t.Errorf("key %d: %+v", i, k)
		}
	}
	if strings.Contains(string(text), `"d"`) {
		t.Fatal("a private key is published")
	}
	seen := map[any]bool{}
	for _, row := range []struct {
		audience string
		algs     []any
		want     string
		alg      jose.SignatureAlgorithm
	}{
		{"", nil, p.URL, jose.RS256}, {p.URL + "/token", nil, p.URL + "/token", jose.RS256}, {"", []any{"ES256", "PS256"},
			p.URL, jose.PS256},
		{"", []any{"PS256", "RS256"}, p.URL, jose.RS256},
	} {
		p.says["token_endpoint_auth_signing_alg_values_supported"] = row.algs
		c.OIDC.Audience = row.audience
		if _, err := p.answer(p.upstream(), c, p.request(c, false)); err != nil {
			t.Fatal(err)
		}
		form := p.forms[len(p.forms)-1]
		if form.Get("client_id") != clientID || form.Has("client_secret") ||
			form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
			p.basics[len(p.basics)-1] != " " {
			t.Errorf("form %v", form)
		}
		jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{row.alg})
		if err != nil {
			t.Fatal(err)
		}
		h := jws.Signatures[0].Protected
		payload, err := jws.Verify(set.Keys[0].Key)
		if err != nil || h.KeyID != set.Keys[0].KeyID || h.ExtraHeaders["typ"] != "JWT" ||
			h.ExtraHeaders["x5t#S256"] == nil || h.JSONWebKey != nil {
			t.Errorf("%+v, %v", h, err)
		}
		var claims map[string]any
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		at := float64(noon.Unix())
		if claims["iss"] != clientID || claims["sub"] != clientID || claims["aud"] != row.want || claims["iat"] != at ||
			claims["exp"] != at+60 {
			t.Errorf("%v", claims)
		}
		if jti, _ := claims["jti"].(string); len(jti) < 20 || seen[jti] {
			t.Errorf("jti %q", jti)
		} else {
			seen[jti] = true
		}
	}
	u = p.upstream()
	c.ID = "other" // keys are bound to their row
	_, err = p.answer(u, c, p.request(c, false))
	refused(t, err, federation.Misconfigured, "no key of its own")
	if _, err := u.JWKS(c); err == nil {
		t.Error("keys of another connection are published")
	}
	c.Keys = nil
	_, err = p.answer(u, c, p.request(c, false))
	refused(t, err, federation.Misconfigured, "no key of its own")
	if text, err := u.JWKS(c); err != nil || string(text) != `{"keys":[]}` {
		t.Errorf("%s, %v", text, err)
	}
}

// Many answers at once.
func TestAnswersAtOnce(t *testing.T) {
	p := newProvider(t)
	c, u := p.connection(), p.upstream()
	request := p.request(c, false)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := p.answer(u, c, request); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if p.count("/keys") != 1 || p.count("/token") != 16 {
		t.Errorf("%v", p.hits)
	}
}
