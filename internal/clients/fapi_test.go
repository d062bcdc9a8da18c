//go:build clients

package clients_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// strongParty is one that proves itself with a key, pushes its requests and binds its tokens.
type strongParty struct {
	name     string
	settings string // of its registration, beside keys and address
	signs    bool   // its requests, and has answers signed
}

var strongParties = []strongParty{
	{"strong", "", false},
	{"fapi2", "profile: fapi2", false},
	{"fapi2-message-signing", "profile: fapi2_message_signing", true},
}

func openidClientWithKeys(t *testing.T, h *house) {
	for _, s := range strongParties {
		s.run(t, h)
	}
}

func (s strongParty) run(t *testing.T, h *house) {
	redirect := "https://localhost/" + s.name + "/callback"
	signs := map[bool]string{true: "yes"}[s.signs]
	p := h.startNode(t, "fapi.mjs", "", map[string]string{
		"issuer": h.issuer, "client_id": s.name, "redirect_uri": redirect, "message_signing": signs,
	})
	keys, err := json.Marshal(p.do(t, "keys", nil))
	if err != nil {
		t.Fatal(err)
	}
	h.register(t, `
      - client_id: `+s.name+`
        auth: private_key_jwt
        jwks: `+string(keys)+`
        id_token_alg: ES256
        redirect_uris: [`+redirect+`]
        `+s.settings+`
`)
	c := client{t, "openid-client, " + s.name, npmVersion(t, "openid-client")}
	v := h.visitor("https://localhost/" + s.name + "/")
	var first map[string]any
	c.check("PAR, private_key_jwt, DPoP: code, userinfo", func(t *testing.T) {
		address := text(p.do(t, "start", nil), "url")
		if !strings.Contains(address, "request_uri=urn") || strings.Contains(address, "scope=") {
			t.Errorf("sent the person to %s", address)
		}
		address = v.signIn(t, address)
		if signed := strings.Contains(address, "response=ey"); signed != s.signs {
			t.Errorf("answered at %s", address)
		}
		first = p.do(t, "finish", map[string]any{"url": address})
		if info := p.do(t, "userinfo", nil); text(info, "email") != annasEmail || info["sub"] != first["sub"] || first["token_type"] != "dpop" {
			t.Errorf("userinfo %v of %v", info, first)
		}
	})
	c.check("the access token without its key is refused", func(t *testing.T) {
		if got := p.do(t, "stolen", nil); number(got["status"]) != http.StatusUnauthorized || !strings.Contains(text(got, "challenge"), "DPoP") {
			t.Errorf("%v", got)
		}
	})
	c.check("refresh with a new key, introspection with cnf", func(t *testing.T) {
		if claims := p.do(t, "refresh", nil); claims["sub"] != first["sub"] || claims["token_type"] != "dpop" {
			t.Errorf("%v after %v", claims, first)
		}
		p.do(t, "userinfo", nil)
		got := p.do(t, "introspect", map[string]any{"kind": "access_token"})
		if bound, _ := got["cnf"].(map[string]any); got["active"] != true || got["token_type"] != "DPoP" || text(bound, "jkt") == "" {
			t.Errorf("%v", got)
		}
	})
	if s.settings != "" {
		c.check("what was not pushed is refused", func(t *testing.T) {
			p.refused(t, "invalid_request", "finish", map[string]any{"url": v.visit(t, text(p.do(t, "bare", nil), "url"))})
		})
	}
	c.check("revocation", func(t *testing.T) {
		p.do(t, "revoke", nil)
		p.refused(t, "invalid_grant", "refresh", nil)
	})
}
