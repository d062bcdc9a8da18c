package phone_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/phone"
)

const (
	issuer = "https://inloggen.example/linde"
	other  = "https://inloggen.example/els"
	pin    = "48213"
)

// phones is an app on a phone whose clock is an hour off, and the server it speaks to.
type phones struct {
	*server
	app    *phone.App
	store  *phone.Memory
	now    time.Time
	waited []time.Duration
}

func newPhone(t *testing.T) *phones {
	t.Helper()
	s, client := newServer(t, issuer)
	p := &phones{server: s, store: &phone.Memory{}, now: s.clock.Add(-time.Hour)}
	p.app = p.start(t, client)
	return p
}

// start opens the app, as after it was ended.
func (p *phones) start(t *testing.T, client *http.Client) *phone.App {
	t.Helper()
	app, err := phone.New(phone.Config{
		ClientID: "app", RedirectURI: "nl.example.app:/callback", Scope: "openid profile", Issuers: []string{issuer, other},
		DeviceName: "Telefoon van Anna", Store: p.store, HTTP: client, Now: func() time.Time { return p.now },
		Wait: func(_ context.Context, d time.Duration) error {
			p.waited, p.now = append(p.waited, d), p.now.Add(d)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func (p *phones) device(t *testing.T) *phone.Device {
	t.Helper()
	d, err := p.app.Device(issuer)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// signedIn is a device that came in by the browser and has a PIN.
func (p *phones) signedIn(t *testing.T) *phone.Device {
	t.Helper()
	d := p.device(t)
	p.byBrowser(t, d)
	must(t, d.SetPIN(t.Context(), pin))
	return d
}

func (p *phones) byBrowser(t *testing.T, d *phone.Device) {
	t.Helper()
	signIn, err := d.SignIn(t.Context(), nil)
	must(t, err)
	back, _ := p.consents(signIn.URL)
	must(t, signIn.Redeem(t.Context(), back))
}

func (p *phones) code() string { return issuer + "/app#" + strings.Repeat("Ab-_", 10) + "abc" }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails wants an error with this code.
func fails(t *testing.T, err error, code string) {
	t.Helper()
	told(t, err, code)
}

// told is what such an error says.
func told(t *testing.T, err error, code string) phone.Error {
	t.Helper()
	var e *phone.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return *e
}

func TestSignInByBrowserThenPIN(t *testing.T) {
	p := newPhone(t)
	d := p.device(t)
	if d.HasPIN() {
		t.Error("a PIN before all")
	}
	signIn, err := d.SignIn(t.Context(), url.Values{"acr_values": {"urn:minddistrict:acr:2fa"}})
	must(t, err)
	back, asked := p.consents(signIn.URL)
	key, _ := p.store.Stolen(issuer)
	if key == nil {
		t.Fatal("no key before the first request")
	}
	jkt, err := phone.Thumbprint(key)
	must(t, err)
	for name, want := range map[string]string{"response_type": "code", "client_id": "app", "scope": "openid profile", "dpop_jkt": jkt,
		"code_challenge_method": "S256", "acr_values": "urn:minddistrict:acr:2fa"} {
		if got := asked.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(asked.Get("state")) < 22 || len(asked.Get("nonce")) < 22 {
		t.Errorf("state or nonce: %v", asked)
	}
	for _, foreign := range []string{
		strings.Replace(back, "state=", "state=x", 1), strings.Replace(back, "linde", "els", 1),
		strings.Replace(back, "iss=", "is=", 1),
		strings.Replace(back, "/callback", "/other", 1), "%", "",
	} {
		if err := signIn.Redeem(t.Context(), foreign); !errors.Is(err, phone.ErrNotAnswered) {
			t.Errorf("%s: %v", foreign, err)
		}
	}
	must(t, signIn.Redeem(t.Context(), back))
	if err := signIn.Redeem(t.Context(), back); !errors.Is(err, phone.ErrNotAnswered) {
		t.Errorf("the same answer twice: %v", err)
	}
	must(t, d.SetPIN(t.Context(), pin))
	tokens, err := d.EnterPIN(t.Context(), pin, "")
	must(t, err)
	if tokens.AccessToken != "access-1" || tokens.Claims["sub"] != "anna" || !d.HasPIN() {
		t.Errorf("%+v", tokens)
	}
	if info, err := d.UserInfo(t.Context()); err != nil || info["sub"] != "anna" {
		t.Errorf("%v %v", info, err)
	}
	if next, err := d.Refresh(t.Context()); err != nil || next.AccessToken != "access-2" || d.Tokens() != next {
		t.Errorf("%v %v", next, err)
	}
	for _, used := range p.keys {
		if used != jkt {
			t.Errorf("a request with the key %s", used)
		}
	}
}

func TestErrorOfTheBrowser(t *testing.T) {
	p := newPhone(t)
	signIn, err := p.device(t).SignIn(t.Context(), nil)
	must(t, err)
	back, _ := p.consents(signIn.URL)
	fails(t, signIn.Redeem(t.Context(), strings.Replace(back, "code=c", "error=access_denied", 1)), phone.Denied)
}

// The phone's clock is an hour off all the time; the server's nonce counts.
func TestNonceIsAskedOnceAndRemembered(t *testing.T) {
	p := newPhone(t)
	d := p.signedIn(t)
	before := len(p.requests)
	_, err := d.EnterPIN(t.Context(), pin, "")
	must(t, err)
	if n := p.count("pin_proof", before); n != 1 {
		t.Errorf("%d requests with the newest nonce known", n)
	}
	before, p.nonce = len(p.requests), "nonce-2" // 5 minutes went by
	_, err = d.EnterPIN(t.Context(), pin, "")
	must(t, err)
	if n := p.count("pin_proof", before); n != 2 {
		t.Errorf("%d requests with an old nonce", n)
	}
	p.nonce = "nonce-3"
	_, err = d.UserInfo(t.Context()) // says it in the header
	must(t, err)
	before, p.stubborn = len(p.requests), true
	_, err = d.EnterPIN(t.Context(), pin, "")
	fails(t, err, "use_dpop_nonce")
	if n := p.count("pin_proof", before); n != 2 {
		t.Errorf("%d requests to a server that is never content", n)
	}
	before, p.stubborn = len(p.requests), false
	p.answers(400, map[string]any{"error": "use_dpop_nonce"}) // and gives no other
	_, err = d.EnterPIN(t.Context(), pin, "")
	fails(t, err, "use_dpop_nonce")
	if n := p.count("pin_proof", before); n != 1 {
		t.Errorf("%d requests where there is no other nonce", n)
	}
}

// count is how many requests since one had this in them.
func (p *phones) count(what string, since int) (n int) {
	for _, r := range p.requests[since:] {
		if strings.Contains(r, what) {
			n++
		}
	}
	return n
}

func TestForeignIssuersAreRefused(t *testing.T) {
	p := newPhone(t)
	if _, err := p.app.Device("https://evil.example"); !errors.Is(err, phone.ErrForeignIssuer) {
		t.Errorf("device: %v", err)
	}
	for _, text := range []string{
		strings.Replace(p.code(), "https://inloggen.example", "https://evil.example", 1),
		strings.Replace(p.code(), "https", "http", 1), "https://evil.example/?" + p.code(),
	} {
		if _, err := p.app.Scan(text); !errors.Is(err, phone.ErrNotOurs) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if len(p.requests) != 0 {
		t.Errorf("sent: %v", p.requests)
	}
}

func TestConfigurationOfAnotherIssuer(t *testing.T) {
	p := newPhone(t)
	p.issuer = other // the server says another one than it was asked for
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r.URL.Path = strings.Replace(r.URL.Path, "/linde/", "/els/", 1)
		return p.RoundTrip(r)
	})}
	d, err := p.start(t, client).Device(issuer)
	must(t, err)
	_, err = d.SignIn(t.Context(), nil)
	fails(t, err, "bad_answer")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestQRCode(t *testing.T) {
	p := newPhone(t)
	code, err := p.app.Scan(p.code())
	must(t, err)
	if code.Host != "inloggen.example" || len(p.requests) != 0 {
		t.Errorf("%s; sent before the person agreed: %v", code.Host, p.requests)
	}
	h, err := code.Claim(t.Context())
	must(t, err)
	if h.Number != 42 || h.Organisation != "GGZ Linde" || h.Account != "a***@example.org" {
		t.Errorf("%+v", h)
	}
	p.answers(400, map[string]any{"error": "authorization_pending"})
	p.answers(400, map[string]any{"error": "slow_down"})
	p.answers(503, nil)
	must(t, h.Wait(t.Context()))
	if want := []time.Duration{2 * time.Second, 2 * time.Second, 7 * time.Second, 14 * time.Second}; !slices.Equal(p.waited, want) {
		t.Errorf("waited %v, want %v", p.waited, want)
	}
	must(t, code.Device.SetPIN(t.Context(), pin))
	_, err = code.Device.EnterPIN(t.Context(), pin, "")
	must(t, err)
}

func TestQRCodeEnds(t *testing.T) {
	for _, end := range []string{phone.Denied, phone.Expired, phone.InvalidGrant} {
		p := newPhone(t)
		h := p.claim(t)
		p.answers(400, map[string]any{"error": end})
		fails(t, h.Wait(t.Context()), end)
	}
	p := newPhone(t)
	h := p.claim(t)
	must(t, h.Stop(t.Context()))
	if p.count("stop=true", 0) != 1 {
		t.Errorf("no stop: %v", p.requests)
	}
	code, err := p.app.Scan(p.code())
	must(t, err)
	h, err = code.Claim(t.Context())
	must(t, err)
	p.answers(200, map[string]any{"access_token": "idpst_once", "token_type": "DPoP", "scope": "app-pin"}) // too late
	must(t, h.Stop(t.Context()))
	if err := code.Device.SetPIN(t.Context(), pin); !errors.Is(err, phone.ErrNotSignedIn) {
		t.Errorf("a PIN after Stop: %v", err)
	}
	h = p.claim(t)
	for range 100 {
		p.answers(400, map[string]any{"error": "authorization_pending"})
	}
	fails(t, h.Wait(t.Context()), phone.Expired)
	p.next = nil
	code, err = p.app.Scan(p.code())
	must(t, err)
	p.answers(400, map[string]any{"error": "invalid_grant"})
	_, err = code.Claim(t.Context())
	fails(t, err, phone.InvalidGrant)
}

func (p *phones) claim(t *testing.T) *phone.Handoff {
	t.Helper()
	code, err := p.app.Scan(p.code())
	must(t, err)
	h, err := code.Claim(t.Context())
	must(t, err)
	return h
}

func TestWrongPINs(t *testing.T) {
	p := newPhone(t)
	d := p.signedIn(t)
	_, err := d.EnterPIN(t.Context(), "48214", "")
	if e := told(t, err, phone.InvalidGrant); e.TriesLeft == nil || *e.TriesLeft != 4 || e.DeviceRemoved {
		t.Errorf("%+v", e)
	}
	if tokens, err := d.EnterPIN(t.Context(), pin, ""); err != nil || tokens.WrongBefore != 1 {
		t.Errorf("%+v %v", tokens, err)
	}
	before := len(p.requests)
	p.next = append(p.next, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("DPoP-Nonce", "another")
		say(w, 400, map[string]any{"error": "slow_down"})
		return true
	})
	_, err = d.EnterPIN(t.Context(), pin, "")
	fails(t, err, phone.SlowDown)
	if n := p.count("pin_proof", before); n != 1 {
		t.Errorf("%d requests: another nonce is no reason to try again", n)
	}
	p.answers(400, map[string]any{"error": "interaction_required", "acr_values": "urn:minddistrict:acr:2fa"})
	_, err = d.EnterPIN(t.Context(), pin, "")
	if e := told(t, err, phone.MoreIsWanted); e.ACRValues != "urn:minddistrict:acr:2fa" || !d.HasPIN() {
		t.Errorf("%+v", e)
	}
	for i := range 5 {
		_, err = d.EnterPIN(t.Context(), "48214", "")
		if e := told(t, err, phone.InvalidGrant); e.DeviceRemoved != (i == 4) {
			t.Errorf("%d: %+v", i, e)
		}
	}
	if key, secret := p.store.Stolen(issuer); key != nil || secret != nil || d.HasPIN() {
		t.Error("the key of a device that was removed is there")
	}
	if _, err := d.EnterPIN(t.Context(), pin, ""); !errors.Is(err, phone.ErrNotSignedIn) {
		t.Errorf("a PIN without a device: %v", err)
	}
}

func TestForgottenPINKeepsTheKey(t *testing.T) {
	p := newPhone(t)
	d := p.signedIn(t)
	before, secret := p.store.Stolen(issuer)
	p.byBrowser(t, d)
	must(t, d.SetPIN(t.Context(), "60482"))
	if after, same := p.store.Stolen(issuer); after != before || string(same) != string(secret) {
		t.Error("another key or secret")
	}
	_, err := d.EnterPIN(t.Context(), "60482", "")
	must(t, err)
}

// An answer that was lost: the same PIN again. One that says no: sign in again.
func TestPINIsSentAgain(t *testing.T) {
	p := newPhone(t)
	d := p.device(t)
	p.byBrowser(t, d)
	p.answers(503, nil)
	fails(t, d.SetPIN(t.Context(), pin), "bad_answer")
	must(t, d.SetPIN(t.Context(), pin))
	if err := d.SetPIN(t.Context(), pin); !errors.Is(err, phone.ErrNotSignedIn) {
		t.Errorf("after it was spent: %v", err)
	}
	p.byBrowser(t, d)
	p.next = append(p.next, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `DPoP error="invalid_token"`)
		w.WriteHeader(401)
		return true
	})
	fails(t, d.SetPIN(t.Context(), pin), phone.InvalidToken)
	if err := d.SetPIN(t.Context(), pin); !errors.Is(err, phone.ErrNotSignedIn) {
		t.Errorf("after it was refused: %v", err)
	}
}

func TestTooManyDevices(t *testing.T) {
	p := newPhone(t)
	signIn, err := p.device(t).SignIn(t.Context(), nil)
	must(t, err)
	back, _ := p.consents(signIn.URL)
	p.answers(400, map[string]any{"error": "invalid_grant", "too_many_devices": true})
	if e := told(t, signIn.Redeem(t.Context(), back), phone.InvalidGrant); !e.TooManyDevices {
		t.Errorf("%+v", e)
	}
}

// A phone that was restored from a backup has the secret, if anything, and never the key.
func TestBackupWithoutItsKey(t *testing.T) {
	p := newPhone(t)
	p.signedIn(t)
	before, secret := p.store.Stolen(issuer)
	p.store.Put(issuer, nil, secret)
	d := p.device(t)
	if d.HasPIN() {
		t.Error("the PIN screen, without a key")
	}
	p.byBrowser(t, d)
	if after, left := p.store.Stolen(issuer); after == before || left != nil {
		t.Error("the old key, or the old secret beside a new key")
	}
	must(t, d.SetPIN(t.Context(), pin))
	if _, fresh := p.store.Stolen(issuer); string(fresh) == string(secret) {
		t.Error("the old secret")
	}
}

func TestTokensEndWithTheApp(t *testing.T) {
	p := newPhone(t)
	d := p.signedIn(t)
	_, err := d.EnterPIN(t.Context(), pin, "")
	must(t, err)
	d.Leave()
	p.now = p.now.Add(5*time.Minute - time.Second)
	if !d.Return() {
		t.Error("the PIN before 5 minutes")
	}
	for _, away := range []time.Duration{5 * time.Minute, -time.Hour} {
		_, err := d.EnterPIN(t.Context(), pin, "")
		must(t, err)
		d.Leave()
		p.now = p.now.Add(away)
		if d.Return() || d.Tokens() != nil {
			t.Errorf("no PIN after %v in the background", away)
		}
		if _, err := d.Refresh(t.Context()); !errors.Is(err, phone.ErrNotSignedIn) {
			t.Errorf("refreshed: %v", err)
		}
	}
	_, err = d.EnterPIN(t.Context(), pin, "")
	must(t, err)
	if again := p.device(t); !again.HasPIN() || again.Tokens() != nil {
		t.Error("tokens after the app was ended, or no PIN screen")
	}
	must(t, d.LogOut(t.Context()))
	if d.Tokens() != nil || !d.HasPIN() || p.count("/revoke", 0) != 1 || p.count("refresh-1", 0) != 1 {
		t.Error("logging out ends the session and keeps the device")
	}
}

func TestRefreshEnds(t *testing.T) {
	p := newPhone(t)
	d := p.signedIn(t)
	_, err := d.EnterPIN(t.Context(), pin, "")
	must(t, err)
	p.answers(503, nil)
	_, err = d.Refresh(t.Context())
	fails(t, err, "bad_answer")
	if d.Tokens() == nil {
		t.Error("tokens are gone because of a server in trouble")
	}
	p.answers(400, map[string]any{"error": "invalid_grant"})
	_, err = d.Refresh(t.Context())
	fails(t, err, phone.InvalidGrant)
	if d.Tokens() != nil || !d.HasPIN() {
		t.Error("the session is over, the device is not")
	}
	_, err = d.EnterPIN(t.Context(), pin, "")
	must(t, err)
	p.answers(200, p.tokens("3", "bert"))
	_, err = d.Refresh(t.Context())
	fails(t, err, "bad_answer")
	if d.Tokens() != nil {
		t.Error("tokens of somebody else")
	}
}

func TestIDTokensThatAreRefused(t *testing.T) {
	p := newPhone(t)
	d := p.signedIn(t)
	for what, with := range map[string]map[string]any{
		"iss": {"iss": other}, "aud": {"aud": "another"}, "exp": {"exp": p.clock.Unix()},
	} {
		answer := p.tokens("1", "anna")
		answer["id_token"] = p.idToken(with)
		p.answers(200, answer)
		_, err := d.EnterPIN(t.Context(), pin, "")
		if e := told(t, err, "bad_answer"); !strings.Contains(e.Description, what) {
			t.Errorf("%s: %v", what, e)
		}
	}
	answer := p.tokens("1", "anna")
	text := answer["id_token"].(string)
	answer["id_token"] = text[:len(text)-8] + "AAAAAAAA"
	p.answers(200, answer)
	_, err := d.EnterPIN(t.Context(), pin, "")
	fails(t, err, "bad_answer")
	answer = p.tokens("1", "anna")
	answer["token_type"] = "Bearer"
	p.answers(200, answer)
	_, err = d.EnterPIN(t.Context(), pin, "")
	fails(t, err, "bad_answer")
	if d.Tokens() != nil {
		t.Error("tokens that were refused")
	}
}

func TestPINsThatMayBeChosen(t *testing.T) {
	for text, want := range map[string]error{
		"48213": nil, "00123": nil, "12344": nil, "12321": nil, "12123": nil,
		"11111": phone.ErrWeakPIN, "00000": phone.ErrWeakPIN, "12345": phone.ErrWeakPIN, "98765": phone.ErrWeakPIN,
		"78901": phone.ErrWeakPIN, "21098": phone.ErrWeakPIN, "12121": phone.ErrWeakPIN,
		"": phone.ErrNoPIN, "1234": phone.ErrNoPIN, "123456": phone.ErrNoPIN, "1234a": phone.ErrNoPIN, "١٢٣٤٥": phone.ErrNoPIN,
		"-1234": phone.ErrNoPIN, "4821 ": phone.ErrNoPIN,
	} {
		if got := phone.CheckPIN(text); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	p := newPhone(t)
	d := p.device(t)
	p.byBrowser(t, d)
	before := len(p.requests)
	if err := d.SetPIN(t.Context(), "12345"); !errors.Is(err, phone.ErrWeakPIN) || len(p.requests) != before || d.HasPIN() {
		t.Errorf("%v; %v", err, p.requests[before:])
	}
	if _, err := d.EnterPIN(t.Context(), "1234", ""); !errors.Is(err, phone.ErrNoPIN) {
		t.Error(err)
	}
}

// A canary: neither the secret nor the digits nor the key are in anything that is sent, in any spelling; pin_key is there
// once.
func TestSecretIsNeverSent(t *testing.T) {
	p := newPhone(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	secret := []byte("canary 7f3a canary 91bc canary d")
	p.store.Put(issuer, key, secret)
	d := p.device(t)
	p.byBrowser(t, d)
	must(t, d.SetPIN(t.Context(), pin))
	for _, digits := range []string{pin, "48214", pin} {
		_, _ = d.EnterPIN(t.Context(), digits, "") // one is wrong
	}
	_, err = d.Refresh(t.Context())
	must(t, err)
	_, err = d.UserInfo(t.Context())
	must(t, err)
	must(t, d.LogOut(t.Context()))
	must(t, p.claim(t).Wait(t.Context()))
	private, err := key.Bytes()
	must(t, err)
	jkt, err := phone.Thumbprint(key)
	must(t, err)
	pinKey := phone.PINKey(secret, issuer, jkt, pin)
	for name, what := range map[string]struct {
		canary []byte
		times  int
	}{"pin_secret": {secret, 0}, "device key": {private, 0}, "PIN": {[]byte(pin), 0}, "pin_key": {pinKey, 1}} {
		found := 0
		for _, r := range p.requests {
			for _, part := range append(strings.FieldsFunc(r, func(c rune) bool { return strings.ContainsRune(" .=&[]\"", c) }), r) {
				decoded, _ := base64.RawURLEncoding.DecodeString(part)
				whole, err := url.QueryUnescape(part)
				if err != nil {
					whole = part
				}
				if spelled(string(decoded), what.canary) || part != r && spelled(whole, what.canary) {
					found++
				}
			}
		}
		if found != what.times {
			t.Errorf("%s was sent %d times, want %d", name, found, what.times)
		}
	}
}

// spelled reports whether a text has bytes in it, as they are or in a common code.
func spelled(text string, b []byte) bool {
	codes := []string{
		string(b), hex.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b), base64.RawStdEncoding.EncodeToString(b),
	}
	return slices.ContainsFunc(codes, func(s string) bool { return strings.Contains(text, s) })
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	p := newPhone(t)
	d := p.signedIn(t)
	p.next = append(p.next, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Location", "https://evil.example/token")
		w.WriteHeader(307)
		return true
	})
	_, err := d.EnterPIN(t.Context(), pin, "")
	fails(t, err, "bad_answer")
}

func TestNoConnection(t *testing.T) {
	p := newPhone(t)
	away := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no network") })
	d, err := p.start(t, &http.Client{Transport: away}).Device(issuer)
	must(t, err)
	_, err = d.SignIn(t.Context(), nil)
	if e := told(t, err, "no_connection"); e.Err == nil {
		t.Errorf("%+v", e)
	}
}

func TestAPIOfThePlatform(t *testing.T) {
	p := newPhone(t)
	d := p.signedIn(t)
	const address = "https://inloggen.example/linde/api/diary"
	post := func() *http.Request {
		req, err := http.NewRequest("POST", address+"?day=1", strings.NewReader("a day"))
		must(t, err)
		return req
	}
	if _, err := d.Do(post()); !errors.Is(err, phone.ErrNotSignedIn) {
		t.Errorf("before the PIN: %v", err)
	}
	_, err := d.EnterPIN(t.Context(), pin, "")
	must(t, err)
	before := len(p.requests)
	p.next = append(p.next, func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(w, r.Body)
		return true
	})
	res, err := d.Do(post())
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	if text, err := io.ReadAll(res.Body); err != nil || string(text) != "a day" {
		t.Errorf("%d %q %v", res.StatusCode, text, err)
	}
	if n := len(p.requests) - before; n != 2 { // its own nonce, not that of the issuer
		t.Errorf("%d requests", n)
	}
}
