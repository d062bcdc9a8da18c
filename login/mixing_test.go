package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/minddistrict/idp/internal/idptest"
)

// mixed is Mallory, who has an account of his own and knows Anna's password. Anna has an app.
type mixed struct {
	*idptest.Server
	t     *testing.T
	party *idptest.Party
	b     *idptest.Browser
}

const annasApp, mallorysApp = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TF"

func newMixed(t *testing.T, mallory string) *mixed {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Apply(strings.Replace(twoStepHouse, "DEMAND", "optional", 1) + `
      - { email: mallory@example.org, locale: en, password: "zeven paarse regenjassen drogen!"` + mallory + ` }
      - { email: bram@example.org, locale: en, password: "zeven paarse regenjassen drogen!" }
`)
	party := idptest.NewParty(s, "web.linde.test", "https://id.test/p/linde", "web", "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM")
	m := &mixed{s, t, party, idptest.NewBrowser(s, "en")}
	signIn(t, m.b, party, "mallory@example.org")
	return m
}

func (m *mixed) code(label, of, button string) {
	m.t.Helper()
	code, err := totp.GenerateCode(of, m.Clock.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	m.b.MustFill(m.t, label, code)
	m.b.MustPress(m.t, button)
}

// identify sends the login form to the journey that is open, whatever its page shows.
func (m *mixed) identify(email string) {
	m.t.Helper()
	at, _, _ := strings.Cut(m.b.URL.String(), "/login/")
	id, _, _ := strings.Cut(strings.TrimPrefix(m.b.URL.Path, "/p/linde/login/"), "/")
	if err := m.b.Twice(url.Values{"email": {email}, "password": {idptest.Password}}, at+"/login/"+id+"/password"); err != nil {
		m.t.Fatal(err)
	}
}

// signedOut drops the session's cookie and no other.
func (m *mixed) signedOut() {
	at, _ := url.Parse("https://id.test/")
	m.b.Jar.SetCookies(at, []*http.Cookie{{Name: "__Host-linde-session", Path: "/", Secure: true, MaxAge: -1}})
}

// key is the secret on the page that connects an app.
func (m *mixed) key() string {
	for n := range m.b.Doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "data-copy" {
				return a.Val
			}
		}
	}
	return ""
}

func (m *mixed) wantNoSecondFactorBypass() {
	m.t.Helper()
	anna, err := m.DB.AccountByEmail(m.t.Context(), "linde", "anna@example.org")
	if err != nil {
		m.t.Fatal(err)
	}
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
		if err := m.b.Twice(url.Values{"do": {"other"}}, m.b.URL.String()); err != nil {
			t.Fatal(err)
		}
		m.identify("anna@example.org")
		m.wantNoSecondFactorBypass()
	})
	t.Run("a form sent to a page further on", func(t *testing.T) {
		m := newMixed(t, "")
		m.b.MustOpen(t, m.party.Start(url.Values{"acr_values": {"urn:minddistrict:acr:2fa"}}))
		m.b.MustPress(t, "Set up two-step authentication")
		m.code("Code from the app", m.key(), "Turn on two-step authentication")
		m.b.MustBeAt(t, "/recovery-codes")
		m.signedOut()
		m.identify("anna@example.org")
		m.wantNoSecondFactorBypass()
	})
}

// A browser is remembered for one account, and spares nobody else the code.
func TestABrowserRememberedForOneAccountWaivesNothingOfAnother(t *testing.T) {
	m := newMixed(t, ", totp_secret: "+mallorysApp)
	for n := range m.b.Doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "id" && a.Val == "remember" {
				m.b.Tick(n, true)
			}
		}
	}
	m.code("Code", mallorysApp, "Continue")
	m.Clock.Later(6 * time.Minute)
	m.b.MustOpen(t, "https://id.test/p/linde/settings/two-step")
	m.b.MustBeAt(t, "/password")
	m.b.MustPress(t, "Log in with another account")
	m.b.MustFill(t, "Email address", "anna@example.org")
	m.b.MustFill(t, "Password", idptest.Password)
	m.b.MustPress(t, "Log in")
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
	seen := m.key()
	if seen == "" {
		t.Fatal("no secret")
	}
	m.signedOut()
	m.b.MustOpen(t, m.b.URL.String())
	if m.b.Value("email") == "" && m.b.Button("Log in") == nil { // asks Mallory again: somebody else goes on
		if err := m.b.Twice(url.Values{"do": {"other"}}, m.b.URL.String()); err != nil {
			t.Fatal(err)
		}
	}
	m.b.MustFill(t, "Email address", "bram@example.org")
	m.b.MustFill(t, "Password", idptest.Password)
	m.b.MustPress(t, "Log in")
	if !strings.HasSuffix(m.b.URL.Path, "/app-setup") {
		m.b.MustPress(t, "Set up two-step authentication")
	}
	if got := m.key(); got == "" || got == seen {
		t.Errorf("Bram connects his app with %q, Mallory saw %q", got, seen)
	}
}
