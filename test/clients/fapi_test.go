//go:build clients

package clients_test

import (
	"net/http"
	"strings"
	"testing"
)

const (
	fapiSection = "A FAPI 2.0 client: openid-client with keys"
	insurer     = "https://localhost/insurer" // the client's address, where no server answers
)

// strongParty is the client of the document that proves itself with a key, in one of its forms.
type strongParty struct {
	name     string
	pushes   bool // it is held to a profile: what is not pushed is refused
	signs    bool // its requests, and has answers signed
	register func(t *testing.T, h *house, key []string)
}

// The document's registration stands as it is; a form without its line `profile` comes before it, and one with the other
// profile after it.
var strongParties = []strongParty{
	{"without a profile", false, false, func(t *testing.T, h *house, key []string) {
		h.applied(t, strings.Replace(h.documented(t, fapiSection, "yaml", 0, insurer, key...), "        profile: fapi2\n", "", 1))
	}},
	{"fapi2", true, false, func(t *testing.T, h *house, key []string) {
		h.registers(t, fapiSection, 0, insurer, key...)
		h.settled(t)
	}},
	{"fapi2_message_signing", true, true, func(t *testing.T, h *house, _ []string) {
		h.registers(t, fapiSection, 1, insurer)
		h.settled(t)
	}},
}

func openidClientWithKeys(t *testing.T, h *house) {
	app := h.documented(t, fapiSection, "js", 1, insurer)
	dir := nodeFolder(t, map[string]string{
		"key.mjs": h.documented(t, fapiSection, "js", 0, insurer), "app.mjs": app, "signing.mjs": app + h.documented(t, fapiSection, "js", 2, insurer),
	})
	var key []string // what stands in the registration for the key that the program made
	for _, s := range strongParties {
		s.run(t, h, dir, &key)
	}
}

func (s strongParty) run(t *testing.T, h *house, dir string, key *[]string) {
	settings := map[string]string{"issuer": h.issuer, "redirect_uri": insurer + "/callback", "key": dir + "/key.mjs", "app": dir + "/app.mjs"}
	if s.signs {
		settings["app"], settings["message_signing"] = dir+"/signing.mjs", "yes"
	}
	p := h.startNode(t, "fapi.mjs", "", settings)
	if *key == nil {
		made := p.do(t, "key", nil)
		*key = []string{"the-x-of-your-key", text(made, "x"), "the-y-of-your-key", text(made, "y")}
	}
	s.register(t, h, *key)
	c := client{t, "openid-client with keys, " + s.name, npmVersion(t, "openid-client")}
	v := h.visitor(insurer + "/")
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
		if text(first, "email") != annasEmail || first["person"] != first["sub"] || first["token_type"] != "dpop" {
			t.Errorf("%v", first)
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
	if s.pushes {
		c.check("what was not pushed is refused", func(t *testing.T) {
			p.refused(t, "invalid_request", "finish", map[string]any{"url": v.visit(t, text(p.do(t, "bare", nil), "url"))})
		})
	}
	c.check("revocation", func(t *testing.T) {
		p.do(t, "revoke", nil)
		p.refused(t, "invalid_grant", "refresh", nil)
	})
}
