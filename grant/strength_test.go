package grant

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/fault"
)

// jwk is a key as JSON, with some of its members changed.
func jwk(t testing.TB, key any, change map[string]any) string {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]any{}
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for name, value := range change {
		members[name] = value
	}
	if text, err = json.Marshal(members); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func keySet(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func newEC(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// rsaOf is a public key of so many bits, which nobody has the private half of.
func rsaOf(bits int) string {
	return `{"kty":"RSA","kid":"r","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, bits/8)) + `"}`
}

type kid = map[string]any

// RFC 7517 section 5, RFC 7518 section 3.3: which keys of a set count, and which sets are refused.
func TestParseKeys(t *testing.T) {
	ec, other := newEC(t, elliptic.P256()), newEC(t, elliptic.P256())
	ed, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := jwk(t, ec.Public(), kid{"kid": "a"})
	many := make([]string, MaxPartyKeys+1)
	for i := range many {
		many[i] = jwk(t, ec.Public(), kid{"kid": fmt.Sprint(i)})
	}
	for says, row := range map[string]struct {
		text string
		want string // the kids that count; "!" and what the refusal says
	}{
		"one":                        {keySet(a), "a"},
		"of each kind":               {keySet(a, jwk(t, ed, kid{"kid": "e"}), rsaOf(2048)), "a e r"},
		"the biggest":                {keySet(rsaOf(4096)), "r"},
		"without a kid":              {keySet(jwk(t, ec.Public(), nil)), ""},
		"as many as there may be":    {keySet(many[:MaxPartyKeys]...), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"},
		"one more":                   {keySet(many...), "!21 keys: at most 20"},
		"for encryption, beside":     {keySet(a, jwk(t, ec.Public(), kid{"kid": "x", "use": "enc"})), "a"},
		"for encryption only":        {keySet(jwk(t, ec.Public(), kid{"kid": "x", "use": "enc"})), "!no public key"},
		"of an alg that is not ours": {keySet(a, jwk(t, ec.Public(), kid{"kid": "x", "alg": "ECDH-ES"})), "a"},
		"of an alg of another kind":  {keySet(jwk(t, ec.Public(), kid{"kid": "x", "alg": "RS256"})), "!no public key"},
		"of an unknown kind, beside": {keySet(a, `{"kty":"AKP","kid":"x","alg":"ML-DSA-44","pub":"AAAA"}`), "a"},
		"P-384":                      {keySet(jwk(t, newEC(t, elliptic.P384()).Public(), kid{"kid": "x"})), "!no public key"},
		"RSA of 1,024 bits":          {keySet(rsaOf(1024)), "!no public key"},
		"RSA of 16,384 bits":         {keySet(rsaOf(16_384)), "!no public key"},
		"a point off the curve":      {keySet(`{"kty":"EC","crv":"P-256","kid":"x","x":"AAAA","y":"AAAA"}`), "!no public key"},
		"private":                    {keySet(a, jwk(t, other, kid{"kid": "x"})), "!key 2 is private"},
		"private, of Ed25519":        {keySet(jwk(t, edPrivate, kid{"kid": "x"})), "!key 1 is private"},
		"a secret":                   {keySet(a, `{"kty":"oct","kid":"x","k":"c2VjcmV0"}`), "!key 2 is private"},
		"two with one kid":           {keySet(a, jwk(t, other.Public(), kid{"kid": "a"})), `!two keys with kid "a"`},
		"two without a kid":          {keySet(jwk(t, ec.Public(), nil), jwk(t, other.Public(), nil)), " "},
		"an empty kid, and none":     {keySet(jwk(t, ec.Public(), kid{"kid": ""}), jwk(t, ed, nil), a), "  a"},
		"one key by itself":          {a, "!no public key"},
		"a list":                     {"[" + a + "]", "!not a JSON Web Key Set"},
		"no JSON":                    {"keys", "!not a JSON Web Key Set"},
		"nothing":                    {"", "!not a JSON Web Key Set"},
		"no keys":                    {keySet(), "!no public key"},
		"more than is read":          {keySet(a) + strings.Repeat(" ", maxPartyKeySet), "!more than 65536 bytes"},
	} {
		set, err := ParseKeys([]byte(row.text))
		if refusal, refused := strings.CutPrefix(row.want, "!"); refused {
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), refusal) || set != nil {
				t.Errorf("%s: %v, %v, want %q", says, set, err, refusal)
			}
			continue
		}
		var kids []string
		for i := 0; err == nil && i < len(set.Keys); i++ {
			kids = append(kids, set.Keys[i].KeyID)
		}
		if got := strings.Join(kids, " "); err != nil || got != row.want || len(kids) == 0 {
			t.Errorf("%s: %q, %v, want %q", says, got, err, row.want)
		}
	}
}

func TestKeySignsWithWhatItIsFor(t *testing.T) {
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec := newEC(t, elliptic.P256())
	for _, row := range []struct {
		key  jose.JSONWebKey
		want string
	}{
		{jose.JSONWebKey{Key: ec.Public()}, "ES256"}, {jose.JSONWebKey{Key: ec.Public(), Algorithm: "ES256"}, "ES256"},
		{jose.JSONWebKey{Key: ec.Public(), Algorithm: "ES384"}, ""}, {jose.JSONWebKey{Key: ec}, ""},
		{jose.JSONWebKey{Key: big.Public()}, "PS256 RS256"}, {jose.JSONWebKey{Key: big.Public(), Algorithm: "PS256"}, "PS256"},
		{jose.JSONWebKey{Key: big.Public(), Algorithm: "PS512"}, ""}, {jose.JSONWebKey{Key: []byte("secret")}, ""}, {jose.JSONWebKey{}, ""},
	} {
		if got := strings.Join(SignsWith(row.key), " "); got != row.want {
			t.Errorf("%T with alg %q: %q, want %q", row.key.Key, row.key.Algorithm, got, row.want)
		}
	}
}

// fapiParty is one that keeps all of a profile.
func fapiParty(t testing.TB, profile Profile) Party {
	p := Party{
		ID: "insurer", Platform: "linde", Auth: PrivateKeyJWT, IDTokenAlg: "ES256", Redirects: []string{"https://rp.test/cb"},
		Strength: Strength{Profile: profile, JWKS: keySet(jwk(t, newEC(t, elliptic.P256()).Public(), kid{"kid": "a"}))},
	}
	p.Defaults()
	return p
}

// Each rule of a profile, broken alone, is refused with the key that breaks it; all others are kept.
func TestProfileRefusesWhatContradictsIt(t *testing.T) {
	broken := map[string]func(*Party){
		"auth":                            func(p *Party) { p.Auth, p.Secrets = AuthBasic, [][]byte{{1}} },
		"id_token_alg":                    func(p *Party) { p.IDTokenAlg = "RS256" },
		"token_endpoint_auth_signing_alg": func(p *Party) { p.AuthAlg = "RS256" },
		"pkce":                            func(p *Party) { p.PKCEOptional = true },
		"rotate_refresh_tokens":           func(p *Party) { p.Rotate = true },
		"jwks":                            func(p *Party) { p.JWKS = keySet(strings.Replace(rsaOf(2048), "{", `{"alg":"RS256",`, 1)) },
		"redirect_uris":                   func(p *Party) { p.Redirects = []string{"https://rp.test/cb", "http://localhost/cb"} },
		"request_object_signing_alg":      func(p *Party) { p.RequestAlg = "RS256" },
	}
	for _, profile := range []Profile{FAPI2, FAPI2Messages} {
		good, covered := fapiParty(t, profile), 0
		if err := good.Validate(); err != nil {
			t.Fatalf("%s: %v", profile, err)
		}
		if !good.Pushes() || !good.Binds() || good.SignsRequests() != (profile == FAPI2Messages) || good.SignsAnswers() != (profile == FAPI2Messages) {
			t.Errorf("%s does not demand what it is", profile)
		}
		if slices.Contains(good.AuthAlgs(), "RS256") || slices.Contains(good.RequestAlgs(), "RS256") {
			t.Errorf("%s: assertions %v, request objects %v", profile, good.AuthAlgs(), good.RequestAlgs())
		}
		for _, rule := range good.Conformance() {
			change := broken[rule.Key]
			if change == nil || !rule.Kept {
				t.Fatalf("%s: %+v", profile, rule)
			}
			covered++
			p := good
			change(&p)
			if err := p.Validate(); !errors.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "invalid: "+rule.Key+": profile "+string(profile)) {
				t.Errorf("%s, %s: %v", profile, rule.Key, err)
			}
			for _, of := range p.Conformance() {
				if of.Kept == (of.Key == rule.Key) {
					t.Errorf("%s: %s broken: %+v", profile, rule.Key, of)
				}
			}
			p.Profile = NoProfile
			if err := p.Validate(); err != nil || p.Conformance() != nil {
				t.Errorf("%s without a profile: %v, %v", rule.Key, err, p.Conformance())
			}
		}
		if want := len(broken); covered != want {
			t.Errorf("%s: %d rules, want %d", profile, covered, want)
		}
	}
}

// The key that is registered and the algorithms that are must fit, where a profile is kept; of keys at an address nothing
// is known.
func TestARegisteredKeyCanSign(t *testing.T) {
	for says, row := range map[string]struct {
		change func(*Party)
		kept   map[Profile]bool
	}{
		"ES256 by its key":  {func(p *Party) { p.AuthAlg, p.RequestAlg = "ES256", "ES256" }, map[Profile]bool{FAPI2: true, FAPI2Messages: true}},
		"PS256 by EC":       {func(p *Party) { p.AuthAlg = "PS256" }, map[Profile]bool{}},
		"requests by EC":    {func(p *Party) { p.RequestAlg = "EdDSA" }, map[Profile]bool{FAPI2: true}},
		"PS256 by RSA":      {func(p *Party) { p.AuthAlg, p.JWKS = "PS256", keySet(rsaOf(2048)) }, map[Profile]bool{FAPI2: true, FAPI2Messages: true}},
		"any by RSA":        {func(p *Party) { p.JWKS = keySet(rsaOf(2048)) }, map[Profile]bool{FAPI2: true, FAPI2Messages: true}},
		"at an address":     {func(p *Party) { p.AuthAlg, p.JWKS, p.JWKSURI = "PS256", "", "https://rp.test/keys" }, map[Profile]bool{FAPI2: true, FAPI2Messages: true}},
		"that is not a set": {func(p *Party) { p.JWKS = "{}" }, map[Profile]bool{}},
	} {
		for _, profile := range []Profile{FAPI2, FAPI2Messages} {
			p := fapiParty(t, profile)
			row.change(&p)
			for _, rule := range p.Conformance() {
				if rule.Key == "jwks" && rule.Kept != row.kept[profile] {
					t.Errorf("%s, %s: %+v", says, profile, rule)
				}
			}
			if err := p.Validate(); (err == nil) != row.kept[profile] || err != nil && !strings.HasPrefix(err.Error(), "invalid: jwks: ") {
				t.Errorf("%s, %s: %v", says, profile, err)
			}
		}
	}
}

// What a party is held to must be possible, with a profile or without.
func TestStrengthThatIsNotPossible(t *testing.T) {
	for says, row := range map[string]struct {
		change func(*Party)
		key    string // that is named; "": it is possible
	}{
		"as it is":                       {func(*Party) {}, ""},
		"an unknown profile":             {func(p *Party) { p.Profile = "fapi1" }, "profile"},
		"keys and an address":            {func(p *Party) { p.JWKSURI = "https://rp.test/keys" }, "jwks_uri"},
		"an address instead":             {func(p *Party) { p.JWKS, p.JWKSURI = "", "https://rp.test/keys" }, ""},
		"an address without https":       {func(p *Party) { p.JWKS, p.JWKSURI = "", "http://rp.test/keys" }, "jwks_uri"},
		"an address with a user":         {func(p *Party) { p.JWKS, p.JWKSURI = "", "https://a:b@rp.test/keys" }, "jwks_uri"},
		"an address on this machine":     {func(p *Party) { p.JWKS, p.JWKSURI = "", "http://localhost:8080/keys" }, ""},
		"no keys":                        {func(p *Party) { p.JWKS = "" }, "jwks is missing"},
		"keys that cannot be read":       {func(p *Party) { p.JWKS = "{}" }, "jwks"},
		"an unknown alg":                 {func(p *Party) { p.AuthAlg = "ES512" }, "token_endpoint_auth_signing_alg"},
		"HS256":                          {func(p *Party) { p.AuthAlg = "HS256" }, "token_endpoint_auth_signing_alg"},
		"none":                           {func(p *Party) { p.AuthAlg = "none" }, "token_endpoint_auth_signing_alg"},
		"an alg of assertions, a secret": {func(p *Party) { p.Auth, p.Secrets, p.AuthAlg = AuthBasic, [][]byte{{1}}, "ES256" }, "token_endpoint_auth_signing_alg"},
		"request objects of none":        {func(p *Party) { p.RequestAlg = "none" }, "request_object_signing_alg"},
		"request objects, no keys": {func(p *Party) {
			p.Auth, p.Secrets, p.JWKS, p.RequestRequired = AuthBasic, [][]byte{{1}}, "", true
		}, "jwks is missing"},
		"request objects of a party with a secret and keys": {func(p *Party) { p.Auth, p.Secrets, p.RequestRequired = AuthPost, [][]byte{{1}}, true }, ""},
		"a secret beside keys":                              {func(p *Party) { p.Secrets = [][]byte{{1}} }, "secret"},
		"an app with keys":                                  {func(p *Party) { p.Type = Native }, "auth"},
	} {
		p := fapiParty(t, NoProfile)
		row.change(&p)
		err := p.Validate()
		if says == "an address without https" && !strings.HasSuffix(err.Error(), "an https address, or http on localhost") {
			t.Errorf("%s: %v", says, err)
		}
		if row.key == "" && err != nil || row.key != "" && (!errors.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "invalid: "+row.key)) {
			t.Errorf("%s: %v, want %q", says, err, row.key)
		}
	}
}
