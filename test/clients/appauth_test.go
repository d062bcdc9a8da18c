//go:build clients

package clients_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/program"
)

func appAuth(t *testing.T, h *house) {
	const scheme = "nl.example.linde:/callback"
	const section = "AppAuth"
	h.registers(t, section, 0, "")
	c := client{t, "@openid/appauth", npmVersion(t, "@openid/appauth")}
	opened := filepath.Join(t.TempDir(), "opened")
	dir := nodeFolder(t, map[string]string{"app.mjs": h.documented(t, section, "js", 0, "") + h.documented(t, section, "js", 1, "")})
	p := h.startNode(t, "appauth.mjs", openerTo(t, opened), map[string]string{"issuer": h.issuer, "app": dir + "/app.mjs"})

	var tokens map[string]any
	c.check("loopback redirect on a port of the moment, PKCE", func(t *testing.T) {
		_, port, _ := strings.Cut(program.FreeAddress(t), ":")
		p.send(t, map[string]any{"do": "loopback", "port": port})
		v := h.visitor("")
		at := v.signIn(t, challenged(t, content(t, opened)))
		answer := p.receive(t)
		if answer.Error != "" || !strings.HasPrefix(at, "http://127.0.0.1:"+port+"/callback?") {
			t.Fatalf("at %s: %s", at, answer.Error)
		}
		tokens = answer.Result
		h.isAnnas(t, "appauth", tokens)
	})
	c.check("refresh, with rotation", func(t *testing.T) {
		next := p.do(t, "refresh", map[string]any{"refresh_token": tokens["refresh_token"]})
		if next["refresh_token"] == tokens["refresh_token"] || next["access_token"] == tokens["access_token"] {
			t.Errorf("not new: %v", next)
		}
		tokens = next
		h.isAnnas(t, "appauth", tokens)
	})
	c.check("revocation", func(t *testing.T) {
		p.do(t, "revoke", map[string]any{"token": tokens["refresh_token"]})
		if a := p.ask(t, "refresh", map[string]any{"refresh_token": tokens["refresh_token"]}); a.Error == "" {
			t.Errorf("refreshed: %v", a.Result)
		}
	})
	c.check("private-use scheme, PKCE", func(t *testing.T) {
		v := h.visitor(scheme)
		address := text(p.do(t, "scheme", nil), "url")
		back := v.signIn(t, challenged(t, address))
		h.isAnnas(t, "appauth", p.do(t, "opened", map[string]any{"url": back}))
	})
	c.check("a refusal reaches the app", func(t *testing.T) {
		address, err := url.Parse(text(p.do(t, "scheme", nil), "url"))
		if err != nil {
			t.Fatal(err)
		}
		back := url.Values{"error": {"access_denied"}, "state": {address.Query().Get("state")}}
		p.refused(t, "access_denied", "opened", map[string]any{"url": scheme + "?" + back.Encode()})
	})
	c.check("single sign-on after a page, and a code that is of no use without the verifier", func(t *testing.T) {
		v := h.visitor(scheme)
		start := func() string { return text(p.do(t, "scheme", nil), "url") }
		v.signIn(t, start())
		v.visit(t, start())
		v.sees(t, "go_on.hint")
		v.MustPress(t, idptest.Text("en", "common.continue"))
		if a := p.ask(t, "opened", map[string]any{"url": v.arrived.String(), "without_verifier": true}); a.Error == "" {
			t.Errorf("tokens without the verifier: %v", a.Result)
		}
	})
}

// openerTo makes a folder with a program of the name that apps open addresses with: it writes the address into a file.
func openerTo(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nprintf %s \"$1\" > '" + file + ".part' && mv '" + file + ".part' '" + file + "'\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// content waits for a file that another program writes.
func content(t *testing.T, path string) string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err == nil {
			return string(text)
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// challenged is an address of ours that carries a challenge.
func challenged(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Query().Get("code_challenge_method") != "S256" || u.Query().Get("code_challenge") == "" {
		t.Fatalf("no challenge: %v in %s", err, address)
	}
	return address
}

// isAnnas verifies the ID token that a client got, and asks who the access token is of.
func (h *house) isAnnas(t *testing.T, party string, tokens map[string]any) {
	t.Helper()
	p := newGoParty(t, h, party, "", "")
	id, err := p.provider.Verifier(&oidc.Config{ClientID: party}).Verify(p.ctx, text(tokens, "id_token"))
	if err != nil {
		t.Fatal(err)
	}
	if info := p.userInfo(t, &oauth2.Token{AccessToken: text(tokens, "access_token")}); info.Subject != id.Subject || info.Email != annasEmail {
		t.Errorf("userinfo %+v of %s", info, id.Subject)
	}
}
