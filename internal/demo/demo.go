// Package demo is the relying platform of `idp dev`: a small site that sends people to us, shows what comes back, and
// has buttons for what a platform can ask: sign in again, a silent check, a refresh, signing out.
//
// It is built on coreos/go-oidc and x/oauth2, as somebody else's platform would be, and keeps everything in memory. It
// serves every demo platform under /<name>/. It is for development only: `idp serve` does not contain its routes.
package demo

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/notify"
)

//go:embed demo.html
var page string

var pages = template.Must(template.New("demo").Parse(page))

// Platform is one demo platform to log in to.
type Platform struct {
	Name, Title, Issuer, ClientID, Secret string
}

// Site is the relying platform.
type Site struct {
	Origin    string // where it is served: http://localhost:8081
	Accounts  []Account
	Mails     *notify.Memory // shown at /dev/outbox
	platforms map[string]Platform
	order     []Platform

	mu       sync.Mutex
	visitors map[string]*visitor // by cookie
}

// Account is one that the start page names, with its password; empty: it is invited, and its mail is in the outbox.
type Account struct{ Email, Password, Role, Platform, On string }

// visitor is what one browser has at the site.
type visitor struct {
	mu      sync.Mutex
	pending map[string]attempt // by state
	signed  map[string]signed  // by platform
	notice  string
}

type attempt struct{ platform, verifier, nonce string }

type signed struct {
	token  *oauth2.Token
	raw    string // the ID token
	Claims string
	Info   string
}

// New makes the site. Its outbox is empty.
func New(origin string, platforms []Platform, accounts []Account) *Site {
	s := &Site{Origin: origin, Accounts: accounts, Mails: &notify.Memory{}, platforms: map[string]Platform{}, order: platforms, visitors: map[string]*visitor{}}
	for _, p := range platforms {
		s.platforms[p.Name] = p
	}
	return s
}

// ServeHTTP routes /, /<platform>/ and the actions under it.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.start)
	m.HandleFunc("GET /dev/outbox", s.outbox)
	m.HandleFunc("GET /dev/outbox/{id}", s.html)
	m.HandleFunc("GET /{platform}/{$}", s.with(s.home))
	m.HandleFunc("GET /{platform}/login", s.with(s.login))
	m.HandleFunc("GET /{platform}/callback", s.with(s.callback))
	m.HandleFunc("POST /{platform}/refresh", s.with(s.refresh))
	m.HandleFunc("POST /{platform}/logout", s.with(s.logout))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'")
	m.ServeHTTP(w, r)
}

type view struct {
	Platform  *Platform
	Platforms []Platform
	Accounts  []Account
	Signed    *signed
	Notice    string
}

func (s *Site) show(w http.ResponseWriter, v view) {
	v.Platforms = s.order
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := pages.Execute(w, v); err != nil {
		http.Error(w, "template", http.StatusInternalServerError)
	}
}

func (s *Site) start(w http.ResponseWriter, _ *http.Request) { s.show(w, view{Accounts: s.Accounts}) }

// with finds platform and visitor.
func (s *Site) with(h func(http.ResponseWriter, *http.Request, Platform, *visitor) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.platforms[r.PathValue("platform")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		v := s.visitor(w, r)
		v.mu.Lock()
		defer v.mu.Unlock()
		if err := h(w, r, p, v); err != nil {
			v.notice = err.Error()
			http.Redirect(w, r, "/"+p.Name+"/", http.StatusSeeOther)
		}
	}
}

func (s *Site) visitor(w http.ResponseWriter, r *http.Request) *visitor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, err := r.Cookie("demo"); err == nil && s.visitors[c.Value] != nil {
		return s.visitors[c.Value]
	}
	id, v := secret.Token(), &visitor{pending: map[string]attempt{}, signed: map[string]signed{}}
	s.visitors[id] = v
	http.SetCookie(w, &http.Cookie{Name: "demo", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return v
}

func (s *Site) config(p Platform) oauth2.Config {
	return oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.Secret, RedirectURL: s.Origin + "/" + p.Name + "/callback",
		Scopes:   []string{"openid", "profile", "email", "offline_access"},
		Endpoint: oauth2.Endpoint{AuthURL: p.Issuer + "/authorize", TokenURL: p.Issuer + "/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
}

func (s *Site) home(w http.ResponseWriter, _ *http.Request, p Platform, v *visitor) error {
	out := view{Platform: &p, Accounts: s.Accounts, Notice: v.notice}
	v.notice = ""
	if here, ok := v.signed[p.Name]; ok {
		out.Signed = &here
	}
	s.show(w, out)
	return nil
}

// login sends the person to the provider; prompt and max_age come from the buttons.
func (s *Site) login(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	state, a := secret.Token(), attempt{p.Name, oauth2.GenerateVerifier(), secret.Token()}
	v.pending[state] = a
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.verifier), oidc.Nonce(a.nonce)}
	for _, name := range []string{"prompt", "max_age", "ui_locales", "login_hint"} {
		if value := r.FormValue(name); value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	config := s.config(p)
	http.Redirect(w, r, config.AuthCodeURL(state, options...), http.StatusSeeOther)
	return nil
}

func (s *Site) callback(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	a, ok := v.pending[r.FormValue("state")]
	delete(v.pending, r.FormValue("state"))
	switch {
	case !ok || a.platform != p.Name:
		return fmt.Errorf("this login was already finished, or was not started here")
	case r.FormValue("iss") != p.Issuer:
		return fmt.Errorf("the answer names another issuer")
	case r.FormValue("error") != "":
		return fmt.Errorf("%s: %s", r.FormValue("error"), r.FormValue("error_description"))
	}
	config := s.config(p)
	token, err := config.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(a.verifier))
	if err != nil {
		return fmt.Errorf("exchanging the code: %w", err)
	}
	if err := s.keep(r, p, v, token, a.nonce); err != nil {
		return err
	}
	http.Redirect(w, r, "/"+p.Name+"/", http.StatusSeeOther)
	return nil
}

// keep verifies the ID token and remembers what the page shows.
func (s *Site) keep(r *http.Request, p Platform, v *visitor, token *oauth2.Token, nonce string) error {
	provider, err := oidc.NewProvider(r.Context(), p.Issuer)
	if err != nil {
		return err
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: []string{"RS256", "ES256", "EdDSA", "PS256"}}).Verify(r.Context(), raw)
	if err != nil {
		return fmt.Errorf("verifying the ID token: %w", err)
	}
	if nonce != "" && id.Nonce != nonce {
		return fmt.Errorf("the ID token has another nonce")
	}
	here := signed{token: token, raw: raw}
	var claims, info json.RawMessage
	if err := id.Claims(&claims); err != nil {
		return err
	}
	user, err := provider.UserInfo(r.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("userinfo: %w", err)
	}
	if err := user.Claims(&info); err != nil {
		return err
	}
	here.Claims, here.Info = indent(claims), indent(info)
	v.signed[p.Name] = here
	return nil
}

func (s *Site) refresh(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	here, ok := v.signed[p.Name]
	if !ok {
		return fmt.Errorf("nobody is signed in")
	}
	config := s.config(p)
	token, err := config.TokenSource(r.Context(), &oauth2.Token{RefreshToken: here.token.RefreshToken}).Token()
	if err != nil {
		delete(v.signed, p.Name)
		return fmt.Errorf("refreshing: %w", err)
	}
	if err := s.keep(r, p, v, token, ""); err != nil {
		return err
	}
	v.notice = "Refreshed."
	http.Redirect(w, r, "/"+p.Name+"/", http.StatusSeeOther)
	return nil
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	q := url.Values{"client_id": {p.ClientID}, "post_logout_redirect_uri": {s.Origin + "/" + p.Name + "/"}}
	if here, ok := v.signed[p.Name]; ok {
		q.Set("id_token_hint", here.raw)
	}
	delete(v.signed, p.Name)
	http.Redirect(w, r, p.Issuer+"/logout?"+q.Encode(), http.StatusSeeOther)
	return nil
}

func indent(raw json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return string(raw)
	}
	return out.String()
}
