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
	"github.com/minddistrict/idp/authn"
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

// RFC 8252 section 8.6: only a claimed https address tells a native party from another program on the device.
func TestOnlyClaimedAddressesAreAssured(t *testing.T) {
	for _, uri := range []string{"https://app.example/cb", "https://localhost/cb", "https://127.0.0.1:8443/cb", "https://[::1]/cb", "http://127.0.0.1:4711/cb", "http://[::1]/cb", "http://localhost/cb", "net.example.app:/cb"} {
		for _, kind := range []grant.Type{grant.Native, grant.Web, grant.SPA} {
			p := party(func(p *grant.Party) { p.Type = kind })
			if got, want := p.Assured(uri), kind != grant.Native || uri == "https://app.example/cb"; got != want {
				t.Errorf("%s party at %s assured: %t, want %t", kind, uri, got, want)
			}
		}
	}
}

// RFC 8252 section 7.3: only the port of a loopback address may differ, and only for a native party.
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

// A port where nothing can listen, or that is written in a second way, is no loopback address: at a request, whatever
// was registered, and at registration.
func TestPortsOfLoopbackAddressesAreCanonical(t *testing.T) {
	ports := map[string]bool{
		"": true, ":1": true, ":80": true, ":4711": true, ":65535": true, ":": false, ":0": false, ":00": false, ":005": false, ":0080": false,
		":04711": false, ":65536": false, ":70000": false, ":99999": false, ":100000": false, ":655350": false, ":+80": false, ":-1": false, ":8a": false,
		":0x50": false, ":%38%30": false, ":８０": false, ": 80": false, ":80 ": false,
	}
	for _, host := range []string{"http://127.0.0.1", "http://[::1]", "http://localhost"} {
		native := party(func(p *grant.Party) { p.Type, p.Secrets, p.Redirects = grant.Native, nil, []string{host + "/cb"} })
		for port, want := range ports {
			uri := host + port + "/cb"
			if got := native.RedirectMatches(uri); got != want {
				t.Errorf("%q matches: %t, want %t", uri, got, want)
			}
			for _, stored := range []grant.Type{grant.Native, grant.Web} { // by an older release
				old := party(func(p *grant.Party) { p.Type, p.Secrets, p.Redirects = stored, nil, []string{uri} })
				if got := old.RedirectMatches(uri); got != want {
					t.Errorf("%q, registered by a party of type %s, matches: %t, want %t", uri, stored, got, want)
				}
			}
			for field, change := range map[string]func(*grant.Party){
				"redirect": func(p *grant.Party) { p.Redirects = []string{uri} }, "logout": func(p *grant.Party) { p.LogoutURIs = []string{uri} },
				"native": func(p *grant.Party) {
					p.Type, p.Auth, p.Secrets, p.Redirects = grant.Native, grant.AuthNone, nil, []string{uri}
				},
				"start": func(p *grant.Party) { p.InitiateURI = uri },
				"told":  func(p *grant.Party) { p.BackchannelLogoutURI = uri },
			} {
				changed := party(change)
				if err := changed.Validate(); (err == nil) != want {
					t.Errorf("%s %q registered: %v, want %t", field, uri, err, want)
				}
			}
		}
		old := party(func(p *grant.Party) { p.Type, p.Secrets, p.Redirects = grant.Native, nil, []string{host + ":0/cb"} })
		if !old.RedirectMatches(host + ":4711/cb") {
			t.Errorf("%s: a port that an older release registered stands in the way of the others", host)
		}
	}
	for _, uri := range []string{"https://rp.example:0/cb", "https://rp.example:70000/cb", "https://rp.example:0443/cb", "https://rp.example:/cb"} {
		if p := party(func(p *grant.Party) { p.Redirects = []string{uri} }); p.Validate() == nil {
			t.Errorf("%q registered", uri)
		}
	}
}

func TestPartyRefusesWhatCannotWork(t *testing.T) {
	good := party(nil)
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*grant.Party){
		"no secret":                func(p *grant.Party) { p.Secrets = nil },
		"secret of a public party": func(p *grant.Party) { p.Type = grant.SPA },
		"no redirect":              func(p *grant.Party) { p.Redirects = nil },
		"fragment":                 func(p *grant.Party) { p.Redirects = []string{"https://rp.example/cb#x"} },
		"javascript":               func(p *grant.Party) { p.Redirects = []string{"javascript:alert(1)"} },
		"data":                     func(p *grant.Party) { p.Redirects = []string{"data:text/html,x"} },
		"plain http":               func(p *grant.Party) { p.Redirects = []string{"http://rp.example/cb"} },
		"pattern":                  func(p *grant.Party) { p.Redirects = []string{"https://*.example/cb"} },
		"private scheme of web":    func(p *grant.Party) { p.Redirects = []string{"net.example.app:/cb"} },
		"user name":                func(p *grant.Party) { p.Redirects = []string{"https://x@rp.example/cb"} },
		"unknown algorithm":        func(p *grant.Party) { p.IDTokenAlg = "HS256" },
		"none":                     func(p *grant.Party) { p.IDTokenAlg = "none" },
		"unknown grant":            func(p *grant.Party) { p.Grants = []string{"password"} },
		"name with a blank":        func(p *grant.Party) { p.ID = "linde web" },
		"unknown auth":             func(p *grant.Party) { p.Auth = "tls" },
		"optional PKCE, no secret": func(p *grant.Party) { p.Auth, p.Secrets, p.PKCEOptional = grant.AuthNone, nil, true },
		"machine without a secret": func(p *grant.Party) { p.Type, p.Auth, p.Secrets = grant.Service, grant.AuthNone, nil },
		"null origin":              func(p *grant.Party) { p.Origins = []string{"null"} },
		"any origin":               func(p *grant.Party) { p.Origins = []string{"*"} },
		"origin with a path":       func(p *grant.Party) { p.Origins = []string{"https://app.example/"} },
		"origin with default port": func(p *grant.Party) { p.Origins = []string{"https://app.example:443"} },
		"unknown ID token claim":   func(p *grant.Party) { p.IDClaims = []string{"bsn"} },
		"mobile app on the web":    func(p *grant.Party) { p.MobileApp = true },
		"mobile app of another": func(p *grant.Party) {
			p.Type, p.Auth, p.Secrets, p.Name, p.ThirdParty, p.MobileApp = grant.Native, grant.AuthNone, nil, "x", true, true
		},
		"third party, no name": func(p *grant.Party) { p.ThirdParty = true },
		"claim beyond its scopes": func(p *grant.Party) {
			p.Name, p.ThirdParty, p.Scopes, p.IDClaims = "x", true, []string{"openid"}, []string{"email"}
		},
		"text of a scope of ours":         func(p *grant.Party) { p.ScopeTexts = grant.ScopeTexts{"email": {"nl": "x", "en": "x"}} },
		"a scope of ours that only reads": func(p *grant.Party) { p.ReadOnly = []string{"email"} },
		"another scope that only reads":   func(p *grant.Party) { p.ReadOnly = []string{"mood.read"} },
		"text of another scope":           func(p *grant.Party) { p.ScopeTexts = grant.ScopeTexts{"mood.read": {"nl": "x", "en": "x"}} },
		"text in one language": func(p *grant.Party) {
			p.Scopes, p.ScopeTexts = []string{"mood.read"}, grant.ScopeTexts{"mood.read": {"nl": "x"}}
		},
		"text that turns around": func(p *grant.Party) {
			p.Scopes, p.ScopeTexts = []string{"mood.read"}, grant.ScopeTexts{"mood.read": {"nl": "x", "en": "\u202ex"}}
		},
		"backchannel_logout_uri script":   func(p *grant.Party) { p.BackchannelLogoutURI = "javascript:1" },
		"backchannel_logout_uri fragment": func(p *grant.Party) { p.BackchannelLogoutURI = "https://rp.test/out#x" },
		"backchannel_logout_uri plain":    func(p *grant.Party) { p.BackchannelLogoutURI = "http://rp.test/out" },
		"backchannel_logout_uri of a machine": func(p *grant.Party) {
			p.Type, p.Grants, p.BackchannelLogoutURI = grant.Service, []string{grant.ClientCredentials}, "https://rp.test/out"
		},
		"idle told to nobody":       func(p *grant.Party) { p.LogoutOnIdle = true },
		"sid demanded of nothing":   func(p *grant.Party) { p.BackchannelSession = true },
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

func TestOnlyTheAppsOwnChannelAsksAsMobileApp(t *testing.T) {
	app := party(func(p *grant.Party) { p.Type, p.Auth, p.Secrets, p.MobileApp = grant.Native, grant.AuthNone, nil, true })
	if err := app.Validate(); err != nil {
		t.Fatal(err)
	}
	if !app.AsksAsMobileApp(authn.App) || app.AsksAsMobileApp(authn.Browser) || app.Channel() != authn.App {
		t.Error("a mobile app asks as one in the channel of apps, and nowhere else")
	}
	if app.MobileApp = false; app.AsksAsMobileApp(authn.App) {
		t.Error("another native party asks as the mobile app")
	}
}

func TestSecretMatchesAnyRegisteredOne(t *testing.T) {
	p := grant.Party{Auth: grant.AuthBasic, Secrets: [][]byte{secret.Hash("old"), secret.Hash("new")}}
	if !p.SecretMatches("old", time.Unix(1e9, 0)) || !p.SecretMatches("new", time.Unix(1e9, 0)) || p.SecretMatches("", time.Unix(1e9, 0)) || p.SecretMatches("older", time.Unix(1e9, 0)) {
		t.Error("while a secret is replaced both work, and nothing else")
	}
	p.Auth = grant.AuthNone
	if p.SecretMatches("old", time.Unix(1e9, 0)) {
		t.Error("a public party has no secret")
	}
}

func TestLivesAreOnlyEverShorter(t *testing.T) {
	p := grant.Party{Lifetimes: grant.Lifetimes{IDToken: time.Hour, Access: time.Minute}}
	got := p.EffectiveLifetimes()
	if got.IDToken != 5*time.Minute || got.Access != time.Minute || got.RefreshIdle != 30*24*time.Hour || got.RefreshEnd != 90*24*time.Hour {
		t.Errorf("lives %+v", got)
	}
	if p.AccessJWT, p.Lifetimes.Access = true, 0; p.EffectiveLifetimes().Access != 5*time.Minute {
		t.Error("a token that cannot be taken back lives 5 minutes")
	}
}

func TestSuccessorIsTheSameForEveryRepeat(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	id := grant.ID(secret.ID())
	first := grant.NewToken(id)
	next := grant.Successor(key, first)
	if next != grant.Successor(key, first) || next == first || next == grant.Successor(other, first) {
		t.Errorf("successor %q of %q", next, first)
	}
	if got, ok := grant.IDOf(next); !ok || got != id {
		t.Errorf("successor %q is of %q, want %q", next, got, id)
	}
}

func TestOutdatedTokensAreRecognised(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	chain := []string{grant.NewToken(grant.ID(secret.ID()))}
	for range 34 {
		chain = append(chain, grant.Successor(key, chain[len(chain)-1]))
	}
	for age, want := range map[int]bool{0: false, 1: false, 2: true, 33: true, 34: false} {
		if got := grant.Outdated(key, chain[0], secret.Hash(chain[age])); got != want {
			t.Errorf("a token from before %d rotations: outdated %v, want %v", age, got, want)
		}
	}
	if grant.Outdated(key, chain[0], secret.Hash(grant.NewToken("another"))) || grant.Outdated(key, chain[0], nil) {
		t.Error("of another family")
	}
}

func TestTokensNameTheirGrant(t *testing.T) {
	id := grant.ID(secret.ID())
	token := grant.NewToken(id)
	if got, ok := grant.IDOf(token); !ok || got != id || token == grant.NewToken(id) {
		t.Errorf("%q names %q", token, got)
	}
	for _, wrong := range []string{"", ".", string(id), string(id) + ".", token + "A", token + ".", "." + token, strings.ToUpper(token), token[1:], token[:len(token)-1], secret.Token(), " " + token} {
		if _, ok := grant.IDOf(wrong); ok {
			t.Errorf("%q has the form of a token", wrong)
		}
	}
}

// FuzzIDOf: what has the form of a token is one text, however it is read.
func FuzzIDOf(f *testing.F) {
	f.Add(grant.NewToken(grant.ID(secret.ID())))
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, token string) {
		id, ok := grant.IDOf(token)
		if !ok {
			return
		}
		random, whole := strings.CutPrefix(token, string(id)+".")
		if !whole || !secret.IsID(string(id)) || !secret.IsToken(random) {
			t.Errorf("%q names %q", token, id)
		}
		if next := grant.Successor([]byte("key"), token); !strings.HasPrefix(next, string(id)+".") || next == token {
			t.Errorf("successor of %q is %q", token, next)
		}
	})
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
		len(acr) != 1 || !slices.Equal(acr[0], []string{"a", "b"}) || sub != "x" {
		t.Errorf("%+v %v %q %v", r, acr, sub, err)
	}
	r, acr, sub, err = grant.ParseClaims(`{"userinfo":{"email_verified":{"value":true},"acr":{"value":2},"sub":{"value":3}},"id_token":{"address":{"values":[{"country":"NL"},null]},"acr":{"values":["a",null]}}} `)
	if err != nil || !slices.Equal(r.UserInfo, []string{"acr", "email_verified", "sub"}) || !slices.Equal(r.IDToken, []string{"acr", "address"}) ||
		len(acr) != 2 || !slices.Equal(acr[0], []string{"a"}) || !slices.Equal(acr[1], []string{"2"}) || sub != "3" {
		t.Errorf("values that are no text: %+v %v %q %v", r, acr, sub, err)
	}
	for _, bad := range []string{"", "x", "[]", `{"userinfo":[]}`, `{"userinfo":{"name":1}}`, "{}{}", "{}]", "{}}", `{"userinfo":` + strings.Repeat(`{"a":`, 5000)} {
		if _, _, _, err := grant.ParseClaims(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

// A grant gives by name what its party may still have and, of a third party, what the person was asked.
func TestSingleClaimsStayWithinConsent(t *testing.T) {
	names := []string{"email", "acr", "phone_number", "sub"}
	for _, row := range []struct {
		says              string
		third             bool
		registered, asked []string // scopes
		allowed           []string
		userinfo, idToken string
	}{
		{"own party", false, []string{"openid", "email"}, []string{"openid"}, nil, "email acr sub", "email acr sub birthdate"},
		{"third party, by scope", true, []string{"openid", "email"}, []string{"openid", "email"}, nil, "email acr sub", "email acr sub"},
		{"third party, of before consent counted names", true, []string{"openid", "email", "phone"}, []string{"openid"}, nil, "acr sub", "acr sub"},
		{"third party, asked by name", true, []string{"openid", "email", "phone"}, []string{"openid"}, []string{"phone", "profile"}, "acr phone_number sub", "acr phone_number sub"},
		{"third party, registered profile", true, []string{"openid", "profile"}, []string{"openid", "phone"}, []string{"profile"}, "acr sub", "acr sub birthdate"},
	} {
		p := party(func(p *grant.Party) {
			p.ThirdParty, p.Scopes, p.IDClaims = row.third, row.registered, []string{"birthdate"}
		})
		g := grant.Grant{Scopes: row.asked, Claims: grant.Requested{UserInfo: names, IDToken: names, Allowed: row.allowed}}
		if got := strings.Join(g.UserInfoNames(&p), " "); got != row.userinfo {
			t.Errorf("%s: userinfo %q, want %q", row.says, got, row.userinfo)
		}
		if got := strings.Join(g.IDTokenNames(&p), " "); got != row.idToken {
			t.Errorf("%s: ID token %q, want %q", row.says, got, row.idToken)
		}
	}
}

// Nobody is asked for data by somebody without a name, or by one that seems to be their platform.
func TestThirdPartyHasANameOfItsOwn(t *testing.T) {
	for says, row := range map[string]struct {
		change func(*grant.Party)
		want   string
	}{
		"own, no name":           {func(*grant.Party) {}, "De Linde Online"},
		"own, a name":            {func(p *grant.Party) { p.Name = "Agenda" }, "Agenda"},
		"third party":            {func(p *grant.Party) { p.Name, p.ThirdParty = "Dagboek", true }, "Dagboek"},
		"third party of earlier": {func(p *grant.Party) { p.ID, p.ThirdParty = "journal", true }, "journal"},
	} {
		p := party(row.change)
		if got := p.CalledAs("De Linde Online"); got != row.want {
			t.Errorf("%s: called %q, want %q", says, got, row.want)
		}
	}
}

func FuzzParseClaims(f *testing.F) {
	f.Add(`{"userinfo":{"name":{"essential":true}},"id_token":{"acr":{"values":["a"]}}}`)
	f.Fuzz(func(_ *testing.T, text string) { _, _, _, _ = grant.ParseClaims(text) }) // must not panic
}

// OpenID Connect Core 1.0 section 17.3: parties of two sectors must not find one person by what both see.
func TestPairwiseSessionDiffersBySector(t *testing.T) {
	salt := []byte("salt of the platform")
	one, two := party(nil), party(func(p *grant.Party) { p.Redirects = []string{"https://other.example/cb"} })
	if one.Session("s1", salt) != "s1" {
		t.Error("the session's own identifier unless asked")
	}
	one.Pairwise, two.Pairwise = true, true
	a, b := one.Session("s1", salt), two.Session("s1", salt)
	if a == b || a == "s1" || a != one.Session("s1", salt) || a == one.Session("s2", salt) || a == one.Session("s1", []byte("another")) || a == one.Subject("s1", salt) {
		t.Errorf("%q %q", a, b)
	}
	if two.Sector = "rp.example"; two.Session("s1", salt) != a {
		t.Error("parties of one sector see one session")
	}
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
