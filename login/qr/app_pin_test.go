package qr_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/internal/secret"
)

const tries = "app_devices WHERE tries > 0"

// TestProofOfAPINIsForOneRequest: what goes over the wire at a sign-in is worth nothing for another one, at either node, and
// neither counts a try. A phone whose clock is wrong gets in.
func TestProofOfAPINIsForOneRequest(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h := m.phone("anna@example.org", idptest.HostIssuer)
		elsewhere := m.phone("anna@example.org", idptest.PathIssuer)
		old := h.nonce(0)
		m.later(5 * time.Minute)
		fresh := func(change func(*phone.Proof)) phone.Proof {
			p := h.proof(0, http.MethodPost, "/token", "")
			change(&p)
			return p
		}
		same := func(*phone.Proof) {}
		for name, row := range map[string]struct {
			change func(*phone.Proof)
			code   string
		}{
			"without a nonce":               {func(p *phone.Proof) { p.Nonce = "" }, "use_dpop_nonce"},
			"with a nonce of five minutes":  {func(p *phone.Proof) { p.Nonce = old }, "use_dpop_nonce"},
			"with a nonce of elsewhere":     {func(p *phone.Proof) { p.Nonce = elsewhere.nonce(0) }, "use_dpop_nonce"},
			"with a forged nonce":           {func(p *phone.Proof) { p.Nonce = "A" + p.Nonce[1:len(p.Nonce)-2] + "AA" }, "use_dpop_nonce"},
			"with a nonce and more":         {func(p *phone.Proof) { p.Nonce += "A" }, "use_dpop_nonce"},
			"for another address":           {func(p *phone.Proof) { p.URL = idptest.PathIssuer + "/token" }, "invalid_dpop_proof"},
			"for another method":            {func(p *phone.Proof) { p.Method = http.MethodPut }, "invalid_dpop_proof"},
			"without an identifier":         {func(p *phone.Proof) { p.ID = "" }, "invalid_dpop_proof"},
			"an hour ahead and old":         {func(p *phone.Proof) { p.Nonce, p.At = old, p.At.Add(time.Hour) }, "use_dpop_nonce"},
			"an hour ahead, with no nonce":  {func(p *phone.Proof) { p.Nonce, p.At = "", p.At.Add(time.Hour) }, "use_dpop_nonce"},
			"an hour behind, with no nonce": {func(p *phone.Proof) { p.Nonce, p.At = "", p.At.Add(-time.Hour) }, "use_dpop_nonce"},
		} {
			p := fresh(row.change)
			form, header := h.pinForm(idptest.PhonePIN, p), http.Header{"Dpop": {h.signed(p)}}
			if a := h.plain(0, http.MethodPost, "/token", form.Encode(), header); !a.is(row.code) {
				m.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		for _, off := range []time.Duration{time.Hour, -time.Hour, 365 * 24 * time.Hour} {
			p := fresh(func(p *phone.Proof) { p.At = p.At.Add(off) })
			if a := h.send(1, "/token", p, h.pinForm(idptest.PhonePIN, p)); a.Access == "" {
				m.Errorf("clock off by %s: %d %s", off, a.Status, a.Body)
			}
		}
		seen := fresh(same)
		form := h.pinForm(idptest.PhonePIN, seen)
		header := http.Header{"Dpop": {h.signed(seen)}}
		if a := h.plain(0, http.MethodPost, "/token", form.Encode(), header); a.Access == "" {
			m.Fatalf("the right PIN: %d %s", a.Status, a.Body)
		}
		if a := h.plain(1, http.MethodPost, "/token", form.Encode(), header); !a.is("invalid_dpop_proof") {
			m.Errorf("replayed at the other node: %d %s", a.Status, a.Body)
		}
		if a := h.send(1, "/token", seen, form); !a.is("invalid_dpop_proof") {
			m.Errorf("signed anew with the same identifier: %d %s", a.Status, a.Body)
		}
		if n := m.nodes[0].Count(tries); n != 0 {
			m.Errorf("%d devices had a try counted by what is no proof", n)
		}
		if a := h.send(1, "/token", fresh(same), form); !a.is("invalid_grant") || a.TriesLeft == nil || *a.TriesLeft != 4 {
			m.Errorf("what an old PIN proved, beside a fresh proof: %d %s", a.Status, a.Body)
		}
		h.lives("after all that")
	})
}

// TestPINIsOfItsDevice: a PIN gives nothing with another key, at another party or on another platform, and no try counts.
func TestPINIsOfItsDevice(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h, bram := m.phone("anna@example.org", idptest.HostIssuer), m.phone("bram@example.org", idptest.HostIssuer)
		foreign := *h
		foreign.issuer = idptest.PathIssuer
		if a := foreign.pin(0, idptest.PhonePIN); !a.is("invalid_grant") || !a.Removed {
			m.Errorf("on another platform: %d %s", a.Status, a.Body)
		}
		thief := m.blank(idptest.HostIssuer)
		thief.secret = h.secret
		if a := thief.pin(0, idptest.PhonePIN); !a.is("invalid_grant") || !a.Removed {
			m.Errorf("with a key of his own: %d %s", a.Status, a.Body)
		}
		p := h.proof(0, http.MethodPost, "/token", "")
		if a := bram.send(0, "/token", p, h.pinForm(idptest.PhonePIN, p)); !a.is("invalid_grant") || a.TriesLeft == nil {
			m.Errorf("Anna's PIN with Bram's key: %d %s", a.Status, a.Body)
		}
		p = h.proof(0, http.MethodPost, "/token", "")
		form := h.pinForm(idptest.PhonePIN, p)
		form.Set("client_id", "web")
		header := idptest.Basic("web")
		header.Set("Dpop", h.signed(p))
		if a := h.plain(0, http.MethodPost, "/token", form.Encode(), header); !a.is("unauthorized_client") && !a.is("invalid_client") && !a.is("invalid_request") {
			m.Errorf("as a party that is no app: %d %s", a.Status, a.Body)
		}
		if n := m.nodes[0].Count(tries + " AND jkt = '" + h.jkt + "'"); n != 0 {
			m.Error("a try of Anna's device counted")
		}
		h.lives("after all that")
	})
}

// TestTokensOfADeviceNeedItsKey: no use of them as a bearer, without a proof, or with another key.
func TestTokensOfADeviceNeedItsKey(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h, thief := m.phone("anna@example.org", idptest.HostIssuer), m.phone("bram@example.org", idptest.HostIssuer)
		if got := m.nodes[1].Userinfo(h.access); got != http.StatusUnauthorized {
			m.Errorf("as a bearer: %d", got)
		}
		if a := h.plain(0, http.MethodGet, "/userinfo", "", http.Header{"Authorization": {"DPoP " + h.access}}); a.Status != http.StatusUnauthorized {
			m.Errorf("without a proof: %d %s", a.Status, a.Body)
		}
		if got := thief.userinfo(0, h.access); got != http.StatusUnauthorized {
			m.Errorf("with another key: %d", got)
		}
		if a := h.plain(0, http.MethodPost, "/token", refreshForm(h.refresh).Encode(), nil); a.Access != "" || a.Status < 400 || a.Status > 401 {
			m.Errorf("refreshed without a proof: %d %s", a.Status, a.Body)
		}
		if a := thief.send(0, "/token", h.proof(0, http.MethodPost, "/token", ""), refreshForm(h.refresh)); a.Access != "" || a.Status < 400 || a.Status > 401 {
			m.Errorf("refreshed with another key: %d %s", a.Status, a.Body)
		}
		if a := h.renew(1); a.Access == "" || h.userinfo(0, a.Access) != http.StatusOK {
			m.Errorf("its owner: %d %s", a.Status, a.Body)
		}
	})
}

// setup signs in anew with the key of a phone, and is the token with which a PIN is chosen.
func (h *handset) setup() string {
	h.Helper()
	return setupToken(h.nodes[0], h)
}

// setupToken goes through the browser by hand, so that no PIN is chosen.
func setupToken(s *idptest.Scene, h *handset) string {
	s.Helper()
	store := &phone.Memory{}
	store.Put(idptest.HostIssuer, h.key, h.secret)
	ask := url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {"https://phone.test/callback"}, "scope": {"openid email"},
		"state": {"s"}, "code_challenge": {idptest.Challenge}, "code_challenge_method": {"S256"}, "dpop_jkt": {h.jkt},
	}
	b := idptest.NewBrowser(s.Server, "en")
	var back url.Values
	s.Site("phone.test", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { back = r.URL.Query() }))
	idptest.LogIn(s, b, idptest.HostIssuer+"/authorize?"+ask.Encode(), "anna@example.org")
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"app"}, "code": {back.Get("code")}, "redirect_uri": {"https://phone.test/callback"},
		"code_verifier": {idptest.Verifier},
	}
	a := h.send(0, "/token", h.proof(0, http.MethodPost, "/token", ""), form)
	if a.Access == "" || a.Scope != "app-pin" || a.Refresh != "" || a.ID != "" {
		s.Fatalf("signing in anew: %d %s", a.Status, a.Body)
	}
	return a.Access
}

// choose sends the key of a PIN with a set-up token.
func (h *handset) choose(node int, token, pin string) told {
	h.Helper()
	key := phone.PINKey(h.secret, h.issuer, h.jkt, pin)
	return h.send(node, "/app/pin", h.proof(node, http.MethodPut, "/app/pin", token), url.Values{"pin_key": {b64(key)}})
}

// TestSetupTokenIsForAPINAlone: it opens no other door, is good once and for one PIN, is tied to the key and is over after five
// minutes or with the next one.
func TestSetupTokenIsForAPINAlone(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h, thief := m.phone("anna@example.org", idptest.HostIssuer), m.phone("bram@example.org", idptest.HostIssuer)
		older := h.setup()
		token := h.setup()
		if got := h.userinfo(0, token); got != http.StatusUnauthorized {
			m.Errorf("userinfo: %d", got)
		}
		if m.nodes[0].Active("web", token) {
			m.Error("introspection calls it active")
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			p := h.proof(0, method, "/api/accounts", token)
			if a := h.send(0, "/api/accounts", p, nil); a.Status < 400 {
				m.Errorf("API by %s: %d", method, a.Status)
			}
		}
		if a := h.send(0, "/token", h.proof(0, http.MethodPost, "/token", ""), refreshForm(token)); !a.is("invalid_grant") {
			m.Errorf("as a refresh token: %d %s", a.Status, a.Body)
		}
		refusals := map[string]told{
			"the token before it":  h.choose(0, older, idptest.PhonePIN),
			"another key":          thief.choose(0, token, idptest.PhonePIN),
			"an access token":      h.choose(0, h.access, idptest.PhonePIN),
			"a token of nobody":    h.choose(0, token[:len(token)-4]+"AAAA", idptest.PhonePIN),
			"as a bearer":          h.plain(0, http.MethodPut, "/app/pin", "pin_key="+b64(secret.Bytes(32)), idptest.Bearer(token)),
			"without a proof":      h.plain(0, http.MethodPut, "/app/pin", "pin_key="+b64(secret.Bytes(32)), http.Header{"Authorization": {"DPoP " + token}}),
			"a proof without ath":  h.bare(token),
			"at the other issuer":  h.at(idptest.PathIssuer).choose(0, token, idptest.PhonePIN),
			"a spent one, of late": h.late(),
		}
		for name, a := range refusals {
			if a.Status != http.StatusUnauthorized {
				m.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		token = h.setup()
		for node := range m.nodes {
			if a := h.choose(node, token, "73914"); a.Status != http.StatusNoContent {
				m.Errorf("chosen at node %d: %d %s", node, a.Status, a.Body)
			}
		}
		if a := h.choose(1, token, "62805"); a.Status != http.StatusUnauthorized {
			m.Errorf("another PIN with the same token: %d %s", a.Status, a.Body)
		}
		if a := h.pin(1, "73914"); a.Access == "" {
			m.Errorf("the PIN that was chosen: %d %s", a.Status, a.Body)
		}
		if a := h.pin(1, idptest.PhonePIN); a.TriesLeft == nil || *a.TriesLeft != 4 {
			m.Errorf("the PIN before: %d %s", a.Status, a.Body)
		}
	})
}

// at is the same phone at another issuer.
func (h *handset) at(issuer string) *handset {
	other := *h
	other.issuer = issuer
	return &other
}

// bare chooses a PIN beside a proof that is for no token.
func (h *handset) bare(token string) told {
	h.Helper()
	header := http.Header{"Dpop": {h.signed(h.proof(0, http.MethodPut, "/app/pin", ""))}, "Authorization": {"DPoP " + token}}
	return h.plain(0, http.MethodPut, "/app/pin", "pin_key="+b64(secret.Bytes(32)), header)
}

// late chooses a PIN after five minutes.
func (h *handset) late() told {
	h.Helper()
	token := h.setup()
	h.later(5 * time.Minute)
	return h.choose(0, token, idptest.PhonePIN)
}

// TestMalformedPINs: what is no 32 bytes in base64url, said twice or said in the address, is refused before a try counts.
func TestMalformedPINs(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h := m.phone("anna@example.org", idptest.HostIssuer)
		good := b64(secret.Bytes(32))
		token := h.setup()
		bad := []string{
			"", "48213", good[:42], good + "A", good + "=", good[:42] + "/", good[:42] + "+", good[:21] + "\n" + good[21:], " " + good,
			b64(secret.Bytes(31)), b64(secret.Bytes(33)), b64(secret.Bytes(64)), strings.Repeat("A", 1<<16), good[:42] + "é",
		}
		for _, value := range bad {
			p := h.proof(0, http.MethodPost, "/token", "")
			form := h.pinForm(idptest.PhonePIN, p)
			form.Set("pin_proof", value)
			answers := []told{
				h.send(0, "/token", p, form),
				h.send(0, "/app/pin", h.proof(0, http.MethodPut, "/app/pin", token), url.Values{"pin_key": {value}}),
			}
			for i, a := range answers {
				if a.Access != "" || a.Status != http.StatusBadRequest && a.Status != http.StatusRequestEntityTooLarge {
					m.Errorf("%d: %.50q: %d %s", i, value, a.Status, a.Body)
				}
			}
		}
		p := h.proof(0, http.MethodPost, "/token", "")
		form := h.pinForm(idptest.PhonePIN, p)
		for name := range form {
			twice := url.Values{}
			for n, values := range form {
				twice[n] = values
			}
			twice[name] = slices.Concat(form[name], form[name])
			if a := h.send(0, "/token", p, twice); a.Error != "invalid_request" && a.Error != "invalid_client" {
				m.Errorf("%s twice: %d %s", name, a.Status, a.Body)
			}
		}
		header := http.Header{"Dpop": {h.signed(p)}}
		if a := h.plain(0, http.MethodPost, "/token?"+form.Encode(), "client_id=app", header); a.Access != "" || a.Status != http.StatusBadRequest {
			m.Errorf("in the address: %d %s", a.Status, a.Body)
		}
		key := h.proof(0, http.MethodPut, "/app/pin", token)
		header = http.Header{"Dpop": {h.signed(key)}, "Authorization": {"DPoP " + token}}
		if a := h.plain(0, http.MethodPut, "/app/pin?pin_key="+good, "", header); a.Status < 400 {
			m.Errorf("a PIN in the address: %d %s", a.Status, a.Body)
		}
		if n := m.nodes[0].Count(tries); n != 0 {
			m.Error("a try counted")
		}
		h.lives("after all that")
	})
}
