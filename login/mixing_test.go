package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// mixed is Mallory, who has an account of his own and knows Anna's password. Anna has an app.
type mixed twoStep

const mallorysApp = "KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TF"

func newMixed(t *testing.T, mallory string) *mixed {
	s := idptest.NewServer(t, idptest.SQLite(t))
	demo := twoStepOf("optional", "email: mallory@example.org, locale: en"+mallory, "email: bram@example.org, locale: en")
	s.Declare(demo)
	party := demo.Party(s, "web")
	m := &mixed{s, t, party, idptest.NewBrowser(s, "en")}
	idptest.LogIn(t, m.b, party.Start(nil), "mallory@example.org")
	return m
}

func (m *mixed) code(label, of, button string) {
	m.t.Helper()
	m.b.MustFill(m.t, label, idptest.Code(m.t, of, m.Clock.Now()))
	m.b.MustPress(m.t, button)
}

// identify sends the login form to the journey that is open, whatever its page shows.
func (m *mixed) identify(email string) {
	m.t.Helper()
	journey, _ := journeyOf(m.b)
	m.b.MustTwice(m.t, url.Values{"email": {email}, "password": {idptest.Password}}, journey+"/password")
}

// signedOut drops the session's cookie and no other.
func (m *mixed) signedOut() {
	at, _ := url.Parse("https://id.test/")
	m.b.Jar.SetCookies(at, []*http.Cookie{{Name: "__Host-linde-session", Path: "/", Secure: true, MaxAge: -1}})
}

func (m *mixed) wantNoSecondFactorBypass() {
	m.t.Helper()
	anna := idptest.Account(m.t, m.DB, "anna@example.org")
	if m.party.Last.Claims["sub"] == string(anna.ID) {
		m.t.Errorf("at %s: signed in as Anna with %v, without her app", m.b.URL, m.party.Last.Claims["amr"])
	}
}

// A code proves who it was asked of: a journey that goes on with another account asks that account's own.
func TestACodeOfOneAccountDoesNotLeadIntoAnother(t *testing.T) {
	t.Run("somebody else after the idle hour", func(t *testing.T) {
		m := newMixed(t, ", totp_secret: "+mallorysApp)
		m.code("Code", mallorysApp, "Continue")
		m.Clock.Later(61 * time.Minute)
		m.b.MustOpen(t, m.party.Start(url.Values{"max_age": {"60"}}))
		m.code("Code", mallorysApp, "Continue")
		m.b.MustBeAt(t, "/password")
		m.b.MustTwice(t, url.Values{"do": {"other"}}, m.b.URL.String())
		m.identify("anna@example.org")
		m.wantNoSecondFactorBypass()
	})
	t.Run("a form sent to a page further on", func(t *testing.T) {
		m := newMixed(t, "")
		m.b.MustOpen(t, m.party.Start(url.Values{"acr_values": {"urn:minddistrict:acr:2fa"}}))
		m.b.MustPress(t, "Set up two-step authentication")
		m.code("Code from the app", keyOnPage(m.b), "Turn on two-step authentication")
		m.b.MustBeAt(t, "/recovery-codes")
		m.signedOut()
		m.identify("anna@example.org")
		m.wantNoSecondFactorBypass()
	})
}

// A browser is remembered for one account, and spares nobody else the code.
func TestABrowserRememberedForOneAccountWaivesNothingOfAnother(t *testing.T) {
	m := newMixed(t, ", totp_secret: "+mallorysApp)
	remembered(m.b)
	m.code("Code", mallorysApp, "Continue")
	m.Clock.Later(6 * time.Minute)
	m.b.MustOpen(t, settings+"/two-step")
	m.b.MustBeAt(t, "/password")
	m.b.MustPress(t, "Log in with another account")
	idptest.SendPassword(t, m.b, "anna@example.org")
	m.b.MustBeAt(t, "/totp")
	m.b.MustOpen(t, m.party.Start(nil))
	m.identify("mallory@example.org")
	if m.b.Button("Continue as anna@example.org") != nil {
		m.b.MustPress(t, "Continue as anna@example.org")
	}
	m.wantNoSecondFactorBypass()
}

// On a computer that people share, nobody gets the secret of an app that somebody else has seen.
func TestASecretIsShownToOneAccount(t *testing.T) {
	m := newMixed(t, "")
	m.b.MustOpen(t, m.party.Start(url.Values{"acr_values": {"urn:minddistrict:acr:2fa"}}))
	m.b.MustPress(t, "Set up two-step authentication")
	seen := keyOnPage(m.b)
	if seen == "" {
		t.Fatal("no secret")
	}
	m.signedOut()
	m.b.MustOpen(t, m.b.URL.String())
	if m.b.Value("email") == "" && m.b.Button("Log in") == nil { // asks Mallory again: somebody else goes on
		m.b.MustTwice(t, url.Values{"do": {"other"}}, m.b.URL.String())
	}
	idptest.SendPassword(t, m.b, "bram@example.org")
	if !strings.HasSuffix(m.b.URL.Path, "/app-setup") {
		m.b.MustPress(t, "Set up two-step authentication")
	}
	if got := keyOnPage(m.b); got == "" || got == seen {
		t.Errorf("Bram connects his app with %q, Mallory saw %q", got, seen)
	}
}
