package op_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/secret"
)

// prover makes DPoP proofs with one key, right ones unless they are spoiled.
type prover struct {
	testing.TB
	key    crypto.Signer
	alg    jose.SignatureAlgorithm
	now    func() time.Time
	header map[jose.HeaderKey]any
	spoil  func(claims map[string]any)
}

func newProver(c caller) prover {
	c.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.Fatal(err)
	}
	return prover{c.TB, key, jose.ES256, c.Now, nil, nil}
}

func (p prover) spoiled(spoil func(map[string]any)) prover { p.spoil = spoil; return p }

func (p prover) headed(header map[jose.HeaderKey]any) prover { p.header = header; return p }

func (p prover) jkt() string {
	print, err := (&jose.JSONWebKey{Key: p.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		p.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(print)
}

// proof is one for a request; with a token it is one for that token.
func (p prover) proof(method, target, token string) string {
	p.Helper()
	claims := map[string]any{"jti": secret.ID(), "htm": method, "htu": target, "iat": p.now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if p.spoil != nil {
		p.spoil(claims)
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	for k, v := range p.header {
		options.WithHeader(k, v)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.key}, options)
	if err != nil {
		p.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		p.Fatal(err)
	}
	jws, err := signer.Sign(text)
	if err != nil {
		p.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		p.Fatal(err)
	}
	return compact
}

// bound asks for tokens with a proof.
func (c caller) bound(form url.Values, party, proof string) tokens {
	c.Helper()
	header := map[string]string{}
	if party != "" {
		header = basicOf(party, secretText)
	}
	if proof != "" {
		header["DPoP"] = proof
	}
	res := c.send(http.MethodPost, issuer+"/token", form.Encode(), header)
	var got tokens
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		c.Fatal(err)
	}
	got.Status, got.Header = res.StatusCode, res.Header
	return got
}

func (c caller) info(scheme, token, proof string) *http.Response {
	header := map[string]string{"Authorization": scheme + " " + token}
	if proof != "" {
		header["DPoP"] = proof
	}
	return c.send(http.MethodGet, issuer+"/userinfo", "", header)
}

const (
	tokenURL    = issuer + "/token"
	userinfoURL = issuer + "/userinfo"
)

// RFC 9449: a token that was given with a proof works with a proof of the same key for that very token, and no other way.
func TestBoundTokenWorksWithItsKeyOnly(t *testing.T) {
	c := newCaller(t)
	for _, kind := range []string{"opaque", "jwt"} {
		c.declare("client_id: web, access_token: " + kind)
		b, ours, theirs := c.signIn(issuer), newProver(c), newProver(c)
		got := c.bound(codeForm(c.code(b, "web", nil)), "web", ours.proof("POST", tokenURL, ""))
		bearer := c.token(codeForm(c.code(b, "web", nil)), "web")
		if got.Error != "" || got.Type != "DPoP" || bearer.Type != "Bearer" {
			t.Fatalf("%s: %+v %+v", kind, got, bearer)
		}
		proof := func(p prover) string { return p.proof("GET", userinfoURL, got.Access) }
		if res := c.info("DPoP", got.Access, proof(ours)); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %+v", kind, c.said(res))
		}
		if res := c.info("dpop", got.Access, proof(ours)); res.StatusCode != http.StatusOK {
			t.Errorf("%s, scheme in lower case: %+v", kind, c.said(res))
		}
		once := proof(ours)
		c.info("DPoP", got.Access, once)
		for says, row := range map[string]struct {
			res  *http.Response
			code string
		}{
			"as a bearer token":             {c.info("Bearer", got.Access, ""), "invalid_token"},
			"as a bearer token, with proof": {c.info("Bearer", got.Access, proof(ours)), "invalid_token"},
			"in the body":                   {c.send("POST", userinfoURL, "access_token="+got.Access, nil), "invalid_token"},
			"a bearer token as bound":       {c.info("DPoP", bearer.Access, ours.proof("GET", userinfoURL, bearer.Access)), "invalid_token"},
			"without a proof":               {c.info("DPoP", got.Access, ""), "invalid_dpop_proof"},
			"another key":                   {c.info("DPoP", got.Access, proof(theirs)), "invalid_token"},
			"for another token":             {c.info("DPoP", got.Access, ours.proof("GET", userinfoURL, bearer.Access)), "invalid_dpop_proof"},
			"for no token":                  {c.info("DPoP", got.Access, ours.proof("GET", userinfoURL, "")), "invalid_dpop_proof"},
			"another method":                {c.info("DPoP", got.Access, ours.proof("POST", userinfoURL, got.Access)), "invalid_dpop_proof"},
			"another address":               {c.info("DPoP", got.Access, ours.proof("GET", tokenURL, got.Access)), "invalid_dpop_proof"},
			"used before":                   {c.info("DPoP", got.Access, once), "invalid_dpop_proof"},
		} {
			said := c.said(row.res)
			if said.status != http.StatusUnauthorized || said.code != row.code {
				t.Errorf("%s, %s: %+v", kind, says, said)
			}
			if all := strings.Join(row.res.Header.Values("WWW-Authenticate"), "\n"); !strings.Contains(all, `algs="ES256 EdDSA PS256"`) || !strings.Contains(all, `error="`+row.code+`"`) {
				t.Errorf("%s, %s: challenges %s", kind, says, all)
			}
		}
		var about struct {
			Type  string            `json:"token_type"`
			Bound map[string]string `json:"cnf"`
		}
		res := c.send("POST", issuer+"/introspect", "token="+got.Access, basicOf("web", secretText))
		if err := json.NewDecoder(res.Body).Decode(&about); err != nil || about.Type != "DPoP" || about.Bound["jkt"] != ours.jkt() {
			t.Errorf("%s: introspection says %+v (%v)", kind, about, err)
		}
	}
}

// RFC 9449 section 4.3, each check by itself; a refused proof costs neither code nor refresh token.
func TestProofsThatProveNothing(t *testing.T) {
	c := newCaller(t)
	b, p := c.signIn(issuer), newProver(c)
	code := c.code(b, "web", nil)
	set := func(name string, value any) prover {
		return p.spoiled(func(claims map[string]any) {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		})
	}
	big, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := c.Now()
	at := func(p prover) string { return p.proof("POST", tokenURL, "") }
	good := at(p)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"dpop+jwt","alg":"none"}`)) + "." + parts[1] + "."
	private, err := jose.JSONWebKey{Key: p.key}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	withPrivate := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"dpop+jwt","alg":"ES256","jwk":`+string(private)+`}`)) + "." + parts[1] + "." + parts[2]
	twice := base64.RawURLEncoding.EncodeToString([]byte(`{"jti":"a","jti":"b","htm":"POST"}`))
	for says, proof := range map[string]string{
		"nothing":              "x",
		"two parts":            parts[0] + "." + parts[1],
		"a million dots":       strings.Repeat(".", 1_000),
		"none":                 none,
		"private key":          withPrivate,
		"spoiled signature":    parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"another payload":      parts[0] + "." + twice + "." + parts[2],
		"typ JWT":              at(p.headed(map[jose.HeaderKey]any{"typ": "JWT"})),
		"crit":                 at(p.headed(map[jose.HeaderKey]any{"crit": []string{"exp"}, "exp": 1})),
		"RS256":                at(prover{t, rsaKey, jose.RS256, c.Now, nil, nil}),
		"RSA of 1024 bits":     at(prover{t, big, jose.PS256, c.Now, nil, nil}),
		"no jti":               at(set("jti", nil)),
		"jti of 300":           at(set("jti", strings.Repeat("x", 300))),
		"jti a number":         at(set("jti", 5)),
		"no htm":               at(set("htm", nil)),
		"htm in lower case":    at(set("htm", "post")),
		"no htu":               at(set("htu", nil)),
		"htu of another":       at(set("htu", "https://evil.test/token")),
		"htu by http":          at(set("htu", "http://login.linde.test/token")),
		"htu with a user":      at(set("htu", "https://a@login.linde.test/token")),
		"htu with a slash":     at(set("htu", "https://login.linde.test/token/")),
		"htu, a coded slash":   at(set("htu", "https://login.linde.test%2Ftoken")),
		"no iat":               at(set("iat", nil)),
		"iat an hour ago":      at(set("iat", now.Add(-time.Hour).Unix())),
		"iat in an hour":       at(set("iat", now.Add(time.Hour).Unix())),
		"iat beyond all years": at(set("iat", 1e300)),
		"iat a text":           at(set("iat", "now")),
		"expired":              at(set("exp", now.Add(-2*time.Minute).Unix())),
		"not yet":              at(set("nbf", now.Add(2*time.Minute).Unix())),
	} {
		got := c.bound(codeForm(code), "web", proof)
		if got.Error != "invalid_dpop_proof" || got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", says, got.Status, got.Error)
		}
	}
	r, err := http.NewRequest("POST", tokenURL, strings.NewReader(codeForm(code).Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("web", secretText)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header["Dpop"] = []string{at(p), at(p)}
	res, err := c.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if said := c.said(res); said.code != "invalid_dpop_proof" {
		t.Errorf("two proofs: %+v", said)
	}
	if got := c.bound(codeForm(code), "web", good); got.Error != "" {
		t.Errorf("after all that: %+v", got)
	}
	// A proof that works once does so only once, with whatever it comes.
	if got := c.bound(codeForm(c.code(b, "web", nil)), "web", good); got.Error != "invalid_dpop_proof" || got.Access != "" {
		t.Errorf("again: %+v", got)
	}
}

func TestProofsThatAreGoodAllTheSame(t *testing.T) {
	c := newCaller(t)
	b, p := c.signIn(issuer), newProver(c)
	for says, claims := range map[string]map[string]any{
		"59 seconds old": {"iat": c.Now().Add(-59 * time.Second).Unix()}, "59 seconds ahead": {"iat": c.Now().Add(59 * time.Second).Unix()},
		"a fraction": {"iat": float64(c.Now().Unix()) + .5}, "with nbf and exp": {"nbf": c.Now().Unix(), "exp": c.Now().Add(time.Minute).Unix()},
		"port": {"htu": "https://login.linde.test:443/token"}, "capitals": {"htu": "HTTPS://Login.Linde.test/token"},
		"query and fragment": {"htu": tokenURL + "?x=y#z"}, "coded letter": {"htu": "https://login.linde.test/%74oken"}, "dots": {"htu": "https://login.linde.test/a/../token"},
		"more claims": {"nonce": "x", "aud": "y"},
	} {
		got := c.bound(codeForm(c.code(b, "web", nil)), "web", p.spoiled(func(all map[string]any) {
			for k, v := range claims {
				all[k] = v
			}
		}).proof("POST", tokenURL, ""))
		if got.Error != "" || got.Type != "DPoP" {
			t.Errorf("%s: %+v", says, got)
		}
	}
}

// RFC 9449 sections 5 and 10: who may refresh with which key, and which key a code is bound to. Public parties' refresh
// tokens are bound to the first key; confidential parties prove themselves, and may take a new key each time.
func TestWhatIsBoundToAKey(t *testing.T) {
	c := newCaller(t)
	b, ours, theirs := c.signIn(issuer), newProver(c), newProver(c)
	at := func(p prover) string { return p.proof("POST", tokenURL, "") }
	spa := func(change func(url.Values)) url.Values {
		form := codeForm(c.code(b, "spa", change))
		form.Set("client_id", "spa")
		form.Set("redirect_uri", "https://spa.test/cb")
		return form
	}
	refresh := func(token, party string) url.Values {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
		if party == "spa" {
			form.Set("client_id", party)
		}
		return form
	}
	first := c.bound(spa(nil), "", at(ours))
	for says, proof := range map[string]string{"no proof": "", "another key": at(theirs)} {
		if got := c.bound(refresh(first.Refresh, "spa"), "", proof); got.Error != "invalid_grant" {
			t.Errorf("public, %s: %+v", says, got)
		}
	}
	second := c.bound(refresh(first.Refresh, "spa"), "", at(ours))
	if second.Error != "" || second.Type != "DPoP" {
		t.Fatalf("public, same key: %+v", second)
	}
	// The repeat of a rotation is held to the key as well.
	if got := c.bound(refresh(first.Refresh, "spa"), "", at(theirs)); got.Error != "invalid_grant" {
		t.Errorf("public, a repeat with another key: %+v", got)
	}
	if got := c.bound(refresh(first.Refresh, "spa"), "", at(ours)); got.Refresh != second.Refresh {
		t.Errorf("public, a repeat: %+v", got)
	}
	web := c.bound(codeForm(c.code(b, "web", nil)), "web", at(ours))
	if got := c.bound(refresh(web.Refresh, "web"), "web", at(theirs)); got.Error != "" || got.Type != "DPoP" {
		t.Errorf("confidential, new key: %+v", got)
	}
	if got := c.bound(refresh(web.Refresh, "web"), "web", ""); got.Error != "" || got.Type != "Bearer" {
		t.Errorf("confidential, no key: %+v", got)
	}
	named := func(q url.Values) { q.Set("dpop_jkt", ours.jkt()) }
	code := codeForm(c.code(b, "web", named))
	for says, proof := range map[string]string{"no proof": "", "another key": at(theirs)} {
		if got := c.bound(code, "web", proof); got.Error != "invalid_grant" {
			t.Errorf("code for a key, %s: %+v", says, got)
		}
	}
	if got := c.bound(code, "web", at(ours)); got.Error != "" {
		t.Errorf("code for a key: %+v", got)
	}
	if err := b.Open(issuer + authorizeQuery("web", func(q url.Values) { q.Set("dpop_jkt", "x") })); err != nil || b.URL.Query().Get("error") != "invalid_request" {
		t.Errorf("dpop_jkt that is none: %s %v", b.URL, err)
	}
	c.declare("client_id: web, dpop_bound_access_tokens: true, grant_types: [authorization_code, refresh_token, client_credentials]")
	for says, form := range map[string]url.Values{
		"code": codeForm(c.code(b, "web", nil)), "refresh": refresh(web.Refresh, "web"), "client credentials": {"grant_type": {"client_credentials"}},
	} {
		if got := c.bound(form, "web", ""); got.Error != "invalid_request" || !strings.Contains(got.Text, "DPoP") {
			t.Errorf("must bind, %s without a proof: %+v", says, got)
		}
		if got := c.bound(form, "web", at(ours)); got.Error != "" || got.Type != "DPoP" {
			t.Errorf("must bind, %s: %+v", says, got)
		}
	}
}
