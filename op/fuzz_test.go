package op

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// registry is one platform with a party of each type and one key.
type registry struct {
	parties map[grant.PartyID]*grant.Party
	key     ed25519.PrivateKey
}

func (r registry) Party(p platform.ID, id grant.PartyID) (*grant.Party, bool) {
	party, ok := r.parties[id]
	return party, ok && p == "linde"
}
func (registry) OriginAllowed(platform.ID, string) bool { return false }
func (registry) Connected(platform.ID) bool             { return true }
func (registry) Connections(platform.ID) []*federation.Connection {
	return []*federation.Connection{{ID: "lindehof", Domains: []federation.Domain{{Name: "lindehof.example"}}}, {ID: "closed", Disabled: true}}
}
func (registry) Discovery(platform.ID) Document { return Document{} }
func (registry) JWKS(platform.ID) Document      { return Document{} }
func (r registry) Sign(_ platform.ID, _, typ string, _ time.Time, payload []byte) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: r.key, KeyID: "k"}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}
func (r registry) Signs(platform.ID, string, time.Time) error { return nil }
func (r registry) Fresh() error                               { return nil }

func (r registry) Verification(platform.ID, time.Time) *jose.JSONWebKeySet {
	return &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: r.key.Public(), KeyID: "k", Algorithm: "EdDSA", Use: "sig"}}}
}

var (
	fuzzNow      = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	fuzzPlatform = &platform.Platform{ID: "linde", Issuer: "https://login.linde.test", HomeURL: "https://linde.test/home"}
)

// fuzzServer is a server without storage: what is fuzzed here needs none. Its key never changes, so that a kept corpus
// stays valid.
func fuzzServer(f testing.TB) *Server {
	f.Helper()
	r := registry{map[grant.PartyID]*grant.Party{}, ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32)))}
	for _, p := range []grant.Party{
		{ID: "web", Auth: grant.AuthBasic, Secrets: [][]byte{secret.Hash(strings.Repeat("s", 32))}, Redirects: []string{"https://rp.test/cb", "https://rp.test/cb?a=b"}, LogoutURIs: []string{"https://rp.test/bye", "https://rp.test/bye?a=b"}},
		{ID: "lax", Name: "Lax", PKCEOptional: true, Pairwise: true, ThirdParty: true, Secrets: [][]byte{secret.Hash(strings.Repeat("s", 32))}, Redirects: []string{"https://rp.test/cb"}},
		{ID: "app", Type: grant.Native, Redirects: []string{"net.example.app:/callback", "http://localhost:9999/cb", "http://[::1]/cb"}},
		{ID: "keys", Auth: grant.PrivateKeyJWT, Type: grant.Service, Strength: grant.Strength{JWKS: fuzzKeys}},
		{ID: "off", Type: grant.SPA, Redirects: []string{"https://rp.test/cb"}, DisabledAt: fuzzNow},
	} {
		p.Platform = "linde"
		p.Defaults()
		if err := p.Validate(); err != nil {
			f.Fatal(err)
		}
		r.parties[p.ID] = &p
	}
	return &Server{Options: Options{
		Stores: Stores{Uses: &usedOnce{}}, Registry: r, Secrets: Secrets{Handles: [][]byte{[]byte(strings.Repeat("h", 32))}}, Now: func() time.Time { return fuzzNow }, Log: slog.New(slog.DiscardHandler),
	}}
}

// fuzzKey is the key of the party that has one, with its public half as it is registered.
var (
	fuzzKey  = ed25519.NewKeyFromSeed([]byte(strings.Repeat("p", 32)))
	fuzzKeys = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"p","x":"` + base64.RawURLEncoding.EncodeToString(fuzzKey.Public().(ed25519.PublicKey)) + `"}]}`
)

// usedOnce remembers in memory.
type usedOnce map[string]bool

func (u *usedOnce) MarkUsed(_ context.Context, _ platform.ID, hash []byte, _ time.Time) error {
	if (*u)[string(hash)] {
		return fault.Spent
	}
	if *u == nil {
		*u = usedOnce{}
	}
	(*u)[string(hash)] = true
	return nil
}

func fuzzToken(f testing.TB, s *Server, typ string, claims any) string {
	f.Helper()
	token, err := s.sign("linde", "EdDSA", typ, claims)
	if err != nil {
		f.Fatal(err)
	}
	return token
}

var fuzzHint = hintClaims{Issuer: fuzzPlatform.Issuer, Subject: "anna", Audience: "web", Session: "s"}

// A request comes through only with a registered redirect and bounded, storable values; a refusal is one of ours.
func FuzzAuthorizeParameters(f *testing.F) {
	s := fuzzServer(f)
	good := "client_id=web&redirect_uri=https%3A%2F%2Frp.test%2Fcb&response_type=code&scope=openid+email&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
	f.Add(good)
	f.Add(good + "&state=s&nonce=n&prompt=login+consent&max_age=0&display=page&ui_locales=nl+en&acr_values=a+b&login_hint=anna%40example.org&response_mode=form_post")
	f.Add(good + `&claims={"id_token":{"acr":{"values":["a"]},"sub":{"value":"x"}}}&id_token_hint=` + fuzzToken(f, s, "JWT", fuzzHint))
	f.Add(strings.Replace(strings.Replace(good, "=web", "=app", 1), "https%3A%2F%2Frp.test%2Fcb", "http://localhost:1/cb", 1))
	f.Add("client_id=lax&redirect_uri=https://rp.test/cb&response_type=code&scope=openid&prompt=none&max_age=99999999999999999999")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := readOnce(&http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: query}})
		var refused *protocolError
		if err != nil {
			if !errors.As(err, &refused) {
				t.Fatalf("%v", err)
			}
			return
		}
		req, party, err := s.parseRequest(t.Context(), fuzzPlatform, form)
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("%q: %v is not of the protocol", query, err)
		}
		if req == nil {
			if err == nil {
				t.Fatal("neither a request nor an error")
			}
			return
		}
		if !party.RedirectMatches(req.RedirectURI) || !party.DisabledAt.IsZero() || !web.IsPlain(req.State) || len(req.State) > longestState {
			t.Fatalf("%q gives %+v", query, req)
		}
		if err != nil {
			return
		}
		body, err := json.Marshal(req)
		if err != nil || len(body) > 64<<10 || !web.IsPlain(req.Nonce) || !web.IsPlain(req.LoginHint) || len(req.Scopes) == 0 || req.Challenge == "" && !party.PKCEOptional {
			t.Fatalf("%q gives %+v: %d bytes, %v", query, req, len(body), err)
		}
		if req.Ask.MaxAge != nil && (*req.Ask.MaxAge < 0 || *req.Ask.MaxAge > longestMax) {
			t.Fatalf("max_age %v", req.Ask.MaxAge)
		}
		if slices.ContainsFunc(req.Scopes, func(scope string) bool { return !slices.Contains(party.Scopes, scope) }) {
			t.Fatalf("scopes %q", req.Scopes)
		}
	})
}

// Nobody makes a handle: what opens is what we sealed, letter for letter.
func FuzzOpenHandle(f *testing.F) {
	s := fuzzServer(f)
	sealed := map[string]bool{}
	for _, h := range []handle{{Grant: "g", Party: "web", Ends: fuzzNow.Add(time.Hour), Scopes: []string{"openid"}}, {Party: "jobs", Ends: fuzzNow.Add(time.Minute)}} {
		nonce := make([]byte, 24, 512)
		nonce[0] = byte(len(sealed))
		token, err := sealHandle(s.Secrets.Handles[0], "linde", h, nonce)
		if err != nil {
			f.Fatal(err)
		}
		sealed[token] = true
		f.Add(token)
		f.Add(token[:len(token)-1])
		f.Add(token + "\n")
	}
	f.Fuzz(func(t *testing.T, token string) {
		h, err := openHandle(s.Secrets.Handles, "linde", token, fuzzNow)
		if err == nil != sealed[token] || err != nil && !errors.Is(err, fault.NotFound) {
			t.Fatalf("%q opens as %+v, %v", token, h, err)
		}
		if h, err := openHandle(s.Secrets.Handles, "wilg", token, fuzzNow); err == nil {
			t.Fatalf("%q opens on another platform as %+v", token, h)
		}
	})
}

// An assertion is one that its party signed, letter for letter, and is taken once; whatever is wrong is said by one of
// our words.
func FuzzAssertion(f *testing.F) {
	now := fuzzNow.Unix()
	sign := func(header, claims string) string {
		input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
		return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(fuzzKey, []byte(input)))
	}
	good := fmt.Sprintf(`{"iss":"keys","sub":"keys","aud":"https://login.linde.test","jti":"j","exp":%d}`, now+60)
	signed := map[string]bool{sign(`{"alg":"EdDSA"}`, good): true, sign(`{"alg":"EdDSA","kid":"p","typ":"JWT"}`, good): true}
	for token := range signed {
		f.Add(token)
		f.Add(token + ".")
		f.Add(strings.Replace(token, ".", ".\n", 1))
	}
	for _, header := range []string{`{"alg":"none"}`, `{"alg":"EdDSA","crit":["x"]}`, `{"alg":"EdDSA","alg":"EdDSA"}`, `{"alg":"EdDSA","typ":"dpop+jwt"}`, `{"alg":"EdDSA","jwk":{}}`} {
		f.Add(sign(header, good))
	}
	for _, claims := range []string{
		`{}`, `[]`, `null`, `{"a":{"b":1,"b":2}}`, strings.Replace(good, "{", `{"sub":"keys",`, 1), strings.Replace(good, `"j"`, `["j"]`, 1),
		strings.Replace(good, `"https://login.linde.test"`, `["https://login.linde.test","x"]`, 1), fmt.Sprintf(`{"exp":%d}`, now*1000), strings.Repeat("[", 5000),
	} {
		f.Add(sign(`{"alg":"EdDSA"}`, claims))
	}
	f.Fuzz(func(t *testing.T, token string) {
		s := fuzzServer(t)
		ctx := platform.NewContext(t.Context(), fuzzPlatform)
		party, _ := s.Registry.Party("linde", "keys")
		if claimed := claimedParty(token); len(claimed) > len(token) || signed[token] && claimed != "keys" {
			t.Fatalf("%q claims to be of %q", token, claimed)
		}
		err := s.asserts(ctx, endpoints[0], party, credentials{assertion: token})
		if err == nil != signed[token] || err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatalf("%q: %v", token, err)
		}
		if err == nil {
			if again := s.asserts(ctx, endpoints[0], party, credentials{assertion: token}); !errors.Is(again, fault.Spent) {
				t.Fatalf("%q a second time: %v", token, again)
			}
		}
	})
}

// Nobody signs but we: what verifies has the signature of our key over exactly that text, and its one type.
func FuzzVerifyOwn(f *testing.F) {
	s := fuzzServer(f)
	signed := map[string]string{}
	for typ, claims := range map[string]any{"JWT": fuzzHint, "at+jwt": accessToken{Issuer: fuzzPlatform.Issuer, Subject: "anna", Party: "web", Expiry: fuzzNow.Add(time.Minute).Unix()}} {
		token := fuzzToken(f, s, typ, claims)
		signed[token] = typ
		f.Add(token)
		f.Add(token + "=")
		f.Add(strings.Replace(token, ".", ".\n", 1))
		f.Add(token[:strings.LastIndex(token, ".")+1])
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"`+typ+`"}`)) + "." + strings.Split(token, ".")[1] + ".")
	}
	f.Add(`{"payload":"e30","signatures":[{"protected":"e30","signature":"AAAA"}]}`)
	f.Add(strings.Repeat(".", 100))
	f.Fuzz(func(t *testing.T, token string) {
		for _, typ := range []string{"JWT", "at+jwt"} {
			_, err := s.verifyOwn(fuzzPlatform, token, typ)
			if err == nil != (signed[token] == typ) || err != nil && !errors.Is(err, fault.Invalid) {
				t.Fatalf("%q as %s: %v", token, typ, err)
			}
		}
		if _, err := s.readHint(fuzzPlatform, token); err == nil && signed[token] != "JWT" {
			t.Fatalf("%q is a hint", token)
		}
		if h, err := s.openAccess(fuzzPlatform, token); err == nil && signed[token] != "at+jwt" {
			t.Fatalf("%q is an access token: %+v", token, h)
		}
	})
}

// What the gate lets through repeats nothing and names one party, or has one token, in one way; it refuses with errors
// of the protocol.
func FuzzGate(f *testing.F) {
	f.Add("Basic d2ViOng=", "application/x-www-form-urlencoded", "", "grant_type=authorization_code&code=x")
	f.Add("Basic d2ViOng=", "application/x-www-form-urlencoded; charset=utf-8", "", "client_id=web&client_secret=x&resource=a&resource=b")
	f.Add("Basic JXp6OiV6eg==", "multipart/form-data; boundary=x", "a=b", "%zz")
	f.Add("", "", "", "client_assertion=x&client_secret=y;z")
	f.Add("Basic d2ViOng=", "application/x-www-form-urlencoded", "", "client_id=lax")
	f.Add("bearer x", "application/x-www-form-urlencoded", "", "access_token=x")
	f.Fuzz(func(t *testing.T, authorization, kind, query, body string) {
		for _, e := range []Endpoint{{Methods: postOnly, Auth: byAll}, {Methods: getPost}} {
			auth := len(e.Auth) > 0
			r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(body))
			r.URL.RawQuery = query
			r.Header.Set("Authorization", authorization)
			r.Header.Set("Content-Type", kind)
			asks, err := inspect(r, e)
			var refused *protocolError
			if err != nil {
				if !errors.As(err, &refused) || texts[refused.code].status == 0 {
					t.Fatalf("%v", err)
				}
				continue
			}
			for name, values := range r.PostForm {
				if len(values) > 1 && name != "resource" && name != "audience" {
					t.Fatalf("%q comes through %d times", name, len(values))
				}
			}
			id, secret, basic := r.BasicAuth()
			id, _ = url.QueryUnescape(id) // "" is no party
			secret, _ = url.QueryUnescape(secret)
			named, posted := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
			if query != "" || auth && basic && (id == "" || asks.id != id || named != "" && named != id || secret != "" && posted != "" && posted != secret) {
				t.Fatalf("comes through: %q %q %q", authorization, query, body)
			}
			if auth && !basic && (asks.id != named || asks.secret() != posted) || basic && auth && asks.secret() != secret && (secret != "" || asks.secret() != posted) {
				t.Fatalf("%q %q is read as %+v", authorization, body, asks)
			}
			inHeader := len(authorization) > 7 && strings.EqualFold(authorization[:7], "Bearer ")
			if inBody := r.PostForm.Get("access_token") != ""; !auth && inHeader == inBody {
				t.Fatalf("comes through: %q %q", authorization, body)
			}
		}
	})
}

// After logging out people go to a registered address with the state they came with, or stay.
func FuzzLogoutParameters(f *testing.F) {
	s := fuzzServer(f)
	hint := fuzzToken(f, s, "JWT", fuzzHint)
	f.Add("client_id=web&post_logout_redirect_uri=https%3A%2F%2Frp.test%2Fbye&state=s")
	f.Add("post_logout_redirect_uri=https://rp.test/bye?a=b&state=%26x=y%23&id_token_hint=" + hint)
	f.Add("post_logout_redirect_uri=https://rp.test/bye%23&client_id=app&id_token_hint=" + hint)
	f.Add("post_logout_redirect_uri=//evil.test&client_id=off")
	f.Add("post_logout_redirect_uri=https://rp.test/bye&client_id=web&id_token_hint=" + hint)
	f.Fuzz(func(t *testing.T, query string) {
		form, err := readOnce(&http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: query}})
		if err != nil {
			return
		}
		party, sid := s.askedBy(fuzzPlatform, form)
		claims, err := s.readHint(fuzzPlatform, form.Get("id_token_hint"))
		id := form.Get("client_id")
		if sid != "" && (err != nil || sid != claims.Session || party.ID != claims.Audience || id != "" && id != string(party.ID)) {
			t.Fatalf("%q is asked by %v with sid %q: %v", query, party, sid, err)
		}
		back := returnTo(party, form)
		if back == "" {
			return
		}
		u, err := url.Parse(back)
		if err != nil || party == nil || !party.DisabledAt.IsZero() || u.Fragment != "" {
			t.Fatalf("%q leads to %q of %v: %v", query, back, party, err)
		}
		state := u.Query()["state"]
		if want := form.Get("state"); want == "" && state != nil || want != "" && !slices.Equal(state, []string{want}) {
			t.Fatalf("%q leads to %q with state %q", query, back, state)
		}
		q := u.Query()
		q.Del("state")
		u.RawQuery = q.Encode()
		if !party.LogoutMatches(u.String()) {
			t.Fatalf("%q leads to %q", query, back)
		}
	})
}
