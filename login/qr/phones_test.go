package qr_test

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/storage"
)

// appHouse is one of two platforms that both have a mobile app of the same name.
func appHouse(name string) idptest.Demo {
	return idptest.Demo{
		Name: name, Policy: "app_qr: true",
		Parties: []string{
			`client_id: app, type: native, mobile_app: true, redirect_uris: ["https://phone.test/callback", "net.example.phone:/callback"]`,
			"client_id: web",
		},
		Accounts: []string{"email: anna@example.org", "email: bram@example.org"},
	}
}

const (
	pinGrant     = "urn:minddistrict:params:oauth:grant-type:pin"
	handoffGrant = "urn:minddistrict:params:oauth:grant-type:handoff"
	wrongPIN     = "90817"
)

// mobile is a house with a mobile app, on two nodes.
type mobile struct {
	testing.TB
	nodes [2]*idptest.Scene
}

// mobiles runs an attack on two nodes, on both databases.
func mobiles(t *testing.T, attack func(*mobile)) {
	idptest.EachNodes(t, 2, func(t *testing.T, nodes []*storage.DB) {
		m := &mobile{TB: t}
		for i, db := range nodes {
			m.nodes[i] = idptest.NewScene(t, idptest.HostIssuer, db)
		}
		m.nodes[0].Declare(appHouse("linde"), appHouse("wilg"))
		m.later(time.Minute) // both look at the settings
		attack(m)
	})
}

// appRounds is how often a race at the app is run; IDP_APP_RACES says another number.
func appRounds(t testing.TB, few int) int {
	t.Helper()
	return idptest.Number(t, "IDP_APP_RACES", few)
}

// later puts the clocks of both nodes forward.
func (m *mobile) later(d time.Duration) {
	for _, n := range m.nodes {
		n.Clock.Later(d)
	}
}

// browser signs somebody in at the app in a browser, and is that browser.
func (m *mobile) browser(s *idptest.Scene, email, issuer string, extra url.Values) (*idptest.Browser, *idptest.Party) {
	m.Helper()
	party := idptest.NewParty(s.Server, "phone.test", issuer, "app", "")
	party.Mobile = true
	b := idptest.NewBrowser(s.Server, "en")
	party.TakePhone(b.Jar)
	idptest.LogIn(m, b, party.Start(extra), email)
	if party.Last.Error != "" || party.Last.Token == nil {
		m.Fatalf("signing in at the app: %+v", party.Last)
	}
	return b, party
}

// handset is a phone that says what an attacker likes: its key and its secret are in his hands.
type handset struct {
	*mobile
	issuer          string
	key             *ecdsa.PrivateKey
	secret          []byte
	jkt             string
	access, refresh string
}

// phone is a phone on which somebody has a device with idptest.PhonePIN.
func (m *mobile) phone(email, issuer string) *handset {
	m.Helper()
	_, party := m.browser(m.nodes[0], email, issuer, nil)
	h := &handset{mobile: m, issuer: issuer, access: party.Last.Token.AccessToken, refresh: party.Last.Token.RefreshToken}
	h.key, h.secret = party.Phone.Store.Stolen(issuer)
	h.named()
	return h
}

// blank is a phone with a new key, which nobody knows.
func (m *mobile) blank(issuer string) *handset {
	m.Helper()
	store := &phone.Memory{}
	if _, err := store.MakeKey(issuer); err != nil {
		m.Fatal(err)
	}
	h := &handset{mobile: m, issuer: issuer, secret: secret.Bytes(32)}
	h.key, _ = store.Stolen(issuer)
	h.named()
	return h
}

func (h *handset) named() {
	h.Helper()
	var err error
	if h.jkt, err = phone.Thumbprint(h.key); err != nil {
		h.Fatal(err)
	}
}

// told is what the provider answers an app.
type told struct {
	idptest.Tokens
	TokenType   string `json:"token_type"`
	TriesLeft   *int   `json:"tries_left"`
	Removed     bool   `json:"device_removed"`
	WrongBefore *int   `json:"wrong_before"`
	Handoff     string `json:"handoff_id"`
	Number      int    `json:"match_number"`
}

// is reports whether it is the refusal with a code.
func (a told) is(code string) bool { return a.Error == code && a.Access == "" && a.Refresh == "" }

// nonce is the newest nonce of a node.
func (h *handset) nonce(node int) string {
	h.Helper()
	s := h.nodes[node].AtIssuer(h.issuer)
	nonce := s.Post("/token", url.Values{"client_id": {"app"}}, nil).Header.Get("DPoP-Nonce")
	if nonce == "" {
		h.Fatal("no nonce")
	}
	return nonce
}

// proof is what a proof for a node says.
func (h *handset) proof(node int, method, path, token string) phone.Proof {
	h.Helper()
	return phone.Proof{
		Method: method, URL: h.issuer + path, ID: secret.Token(), Nonce: h.nonce(node), Token: token, At: h.nodes[node].Clock.Now(),
	}
}

// signed is a proof as it goes into the header.
func (h *handset) signed(p phone.Proof) string {
	h.Helper()
	text, err := p.Sign(h.key)
	if err != nil {
		h.Fatal(err)
	}
	return text
}

// send sends a form with a proof, and with the token that the proof is for.
func (h *handset) send(node int, path string, p phone.Proof, form url.Values) told {
	h.Helper()
	header := http.Header{"Dpop": {h.signed(p)}}
	if p.Token != "" {
		header.Set("Authorization", "DPoP "+p.Token)
	}
	return h.plain(node, p.Method, path, form.Encode(), header)
}

// plain sends a request as it is.
func (h *handset) plain(node int, method, path, body string, header http.Header) told {
	h.Helper()
	a := told{Tokens: idptest.Tokens{Answer: h.nodes[node].Send(method, h.issuer+path, body, header)}}
	_ = json.Unmarshal([]byte(a.Body), &a) // some answers are empty
	return a
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// pinForm asks for tokens with a PIN, beside a proof.
func (h *handset) pinForm(pin string, p phone.Proof) url.Values {
	key := phone.PINKey(h.secret, h.issuer, h.jkt, pin)
	return url.Values{"grant_type": {pinGrant}, "client_id": {"app"}, "pin_proof": {b64(phone.PINProof(key, p.ID, p.Nonce))}}
}

// pin enters a PIN at a node.
func (h *handset) pin(node int, pin string) told {
	h.Helper()
	p := h.proof(node, http.MethodPost, "/token", "")
	return h.send(node, "/token", p, h.pinForm(pin, p))
}

// renew uses the newest refresh token, and keeps what comes back.
func (h *handset) renew(node int) told {
	h.Helper()
	a := h.send(node, "/token", h.proof(node, http.MethodPost, "/token", ""), refreshForm(h.refresh))
	if a.Status == http.StatusOK {
		h.access = a.Access
		if a.Refresh != "" {
			h.refresh = a.Refresh
		}
	}
	return a
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {token}}
}

// userinfo is the status with an access token, shown as it must be.
func (h *handset) userinfo(node int, token string) int {
	h.Helper()
	return h.send(node, "/userinfo", h.proof(node, http.MethodGet, "/userinfo", token), nil).Status
}

// gone says that the device is no more, at either node.
func (h *handset) gone(what string) {
	h.Helper()
	for node := range h.nodes {
		if a := h.pin(node, idptest.PhonePIN); !a.is("invalid_grant") || !a.Removed {
			h.Errorf("%s: node %d answers the PIN %d %s", what, node, a.Status, a.Body)
		}
		if a := h.send(node, "/token", h.proof(node, http.MethodPost, "/token", ""), refreshForm(h.refresh)); !a.is("invalid_grant") {
			h.Errorf("%s: node %d answers the refresh token %d %s", what, node, a.Status, a.Body)
		}
		if got := h.userinfo(node, h.access); got != http.StatusUnauthorized {
			h.Errorf("%s: node %d answers the access token %d", what, node, got)
		}
	}
}

// lives says that the device gives tokens with its PIN.
func (h *handset) lives(what string) {
	h.Helper()
	if a := h.pin(1, idptest.PhonePIN); a.Access == "" {
		h.Errorf("%s: the device is no more: %d %s", what, a.Status, a.Body)
	}
}
