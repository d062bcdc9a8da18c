package phone_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/phone"
)

const (
	pinGrant     = "urn:minddistrict:params:oauth:grant-type:pin"
	handoffGrant = "urn:minddistrict:params:oauth:grant-type:handoff"
)

// server is as much of a provider as the rules of the client need. It verifies every proof by a library, and keeps what
// it was sent.
type server struct {
	t         *testing.T
	issuer    string
	clock     time.Time
	nonce     string                                              // the only one that is good
	stubborn  bool                                                // no nonce is good
	next      []func(w http.ResponseWriter, r *http.Request) bool // for the next requests with a good proof, one each
	requests  []string                                            // all that was sent, header and body
	keys      []string                                            // jkt of every good request
	jtis      map[string]bool
	challenge string // of the open claim
	pinKey    []byte
	wrong     int
	signer    *ecdsa.PrivateKey // of ID tokens
}

// newServer is a server at issuer and the client that reaches it, whatever host that is.
func newServer(t *testing.T, issuer string) (*server, *http.Client) {
	t.Helper()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		t: t, issuer: issuer, clock: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), nonce: "nonce-1", jtis: map[string]bool{}, signer: signer,
	}
	return s, &http.Client{Transport: s}
}

// RoundTrip answers a request without a network.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	s.requests = append(s.requests, fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body))
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ours := strings.CutPrefix(r.URL.String(), s.issuer)
	if !ours {
		s.t.Errorf("a request to %s", r.URL)
		http.NotFound(w, r)
		return
	}
	switch path {
	case "/.well-known/openid-configuration":
		say(w, 200, map[string]any{
			"issuer": s.issuer, "authorization_endpoint": s.issuer + "/authorize", "token_endpoint": s.issuer + "/token",
			"userinfo_endpoint": s.issuer + "/userinfo", "revocation_endpoint": s.issuer + "/revoke", "jwks_uri": s.issuer + "/keys",
		})
		return
	case "/keys":
		key := jose.JSONWebKey{Key: s.signer.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}
		say(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
		return
	case "/revoke":
		w.WriteHeader(200)
		return
	}
	w.Header().Set("DPoP-Nonce", s.nonce)
	claims, ok := s.proven(w, r)
	if !ok {
		return
	}
	if len(s.next) > 0 {
		f := s.next[0]
		s.next = s.next[1:]
		if f(w, r) {
			return
		}
	}
	switch path + " " + r.FormValue("grant_type") {
	case "/token authorization_code", "/token " + handoffGrant:
		if verifier := r.FormValue("code_verifier"); phone.Challenge(verifier) != s.challenge {
			say(w, 400, map[string]any{"error": "invalid_grant"})
		} else if r.FormValue("stop") == "true" {
			say(w, 400, map[string]any{"error": "access_denied"})
		} else {
			say(w, 200, map[string]any{"access_token": "idpst_once", "token_type": "DPoP", "expires_in": 300, "scope": "app-pin"})
		}
	case "/app/handoff ":
		s.challenge = r.FormValue("code_challenge")
		say(w, 200, map[string]any{
			"handoff_id": "h1", "match_number": 42, "expires_in": 120, "interval": 2, "organisation": "GGZ Linde", "account": "a***@example.org",
		})
	case "/app/pin ":
		s.pinKey, _ = base64.RawURLEncoding.DecodeString(r.FormValue("pin_key"))
		w.WriteHeader(204)
	case "/token " + pinGrant:
		h := hmac.New(sha256.New, s.pinKey)
		h.Write([]byte(claims["jti"].(string) + "\x00" + claims["nonce"].(string)))
		if r.FormValue("pin_proof") != base64.RawURLEncoding.EncodeToString(h.Sum(nil)) {
			s.wrong++
			answer := map[string]any{"error": "invalid_grant", "tries_left": 5 - s.wrong}
			if s.wrong == 5 {
				answer["device_removed"] = true
			}
			say(w, 400, answer)
			return
		}
		say(w, 200, s.tokens("1", "anna"))
		s.wrong = 0
	case "/token refresh_token":
		say(w, 200, s.tokens("2", "anna"))
	case "/userinfo ":
		say(w, 200, map[string]any{"sub": "anna"})
	default:
		http.NotFound(w, r)
	}
}

// proven verifies a proof (RFC 9449 section 4.3); the time in it does not count.
func (s *server) proven(w http.ResponseWriter, r *http.Request) (map[string]any, bool) {
	no := func(why string) (map[string]any, bool) {
		s.t.Errorf("%s %s: %s", r.Method, r.URL, why)
		say(w, 400, map[string]any{"error": "invalid_dpop_proof"})
		return nil, false
	}
	jws, err := jose.ParseSignedCompact(r.Header.Get("DPoP"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return no(err.Error())
	}
	key := jws.Signatures[0].Protected.JSONWebKey
	payload, err := jws.Verify(key)
	if err != nil {
		return no(err.Error())
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		return no(err.Error())
	}
	jti, _ := claims["jti"].(string)
	var ath any
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP "); ok {
		sum := sha256.Sum256([]byte(token))
		ath = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	switch {
	case jws.Signatures[0].Protected.ExtraHeaders["typ"] != "dpop+jwt":
		return no("typ")
	case claims["htm"] != r.Method || claims["htu"] != s.issuer+strings.TrimPrefix(r.URL.Path, "/linde"):
		return no("another request")
	case len(jti) < 22 || s.jtis[jti]:
		return no("jti")
	case claims["ath"] != ath:
		return no("ath")
	}
	s.jtis[jti] = true
	if claims["nonce"] != s.nonce || s.stubborn {
		s.nonce += "+"
		w.Header().Set("DPoP-Nonce", s.nonce)
		if ath != nil { // a resource says it in the header
			w.Header().Set("WWW-Authenticate", `DPoP realm="x", error="use_dpop_nonce", algs="ES256"`)
			say(w, 401, map[string]any{})
		} else {
			say(w, 400, map[string]any{"error": "use_dpop_nonce"})
		}
		return nil, false
	}
	print, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return no(err.Error())
	}
	s.keys = append(s.keys, base64.RawURLEncoding.EncodeToString(print))
	return claims, true
}

// tokens are an answer with an ID token of somebody.
func (s *server) tokens(n, sub string) map[string]any {
	return map[string]any{
		"access_token": "access-" + n, "token_type": "DPoP", "expires_in": 900, "refresh_token": "refresh-" + n,
		"id_token": s.idToken(map[string]any{"sub": sub}), "scope": "openid profile", "wrong_before": s.wrong,
	}
}

// idToken is signed; with replaces claims.
func (s *server) idToken(with map[string]any) string {
	claims := map[string]any{
		"iss": s.issuer, "aud": "app", "iat": s.clock.Unix(), "exp": s.clock.Add(5 * time.Minute).Unix(), "sub": "anna",
	}
	for name, value := range with {
		claims[name] = value
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	key := jose.JSONWebKey{Key: s.signer, KeyID: "one"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// answers lets the next request with a good proof be answered by this.
func (s *server) answers(status int, body map[string]any) {
	s.next = append(s.next, func(w http.ResponseWriter, _ *http.Request) bool {
		say(w, status, body)
		return true
	})
}

// consents is what the browser brings back from the address of a sign-in.
func (s *server) consents(address string) (string, url.Values) {
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, s.issuer+"/authorize?") {
		s.t.Fatalf("%s: %v", address, err)
	}
	asked := u.Query()
	s.challenge = asked.Get("code_challenge")
	said := url.Values{"code": {"c"}, "state": {asked.Get("state")}, "iss": {s.issuer}}
	return asked.Get("redirect_uri") + "?" + said.Encode(), asked
}

func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
