package docs_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/phone"
)

// The files of docs/app are made from the reference client: UPDATE_DOCS=1 go test ./docs writes them anew.

// vectors are docs/app/vectors.json: what another client of the mobile app checks itself with.
type vectors struct {
	About string       `json:"about"`
	PIN   []pinVector  `json:"pin"`
	DPoP  []dpopVector `json:"dpop"`
	PKCE  []pkceVector `json:"pkce"`
	QR    struct {
		Issuers []string   `json:"issuers"` // those that the app was configured for
		Texts   []qrVector `json:"texts"`
	} `json:"qr"`
	Choice []choiceVector `json:"choice"`
}

type pinVector struct {
	Name   string            `json:"name"`
	Issuer string            `json:"issuer"`
	Key    map[string]string `json:"TEST_KEY_device_key"` // a private JWK
	JKT    string            `json:"jkt"`
	Secret string            `json:"TEST_SECRET_pin_secret"` // base64url
	PIN    string            `json:"pin"`
	PINKey string            `json:"pin_key"`
	ID     string            `json:"jti"`
	Nonce  string            `json:"nonce"`
	Proof  string            `json:"pin_proof"`
}

type dpopVector struct {
	Name   string            `json:"name"`
	Key    map[string]string `json:"TEST_KEY_device_key"`
	Method string            `json:"method"`
	URL    string            `json:"url"`
	At     int64             `json:"iat"`
	ID     string            `json:"jti"`
	Nonce  string            `json:"nonce,omitempty"`
	Token  string            `json:"access_token,omitempty"`
	Hash   string            `json:"ath,omitempty"`
	Proof  string            `json:"proof"`
}

type pkceVector struct {
	Verifier  string `json:"code_verifier"`
	Challenge string `json:"code_challenge"`
}

type qrVector struct {
	Why       string `json:"why"`
	Text      string `json:"text"`
	Issuer    string `json:"issuer,omitempty"` // empty: the text is refused
	Reference string `json:"reference,omitempty"`
}

type choiceVector struct {
	PIN  string `json:"pin"`
	Says string `json:"says"` // ok, weak, or not a PIN
}

// testKey is the same each time, and published.
func testKey(t *testing.T, n int) *ecdsa.PrivateKey {
	t.Helper()
	scalar := sha256.Sum256(fmt.Appendf(nil, "docs/app/vectors.json: test key %d", n))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func testSecret(n int) []byte {
	secret := sha256.Sum256(fmt.Appendf(nil, "docs/app/vectors.json: test secret %d", n))
	return secret[:]
}

// always signs without randomness (RFC 6979), so that the file is the same each time.
type always struct{ *ecdsa.PrivateKey }

func (a always) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return a.PrivateKey.Sign(nil, digest, opts)
}

func privateJWK(t *testing.T, key *ecdsa.PrivateKey) map[string]string {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var jwk map[string]string
	if err := json.Unmarshal(text, &jwk); err != nil {
		t.Fatal(err)
	}
	return jwk
}

const (
	vectorIssuer = "https://inloggen.ggz-linde.example"
	pathIssuer   = "https://inloggen.example/ggz-linde"
	vectorID     = "uT3pJr0mQ8y1Zc5vXk2WnA"
	vectorNonce  = "eyJub25jZSI6MX0.c2VhbGVk_-9"
)

var vectorReference = base64.RawURLEncoding.EncodeToString(testSecret(9))

func makeVectors(t *testing.T) vectors {
	t.Helper()
	v := vectors{About: "Made by UPDATE_DOCS=1 go test ./docs. Keys and secrets in this file are for tests and known to everybody. " +
		"Byte strings are base64url without padding."}
	for i, row := range []struct{ name, issuer, pin, jti, nonce string }{
		{"an issuer without a path", vectorIssuer, "48213", vectorID, vectorNonce},
		{"an issuer with a path, and a PIN that begins with zero", pathIssuer, "00472", "f1Z0xQkq3Jw9bC7tNn5s2g", "AAECAwQFBgcICQ"},
		{"another key and secret, the rest as before", pathIssuer, "00472", "f1Z0xQkq3Jw9bC7tNn5s2g", "AAECAwQFBgcICQ"},
		{"a port, a long nonce", "https://inloggen.example:8443/a/b", "90909", strings.Repeat("j", 43), strings.Repeat("Nonce-_.", 20)},
	} {
		key, secret := testKey(t, i), testSecret(i)
		jkt, err := phone.Thumbprint(key)
		if err != nil {
			t.Fatal(err)
		}
		pinKey := phone.PINKey(secret, row.issuer, jkt, row.pin)
		v.PIN = append(v.PIN, pinVector{row.name, row.issuer, privateJWK(t, key), jkt, base64url(secret), row.pin, base64url(pinKey),
			row.jti, row.nonce, base64url(phone.PINProof(pinKey, row.jti, row.nonce))})
	}
	for _, row := range []dpopVector{
		{Name: "the first request: no nonce yet", Method: "POST", URL: vectorIssuer + "/token", ID: vectorID},
		{Name: "with the nonce of the answer", Method: "POST", URL: vectorIssuer + "/token", ID: "q5Wv8Zk1Yt7Rb3Nc6Mx0Lg", Nonce: vectorNonce},
		{Name: "with an access token", Method: "PUT", URL: pathIssuer + "/app/pin", ID: "h2Jd9Sf4Gk6Lz8Xc1Vb3Nw", Nonce: vectorNonce, Token: "idpst_Zm9yIGEgdGVzdA"},
	} {
		key := testKey(t, 0)
		row.Key, row.At = privateJWK(t, key), time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Unix()
		if row.Token != "" {
			row.Hash = base64url(sum(row.Token))
		}
		var err error
		p := phone.Proof{Method: row.Method, URL: row.URL, ID: row.ID, Nonce: row.Nonce, Token: row.Token, At: time.Unix(row.At, 0)}
		if row.Proof, err = p.Sign(always{key}); err != nil {
			t.Fatal(err)
		}
		v.DPoP = append(v.DPoP, row)
	}
	for _, verifier := range []string{"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", base64url(testSecret(7))} { // the first is of RFC 7636 B
		v.PKCE = append(v.PKCE, pkceVector{verifier, phone.Challenge(verifier)})
	}
	v.QR.Issuers = []string{vectorIssuer, pathIssuer, "https://inloggen.example:8443/a/b"}
	for _, row := range scanned() {
		row.Issuer, row.Reference, _ = phone.ParseQR(row.Text, v.QR.Issuers) // both are empty where it is refused
		v.QR.Texts = append(v.QR.Texts, row)
	}
	for _, pin := range []string{"48213", "00472", "12344", "12123", "13579", "11111", "00000", "12121", "90909", "01234", "12345", "56789", "67890", "90123",
		"98765", "54321", "10987", "1234", "482135", "4821a", "", " 4821", "-4821", "٤٨٢١٣"} {
		says := "ok"
		if err := phone.CheckPIN(pin); err != nil {
			says = map[error]string{phone.ErrWeakPIN: "weak", phone.ErrNoPIN: "not a PIN"}[err]
		}
		v.Choice = append(v.Choice, choiceVector{pin, says})
	}
	return v
}

// scanned are texts of QR codes: the first three are good.
func scanned() []qrVector {
	good := vectorIssuer + "/app#" + vectorReference
	rows := []qrVector{
		{Why: "ours", Text: good},
		{Why: "ours, of an issuer with a path", Text: pathIssuer + "/app#" + vectorReference},
		{Why: "ours, of an issuer with a port", Text: "https://inloggen.example:8443/a/b/app#" + vectorReference},
		{Why: "an issuer that the app does not know", Text: "https://inloggen.evil.example/app#" + vectorReference},
		{Why: "an issuer that only begins like ours", Text: vectorIssuer + ".evil.example/app#" + vectorReference},
		{Why: "ours as the name of a user", Text: vectorIssuer + "@evil.example/app#" + vectorReference},
		{Why: "another path", Text: "https://inloggen.example/ggz-els/app#" + vectorReference},
		{Why: "below ours", Text: pathIssuer + "/more/app#" + vectorReference},
		{Why: "a way around in the path", Text: "https://inloggen.example/ggz-els/../ggz-linde/app#" + vectorReference},
		{Why: "the path in another spelling", Text: "https://inloggen.example/ggz%2Dlinde/app#" + vectorReference},
		{Why: "without encryption", Text: strings.Replace(good, "https:", "http:", 1)},
		{Why: "capitals in the scheme", Text: strings.Replace(good, "https:", "HTTPS:", 1)},
		{Why: "capitals in the host", Text: strings.Replace(good, "linde", "Linde", 1)},
		{Why: "a port that is said", Text: strings.Replace(good, "/app", ":443/app", 1)},
		{Why: "another page", Text: strings.Replace(good, "/app#", "/apps#", 1)},
		{Why: "a slash more", Text: strings.Replace(good, "/app#", "//app#", 1)},
		{Why: "a slash at the end", Text: strings.Replace(good, "/app#", "/app/#", 1)},
		{Why: "a query", Text: strings.Replace(good, "/app#", "/app?a=b#", 1)},
		{Why: "the reference in the query", Text: strings.Replace(good, "#", "?", 1)},
		{Why: "no reference", Text: vectorIssuer + "/app#"},
		{Why: "no fragment", Text: vectorIssuer + "/app"},
		{Why: "a reference that is too short", Text: good[:len(good)-1]},
		{Why: "a reference that is too long", Text: good + "A"},
		{Why: "padding", Text: good + "="},
		{Why: "two fragments", Text: good + "#" + vectorReference},
		{Why: "the other base64", Text: good[:len(good)-2] + "+/"},
		{Why: "a line end", Text: good + "\n"},
		{Why: "a space in front", Text: " " + good},
		{Why: "something else", Text: "WIFI:S:gast;T:WPA;P:welkom;;"},
		{Why: "nothing", Text: ""},
	}
	return rows
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func sum(text string) []byte {
	s := sha256.Sum256([]byte(text))
	return s[:]
}

func TestVectorsOfTheApp(t *testing.T) {
	v := makeVectors(t)
	for i, row := range v.QR.Texts {
		if good := i < 3; good != (row.Issuer != "") || good && row.Text != row.Issuer+"/app#"+row.Reference {
			t.Errorf("QR code %q: %q %q", row.Text, row.Issuer, row.Reference)
		}
	}
	for _, row := range v.Choice {
		if row.Says == "" {
			t.Errorf("PIN %q", row.PIN)
		}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	fileOf(t, "app/vectors.json", text.String())
}

// The vectors are known from elsewhere too: RFC 7636 appendix B, a library's thumbprint and signature, and HMACs of
// printf 'minddistrict pin v1\0…' | openssl dgst -sha256 -mac HMAC -macopt hexkey:….
func TestVectorsAgreeWithOthers(t *testing.T) {
	v := makeVectors(t)
	if got := v.PKCE[0].Challenge; got != "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" {
		t.Errorf("code_challenge %s", got)
	}
	if row := v.PIN[0]; row.PINKey != "Om4SYgGGnCnDON_M53PkSS1oxFMh1BmWu7102Tz-eFk" || row.Proof != "t8djzxAjZV-hl2rWy1ei_LuKh9giMrOAvRKHCHvel3s" {
		t.Errorf("pin_key %s, pin_proof %s", row.PINKey, row.Proof)
	}
	for i, row := range v.PIN {
		key := jose.JSONWebKey{Key: testKey(t, i).Public()}
		print, err := key.Thumbprint(crypto.SHA256)
		if err != nil || row.JKT != base64url(print) {
			t.Errorf("%s: jkt %s, want %s (%v)", row.Name, row.JKT, base64url(print), err)
		}
	}
	for _, row := range v.DPoP {
		jws, err := jose.ParseSignedCompact(row.Proof, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := jws.Verify(testKey(t, 0).Public())
		if err != nil {
			t.Errorf("%s: %v", row.Name, err)
		}
		var claims struct {
			ID     string `json:"jti"`
			Method string `json:"htm"`
			URL    string `json:"htu"`
			Nonce  string `json:"nonce"`
			Hash   string `json:"ath"`
			At     int64  `json:"iat"`
		}
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		got := dpopVector{Name: row.Name, Key: row.Key, Method: claims.Method, URL: claims.URL, At: claims.At, ID: claims.ID, Nonce: claims.Nonce,
			Token: row.Token, Hash: claims.Hash, Proof: row.Proof}
		if !reflect.DeepEqual(got, row) {
			t.Errorf("%s: %s", row.Name, payload)
		}
	}
}

// One bit of any input changes the output.
func TestEveryBitOfAVectorCounts(t *testing.T) {
	for _, row := range makeVectors(t).PIN {
		secret, _ := base64.RawURLEncoding.DecodeString(row.Secret)
		key, _ := base64.RawURLEncoding.DecodeString(row.PINKey)
		for what, f := range map[string]struct {
			input []byte
			of    func([]byte) []byte
		}{
			"pin_key by pin_secret":  {secret, func(b []byte) []byte { return phone.PINKey(b, row.Issuer, row.JKT, row.PIN) }},
			"pin_key by issuer":      {[]byte(row.Issuer), func(b []byte) []byte { return phone.PINKey(secret, string(b), row.JKT, row.PIN) }},
			"pin_key by jkt":         {[]byte(row.JKT), func(b []byte) []byte { return phone.PINKey(secret, row.Issuer, string(b), row.PIN) }},
			"pin_key by PIN":         {[]byte(row.PIN), func(b []byte) []byte { return phone.PINKey(secret, row.Issuer, row.JKT, string(b)) }},
			"pin_proof by pin_key":   {key, func(b []byte) []byte { return phone.PINProof(b, row.ID, row.Nonce) }},
			"pin_proof by jti":       {[]byte(row.ID), func(b []byte) []byte { return phone.PINProof(key, string(b), row.Nonce) }},
			"pin_proof by nonce":     {[]byte(row.Nonce), func(b []byte) []byte { return phone.PINProof(key, row.ID, string(b)) }},
			"code_challenge by code": {[]byte(row.ID), func(b []byte) []byte { return []byte(phone.Challenge(string(b))) }},
		} {
			seen := map[string]bool{string(f.of(f.input)): true}
			for bit := range len(f.input) * 8 {
				other := bytes.Clone(f.input)
				other[bit/8] ^= 1 << (bit % 8)
				if got := string(f.of(other)); seen[got] {
					t.Fatalf("%s: %s: bit %d changes nothing", row.Name, what, bit)
				} else {
					seen[got] = true
				}
			}
		}
	}
}

// docs/app/weak-pins.txt is what the rule refuses: ten of equal digits, a row up and down from each digit, ninety pairs.
func TestWeakPINsAreListed(t *testing.T) {
	var list strings.Builder
	n := 0
	for i := range 100_000 {
		if pin := fmt.Sprintf("%05d", i); phone.CheckPIN(pin) != nil {
			list.WriteString(pin + "\n")
			n++
		}
	}
	if n != 10+20+90 {
		t.Errorf("%d weak PINs", n)
	}
	fileOf(t, "app/weak-pins.txt", list.String())
}

// fileOf compares a file with what it should be, and writes it with UPDATE_DOCS=1.
func fileOf(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err == nil && string(got) == want {
		return
	}
	if os.Getenv("UPDATE_DOCS") == "" {
		t.Errorf("docs/%s is not up to date (%v): UPDATE_DOCS=1 go test ./docs", path, err)
		return
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Its examples are those of the vectors, so that somebody can follow them by hand.
func TestExamplesOfTheAppAreVectors(t *testing.T) {
	page, v := read(t, "app.md"), makeVectors(t)
	first, proof := v.PIN[0], v.DPoP[1]
	for _, want := range []string{
		first.Issuer, first.JKT, "pin_key=" + first.PINKey + "\n", `"jti":"` + first.ID + `"`, `"nonce":"` + first.Nonce + `"`, "pin_proof=" + first.Proof + "\n",
		`"x":"` + first.Key["x"] + `","y":"` + first.Key["y"] + `"`, fmt.Sprintf(`"iat":%d`, proof.At), v.QR.Texts[0].Text + "\n",
		"reference=" + v.QR.Texts[0].Reference + "\n", "code_verifier=" + v.PKCE[0].Verifier, "code_challenge=" + v.PKCE[0].Challenge,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("docs/app.md lacks %q", want)
		}
	}
}

// Every parameter, member, code and grant type that the reference client knows is on the page.
func TestPageOfTheAppSaysAllThatTheClientKnows(t *testing.T) {
	page := read(t, "app.md") + strings.ReplaceAll(read(t, "app.md"), "%3A", ":")
	own := []string{"no_connection", "bad_answer"} // said to the app, by no server
	files, err := filepath.Glob("../internal/phone/*.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	set := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok && field.Tag != nil {
				name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
				known[name] = true
				return false
			}
			if text, ok := literal(n); ok && regexp.MustCompile(`^([a-z]+(_[a-z]+)+|urn:.*|/app/.*|minddistrict.*)$`).MatchString(text) {
				known[text] = true
			}
			return true
		})
	}
	for _, name := range []string{"", "-"} {
		delete(known, name)
	}
	if len(known) < 40 {
		t.Errorf("found only %d names", len(known))
	}
	for name := range known {
		if !strings.Contains(page, name) && !slices.Contains(own, name) {
			t.Errorf("docs/app.md does not say %s", name)
		}
	}
}
