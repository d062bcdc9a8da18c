package nodes_test

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/internal/secret"
)

const (
	appID    = "app"
	appBack  = "https://phone.example.net/callback"
	wrongPIN = "90817"
)

// appHouse is house with the platform's own app, whose tokens the party steady may introspect, somebody with a second
// factor, and a helper of theirs.
func appHouse(issuer string, accounts int) idptest.Demo {
	d := house(issuer, accounts)
	d.Policy = "app_qr: true, second_factor: { client: optional, staff: optional }, code_methods: [totp]"
	d.Parties = append(d.Parties,
		"client_id: app, type: native, mobile_app: true, redirect_uris: ["+appBack+"], audience: [steady]")
	for _, who := range []string{"totp@example.org", "henk@example.org, role: helpdesk"} {
		d.Accounts = append(d.Accounts, "email: "+who+", totp_secret: "+idptest.TOTPSecret)
	}
	return d
}

// withPhones serves a house with a mobile app.
func (p *pair) withPhones(accounts int) *pair {
	p.t.Helper()
	p.OK("apply", p.File("app.yaml", appHouse(p.issuer, accounts).File()))
	p.settled()
	return p
}

// handset is a phone with the mobile app, which sends what a test wants. It may be used concurrently as long as nothing
// is signed in or chosen.
type handset struct {
	issuer          string
	key             *ecdsa.PrivateKey
	secret          []byte
	jkt             string
	setup           string // token with which a PIN is chosen
	access, refresh string // of the newest PIN

	mu    sync.Mutex
	nonce string // the newest, of any node
}

// newHandset is a phone with a key that nobody knows.
func newHandset(t *testing.T, issuer string) *handset {
	t.Helper()
	store := &phone.Memory{}
	_, err := store.MakeKey(issuer)
	must(t, "making a key", err)
	h := &handset{issuer: issuer, secret: secret.Bytes(32)}
	h.key, _ = store.Stolen(issuer)
	h.jkt, err = phone.Thumbprint(h.key)
	must(t, "naming a key", err)
	return h
}

// phone is a phone on which somebody has a device with idptest.PhonePIN, and has entered that, at a node.
func (s *site) phone(t *testing.T, d door, email string) *handset {
	t.Helper()
	h := newHandset(t, s.issuer)
	must(t, "signing in on a phone", h.signIn(d, email, idptest.Password))
	h.choose(t, d)
	return h
}

// choose chooses idptest.PhonePIN and enters it.
func (h *handset) choose(t *testing.T, d door) {
	t.Helper()
	if a, err := h.put(d, idptest.PhonePIN); err != nil || a.status != http.StatusNoContent {
		t.Fatalf("choosing a PIN: %d %s %v", a.status, a.body, err)
	}
	if a, err := h.pin(d, idptest.PhonePIN); err != nil || !h.take(a) {
		t.Fatalf("the PIN that was chosen: %d %s %v", a.status, a.body, err)
	}
}

// told is what the app is answered.
type told struct {
	answer
	Access      string `json:"access_token"`
	Refresh     string `json:"refresh_token"`
	Scope       string `json:"scope"`
	Error       string `json:"error"`
	TriesLeft   *int   `json:"tries_left"`
	Removed     bool   `json:"device_removed"`
	WrongBefore *int   `json:"wrong_before"`
	Handoff     string `json:"handoff_id"`
	Number      int    `json:"match_number"`
}

// is reports whether it is the refusal with a code.
func (a told) is(code string) bool { return a.Error == code && a.Access == "" && a.Refresh == "" }

// right reports whether a PIN was right, after so many that were not.
func (a told) right(wrong int) bool {
	return a.status == http.StatusOK && a.Access != "" && a.WrongBefore != nil && *a.WrongBefore == wrong
}

// wrong reports whether a PIN was wrong, and so many are left.
func (a told) wrong(left int) bool {
	return a.is("invalid_grant") && a.TriesLeft != nil && *a.TriesLeft == left && a.Removed == (left == 0)
}

// gone reports whether the device is no more.
func (a told) gone() bool { return a.is("invalid_grant") && a.Removed }

// later reports whether it is the answer that docs/app.md has for a provider in trouble.
func (a told) later() error {
	if err := busy(a.answer); err != nil {
		return err
	}
	if !a.is("temporarily_unavailable") {
		return fmt.Errorf("503 with %.200q", a.body)
	}
	return nil
}

// take keeps tokens.
func (h *handset) take(a told) bool {
	if a.status != http.StatusOK || a.Access == "" || a.Refresh == "" {
		return false
	}
	h.access, h.refresh = a.Access, a.Refresh
	return true
}

// ask sends a request with a proof, and once more if another nonce is wanted. token is the access token that it shows;
// "" is none. Nothing is sent again when there is no answer.
func (h *handset) ask(d door, method, path, token string, form func(phone.Proof) url.Values) (told, error) {
	a, err := h.once(d, method, path, token, form)
	const wanted = "use_dpop_nonce"
	if err == nil && (a.Error == wanted || strings.Contains(a.header.Get("WWW-Authenticate"), wanted)) {
		a, err = h.once(d, method, path, token, form)
	}
	return a, err
}

func (h *handset) once(d door, method, path, token string, form func(phone.Proof) url.Values) (told, error) {
	h.mu.Lock()
	nonce := h.nonce
	h.mu.Unlock()
	proof := phone.Proof{Method: method, URL: h.issuer + path, ID: secret.Token(), Nonce: nonce, Token: token, At: time.Now()}
	signed, err := proof.Sign(h.key)
	if err != nil {
		return told{}, err
	}
	r, err := http.NewRequest(method, h.issuer+path, strings.NewReader(form(proof).Encode()))
	if err != nil {
		return told{}, err
	}
	r.Header.Set("DPoP", signed)
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.Header.Set("Authorization", "DPoP "+token)
	}
	a, err := d.do(r)
	if err != nil {
		return told{}, err
	}
	if next := a.header.Get("DPoP-Nonce"); next != "" {
		h.mu.Lock()
		h.nonce = next
		h.mu.Unlock()
	}
	got := told{answer: a}
	if len(a.body) > 0 {
		err = json.Unmarshal([]byte(a.body), &got)
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %d %.200q: %w", method, path, a.status, a.body, err)
	}
	return got, err
}

// fields are a form that does not hang on the proof.
func fields(pairs ...string) func(phone.Proof) url.Values {
	form := url.Values{"client_id": {appID}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return func(phone.Proof) url.Values { return form }
}

// signIn goes through the browser of the phone: the device is made, or renewed, and a PIN can be chosen.
func (h *handset) signIn(d door, email, password string) error {
	v := newPerson(d, email)
	v.words = password
	ask := url.Values{
		"response_type": {"code"}, "client_id": {appID}, "redirect_uri": {appBack}, "scope": {"openid email"}, "state": {secret.ID()},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "dpop_jkt": {h.jkt},
	}
	if err := v.open(http.MethodGet, h.issuer+"/authorize?"+ask.Encode(), nil); err != nil {
		return err
	}
	if err := v.password(); err != nil {
		return err
	}
	code, err := v.code()
	if err != nil || code == "" {
		return fmt.Errorf("no code at the app: %s (%d): %w", v.page, v.shown.status, err)
	}
	a, err := h.ask(d, http.MethodPost, "/token", "", fields("grant_type", "authorization_code", "code", code,
		"redirect_uri", appBack, "code_verifier", verifier, "device_name", "Telefoon"))
	if err == nil && a.Scope != grant.AppPIN {
		err = fmt.Errorf("redeeming at the app: %d %s", a.status, a.body)
	}
	h.setup = a.Access
	return err
}

// put chooses a PIN with the newest token for that.
func (h *handset) put(d door, pin string) (told, error) {
	key := phone.PINKey(h.secret, h.issuer, h.jkt, pin)
	return h.ask(d, http.MethodPut, "/app/pin", h.setup, fields("pin_key", base64.RawURLEncoding.EncodeToString(key)))
}

// pin enters a PIN.
func (h *handset) pin(d door, pin string) (told, error) {
	key := phone.PINKey(h.secret, h.issuer, h.jkt, pin)
	return h.ask(d, http.MethodPost, "/token", "", func(p phone.Proof) url.Values {
		proof := base64.RawURLEncoding.EncodeToString(phone.PINProof(key, p.ID, p.Nonce))
		return fields("grant_type", grant.PINGrant, "pin_proof", proof)(p)
	})
}

// renew uses a refresh token.
func (h *handset) renew(d door, refresh string) (told, error) {
	return h.ask(d, http.MethodPost, "/token", "", fields("grant_type", "refresh_token", "refresh_token", refresh))
}

// userinfo is the status with an access token.
func (h *handset) userinfo(d door, access string) (int, error) {
	a, err := h.ask(d, http.MethodGet, "/userinfo", access, func(phone.Proof) url.Values { return nil })
	return a.status, err
}

// active reports whether introspection calls a token one.
func active(d door, token string) (bool, error) {
	a, err := d.post(steady, "/introspect", url.Values{"token": {token}})
	if err != nil {
		return false, err
	}
	var said struct {
		Active *bool `json:"active"`
	}
	if err := json.Unmarshal([]byte(a.body), &said); err != nil || said.Active == nil {
		return false, errors.Join(fmt.Errorf("introspection: %d %s", a.status, a.body), err)
	}
	return *said.Active, nil
}

// works fails the test unless all that the phone has is good at a node. Its refresh token is used.
func (h *handset) works(t *testing.T, d door) {
	t.Helper()
	a, err := h.renew(d, h.refresh)
	if err != nil || !h.take(a) {
		t.Fatalf("refreshing: %d %s %v", a.status, a.body, err)
	}
	if got, err := h.userinfo(d, h.access); err != nil || got != http.StatusOK {
		t.Fatalf("userinfo: %d %v", got, err)
	}
	if is, err := active(d, h.access); err != nil || !is {
		t.Fatalf("introspection: %t %v", is, err)
	}
}

// device is the row of a phone that is a device of somebody.
func (s *site) device(t *testing.T, h *handset) (id string) {
	t.Helper()
	const live = `SELECT id FROM app_devices WHERE jkt = $1 AND ended_at IS NULL`
	must(t, live, s.sql.QueryRowContext(t.Context(), live, h.jkt).Scan(&id))
	return id
}
