//go:build clients

package clients_test

import (
	"testing"
	"time"
)

func openidClient(t *testing.T, h *house) {
	const section, origin = "openid-client", "http://localhost/openid-client"
	h.registers(t, section, 0, origin)
	c := client{t, "openid-client", npmVersion(t, "openid-client")}
	dir := nodeFolder(t, map[string]string{"app.mjs": h.documented(t, section, "js", 0, origin) + h.documented(t, section, "js", 1, origin)})
	p := h.startNode(t, "openid-client.mjs", "", map[string]string{"app": dir + "/app.mjs"})
	start := func(t *testing.T, parameters map[string]any) string {
		return text(p.do(t, "start", map[string]any{"parameters": parameters}), "url")
	}
	v := h.visitor("http://localhost/openid-client/")
	var first map[string]any
	c.check("code with PKCE (ID token, nonce, iss), userinfo", func(t *testing.T) {
		first = p.do(t, "finish", map[string]any{"url": v.signIn(t, start(t, nil))})
		if info := p.do(t, "person", nil); text(info, "email") != annasEmail || text(info, "family_name") != "Bakker" || info["sub"] != first["sub"] {
			t.Errorf("userinfo %v of %v", info, first)
		}
	})
	c.check("refresh", func(t *testing.T) {
		if claims := p.do(t, "refresh", nil); claims["sub"] != first["sub"] || claims["auth_time"] != first["auth_time"] {
			t.Errorf("%v after %v", claims, first)
		}
	})
	c.check("introspection", func(t *testing.T) {
		for _, kind := range []string{"access_token", "refresh_token"} {
			if got := p.do(t, "introspect", map[string]any{"kind": kind}); got["active"] != true || got["sub"] != first["sub"] || got["client_id"] != "openid-client" {
				t.Errorf("%s: %v", kind, got)
			}
		}
	})
	c.check("single sign-on, and the password again by max_age", func(t *testing.T) {
		sso := p.do(t, "finish", map[string]any{"url": v.visit(t, start(t, nil))})
		if sso["auth_time"] != first["auth_time"] || sso["sid"] != first["sid"] {
			t.Errorf("single sign-on gave %v after %v", sso, first)
		}
		sleepPast(sso["auth_time"])
		again := p.do(t, "finish", map[string]any{"url": v.confirm(t, start(t, map[string]any{"max_age": "1"}))})
		if number(again["auth_time"]) <= number(first["auth_time"]) || again["sub"] != first["sub"] {
			t.Errorf("%v after %v", again, first)
		}
	})
	c.check("acr that cannot be met: unmet_authentication_requirements", func(t *testing.T) {
		address := v.visit(t, start(t, map[string]any{"acr_values": "urn:minddistrict:acr:2fa"}))
		p.refused(t, "unmet_authentication_requirements", "finish", map[string]any{"url": address})
	})
	c.check("logout, with revocation", func(t *testing.T) {
		address := text(p.do(t, "logout", nil), "url")
		if got := p.do(t, "introspect", map[string]any{"kind": "access_token"}); got["active"] != false {
			t.Errorf("still described: %v", got)
		}
		p.refused(t, "invalid_grant", "refresh", nil)
		if at := v.visit(t, address); at != origin+"/bye" {
			t.Fatalf("at %s", at)
		}
		address = v.visit(t, start(t, map[string]any{"prompt": "none"}))
		p.refused(t, "login_required", "finish", map[string]any{"url": address})
	})
}

// sleepPast waits until more than a second has gone by since a sign-in: max_age counts in whole seconds.
func sleepPast(authTime any) {
	time.Sleep(time.Until(time.Unix(int64(number(authTime)), 0).Add(2100 * time.Millisecond)))
}

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}
