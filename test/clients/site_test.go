//go:build clients

package clients_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/net/html"
	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/idptest"
)

// organisation is that of Jan.
const organisation = "GGZ Lindehof"

// site is a party whose people sign in at an organisation, at whose page asked types who Jan is.
type site struct {
	*goParty
	h      *house
	asked  func(*testing.T, *visitor)
	posted url.Values // the last form that a page of the organisation sends by itself
}

func newSite(t *testing.T, h *house, id string, asked func(*testing.T, *visitor)) *site {
	t.Helper()
	redirect := "http://localhost/" + id + "/callback"
	h.register(t, `
      - client_id: `+id+`
        secret: `+secretText+`
        redirect_uris: [`+redirect+`]
`)
	return &site{goParty: newGoParty(t, h, id, secretText, redirect, "profile", "email"), h: h, asked: asked}
}

// own is where no server answers.
func (s *site) own() string { return s.config.RedirectURL }

// said is an ID token.
type said struct {
	Subject  string   `json:"sub"`
	AuthTime int64    `json:"auth_time"`
	AMR      []string `json:"amr"`
	ACR      string   `json:"acr"`
	email    string
}

// begin opens the way to the organisation and follows it until somebody has to do something.
func (s *site) begin(t *testing.T, v *visitor, parameters ...oauth2.AuthCodeOption) (verifier string) {
	t.Helper()
	verifier = oauth2.GenerateVerifier()
	parameters = append(parameters, oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce-1"))
	v.visit(t, s.config.AuthCodeURL("state-1", parameters...))
	if strings.HasPrefix(v.URL.String(), s.h.issuer+"/") { // whoever has no password here is led on
		v.MustPress(t, idptest.Text("en", "login.sso", "organisation", organisation))
	}
	s.onward(t, v)
	return verifier
}

// onward sends the forms that pages of others send by themselves.
func (s *site) onward(t *testing.T, v *visitor) {
	t.Helper()
	for range 3 {
		form, _ := v.form(t)
		if !form.Has("SAMLResponse") && !form.Has("SAMLRequest") {
			return
		}
		s.posted = form
		v.submits(t, nil)
	}
}

// end takes what the visit brought back.
func (s *site) end(t *testing.T, v *visitor, verifier string) (got said) {
	t.Helper()
	token, err := s.config.Exchange(s.ctx, v.back(t).Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("%v, back with %v", err, v.back(t))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := s.provider.Verifier(&oidc.Config{ClientID: s.config.ClientID}).Verify(s.ctx, raw)
	if err == nil {
		err = id.Claims(&got)
	}
	if err != nil {
		t.Fatal(err)
	}
	got.email = s.userInfo(t, token).Email
	return got
}

// signIn signs Jan in, who is asked at the organisation who he is.
func (s *site) signIn(t *testing.T, v *visitor, parameters ...oauth2.AuthCodeOption) said {
	t.Helper()
	verifier := s.begin(t, v, parameters...)
	s.asked(t, v)
	s.onward(t, v)
	return s.end(t, v, verifier)
}

// response is the last that came in a form.
func (s *site) response(t *testing.T) []byte {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(s.posted.Get("SAMLResponse"))
	if err != nil || len(text) == 0 {
		t.Fatalf("no response: %v", err)
	}
	return text
}

// refused wants a sign-in to end at a page with this text.
func (s *site) refused(t *testing.T, key string) {
	t.Helper()
	v := s.h.visitor(s.own())
	s.begin(t, v)
	s.asked(t, v)
	s.onward(t, v)
	if text := idptest.Text("en", key, "organisation", organisation); !strings.Contains(idptest.Visible(v.Doc), text) {
		t.Fatalf("no %q on %s (%d):\n%s", text, v.URL, v.Status, idptest.Visible(v.Doc))
	}
}

// signedOut wants nobody to be signed in here in a browser.
func (s *site) signedOut(t *testing.T, v *visitor) {
	t.Helper()
	challenge := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
	v.visit(t, s.config.AuthCodeURL("state-1", challenge, oauth2.SetAuthURLParam("prompt", "none")))
	if got := v.back(t).Get("error"); got != "login_required" {
		t.Errorf("error %q, want login_required", got)
	}
}

// checks are those of every organisation: the first time and the second, known there, and shown to be there again. now: it
// says of everybody that they signed in there just now.
func (s *site) checks(c client, now bool) {
	var first said
	v := s.h.visitor(s.own())
	c.check("the first sign-in makes an account of what it says", func(t *testing.T) {
		first = s.signIn(t, v)
		if first.email != "jan@lindehof.example" || first.ACR != "urn:minddistrict:acr:1fa" || first.AuthTime == 0 {
			t.Errorf("%+v", first)
		}
	})
	c.check("the second one, in another browser, is known", func(t *testing.T) {
		if again := s.signIn(t, s.h.visitor(s.own())); again.Subject != first.Subject {
			t.Errorf("%+v after %+v", again, first)
		}
	})
	c.check("signed out here and not there: it still knows him, and says since when", func(t *testing.T) {
		sleepPast(float64(first.AuthTime))
		v.signOut(t, s.h)
		verifier := s.begin(t, v)
		again := s.end(t, v, verifier)
		if again.Subject != first.Subject || (again.AuthTime == first.AuthTime) == now || !slices.Equal(again.AMR, first.AMR) {
			t.Errorf("%+v after %+v", again, first)
		}
	})
	c.check("prompt=login: he is asked there again, and auth_time is new", func(t *testing.T) {
		again := s.signIn(t, v, oauth2.SetAuthURLParam("prompt", "login"))
		if again.Subject != first.Subject || again.AuthTime <= first.AuthTime {
			t.Errorf("%+v after %+v", again, first)
		}
	})
}

// connect declares connections while the server runs, and waits until it knows them.
func (h *house) connect(t *testing.T, entries string) {
	t.Helper()
	h.apply(t, "connections", entries)
	h.register(t, `
      - client_id: after-`+strings.ToLower(oauth2.GenerateVerifier()[:8])+`
        secret: `+secretText+`
        redirect_uris: [http://localhost/after/callback]
`)
}

// fetch is what is at an address.
func (h *house) fetch(t *testing.T, address string) string {
	t.Helper()
	v := h.visitor("")
	if v.visit(t, address); v.Status != http.StatusOK {
		t.Fatalf("%s: %d\n%s", address, v.Status, v.Body)
	}
	return v.Body
}

// form is the first one of the page that is open, and where it leads.
func (v *visitor) form(t *testing.T) (values url.Values, action string) {
	t.Helper()
	values = url.Values{}
	for form := range v.Doc.Descendants() {
		if form.Data != "form" {
			continue
		}
		for n := range form.Descendants() {
			if name := attribute(n, "name"); n.Data == "input" && name != "" {
				values.Set(name, attribute(n, "value"))
			}
		}
		to, err := v.URL.Parse(attribute(form, "action"))
		if err != nil {
			t.Fatal(err)
		}
		return values, to.String()
	}
	return values, ""
}

// submits sends that form with what is typed into it.
func (v *visitor) submits(t *testing.T, typed map[string]string) {
	t.Helper()
	values, action := v.form(t)
	for name, value := range typed {
		values.Set(name, value)
	}
	if err := v.Post(values, action); err != nil {
		t.Fatal(err)
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
