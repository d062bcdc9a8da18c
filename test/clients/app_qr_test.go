//go:build clients

package clients_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// screen is a browser in which Anna is signed in, beside the phone.
type screen struct {
	*visitor
	h *house
}

// beside signs Anna in in a browser of her own.
func beside(t *testing.T, h *house) *screen {
	t.Helper()
	s := &screen{h.visitor(""), h}
	s.signIn(t, h.issuer+"/settings/app")
	return s
}

// shows makes a code, and is what a camera reads.
func (s *screen) shows(t *testing.T) string {
	t.Helper()
	s.visit(t, s.h.issuer+"/settings/app")
	s.MustPress(t, idptest.Text("en", "qr.show"))
	text, err := idptest.QRCode(s.Browser)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// scanned lets a phone claim a new code, and is the number that it shows.
func (s *screen) scanned(t *testing.T, p *nodeProgram) int {
	t.Helper()
	said := p.do(t, "scan", map[string]any{"text": s.shows(t)})
	at, err := url.Parse(s.h.issuer)
	if err != nil || text(said, "host") != at.Host {
		t.Errorf("it asks about %v, want %s: %v", said, at.Host, err)
	}
	claimed := p.do(t, "claim", nil)
	if text(claimed, "organisation") != "GGZ De Linde" || text(claimed, "account") != "a***@example.org" {
		t.Errorf("it shows %v", claimed)
	}
	if number(claimed["expires_in"]) != 120 || number(claimed["interval"]) != 2 {
		t.Errorf("times %v", claimed)
	}
	s.again(t, "qr.confirm_title")
	return int(number(claimed["match_number"]))
}

// again loads the page again, and sees a text on it.
func (s *screen) again(t *testing.T, key string) {
	t.Helper()
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	s.sees(t, key)
}

func (s *screen) types(t *testing.T, number int) {
	t.Helper()
	s.MustFill(t, idptest.Text("en", "qr.number"), fmt.Sprint(number))
	s.MustPress(t, idptest.Text("en", "qr.confirm"))
}

// listed reports whether the settings list a device of this name.
func (s *screen) listed(t *testing.T, name string) bool {
	t.Helper()
	s.visit(t, s.h.issuer+"/settings/devices")
	return strings.Contains(idptest.Visible(s.Doc), name)
}

// removes takes a device of this name away in the settings.
func (s *screen) removes(t *testing.T, name string) {
	t.Helper()
	s.visit(t, s.h.issuer+"/settings/devices")
	if err := s.PressLike(regexp.MustCompile(regexp.QuoteMeta(name) + "$")); err != nil {
		t.Fatal(err)
	}
	s.MustPress(t, idptest.Text("en", "devices.revoke"))
	s.sees(t, "devices.removed")
}

// removed enters a PIN of a device that is no more: the app hears of it, and forgets the PIN.
func (p *nodeProgram) removed(t *testing.T, pin string) {
	t.Helper()
	a := p.ask(t, "pin", map[string]any{"pin": pin})
	if a.Error != "invalid_grant" || a.Details["device_removed"] != true {
		t.Errorf("the PIN of a device that is no more: %q %v", a.Error, a.Details)
	}
	if p.do(t, "has_pin", nil)["has_pin"] != false {
		t.Error("the app keeps a PIN")
	}
}

// mobileAppByCode signs in with the QR code on the screen, and goes through what ends a device or its tokens.
func mobileAppByCode(t *testing.T, h *house, c client, party map[string]string) {
	const name = "Telefoon naast het scherm"
	settings := map[string]string{}
	for key, value := range party {
		settings[key] = value
	}
	settings["device_name"] = name
	start := func() *nodeProgram {
		return h.startProgram(t, appClient, []string{"./tools.mjs", "cli.ts"}, "", settings)
	}
	p, second := start(), start()
	s := beside(t, h)
	var sub any
	enters := func(t *testing.T, pin string) map[string]any {
		t.Helper()
		claims := p.do(t, "pin", map[string]any{"pin": pin})
		if sub == nil {
			sub = claims["sub"]
		}
		if claims["sub"] != sub || sub == nil {
			t.Errorf("%v after %v", claims, sub)
		}
		return claims
	}
	byCode := func(t *testing.T) {
		t.Helper()
		number := s.scanned(t, p)
		s.types(t, number)
		s.sees(t, "qr.done_title")
		p.do(t, "confirmed", nil)
	}
	c.check("QR code: claimed once, the number typed in the browser, PIN", func(t *testing.T) {
		code := s.shows(t)
		p.refused(t, "not_ours", "scan", map[string]any{"text": strings.Replace(code, "linde", "els", 1)})
		second.do(t, "scan", map[string]any{"text": code})
		p.do(t, "scan", map[string]any{"text": code})
		shown := p.do(t, "claim", nil)
		second.refused(t, "invalid_grant", "claim", nil)
		p.refused(t, "authorization_pending", "poll", nil)
		s.again(t, "qr.confirm_title")
		s.sees(t, "qr.type_warning")
		if !strings.Contains(idptest.Visible(s.Doc), name) {
			t.Errorf("the page does not say what the phone calls itself:\n%s", idptest.Visible(s.Doc))
		}
		s.types(t, int(number(shown["match_number"])))
		s.sees(t, "qr.done_title")
		p.do(t, "confirmed", nil)
		p.refused(t, "weak_pin", "set_pin", map[string]any{"pin": "12345"})
		p.do(t, "set_pin", map[string]any{"pin": "48213"})
		enters(t, "48213")
		if info := p.do(t, "userinfo", nil); info["sub"] != sub || text(info, "email") != annasEmail {
			t.Errorf("userinfo %v", info)
		}
		if !s.listed(t, name) {
			t.Error("the device is not listed")
		}
	})
	c.check("QR code: Stop on the phone, stopped in the browser, two wrong numbers", func(t *testing.T) {
		s.scanned(t, second)
		second.do(t, "stop", nil)
		s.again(t, "qr.left")
		s.scanned(t, second)
		s.MustPress(t, idptest.Text("en", "qr.confirm_no"))
		s.sees(t, "qr.stopped")
		second.refused(t, "access_denied", "poll", nil)
		shown := s.scanned(t, second)
		s.types(t, 10+(shown-9)%90)
		s.sees(t, "qr.error_wrong")
		s.types(t, 10+(shown-8)%90)
		s.sees(t, "qr.wrong")
		second.refused(t, "access_denied", "confirmed", nil)
		if second.do(t, "has_pin", nil)["has_pin"] != false {
			t.Error("a phone that got nothing has a PIN")
		}
	})
	c.check("a start of the app, a wrong clock, fewer scopes", func(t *testing.T) {
		p.do(t, "restart", nil)
		p.refused(t, "not_signed_in", "userinfo", nil)
		if p.do(t, "has_pin", nil)["has_pin"] != true {
			t.Error("the app starts without a PIN")
		}
		p.do(t, "clock", map[string]any{"seconds": 3600})
		enters(t, "48213")
		p.do(t, "clock", map[string]any{"seconds": -3600})
		p.do(t, "restart", nil)
		enters(t, "48213")
		p.do(t, "clock", map[string]any{"seconds": 0})
		less := p.do(t, "pin", map[string]any{"pin": "48213", "scope": "openid"})
		if text(less, "scope") != "openid" {
			t.Errorf("scope %v", less)
		}
		if info := p.do(t, "userinfo", nil); info["email"] != nil {
			t.Errorf("userinfo %v", info)
		}
	})
	c.check("tokens of the device are nothing as bearer tokens", func(t *testing.T) {
		enters(t, "48213")
		r := get(t, h.issuer+"/userinfo")
		r.Header.Set("Authorization", "Bearer "+text(p.do(t, "tokens", nil), "access_token"))
		res, err := h.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // read to its end
		if err != nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d %s %v", res.StatusCode, body, err)
		}
	})
	c.check("forgotten PIN: by the code again, the same device; the old PIN is over", func(t *testing.T) {
		byCode(t)
		p.do(t, "set_pin", map[string]any{"pin": "73914"})
		old := p.ask(t, "pin", map[string]any{"pin": "48213"})
		if old.Error != "invalid_grant" || old.Details["tries_left"] != 4.0 {
			t.Errorf("the old PIN: %q %v", old.Error, old.Details)
		}
		if again := enters(t, "73914"); number(again["wrong_before"]) != 1 {
			t.Errorf("%v", again)
		}
		s.removes(t, name)
		if s.listed(t, name) {
			t.Error("there were two devices")
		}
	})
	c.check("removed in the settings: nothing works, and the app forgets it", func(t *testing.T) {
		p.refused(t, "invalid_token", "userinfo", nil)
		p.refused(t, "invalid_grant", "refresh", nil)
		p.removed(t, "73914")
	})
	c.check("restored from a backup without its key: in again, beside the device before", func(t *testing.T) {
		v := h.visitor(party["redirect_uri"])
		for range 2 {
			v.signIn(t, challenged(t, text(p.do(t, "sign_in", nil), "url")))
			v.back(t)
			p.do(t, "opened", map[string]any{"url": v.arrived.String()})
			p.do(t, "set_pin", map[string]any{"pin": "48213"})
			enters(t, "48213")
			p.do(t, "restored", nil)
			if p.do(t, "has_pin", nil)["has_pin"] != false {
				t.Error("a phone without a key asks a PIN")
			}
		}
		for range 2 {
			s.removes(t, name)
		}
		if s.listed(t, name) {
			t.Error("there were more than two")
		}
	})
}
