package oidc_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // which rsaWith makes
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/upstream/oidc"
)

const (
	back         = "https://login.linde.test/federation/lindehof/callback"
	clientID     = "linde idp" // with a blank: it is encoded twice in the header
	clientSecret = "s7Q2vJ9x:N4kTzW1mB8cRfL0y/HdE5uGaPq3iXo+V6tCjM"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// own and foreign are keys of the provider, and of an attacker.
var own, foreign, small = key(2048), key(2048), key(1024)

func key(bits int) func() *rsa.PrivateKey {
	return sync.OnceValue(func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return k
	})
}

// provider is one that says what a test wants, right or wrong.
type provider struct {
	*httptest.Server
	t     testing.TB
	clock *idptest.Clock

	mu        sync.Mutex
	hits      map[string]int // by path
	forms     []url.Values   // at the token endpoint
	basics    []string       // … user:password of the Authorization header
	log       bytes.Buffer
	says      map[string]any // metadata
	jwks      any
	header    map[string]any
	claims    map[string]any // of the ID token
	sign      func(string) []byte
	answers   map[string]any // of the token endpoint, beside id_token
	info      map[string]any // userinfo
	instead   map[string]http.HandlerFunc
	redeemed  map[string]bool
	lastToken string
}

func newProvider(t testing.TB) *provider {
	p := &provider{
		t: t, clock: idptest.NewClock(),
		hits: map[string]int{}, instead: map[string]http.HandlerFunc{}, redeemed: map[string]bool{},
		header: map[string]any{"alg": "RS256", "kid": "one", "typ": "JWT"}, sign: rs256(own()),
		jwks:    map[string]any{"keys": []any{jwk(own(), "one")}},
		answers: map[string]any{"access_token": "access-1", "token_type": "bearer"},
	}
	p.clock.Later(noon.Sub(p.clock.Now()))
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	p.says = map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo",
	}
	p.claims = map[string]any{
		"iss": p.URL, "sub": "248289", "aud": clientID, "exp": noon.Add(time.Hour).Unix(), "iat": noon.Unix(), "sid": "s-1",
		"auth_time": noon.Add(-time.Minute).Unix(), "email": "anna@lindehof.test", "email_verified": true,
		"name": "Anna Bakker",
	}
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits[r.URL.Path]++
	if instead := p.instead[r.URL.Path]; instead != nil {
		p.mu.Unlock()
		_ = r.ParseForm() // a server sees that a client has gone only when the body was read
		instead(w, r)
		p.mu.Lock()
		return
	}
	say := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		say(200, p.says)
	case "/keys":
		say(200, p.jwks)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer access-1" {
			say(401, map[string]any{"error": "invalid_token"})
			return
		}
		say(200, p.info)
	case "/token":
		_ = r.ParseForm()
		user, password, _ := r.BasicAuth()
		p.forms, p.basics = append(p.forms, r.PostForm), append(p.basics, user+" "+password)
		if code := r.PostForm.Get("code"); p.redeemed[code] {
			say(400, map[string]any{"error": "invalid_grant", "error_description": "code " + code + " was used"})
			return
		} else {
			p.redeemed[code] = true
		}
		p.lastToken = compact(p.t, p.header, p.claims, p.sign)
		all := map[string]any{"id_token": p.lastToken}
		for name, value := range p.answers {
			all[name] = value
		}
		say(200, all)
	default:
		say(404, map[string]any{})
	}
}

func (p *provider) now() time.Time { return p.clock.Now() }

func (p *provider) later(d time.Duration) { p.clock.Later(d) }

func (p *provider) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[path]
}

// upstream is ours, which may call what is allowed.
func (p *provider) upstream(allow ...string) *oidc.Upstream {
	if len(allow) == 0 {
		allow = []string{"127.0.0.1/32"}
	}
	var prefixes []netip.Prefix
	for _, a := range allow {
		prefixes = append(prefixes, netip.MustParsePrefix(a))
	}
	return oidc.New(oidc.Options{
		Client: outbound.NewClient(prefixes), Open: idptest.Sealer(p.t).Open, Now: p.now,
		Log: slog.New(slog.NewTextHandler(&p.log, nil)),
	})
}

func (p *provider) connection() *federation.Connection {
	c := &federation.Connection{
		Platform: "linde", ID: "lindehof", Kind: federation.OIDC, Key: federation.KeyRule{By: federation.BySubject},
		OIDC: federation.OIDCSettings{Issuer: p.URL, ClientID: clientID},
	}
	c.Secret = idptest.Sealer(p.t).Seal([]byte(clientSecret), c.Binding("secret"))
	return c
}

// request begins one, and makes the ID token answer it.
func (p *provider) request(c *federation.Connection, fresh bool) federation.UpstreamRequest {
	t := federation.NewUpstreamRequest(idptest.Sealer(p.t).MAC, c.Platform, c.ID, secret.ID(), fresh, false, p.now())
	p.claims["nonce"] = t.Nonce
	return t
}

// answer brings back a code, and what else is named.
func (p *provider) answer(u *oidc.Upstream, c *federation.Connection, t federation.UpstreamRequest,
	more ...string) (federation.Answer, error) {
	p.t.Helper()
	q := url.Values{"state": {t.State}, "code": {secret.Token()}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
		if more[i+1] == "" {
			q.Del(more[i])
		}
	}
	return u.Answer(p.t.Context(), c, t, back, httptest.NewRequest(http.MethodGet, back+"?"+q.Encode(), nil))
}

// unsigned has no signature.
func unsigned(string) []byte { return nil }

// rs256 signs with RSASSA-PKCS1-v1_5 and SHA-256.
func rs256(k *rsa.PrivateKey) func(string) []byte { return rsaWith(k, crypto.SHA256) }

func rsaWith(k *rsa.PrivateKey, h crypto.Hash) func(string) []byte {
	return func(text string) []byte {
		sum := h.New()
		sum.Write([]byte(text))
		s, err := rsa.SignPKCS1v15(rand.Reader, k, h, sum.Sum(nil))
		if err != nil {
			panic(err)
		}
		return s
	}
}

func ps256(k *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		s, err := rsa.SignPSS(rand.Reader, k, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		if err != nil {
			panic(err)
		}
		return s
	}
}

func es256(k *ecdsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			panic(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
}

func eddsa(k ed25519.PrivateKey) func(string) []byte {
	return func(text string) []byte { return ed25519.Sign(k, []byte(text)) }
}

func hs256(k []byte) func(string) []byte {
	return func(text string) []byte {
		m := hmac.New(sha256.New, k)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
}

func compact(t testing.TB, header, claims map[string]any, sign func(string) []byte) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(header) + "." + part(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

func jwk(k *rsa.PrivateKey, kid string) map[string]any {
	return map[string]any{
		"kty": "RSA", "kid": kid, "n": base64.RawURLEncoding.EncodeToString(k.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.E)).Bytes()),
	}
}

func jwkEC(k *ecdsa.PrivateKey, kid string) map[string]any {
	bits := (k.Curve.Params().BitSize + 7) / 8
	return map[string]any{
		"kty": "EC", "kid": kid, "crv": k.Curve.Params().Name,
		"x": base64.RawURLEncoding.EncodeToString(k.X.FillBytes(make([]byte, bits))),
		"y": base64.RawURLEncoding.EncodeToString(k.Y.FillBytes(make([]byte, bits))),
	}
}

func newEC(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// refused wants a refusal for a reason, with these words in its detail.
func refused(t testing.TB, err error, why federation.Reason, words ...string) {
	t.Helper()
	if federation.ReasonOf(err) != why || !errors.Is(err, fault.Refused) {
		t.Fatalf("%v, want a refusal: %s", err, why)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}
