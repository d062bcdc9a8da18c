package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/secret"
)

// passed are the parameters of an authorization request that a button may set (OpenID Connect Core 1.0 section
// 3.1.2.1).
var passed = []string{"prompt", "max_age", "acr_values", "ui_locales", "login_hint"}

func (s *Site) config(p Platform) oauth2.Config {
	return oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.Secret, RedirectURL: s.Origin + "/" + p.Name + "/callback", Scopes: p.Scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL: p.Issuer + "/authorize", TokenURL: p.Issuer + "/token", AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// login sends the person to the provider.
func (s *Site) login(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	state, a := secret.Token(), attempt{p.Name, oauth2.GenerateVerifier(), secret.Token()}
	v.pending[state] = a
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.verifier), oidc.Nonce(a.nonce)}
	for _, name := range passed {
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
		return errors.New("this login was already finished, or was not started here")
	case r.FormValue("iss") != p.Issuer:
		return errors.New("the answer names another issuer")
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
	algs := []string{"RS256", "ES256", "EdDSA", "PS256"}
	id, err := provider.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: algs}).Verify(r.Context(), raw)
	if err != nil {
		return fmt.Errorf("verifying the ID token: %w", err)
	}
	if nonce != "" && id.Nonce != nonce {
		return errors.New("the ID token has another nonce")
	}
	user, err := provider.UserInfo(r.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("userinfo: %w", err)
	}
	var info json.RawMessage
	if err := user.Claims(&info); err != nil {
		return err
	}
	v.signed[p.Name] = signed{token: token, raw: raw, info: info}
	return nil
}

func (s *Site) refresh(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	here, ok := v.signed[p.Name]
	if !ok {
		return errors.New("nobody is signed in")
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
	v.notice = notice{Text: "Refreshed: new tokens, the same sign-in."}
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
