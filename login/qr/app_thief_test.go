package qr_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
)

// TestThiefOfAPhoneWithoutItsPIN: he has its key, its secret and its last refresh token. They are worth nothing after an hour
// without a refresh, or after the end of the session however often he refreshes, or as soon as the device is removed.
func TestThiefOfAPhoneWithoutItsPIN(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		idle := m.phone("anna@example.org", idptest.HostIssuer)
		m.later(time.Hour)
		for node := range m.nodes {
			if a := idle.renew(node); !a.is("invalid_grant") {
				m.Errorf("after an hour: %d %s", a.Status, a.Body)
			}
		}
		busy, began := m.phone("bram@example.org", idptest.HostIssuer), m.nodes[0].Clock.Now()
		for busy.renew(0).Access != "" {
			m.later(30 * time.Minute)
			if lived := m.nodes[0].Clock.Now().Sub(began); lived > 24*time.Hour {
				m.Fatalf("refreshed for %s", lived)
			}
		}
		if a := busy.renew(1); !a.is("invalid_grant") || busy.userinfo(1, busy.access) != http.StatusUnauthorized {
			m.Errorf("after the session: %d %s", a.Status, a.Body)
		}
		h := m.phone("anna@example.org", idptest.HostIssuer)
		d, _, err := m.nodes[1].DB.DeviceByKey(m.Context(), "linde", "app", h.jkt)
		if err == nil {
			err = m.nodes[1].DB.RemoveDevice(m.Context(), *d, "removed", authn.Change{Platform: "linde"}, m.nodes[1].Clock.Now())
		}
		if err != nil {
			m.Fatal(err)
		}
		h.gone("removed")
	})
}

// TestStolenDatabaseHoldsNoPIN: with the master key, but without the phone, none of all PINs fits; with the secret in the phone
// the same search finds it. That secret is nowhere in the database.
func TestStolenDatabaseHoldsNoPIN(t *testing.T) {
	t.Parallel()
	s := idptest.NewScene(t, idptest.HostIssuer, idptest.SQLite(t))
	s.Declare(appHouse("linde"), appHouse("wilg"))
	m := &mobile{TB: t, nodes: [2]*idptest.Scene{s, s}}
	h := m.phone("anna@example.org", idptest.HostIssuer)
	var d grant.Device
	var sealed []byte
	err := s.DB.SQL().QueryRowContext(t.Context(), "SELECT id, account, pin FROM app_devices").Scan(&d.ID, &d.Account, &sealed)
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.Sealer.Open(sealed, d.PINBinding())
	if err != nil {
		t.Fatal(err)
	}
	search := func(with []byte) (found []string) {
		for n := range 100_000 {
			pin := fmt.Sprintf("%05d", n)
			if bytes.Equal(phone.PINKey(with, idptest.HostIssuer, h.jkt, pin), key) {
				found = append(found, pin)
			}
		}
		return found
	}
	for _, without := range [][]byte{nil, make([]byte, 32), []byte(h.jkt), []byte(d.ID), []byte(d.Account), key} {
		if found := search(without); found != nil {
			t.Errorf("without the phone: %s", found)
		}
	}
	if found := search(h.secret); len(found) != 1 || found[0] != idptest.PhonePIN {
		t.Errorf("with the phone: %s", found)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	s.Exec("VACUUM INTO '" + copied + "'")
	text, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range [][]byte{h.secret, []byte(b64(h.secret)), fmt.Appendf(nil, "%x", h.secret), key, []byte(b64(key))} {
		if bytes.Contains(text, canary) {
			t.Error("the secret, or the key of the PIN, is in the database")
		}
	}
	if !bytes.Contains(text, sealed) {
		t.Error("what is there is not found either")
	}
}

// TestForgottenPINAsksThePassword: a minute after a sign-in in the same browser, wherever the answer goes.
func TestForgottenPINAsksThePassword(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h, d := m.phone("anna@example.org", idptest.HostIssuer), m.shows()
		var back url.Values
		m.nodes[0].Site("phone.test", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { back = r.URL.Query() }))
		m.later(time.Minute)
		for _, redirect := range []string{"https://phone.test/callback", "net.example.phone:/callback"} {
			ask := url.Values{
				"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {redirect}, "scope": {"openid"}, "state": {"s"},
				"code_challenge": {idptest.Challenge}, "code_challenge_method": {"S256"}, "dpop_jkt": {h.jkt},
			}
			for _, more := range []url.Values{{}, {"max_age": {"3600"}}, {"login_hint": {"anna@example.org"}}} {
				for name, values := range ask {
					more[name] = values
				}
				d.b.MustOpen(m, idptest.HostIssuer+"/authorize?"+more.Encode())
				if !strings.Contains(d.b.Body, `name="password"`) || back != nil {
					m.Errorf("%s: no password is asked at %s", redirect, d.b.URL)
				}
			}
		}
		none := idptest.HostIssuer + "/authorize?" + url.Values{
			"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {"https://phone.test/callback"}, "scope": {"openid"}, "state": {"s"},
			"code_challenge": {idptest.Challenge}, "code_challenge_method": {"S256"}, "dpop_jkt": {h.jkt}, "prompt": {"none"},
		}.Encode()
		if d.b.MustOpen(m, none); back.Get("error") != "login_required" || back.Has("code") {
			m.Errorf("prompt=none: %v", back)
		}
	})
}

// TestDeviceEndsAtBothNodes: what its owner does at one node ends it at both.
func TestDeviceEndsAtBothNodes(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		s := m.nodes[1]
		s.Site("linde.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		for name, act := range map[string]func(*idptest.Browser){
			"everywhere": func(b *idptest.Browser) {
				b.MustOpen(m, idptest.HostIssuer+"/settings/devices")
				b.MustPress(m, idptest.Text("en", "devices.logout_all"))
			},
		} {
			h := m.phone("anna@example.org", idptest.HostIssuer)
			b := idptest.NewBrowser(s.Server, "en")
			(&screen{mobile: m}).signIn(b)
			act(b)
			h.gone(name)
		}
		h := m.phone("bram@example.org", idptest.HostIssuer)
		a := idptest.Account(m, s.DB, "bram@example.org")
		s.Exec("UPDATE accounts SET state = 'deactivated' WHERE id = '" + string(a.ID) + "'")
		h.gone("not active")
	})
}

// TestPINOutlivesTheMasterKey: another master key, everything sealed anew, and the old one is gone.
func TestPINOutlivesTheMasterKey(t *testing.T) {
	t.Parallel()
	mobiles(t, func(m *mobile) {
		h, d := m.phone("anna@example.org", idptest.HostIssuer), m.shows()
		phone := m.blank(idptest.HostIssuer)
		_, reference := d.code()
		claimed := phone.claim(0, reference)
		old := m.nodes[0].Sealer
		next, err := keys.NewSealer(secret.Bytes(32))
		if err != nil {
			m.Fatal(err)
		}
		e := audit.Event{At: m.nodes[0].Clock.Now(), Kind: audit.MasterKeyRotated, Actor: "system", Outcome: audit.Success}
		_, err = m.nodes[0].DB.Reseal(m.Context(), e, func(binding string, sealed []byte) ([]byte, error) {
			plain, err := old.Open(sealed, binding)
			if err != nil {
				return nil, err
			}
			return next.Seal(plain, binding), nil
		})
		if err != nil {
			m.Fatal(err)
		}
		for _, n := range m.nodes {
			n.Rebuild(func(o *wire.Options) { o.Sealer = next })
		}
		h.lives("under another master key")
		if a := h.pin(0, wrongPIN); a.TriesLeft == nil || *a.TriesLeft != 4 {
			m.Errorf("a wrong PIN: %d %s", a.Status, a.Body)
		}
		if right, err := d.types(1, claimed.Handoff, d.session.ID, fmt.Sprint(claimed.Number)); !right || err != nil {
			m.Errorf("the number: %v %v", right, err)
		}
		if a := phone.poll(1, claimed.Handoff); a.Scope != "app-pin" {
			m.Errorf("its answer: %d %s", a.Status, a.Body)
		}
	})
}
