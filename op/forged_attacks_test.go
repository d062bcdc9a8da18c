package op_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"hash"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/idptest"
)

func encoded(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// forged is a JWT with some of its header replaced and a signature of the attacker's.
func forged(t testing.TB, jwt string, change map[string]any, signature string) string {
	t.Helper()
	return unsigned(t, jwt, change) + "." + signature
}

func unsigned(t testing.TB, jwt string, change map[string]any) string {
	t.Helper()
	header, claims := idptest.Parts(t, jwt)
	for name, value := range change {
		header[name] = value
	}
	return encoded(t, header) + "." + encoded(t, claims)
}

// forgeries of a genuine JWT of the platform: everything that a verifier was ever talked into.
func forgeries(s *idptest.Scene, jwt string) map[string]string {
	s.Helper()
	all := map[string]string{}
	header, _ := idptest.Parts(s.TB, jwt)
	split := strings.Split(jwt, ".")
	genuine := split[2]
	b64 := base64.RawURLEncoding.EncodeToString

	for _, alg := range []string{"none", "nOnE", "None", "NONE", ""} {
		all["alg "+alg] = forged(s.TB, jwt, map[string]any{"alg": alg}, "")
		all["alg "+alg+", signature kept"] = forged(s.TB, jwt, map[string]any{"alg": alg}, genuine)
		all["alg "+alg+", no dot"] = unsigned(s.TB, jwt, map[string]any{"alg": alg})
	}
	for _, alg := range []string{"ES256", "PS256", "RS384", "EdDSA", "HS256"} {
		all["alg "+alg+" over the signature"] = forged(s.TB, jwt, map[string]any{"alg": alg}, genuine)
	}

	var jwks jose.JSONWebKeySet
	document := s.Get(s.Issuer + "/keys").Body
	if err := json.Unmarshal([]byte(document), &jwks); err != nil {
		s.Fatal(err)
	}
	var public *rsa.PublicKey
	var asJWK []byte
	for _, k := range jwks.Keys {
		if rsaKey, ok := k.Key.(*rsa.PublicKey); ok && k.KeyID == header["kid"] {
			public = rsaKey
			asJWK, _ = k.MarshalJSON() // it came from JSON
		}
	}
	if public == nil {
		s.Fatalf("no key %v in %s", header["kid"], document)
	}
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		s.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(public)
	for name, key := range map[string][]byte{
		"PKIX PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}), "PKCS1 PEM": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"PKIX": pkix, "PKCS1": pkcs1, "modulus": public.N.Bytes(), "modulus as text": []byte(b64(public.N.Bytes())), "JWK": asJWK, "JWKS": []byte(document), "nothing": {},
		"party secret": []byte(idptest.PartySecret), "hash of the party secret": sha(idptest.PartySecret),
	} {
		for alg, h := range map[string]func() hash.Hash{"HS256": sha256.New, "HS512": sha512.New} {
			input := unsigned(s.TB, jwt, map[string]any{"alg": alg})
			mac := hmac.New(h, key)
			mac.Write([]byte(input))
			all[alg+" with the public key as "+name] = input + "." + b64(mac.Sum(nil))
		}
	}

	mine, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		s.Fatal(err)
	}
	jwk := map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(mine), "alg": "EdDSA", "use": "sig", "kid": header["kid"]}
	for name, change := range map[string]map[string]any{
		"jwk": {"jwk": jwk}, "jku": {"jku": "https://evil.test/keys"}, "jku of ours": {"jku": s.Issuer + "/keys@evil.test"}, "x5u": {"x5u": "https://evil.test/cert"}, "x5c": {"x5c": []string{"AAAA"}},
		"no kid": {"kid": nil}, "empty kid": {"kid": ""}, "path kid": {"kid": "../../../../dev/null"}, "SQL kid": {"kid": "' UNION SELECT 'x"}, "URL kid": {"kid": "https://evil.test/key"}, "numeric kid": {"kid": 1},
		"kid and jwk": {"jwk": jwk, "kid": "evil"}, "crit": {"crit": []string{"exp"}}, "unencoded payload": {"b64": false, "crit": []string{"b64"}}, "zip": {"zip": "DEF"},
	} {
		change["alg"] = "EdDSA"
		input := unsigned(s.TB, jwt, change)
		signature, err := private.Sign(nil, []byte(input), crypto.Hash(0))
		if err != nil {
			s.Fatal(err)
		}
		all["own key, "+name] = input + "." + b64(signature)
		delete(change, "alg")
		all["signature kept, "+name] = forged(s.TB, jwt, change, genuine)
	}

	_, claims := idptest.Parts(s.TB, jwt)
	for name, value := range map[string]any{"sub": "somebody else", "exp": 4102444800, "aud": "other", "iss": "https://evil.test"} {
		changed := map[string]any{}
		for k, v := range claims {
			changed[k] = v
		}
		changed[name] = value
		all["another "+name] = split[0] + "." + encoded(s.TB, changed) + "." + genuine
	}
	all["empty signature"] = split[0] + "." + split[1] + "."
	all["half a signature"] = split[0] + "." + split[1] + "." + genuine[:len(genuine)/2]
	all["zero signature"] = split[0] + "." + split[1] + "." + strings.Repeat("A", len(genuine))
	all["padded"] = jwt + "=="
	all["JSON serialization"] = `{"protected":"` + split[0] + `","payload":"` + split[1] + `","signature":"` + genuine + `"}`
	all["general JSON"] = `{"payload":"` + split[1] + `","signatures":[{"protected":"` + split[0] + `","signature":"` + genuine + `"}]}`
	all["five parts"] = jwt + ".AAAA.AAAA"
	all["four parts"] = jwt + ".AAAA"
	all["blank before"] = " " + jwt
	all["Bearer before"] = "Bearer " + jwt
	all["line end inside"] = split[0] + ".\n" + split[1] + "." + genuine
	all["direct encryption"] = b64([]byte(`{"alg":"dir","enc":"A128GCM","kid":"x"}`)) + "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
	all["password based encryption"] = b64([]byte(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}`)) + ".AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
	return all
}

func sha(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// A token that our key did not sign as it stands is refused wherever one is taken (CVE-2026-33322, CVE-2020-26160).
func TestForgedTokensAreRefused(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		got := v.Given("jwt")
		sub := v.SignedIn()
		if a := v.Open(s.AuthorizeURL("jwt", idptest.Set("prompt", "none", "id_token_hint", got.ID))); !a.To.Query().Has("code") {
			s.Fatalf("the genuine hint: %s", a.To)
		}
		for of, jwt := range map[string]string{"ID token": got.ID, "access token": got.Access} {
			for name, token := range forgeries(s, jwt) {
				what := of + ", " + name
				if a := v.Open(s.AuthorizeURL("jwt", idptest.Set("prompt", "none", "id_token_hint", token))); a.Param("error") != "invalid_request" || a.To.Query().Has("code") {
					s.Errorf("%s as id_token_hint: %s", what, a.To)
				}
				if a := v.Open(s.Issuer + "/logout?" + url.Values{"id_token_hint": {token}, "post_logout_redirect_uri": {"https://rp.test/bye"}}.Encode()); strings.HasPrefix(a.To.String(), "https://rp.test") ||
					a.Status != http.StatusOK && a.Status != http.StatusBadRequest {
					s.Errorf("%s at logout: %d %s", what, a.Status, a.To)
				}
				if status := s.Userinfo(token); status != http.StatusUnauthorized {
					s.Errorf("%s as bearer: %d", what, status)
				}
				if s.Active("jwt", token) {
					s.Errorf("%s is active", what)
				}
				if a := s.Post("/revoke", url.Values{"token": {token}}, idptest.Basic("jwt")); a.Status != http.StatusOK {
					s.Errorf("%s at revocation: %d", what, a.Status)
				}
				if again := s.RefreshGrant("jwt", token); again.Status != http.StatusBadRequest || again.Access != "" {
					s.Errorf("%s as a refresh token: %d", what, again.Status)
				}
				assertion := url.Values{
					"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {token},
				}
				for _, id := range []string{"", "jobs", "spa"} {
					idptest.Set("client_id", id)(assertion)
					if a := s.Post("/token", assertion, nil); a.Status < 400 || a.Status > 401 {
						s.Errorf("%s as client_assertion of %q: %d %s", what, id, a.Status, a.Body)
					}
				}
			}
		}
		if who := v.SignedIn(); who != sub || s.Userinfo(got.Access) != http.StatusOK || !s.Active("jwt", got.Refresh) {
			s.Errorf("a forged token did something: %q is signed in", who)
		}
	})
}

// A token counts as the one thing it was made for (RFC 8725 section 3.11) (CVE-2026-33322).
func TestTypesOfTokensAreNotConfused(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		got := v.Given("jwt")
		header, claims := idptest.Parts(s.TB, got.Access)
		idHeader, _ := idptest.Parts(s.TB, got.ID)
		if header["typ"] != "at+jwt" || idHeader["typ"] != "JWT" || claims["client_id"] != "jwt" {
			s.Fatalf("types %v and %v", header, idHeader)
		}
		if status := s.Userinfo(got.ID); status != http.StatusUnauthorized {
			s.Errorf("an ID token as bearer: %d", status)
		}
		if s.Active("jwt", got.ID) {
			s.Error("an ID token is active")
		}
		if a := v.Open(s.AuthorizeURL("jwt", idptest.Set("prompt", "none", "id_token_hint", got.Access))); a.Param("error") != "invalid_request" {
			s.Errorf("an access token as hint: %s", a.To)
		}
		if a := v.Open(s.Issuer + "/logout?id_token_hint=" + got.Access); a.Status != http.StatusOK {
			s.Errorf("an access token signs out: %d %s", a.Status, a.To)
		}
		s.RefusedGrant("an access token as refresh token", s.RefreshGrant("jwt", got.Access))
		s.RefusedGrant("an access token as code", s.Redeem("jwt", got.Access))
		if status := s.Userinfo(got.Refresh); status != http.StatusUnauthorized {
			s.Errorf("a refresh token as bearer: %d", status)
		}
		if s.Userinfo(got.Access) != http.StatusOK {
			s.Error("the access token itself")
		}
	})
}
