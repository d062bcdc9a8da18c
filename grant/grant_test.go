package grant_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

func TestChallengeOfRFC7636AppendixB(t *testing.T) {
	text, err := os.ReadFile("testdata/rfc7636.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Verifier, Challenge string }
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if got, ok := grant.ChallengeOf(v.Verifier); !ok || got != v.Challenge {
		t.Errorf("challenge %q, want %q", got, v.Challenge)
	}
	for _, bad := range []string{"", strings.Repeat("a", 42), strings.Repeat("a", 129), strings.Repeat("a", 42) + "=", strings.Repeat("a", 42) + " "} {
		if _, ok := grant.ChallengeOf(bad); ok {
			t.Errorf("verifier %q accepted", bad)
		}
	}
	for challenge, want := range map[string]bool{v.Challenge: true, v.Challenge + "A": false, v.Challenge[1:]: false, v.Challenge[1:] + "=": false} {
		if grant.ChallengeValid(challenge) != want {
			t.Errorf("challenge %q valid: %t", challenge, !want)
		}
	}
}

func party(change func(*grant.Party)) grant.Party {
	p := grant.Party{ID: "linde-web", Secrets: [][]byte{secret.Hash(strings.Repeat("s", 40))}, Redirects: []string{"https://rp.example/cb?x=1"}}
	if change != nil {
		change(&p)
	}
	p.Defaults()
	return p
}

// Twins of a registered URI, from public advisories (Keycloak, Pocket ID, authentik, fosite, zitadel).
func TestRedirectIsComparedByteForByte(t *testing.T) {
	p := party(func(p *grant.Party) { p.Redirects = []string{"https://rp.example/cb"} })
	if !p.RedirectMatches("https://rp.example/cb") {
		t.Fatal("the registered URI is refused")
	}
	for _, twin := range []string{
		"", "https://rp.example/cb/", "https://rp.example/cb?", "https://rp.example/cb#f", "https://rp.example/cb?x=1", "https://rp.example/CB",
		"https://RP.example/cb", "https://rp.example:443/cb", "https://rp.example/c%62", "https%3A%2F%2Frp.example%2Fcb", "https://rp.example%2Fcb",
		"https://rp.example/cb/../cb", "https://rp.example/x/..;/cb", "https://rp.example/cb\t", " https://rp.example/cb", "https://rp.example/cb%00",
		"https://rp.example\\@evil/cb", "https://rp.example@evil/cb", "https://x:y@rp.example/cb", "https://rp.example.evil/cb", "http://rp.example/cb",
		"https://rp.example/cb.evil", "https://rp.exampleX/cb", "https://rpXexample/cb", "javascript:alert(1)", "//rp.example/cb", "https:/rp.example/cb",
	} {
		if p.RedirectMatches(twin) {
			t.Errorf("%q accepted", twin)
		}
	}
}

// RFC 8252 section 7.3: only the port of a loopback address may differ, and only for a native party (gap Z2).
func TestLoopbackDiffersByPortOnly(t *testing.T) {
	p := party(func(p *grant.Party) {
		p.Type, p.Secrets, p.Redirects = grant.Native, nil, []string{"http://127.0.0.1/cb", "http://localhost:9999/cb", "net.example.app:/cb"}
	})
	for uri, want := range map[string]bool{
		"http://127.0.0.1/cb": true, "http://127.0.0.1:4711/cb": true, "http://localhost:1/cb": true, "net.example.app:/cb": true,
		"https://127.0.0.1:1/cb": false, "http://evil@127.0.0.1:5/cb": false, "http://[::1]:7/cb": false, "http://127.0.0.1:4711/cb?x": false,
		"http://127.0.0.1:4711/CB": false, "http://127.0.0.1.evil/cb": false, "http://127.0.0.1:@evil/cb": false, "http://127.0.0.1:123456/cb": false,
		"http://127.0.0.2:1/cb": false, "net.example.app:/cb2": false, "http://127.0.0.1:/cb": false,
	} {
		if got := p.RedirectMatches(uri); got != want {
			t.Errorf("%q matches: %t, want %t", uri, got, want)
		}
	}
	web := party(func(p *grant.Party) { p.Redirects = []string{"http://localhost:9999/cb"} })
	if web.RedirectMatches("http://localhost:1/cb") {
		t.Error("another port accepted for a web party")
	}
}

func TestPartyRefusesWhatCannotWork(t *testing.T) {
	good := party(nil)
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*grant.Party){
		"no secret":                 func(p *grant.Party) { p.Secrets = nil },
		"secret of a public party":  func(p *grant.Party) { p.Type = grant.SPA },
		"no redirect":               func(p *grant.Party) { p.Redirects = nil },
		"fragment":                  func(p *grant.Party) { p.Redirects = []string{"https://rp.example/cb#x"} },
		"javascript":                func(p *grant.Party) { p.Redirects = []string{"javascript:alert(1)"} },
		"data":                      func(p *grant.Party) { p.Redirects = []string{"data:text/html,x"} },
		"plain http":                func(p *grant.Party) { p.Redirects = []string{"http://rp.example/cb"} },
		"pattern":                   func(p *grant.Party) { p.Redirects = []string{"https://*.example/cb"} },
		"private scheme of web":     func(p *grant.Party) { p.Redirects = []string{"net.example.app:/cb"} },
		"user name":                 func(p *grant.Party) { p.Redirects = []string{"https://x@rp.example/cb"} },
		"unknown algorithm":         func(p *grant.Party) { p.IDTokenAlg = "HS256" },
		"none":                      func(p *grant.Party) { p.IDTokenAlg = "none" },
		"unknown grant":             func(p *grant.Party) { p.Grants = []string{"password"} },
		"name with a blank":         func(p *grant.Party) { p.ID = "linde web" },
		"unknown auth":              func(p *grant.Party) { p.Auth = "tls" },
		"optional PKCE, no secret":  func(p *grant.Party) { p.Auth, p.Secrets, p.PKCEOptional = grant.AuthNone, nil, true },
		"machine without a secret":  func(p *grant.Party) { p.Type, p.Auth, p.Secrets = grant.Service, grant.AuthNone, nil },
		"null origin":               func(p *grant.Party) { p.Origins = []string{"null"} },
		"any origin":                func(p *grant.Party) { p.Origins = []string{"*"} },
		"origin with a path":        func(p *grant.Party) { p.Origins = []string{"https://app.example/"} },
		"origin with default port":  func(p *grant.Party) { p.Origins = []string{"https://app.example:443"} },
		"unknown ID token claim":    func(p *grant.Party) { p.IDClaims = []string{"bsn"} },
		"initiate_login_uri script": func(p *grant.Party) { p.InitiateURI = "javascript:1" },
	} {
		p := party(change)
		if err := p.Validate(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", says, err)
		}
	}
	native := party(func(p *grant.Party) { p.Type, p.Secrets, p.Redirects = grant.Native, nil, []string{"myapp:/cb"} })
	if err := native.Validate(); !errors.Is(err, fault.Invalid) {
		t.Errorf("private scheme without a dot: %v", err)
	}
}

func TestSecretMatchesAnyRegisteredOne(t *testing.T) {
	p := grant.Party{Auth: grant.AuthBasic, Secrets: [][]byte{secret.Hash("old"), secret.Hash("new")}}
	if !p.SecretMatches("old") || !p.SecretMatches("new") || p.SecretMatches("") || p.SecretMatches("older") {
		t.Error("while a secret is replaced both work, and nothing else")
	}
	p.Auth = grant.AuthNone
	if p.SecretMatches("old") {
		t.Error("a public party has no secret")
	}
}

func TestLivesAreOnlyEverShorter(t *testing.T) {
	p := grant.Party{Lives: grant.Lives{IDToken: time.Hour, Access: time.Minute}}
	got := p.EffectiveLives()
	if got.IDToken != 5*time.Minute || got.Access != time.Minute || got.RefreshIdle != 30*24*time.Hour || got.RefreshEnd != 90*24*time.Hour {
		t.Errorf("lives %+v", got)
	}
	if p.AccessJWT, p.Lives.Access = true, 0; p.EffectiveLives().Access != 5*time.Minute {
		t.Error("a token that cannot be taken back lives 5 minutes")
	}
}

func TestSuccessorIsTheSameForEveryRepeat(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	first := secret.Token()
	next := grant.Successor(key, first)
	if next != grant.Successor(key, first) || next == first || next == grant.Successor(other, first) || len(next) != 43 {
		t.Errorf("successor %q", next)
	}
	third := grant.Successor(key, next)
	later := grant.Descendants(key, first)
	if !slices.ContainsFunc(later, func(h []byte) bool { return secret.Equal(h, secret.Hash(third)) }) {
		t.Error("the token after the successor is not recognised")
	}
	if slices.ContainsFunc(later, func(h []byte) bool { return secret.Equal(h, secret.Hash(next)) }) {
		t.Error("the successor itself is not a replay")
	}
}

func TestClaimsFollowScopes(t *testing.T) {
	a := &account.Account{ID: "sub1", Email: account.Email{Address: "anna@example.org"}, EmailVerifiedAt: time.Unix(1, 0), Profile: account.Profile{
		GivenName: "Samira", MiddleName: "el", FamilyName: "Idrissi", Phone: "+31612345678",
		Address: account.Address{Street: "Laan 1", PostalCode: "1234 AB", Locality: "Ede"},
	}}
	if got := grant.Claims(a, []string{"openid"}, nil); len(got) != 0 {
		t.Errorf("openid alone gives %v", got)
	}
	if got := grant.Claims(a, []string{"openid"}, []string{"given_name", "nickname"}); len(got) != 1 || got["given_name"] != "Samira" {
		t.Errorf("one name gives %v", got)
	}
	got := grant.Claims(a, []string{"openid", "profile", "email", "phone", "address"}, nil)
	if got["name"] != "Samira el Idrissi" || got["email_verified"] != true || got["phone_number"] != "+31612345678" {
		t.Errorf("claims %v", got)
	}
	if formatted := got["address"].(account.Address).Formatted; formatted != "Laan 1\n1234 AB Ede" {
		t.Errorf("address %q", formatted)
	}
	if _, empty := got["nickname"]; empty {
		t.Error("an empty claim is left out")
	}
}

func TestClaimsParameter(t *testing.T) {
	r, acr, sub, err := grant.ParseClaims(`{"userinfo":{"name":{"essential":true},"unknown":null},"id_token":{"auth_time":null,"acr":{"values":["a","b"]},"sub":{"value":"x"}}}`)
	if err != nil || !slices.Equal(r.UserInfo, []string{"name"}) || !slices.Equal(r.IDToken, []string{"acr", "auth_time", "sub"}) ||
		!slices.Equal(acr, []string{"a", "b"}) || sub != "x" {
		t.Errorf("%+v %v %q %v", r, acr, sub, err)
	}
	for _, bad := range []string{"", "x", "[]", `{"userinfo":[]}`, `{"userinfo":{"name":1}}`, "{}{}", `{"userinfo":` + strings.Repeat(`{"a":`, 5000)} {
		if _, _, _, err := grant.ParseClaims(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func FuzzParseClaims(f *testing.F) {
	f.Add(`{"userinfo":{"name":{"essential":true}},"id_token":{"acr":{"values":["a"]}}}`)
	f.Fuzz(func(_ *testing.T, text string) { _, _, _, _ = grant.ParseClaims(text) }) // must not panic
}

func TestPairwiseSubjectDiffersBySector(t *testing.T) {
	salt := []byte("salt of the platform")
	one, two := party(nil), party(func(p *grant.Party) { p.Redirects = []string{"https://other.example/cb"} })
	if one.Subject("anna", salt) != "anna" {
		t.Error("public unless asked")
	}
	one.Pairwise, two.Pairwise = true, true
	a, b := one.Subject("anna", salt), two.Subject("anna", salt)
	if a == b || a == "anna" || a != one.Subject("anna", salt) || a == one.Subject("bram", salt) || a == one.Subject("anna", []byte("another")) {
		t.Errorf("%q %q", a, b)
	}
	if two.Sector = "rp.example"; two.Subject("anna", salt) != a {
		t.Error("parties of one sector know a person by the same subject")
	}
	one.Redirects = append(one.Redirects, "https://third.example/cb")
	if err := one.Validate(); !errors.Is(err, fault.Invalid) {
		t.Errorf("several hosts and no sector: %v", err)
	}
}
