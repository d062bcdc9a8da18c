package oidc_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
)

// An answer is what the ID token says, in the types that it had.
func TestAnAnswerIsWhatTheIDTokenSays(t *testing.T) {
	p := newProvider(t)
	p.claims["amr"] = []any{"pwd", "mfa"}
	p.claims["email_verified"] = "true"
	p.claims["big"] = json.Number("12345678901234567890")
	c, u := p.connection(), p.upstream()
	request := p.request(c, false)
	a, err := p.answer(u, c, request)
	if err != nil {
		t.Fatal(err)
	}
	if a.Issuer != p.URL || a.Subject != "248289" || a.Session != "s-1" || !a.AuthTime.Equal(noon.Add(-time.Minute)) {
		t.Errorf("%+v", a)
	}
	for name, want := range map[string]any{
		"amr": []any{"pwd", "mfa"}, "email_verified": "true", "big": json.Number("12345678901234567890"),
		"email": "anna@lindehof.test",
	} {
		if got := a.Claims[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, want %#v", name, got, want)
		}
	}
	form := p.forms[0]
	if form.Get("redirect_uri") != back || form.Get("code_verifier") != request.Verifier ||
		form.Get("grant_type") != "authorization_code" {
		t.Errorf("asked %v", form)
	}
	if want := url.QueryEscape(clientID) + " " + url.QueryEscape(clientSecret); p.basics[0] != want ||
		form.Has("client_secret") {
		t.Errorf("said to be %q, want %q; form %v", p.basics[0], want, form)
	}
}

func TestASecretMayStandInTheForm(t *testing.T) {
	p := newProvider(t)
	c := p.connection()
	c.OIDC.Auth = federation.SecretPost
	if _, err := p.answer(p.upstream(), c, p.request(c, false)); err != nil {
		t.Fatal(err)
	}
	if f := p.forms[0]; f.Get("client_id") != clientID || f.Get("client_secret") != clientSecret || p.basics[0] != " " {
		t.Errorf("form %v, header %q", f, p.basics[0])
	}
	c.Secret = nil
	_, err := p.answer(p.upstream(), c, p.request(c, false))
	refused(t, err, federation.Misconfigured, "no client secret")
	c.Secret = p.connection().Secret
	c.ID = "other" // its secret is bound to its row
	_, err = p.answer(p.upstream(), c, p.request(c, false))
	refused(t, err, federation.Misconfigured, "cannot be opened")
}

// The algorithms that are taken.
func TestAlgorithms(t *testing.T) {
	ec := newEC(t, elliptic.P256())
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	okp := map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": base64.RawURLEncoding.EncodeToString(public)}
	for alg, with := range map[string]struct {
		jwk  any
		sign func(string) []byte
	}{
		"RS256": {jwk(own(), "one"), rs256(own())}, "RS384": {jwk(own(), "one"), rsaWith(own(), crypto.SHA384)},
		"RS512": {jwk(own(), "one"), rsaWith(own(), crypto.SHA512)}, "PS256": {jwk(own(), "one"), ps256(own())},
		"ES256": {jwkEC(ec, "one"), es256(ec)}, "EdDSA": {okp, eddsa(private)},
	} {
		t.Run(alg, func(t *testing.T) {
			p := newProvider(t)
			p.jwks, p.sign = map[string]any{"keys": []any{with.jwk}}, with.sign
			p.header["alg"] = alg
			c := p.connection()
			if _, err := p.answer(p.upstream(), c, p.request(c, false)); err != nil {
				t.Error(err)
			}
			delete(p.header, "kid") // any key that fits
			if _, err := p.answer(p.upstream(), c, p.request(c, false)); err != nil {
				t.Errorf("without kid: %v", err)
			}
		})
	}
}

// What an ID token may not be. Each is refused by name, and the same token without the tamper is taken.
func TestTamperedIDTokens(t *testing.T) {
	canary := 0
	attacker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		canary++
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{jwk(foreign(), "one")}})
	}))
	defer attacker.Close()
	publicDER, err := x509.MarshalPKIXPublicKey(own().Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	claim := func(name string, value any) func(*provider) { return func(p *provider) { p.claims[name] = value } }
	without := func(name string) func(*provider) { return func(p *provider) { delete(p.claims, name) } }
	header := func(name string, value any) func(*provider) {
		return func(p *provider) { p.header[name] = value; p.sign = rs256(foreign()) }
	}
	ago := func(d time.Duration) int64 { return noon.Add(-d).Unix() }
	for _, row := range []struct {
		says   string
		change func(*provider)
		why    federation.Reason
		words  string
	}{
		{"wrong iss", claim("iss", "https://evil.test"), federation.BadAudience, `iss "https://evil.test"`},
		{"iss with a slash", func(p *provider) { p.claims["iss"] = p.URL + "/" }, federation.BadAudience, "iss"},
		{"no iss", without("iss"), federation.BadAudience, "iss"},
		{"iss is a list", func(p *provider) { p.claims["iss"] = []any{p.URL} }, federation.BadAudience, "iss"},
		{"wrong aud", claim("aud", "other"), federation.BadAudience, `aud "other"`},
		{"no aud", without("aud"), federation.BadAudience, "aud"},
		{"aud is an object", claim("aud", map[string]any{clientID: true}), federation.BadAudience, "aud"},
		{"aud has a number in it", claim("aud", []any{clientID, 5}), federation.BadAudience, "aud"},
		{"aud begins like ours", claim("aud", clientID+"2"), federation.BadAudience, "aud"},
		{"two audiences without azp", claim("aud", []any{clientID, "other"}), federation.BadAudience, "azp"},
		{"two audiences, azp of the other", func(p *provider) {
			p.claims["aud"], p.claims["azp"] = []any{clientID, "other"},
				"other"
		}, federation.BadAudience, `azp "other"`},
		{"azp of another", claim("azp", "other"), federation.BadAudience, `azp "other"`},
		{"azp is a list", claim("azp", []any{clientID}), federation.BadAudience, "azp"},
		{"wrong nonce", claim("nonce", "n-2"), federation.BadAudience, "nonce"},
		{"no nonce", without("nonce"), federation.BadAudience, "nonce"},
		{"empty nonce", claim("nonce", ""), federation.BadAudience, "nonce"},
		{"no exp", without("exp"), federation.BadForm, "exp"},
		{"exp is a text", claim("exp", "1908878400"), federation.BadForm, "exp"},
		{"exp is null", claim("exp", nil), federation.BadForm, "exp"},
		{"exp beyond numbers", claim("exp", json.Number("1e400")), federation.BadForm, "exp"},
		{"exp beyond calendars", claim("exp", json.Number("1e30")), federation.BadForm, "exp"},
		{"over", claim("exp", ago(time.Minute)), federation.BadTime, "exp"},
		{"no iat", without("iat"), federation.BadForm, "iat"},
		{"iat is a text", claim("iat", "1800000000"), federation.BadForm, "iat"},
		{"old", claim("iat", ago(6*time.Minute+time.Second)), federation.BadTime, "iat"},
		{"future iat", claim("iat", noon.Add(61*time.Second).Unix()), federation.BadTime, "iat"},
		{"nbf ahead", claim("nbf", noon.Add(61*time.Second).Unix()), federation.BadTime, "nbf"},
		{"nbf is a text", claim("nbf", "0"), federation.BadForm, "nbf"},
		{"auth_time ahead", claim("auth_time", noon.Add(61*time.Second).Unix()), federation.BadTime, "auth_time"},
		{"no sub", without("sub"), federation.BadForm, "sub"},
		{"empty sub", claim("sub", ""), federation.BadForm, "sub"},
		{"sub is a number", claim("sub", 248289), federation.BadForm, "sub"},
		{"long sub", claim("sub", strings.Repeat("s", 256)), federation.BadForm, "sub"},
		{"sub with a line end", claim("sub", "a\nb"), federation.BadForm, "sub"},
		{"sid is a number", claim("sid", 1), federation.BadForm, "sid"},
		{"typ of a logout token", func(p *provider) { p.header["typ"] = "logout+jwt" }, federation.BadForm, "logout+jwt"},
		{"typ of a logout token, in full", func(p *provider) { p.header["typ"] = "application/Logout+JWT" },
			federation.BadForm, "typ"},
		{"typ of an access token", func(p *provider) { p.header["typ"] = "at+jwt" }, federation.BadForm, "at+jwt"},
		{"crit", func(p *provider) { p.header["crit"] = []any{"x"}; p.header["x"] = 1 }, federation.BadForm, "crit"},
		{"b64", func(p *provider) { p.header["b64"] = false }, federation.BadForm, "b64"},
		{"alg none", func(p *provider) { p.header["alg"], p.sign = "none", unsigned }, federation.BadSignature, `alg "none"`},
		{"alg nOnE", func(p *provider) { p.header["alg"], p.sign = "nOnE", unsigned }, federation.BadSignature, `alg "nOnE"`},
		{"no alg", func(p *provider) { delete(p.header, "alg") }, federation.BadSignature, "alg"},
		{"RS256 without a signature", func(p *provider) { p.sign = unsigned }, federation.BadSignature, "not signed"},
		{"HS256 with the public key", func(p *provider) { p.header["alg"], p.sign = "HS256", hs256(publicPEM) },
			federation.BadSignature, `alg "HS256"`},
		{"HS256 with the public key in DER", func(p *provider) { p.header["alg"], p.sign = "HS256", hs256(publicDER) },
			federation.BadSignature, "HS256"},
		{"HS256 with the modulus", func(p *provider) { p.header["alg"], p.sign = "HS256", hs256(own().N.Bytes()) },
			federation.BadSignature, "HS256"},
		{"HS256 with the client secret", func(p *provider) { p.header["alg"], p.sign = "HS256", hs256([]byte(clientSecret)) },
			federation.BadSignature, "HS256"},
		{"RS1", func(p *provider) { p.header["alg"] = "RS1" }, federation.BadSignature, "RS1"},
		{"another key with our kid", func(p *provider) { p.sign = rs256(foreign()) }, federation.BadSignature,
			"not signed with"},
		{"another key without kid", func(p *provider) { delete(p.header, "kid"); p.sign = rs256(foreign()) },
			federation.BadSignature, "not signed with"},
		{"unknown kid", func(p *provider) { p.header["kid"] = "two" }, federation.BadSignature, `kid "two"`},
		{"kid is a path", header("kid", "../../../../dev/null"), federation.BadSignature, "kid"},
		{"kid is an address", header("kid", attacker.URL+"/keys"), federation.BadSignature, "kid"},
		{"kid is a query", header("kid", "one' UNION SELECT 'key"), federation.BadSignature, "kid"},
		{"jwk in the header", header("jwk", jwk(foreign(), "one")), federation.BadSignature, ""},
		{"jku in the header", header("jku", attacker.URL+"/keys"), federation.BadSignature, ""},
		{"x5u in the header", header("x5u", attacker.URL+"/keys"), federation.BadSignature, ""},
		{"x5c in the header", header("x5c", []any{base64.StdEncoding.EncodeToString(publicDER)}), federation.BadSignature,
			""},
		{"PS256 key said RS256 signature", func(p *provider) {
			k := jwk(own(), "one")
			k["alg"] = "PS256"
			p.jwks = map[string]any{"keys": []any{k}}
		}, federation.BadSignature, "RS256"},
		{"a key for encryption", func(p *provider) {
			k := jwk(own(),
				"one")
			k["use"] = "enc"
			p.jwks = map[string]any{"keys": []any{k}}
		}, federation.BadSignature, "no public key"},
		{"RSA of 1024 bits", func(p *provider) {
			p.jwks, p.sign = map[string]any{"keys": []any{jwk(small(), "one")}},
				rs256(small())
		}, federation.BadSignature, "2048"},
		{"a symmetric key", func(p *provider) {
			k := base64.RawURLEncoding.EncodeToString([]byte("sixteen bytes ok"))
			p.jwks = map[string]any{"keys": []any{map[string]any{"kty": "oct", "kid": "one", "k": k, "alg": "HS256"}}}
			p.header["alg"], p.sign = "HS256", hs256([]byte("sixteen bytes ok"))
		}, federation.BadSignature, "HS256"},
		{"a private key", func(p *provider) {
			k := jwk(own(), "one")
			for name, v := range map[string][]byte{"d": own().D.Bytes(), "p": own().Primes[0].Bytes(),
				"q": own().Primes[1].Bytes()} {
				k[name] = base64.RawURLEncoding.EncodeToString(v)
			}
			p.jwks = map[string]any{"keys": []any{k}}
		}, federation.BadSignature, "no public key"},
		{"P-384", func(p *provider) {
			k := newEC(p.t, elliptic.P384())
			p.jwks, p.sign = map[string]any{"keys": []any{jwkEC(k, "one")}}, es256(newEC(p.t, elliptic.P256()))
			p.header["alg"] = "ES256"
		}, federation.BadSignature, "no public key"},
		{"no keys", func(p *provider) { p.jwks = map[string]any{} }, federation.BadSignature, "no public key"},
		{"keys are a list", func(p *provider) { p.jwks = []any{} }, federation.Misconfigured, "jwks_uri"},
	} {
		t.Run(row.says, func(t *testing.T) {
			p := newProvider(t)
			c := p.connection()
			if _, err := p.answer(p.upstream(), c, p.request(c, false)); err != nil {
				t.Fatalf("as it is: %v", err)
			}
			request := p.request(c, false)
			row.change(p)
			a, err := p.answer(p.upstream(), c, request)
			refused(t, err, row.why, row.words)
			if a.Subject != "" || a.Claims != nil {
				t.Errorf("something is answered: %+v", a)
			}
			if strings.Contains(err.Error(), p.lastToken) || strings.Contains(err.Error(), request.Nonce) {
				t.Errorf("%v says too much", err)
			}
		})
	}
	if canary != 0 {
		t.Errorf("an address of a header was read %d times", canary)
	}
}

// Clocks are 60 seconds apart at most, and Entra says to have issued a token five minutes ago.
func TestClocksMayDiffer(t *testing.T) {
	for says, change := range map[string]func(map[string]any){
		"iat ahead":          func(c map[string]any) { c["iat"] = noon.Add(time.Minute).Unix() },
		"nbf ahead":          func(c map[string]any) { c["nbf"] = noon.Add(time.Minute).Unix() },
		"auth_time ahead":    func(c map[string]any) { c["auth_time"] = noon.Add(time.Minute).Unix() },
		"just over":          func(c map[string]any) { c["exp"] = noon.Add(-59 * time.Second).Unix() },
		"as Entra backdates": func(c map[string]any) { c["iat"] = noon.Add(-5*time.Minute - time.Minute).Unix() },
		"parts of seconds":   func(c map[string]any) { c["iat"] = json.Number("1803902400.25") },
		"several audiences":  func(c map[string]any) { c["aud"], c["azp"] = []any{"other", clientID}, clientID },
		"aud is a list":      func(c map[string]any) { c["aud"] = []any{clientID} },
	} {
		p := newProvider(t)
		c := p.connection()
		request := p.request(c, false)
		change(p.claims)
		if _, err := p.answer(p.upstream(), c, request); err != nil {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// An auth_time that is not a number was not said, which is old wherever it matters.
func TestAuthTimeIsANumber(t *testing.T) {
	for says, value := range map[string]any{"missing": nil, "a text": "1803902400", "a list": []any{1803902400},
		"negative": -1, "zero": 0} {
		p := newProvider(t)
		c := p.connection()
		request := p.request(c, true)
		p.claims["auth_time"] = value
		a, err := p.answer(p.upstream(), c, request)
		if err != nil || !a.AuthTime.IsZero() || !request.Stale(a) {
			t.Errorf("%s: %s, %v", says, a.AuthTime, err)
		}
	}
}

// RFC 9207: a code of another provider is not redeemed here.
func TestMixUp(t *testing.T) {
	p := newProvider(t)
	c, u := p.connection(), p.upstream()
	ask := func(more ...string) error {
		_, err := p.answer(u, c, p.request(c, false), more...)
		return err
	}
	refused(t, ask("iss", "https://evil.test"), federation.BadAudience, "https://evil.test", p.URL)
	refused(t, ask("iss", p.URL+"/"), federation.BadAudience, "iss")
	refused(t, ask("iss", "https://evil.test", "error", "access_denied", "code", ""), federation.BadAudience, "iss")
	if p.count("/token") != 0 {
		t.Fatal("a code was sent")
	}
	for _, err := range []error{ask("iss", p.URL), ask()} { // it does not say that it sends one
		if err != nil {
			t.Error(err)
		}
	}
	p.says["authorization_response_iss_parameter_supported"] = true
	u = p.upstream()
	before := p.count("/token")
	refused(t, ask(), federation.BadAudience, "iss is not in the answer")
	refused(t, ask("error", "access_denied", "code", ""), federation.BadAudience, "iss is not in the answer")
	if p.count("/token") != before {
		t.Fatal("a code was sent")
	}
	if err := ask("iss", p.URL); err != nil {
		t.Error(err)
	}
}

// What a browser may not bring.
func TestAnswersThatNobodyAskedFor(t *testing.T) {
	p := newProvider(t)
	c, u := p.connection(), p.upstream()
	request, other := p.request(c, false), p.request(c, false)
	send := func(method, query, form string) error {
		r := httptest.NewRequest(method, back+"?"+query, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, err := u.Answer(t.Context(), c, request, back, r)
		return err
	}
	state := "state=" + url.QueryEscape(request.State)
	refused(t, send("GET", "code=c", ""), federation.Unsolicited)
	refused(t, send("GET", "code=c&state="+url.QueryEscape(other.State), ""), federation.Unsolicited)
	refused(t, send("GET", state+"&"+state+"&code=c", ""), federation.BadForm, "state 2 times")
	refused(t, send("GET", state+"&code=c&code=d", ""), federation.BadForm, "code 2 times")
	refused(t, send("GET", state, ""), federation.BadForm, "code has 0 bytes")
	refused(t, send("GET", state+"&code="+strings.Repeat("c", 9<<10), ""), federation.BadForm, "code has")
	refused(t, send("GET", state+"&code=%zz", ""), federation.BadForm)
	refused(t, send("PUT", state+"&code=c", ""), federation.BadForm, "PUT")
	refused(t, send("POST", state+"&code=c", ""), federation.Unsolicited) // of a form, only the form counts
	refused(t, send("POST", "", state+"&code=c&x="+strings.Repeat("x", 300<<10)), federation.BadForm, "too long")
	if p.count("/token") != 0 {
		t.Fatal("a code was sent")
	}
	p.claims["nonce"] = request.Nonce
	if err := send("POST", "", state+"&code=c"); err != nil {
		t.Error(err)
	}
	refused(t, send("POST", "", state+"&code=c"), federation.Replayed, "invalid_grant")
}

// A code is redeemed once, and a refusal does not name it.
func TestACodeThatWasUsed(t *testing.T) {
	p := newProvider(t)
	c, u := p.connection(), p.upstream()
	request := p.request(c, false)
	if _, err := p.answer(u, c, request, "code", "SplxlOBe/ZQQYbYS6WxSbIA"); err != nil {
		t.Fatal(err)
	}
	_, err := p.answer(u, c, request, "code", "SplxlOBe/ZQQYbYS6WxSbIA")
	refused(t, err, federation.Replayed, "invalid_grant", "[hidden]")
	if strings.Contains(err.Error(), "Splxl") {
		t.Error(err)
	}
}

// Errors have a reason, and are told in the words of the upstream, without what was sent.
func TestErrorsOfAnUpstream(t *testing.T) {
	for _, row := range []struct {
		code, description string
		why               federation.Reason
	}{
		{"access_denied", "", federation.Denied}, {"access_denied", "The user has cancelled the sign-in",
			federation.Cancelled},
		{"access_denied", "AADSTS65004: User declined to consent", federation.Cancelled},
		{"access_denied", "AADSTS50105: not assigned to a role", federation.Denied},
		{"login_required", "", federation.Interaction}, {"interaction_required", "AADSTS50076", federation.Interaction},
		{"consent_required", "", federation.Interaction}, {"account_selection_required", "", federation.Interaction},
		{"invalid_client", "AADSTS7000222: expired", federation.Misconfigured}, {"unauthorized_client", "", federation.Misconfigured},
		{"invalid_scope", "", federation.Misconfigured}, {"redirect_uri_mismatch", "", federation.Misconfigured}, {"invalid_request", "",
			federation.Misconfigured},
		{"server_error", "", federation.Unreachable}, {"temporarily_unavailable", "", federation.Unreachable},
		{"unmet_authentication_requirements", "", federation.Denied}, {"something_new", "", federation.Denied},
	} {
		t.Run(row.code+" "+row.description, func(t *testing.T) {
			p := newProvider(t)
			c, u := p.connection(), p.upstream()
			_, err := p.answer(u, c, p.request(c, false), "code", "", "error", row.code, "error_description", row.description)
			refused(t, err, row.why, row.code, row.description)
			if p.count("/token") != 0 {
				t.Error("a code was sent")
			}
			p.instead["/token"] = func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(400)
				_ = json.NewEncoder(w).Encode(map[string]string{"error": row.code, "error_description": row.description})
			}
			_, err = p.answer(u, c, p.request(c, false))
			refused(t, err, row.why, row.code, row.description, "token_endpoint")
		})
	}
	p := newProvider(t)
	c, u := p.connection(), p.upstream()
	_, err := p.answer(u, c, p.request(c, false), "code", "", "error", "x\x00\x1b[31m\n", "error_description",
		strings.Repeat("é", 5000)+"\n")
	refused(t, err, federation.Denied)
	if text := err.Error(); len([]rune(text)) > 700 || strings.ContainsAny(text, "\x00\x1b\n") {
		t.Errorf("%q", text)
	}
	p.instead["/token"] = func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.WriteHeader(401)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"error":             "invalid_client",
			"error_description": "got " + r.Header.Get("Authorization") + " " + r.PostForm.Encode() + " " + clientSecret,
		})
	}
	request := p.request(c, false)
	_, err = p.answer(u, c, request, "code", "a code/+")
	refused(t, err, federation.Misconfigured, "[hidden]")
	for _, secret := range []string{clientSecret, url.QueryEscape(clientSecret), request.Verifier, "a code/+",
		url.QueryEscape("a code/+")} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v says %s", err, secret)
		}
	}
}
