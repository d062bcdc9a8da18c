//go:build clients

package clients_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/program"
	"golang.org/x/oauth2"
)

// secretText is what every confidential party here has.
const secretText = idptest.PartySecret

// goParty is a relying party on go-oidc and x/oauth2.
type goParty struct {
	ctx      context.Context
	provider *oidc.Provider
	config   oauth2.Config
}

func newGoParty(t *testing.T, h *house, id, secret, redirect string, scopes ...string) *goParty {
	t.Helper()
	ctx := oidc.ClientContext(t.Context(), h.http)
	provider, err := oidc.NewProvider(ctx, h.issuer)
	if err != nil {
		t.Fatal(err)
	}
	return &goParty{ctx, provider, oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: redirect, Endpoint: provider.Endpoint(), Scopes: append([]string{oidc.ScopeOpenID}, scopes...),
	}}
}

// signIn signs Anna in with a fresh browser and returns the browser, the tokens and the verified ID token.
func (p *goParty) signIn(t *testing.T, h *house) (*visitor, *oauth2.Token, *oidc.IDToken) {
	t.Helper()
	v := h.visitor(p.config.RedirectURL)
	verifier := oauth2.GenerateVerifier()
	v.signIn(t, p.config.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce-1")))
	if back := v.back(t); back.Get("state") != "state-1" || back.Get("iss") != h.issuer {
		t.Fatalf("back with %v", back)
	}
	token, err := p.config.Exchange(p.ctx, v.back(t).Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.provider.Verifier(&oidc.Config{ClientID: p.config.ClientID}).Verify(p.ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	return v, token, id
}

func (p *goParty) userInfo(t *testing.T, token *oauth2.Token) *oidc.UserInfo {
	t.Helper()
	info, err := p.provider.UserInfo(p.ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// refresh asks for new tokens, as the library does when the access token has expired.
func (p *goParty) refresh(refreshToken string) (*oauth2.Token, error) {
	return p.config.TokenSource(p.ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
}

func goOIDC(t *testing.T, h *house) {
	h.register(t, `
      - client_id: go-party
        secret: `+secretText+`
        redirect_uris: [http://localhost/go-party/callback]
        id_token_alg: ES256
`)
	p := newGoParty(t, h, "go-party", secretText, "http://localhost/go-party/callback", "profile", "email", oidc.ScopeOfflineAccess)
	c := client{t, "coreos/go-oidc, x/oauth2", moduleVersion(t, "github.com/coreos/go-oidc/v3") + ", " + moduleVersion(t, "golang.org/x/oauth2")}
	var token *oauth2.Token
	var id *oidc.IDToken
	c.check("code with PKCE, ID token (ES256, nonce, at_hash, amr, acr)", func(t *testing.T) {
		_, token, id = p.signIn(t, h)
		if id.Nonce != "nonce-1" {
			t.Errorf("nonce %q", id.Nonce)
		}
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			t.Error(err)
		}
		var claims struct {
			AMR []string `json:"amr"`
			ACR string   `json:"acr"`
		}
		if err := id.Claims(&claims); err != nil || !slices.Equal(claims.AMR, []string{"pwd"}) || claims.ACR != "urn:minddistrict:acr:1fa" {
			t.Errorf("claims %+v, %v", claims, err)
		}
	})
	c.check("userinfo", func(t *testing.T) {
		info := p.userInfo(t, token)
		var names struct {
			Given  string `json:"given_name"`
			Middle string `json:"middle_name"`
			Family string `json:"family_name"`
		}
		if err := info.Claims(&names); err != nil || info.Subject != id.Subject || info.Email != annasEmail || !info.EmailVerified ||
			names.Given != "Anna" || names.Middle != "van der" || names.Family != "Bakker" {
			t.Errorf("%+v, %+v, %v", info, names, err)
		}
	})
	c.check("refresh", func(t *testing.T) {
		next, err := p.refresh(token.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := next.Extra("id_token").(string)
		again, err := p.provider.Verifier(&oidc.Config{ClientID: "go-party"}).Verify(p.ctx, raw)
		if err != nil || again.Subject != id.Subject || next.AccessToken == token.AccessToken {
			t.Errorf("%+v, %v", again, err)
		}
		if info := p.userInfo(t, next); info.Subject != id.Subject {
			t.Errorf("userinfo of %q", info.Subject)
		}
	})
	c.check("the program of the document", func(t *testing.T) { goSite(t, h, id.Subject) })
}

// goSite signs Anna in at the program of the document, in front of which something speaks TLS.
func goSite(t *testing.T, h *house, subject string) {
	const section = "go-oidc and x/oauth2"
	inside, outside := program.FreeAddress(t), program.FreeAddress(t)
	_, port, _ := strings.Cut(outside, ":")
	origin := "https://localhost:" + port
	h.registers(t, section, 0, origin)
	built := goProgram(t, h.documented(t, section, "go", 0, origin, "localhost:8080", inside))
	front := &http.Server{Addr: outside, Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: inside})
	}}, ReadHeaderTimeout: time.Minute}
	go func() { _ = front.ListenAndServeTLS(h.Chain, h.Key) }() // ends with the test
	t.Cleanup(func() { _ = front.Close() })
	start(t, "the site in Go", exec.Command(built), []string{"SSL_CERT_FILE=" + h.Authority}, func() error { return h.answers("http://" + inside + "/") }).simple = true
	v := h.visitor("")
	v.visit(t, origin+"/login") // what it keeps of this one is there when another answer comes
	if v.visit(t, origin+"/callback?state=another&code=x"); v.Status != http.StatusForbidden || v.Body != "this answers another sign-in\n" {
		t.Errorf("an answer to another sign-in: %d\n%s", v.Status, v.Body)
	}
	v.signIn(t, origin+"/login")
	var claims map[string]any
	if err := json.Unmarshal([]byte(v.Body), &claims); err != nil || claims["sub"] != subject || claims["email"] != annasEmail || claims["family_name"] != "Bakker" {
		t.Errorf("%d %v:\n%s", v.Status, err, v.Body)
	}
	if len(v.exposed) != 0 {
		t.Errorf("cookies without Secure: %v", v.exposed)
	}
}
