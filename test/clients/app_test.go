//go:build clients

package clients_test

import (
	"os/exec"
	"testing"
)

// appClient is where the mobile app's second client is.
const appClient = "../../test/app-client"

func mobileApp(t *testing.T, h *house) {
	const scheme = "nl.example.linde.app:/callback"
	h.register(t, `
      - client_id: linde-app
        type: native
        mobile_app: true
        redirect_uris: ["`+scheme+`"]
`)
	c := client{t, "test/app-client", "this repository"}
	c.check("vectors, rules of the app, sample of a resource server", func(t *testing.T) {
		cmd := exec.Command(node(t), "--import", "./tools.mjs", "--test")
		cmd.Dir = appClient
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	party := map[string]string{
		"issuer": h.issuer, "client_id": "linde-app", "redirect_uri": scheme, "scope": "openid profile email",
		"device_name": "Telefoon van Anna",
	}
	p := h.startProgram(t, appClient, []string{"./tools.mjs", "cli.ts"}, "", party)
	v := h.visitor(scheme)
	signIn := func(t *testing.T) {
		v.signIn(t, challenged(t, text(p.do(t, "sign_in", nil), "url")))
		v.back(t)
		p.do(t, "opened", map[string]any{"url": v.arrived.String()})
	}
	c.check("sign-in by browser, bound to the key of the device", signIn)
	var first map[string]any
	c.check("PIN: chosen, entered, four wrong ones in between", func(t *testing.T) {
		p.do(t, "set_pin", map[string]any{"pin": "48213"})
		first = p.do(t, "pin", map[string]any{"pin": "48213"})
		for _, left := range []float64{4, 3, 2, 1} {
			a := p.ask(t, "pin", map[string]any{"pin": "90210"})
			if a.Error != "invalid_grant" || a.Details["tries_left"] != left {
				t.Errorf("a wrong PIN: %q %v, want %v left", a.Error, a.Details, left)
			}
		}
		again := p.do(t, "pin", map[string]any{"pin": "48213"})
		if again["sub"] != first["sub"] || number(again["wrong_before"]) != 4 {
			t.Errorf("%v after %v", again, first)
		}
	})
	c.check("userinfo with DPoP, refresh", func(t *testing.T) {
		if info := p.do(t, "userinfo", nil); info["sub"] != first["sub"] || text(info, "email") != annasEmail {
			t.Errorf("userinfo %v of %v", info, first)
		}
		p.do(t, "refresh", nil)
		if info := p.do(t, "userinfo", nil); info["sub"] != first["sub"] {
			t.Errorf("userinfo %v of %v", info, first)
		}
	})
	c.check("logging out leaves the PIN; the fifth wrong one removes the device", func(t *testing.T) {
		p.do(t, "log_out", nil)
		p.do(t, "pin", map[string]any{"pin": "48213"})
		for range 4 {
			p.refused(t, "invalid_grant", "pin", map[string]any{"pin": "90210"})
		}
		p.removed(t, "90210")
	})
	c.check("in again, with another key", func(t *testing.T) {
		signIn(t)
		p.do(t, "set_pin", map[string]any{"pin": "13579"})
		if again := p.do(t, "pin", map[string]any{"pin": "13579"}); again["sub"] != first["sub"] {
			t.Errorf("%v after %v", again, first)
		}
	})
	mobileAppByCode(t, h, c, party)
}
