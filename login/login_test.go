package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

const twoPaths = `
platforms:
  - name: linde
    issuer: https://id.test/p/linde
    organisation: GGZ De Linde
    home_url: https://linde.test/home
    parties:
      - { client_id: web, secret: s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM, redirect_uris: ["https://web.linde.test/callback"] }
    accounts:
      - { email: anna@example.org, password: "zeven paarse regenjassen drogen!" }
      - { email: bram@example.org, password: "zeven paarse regenjassen drogen!" }
  - name: wilg
    issuer: https://id.test/p/wilg
    organisation: Praktijk De Wilg
    home_url: https://wilg.test/home
    parties:
      - { client_id: web, secret: s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM, redirect_uris: ["https://web.wilg.test/callback"] }
    accounts:
      - { email: anna@example.org, password: "zeven paarse regenjassen drogen!" }
`

// visit is a house with two platforms on one host, and their relying platforms.
type visit struct {
	*idptest.Server
	linde, wilg *idptest.Party
}

func newVisit(t *testing.T) visit {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Apply(twoPaths)
	const secret = "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM"
	return visit{
		s, idptest.NewParty(s, "web.linde.test", "https://id.test/p/linde", "web", secret),
		idptest.NewParty(s, "web.wilg.test", "https://id.test/p/wilg", "web", secret),
	}
}

func signIn(t *testing.T, b *idptest.Browser, p *idptest.Party, email string) {
	t.Helper()
	b.MustOpen(t, p.Start(nil))
	b.MustFill(t, "Email address", email)
	b.MustFill(t, "Password", idptest.Password)
	b.MustPress(t, "Log in")
}

// CVE-2022-39222, CVE-2024-28197, CVE-2026-7507: knowing the address of a login is not enough to finish it for somebody
// else.
func TestJourneyBelongsToOneBrowser(t *testing.T) {
	v := newVisit(t)
	attacker, victim := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	attacker.MustOpen(t, v.linde.Start(nil))
	address := attacker.URL.String()
	victim.MustOpen(t, address)
	if victim.Status != http.StatusBadRequest || victim.Button("Log in") != nil {
		t.Fatalf("the page of another browser without cookies: %d %s", victim.Status, victim.URL)
	}
	signIn(t, victim, v.linde, "anna@example.org")
	victim.MustOpen(t, address)
	if victim.Button("Log in") != nil || victim.URL.Host != "linde.test" && victim.URL.Host != "web.linde.test" {
		t.Fatalf("the page of another browser leads to %s (%d)", victim.URL, victim.Status)
	}
	id := strings.Split(strings.TrimPrefix(address, "https://id.test/p/linde/login/"), "/")[0]
	victim.MustOpen(t, "https://id.test/p/linde/authorize/callback?request="+id)
	if victim.URL.Query().Has("code") {
		t.Fatalf("the victim's browser got the attacker's code: %s", victim.URL)
	}
	attacker.MustOpen(t, "https://id.test/p/linde/authorize/callback?request="+id)
	if attacker.URL.Query().Has("code") {
		t.Fatalf("the attacker's browser got a code: %s", attacker.URL)
	}
}

// GHSA-pfrf-9r5f-73f5: platforms share a host here, and with it every cookie a browser sends.
func TestSessionOfOnePlatformIsNothingAtAnother(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	signIn(t, b, v.linde, "anna@example.org")
	if v.linde.Last.Error != "" {
		t.Fatal(v.linde.Last.Error)
	}
	b.MustOpen(t, v.wilg.Start(url.Values{"prompt": {"none"}}))
	if v.wilg.Last.Error != "login_required" {
		t.Errorf("a session of linde at wilg: %q", v.wilg.Last.Error)
	}
	// the same value under the name of the other platform's cookie
	at, _ := url.Parse("https://id.test/")
	for _, c := range b.Jar.Cookies(at) {
		if name, ok := strings.CutPrefix(c.Name, "__Host-linde-"); ok {
			b.Jar.SetCookies(at, []*http.Cookie{{Name: "__Host-wilg-" + name, Value: c.Value, Path: "/", Secure: true}})
		}
	}
	b.MustOpen(t, v.wilg.Start(url.Values{"prompt": {"none"}}))
	if v.wilg.Last.Error != "login_required" {
		t.Errorf("the cookie of linde renamed for wilg: %q", v.wilg.Last.Error)
	}
	v.wilg.Last.Token = v.linde.Last.Token
	if _, err := v.wilg.UserInfo(); err == nil {
		t.Error("an access token of linde works at wilg")
	}
	if err := v.wilg.Refresh(); err == nil {
		t.Error("a refresh token of linde works at wilg")
	}
}

// CVE-2024-7341: cookies that somebody planted before the login are worth nothing after it.
func TestLoginReplacesPlantedCookies(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	at, _ := url.Parse("https://id.test/")
	b.Jar.SetCookies(at, []*http.Cookie{{Name: "__Host-linde-session", Value: "planted", Path: "/", Secure: true}})
	signIn(t, b, v.linde, "anna@example.org")
	session := func() string {
		for _, c := range b.Jar.Cookies(at) {
			if c.Name == "__Host-linde-session" {
				return c.Value
			}
		}
		return ""
	}
	first := session()
	if first == "planted" || first == "" {
		t.Fatalf("session cookie %q", first)
	}
	v.Clock.Later(1e9)
	b.MustOpen(t, v.linde.Start(url.Values{"prompt": {"login"}}))
	b.MustFill(t, "Password", idptest.Password)
	b.MustPress(t, "Continue")
	if session() == first {
		t.Error("signing in again kept the cookie")
	}
}

// CVE-2025-24358, CVE-2025-47909, CVE-2025-46721, CVE-2025-47910: a form is taken from our own pages only.
func TestFormOfAnotherSiteIsRefused(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(nil))
	form := url.Values{"email": {"anna@example.org"}, "password": {idptest.Password}, "do": {"continue"}}
	for says, header := range map[string]map[string]string{
		"foreign origin":  {"Origin": "https://evil.test"},
		"null origin":     {"Origin": "null"},
		"plain http twin": {"Origin": "http://id.test"},
		"sibling host":    {"Origin": "https://x.id.test", "Sec-Fetch-Site": "same-site"},
		"cross-site":      {"Sec-Fetch-Site": "cross-site"},
	} {
		r, err := http.NewRequest(http.MethodPost, b.URL.String(), strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for k, value := range header {
			r.Header.Set(k, value)
		}
		for _, c := range b.Jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		res, err := v.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
			t.Errorf("%s: %d", says, res.StatusCode)
		}
	}
}

// CVE-2023-6787: stopping half-way through somebody else's login leaves the session that was there.
func TestCancellingKeepsTheSession(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	signIn(t, b, v.linde, "anna@example.org")
	before := v.linde.Last.Claims
	v.Clock.Later(1e9)
	b.MustOpen(t, v.linde.Start(url.Values{"prompt": {"login"}}))
	b.MustPress(t, "Log in with another account")
	b.MustFill(t, "Email address", "bram@example.org")
	b.MustFill(t, "Password", "helaas")
	b.MustPress(t, "Log in")
	b.MustPress(t, "Cancel")
	b.MustOpen(t, v.linde.Start(url.Values{"prompt": {"none"}}))
	if after := v.linde.Last.Claims; after["sub"] != before["sub"] || after["auth_time"] != before["auth_time"] {
		t.Errorf("before %v, after %v", before, after)
	}
}

// What a person types, a party sends or an attacker makes up is shown as text and nothing else.
func TestNothingFromOutsideBecomesMarkup(t *testing.T) {
	v := newVisit(t)
	evil := `"><script>alert(1)</script>`
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(url.Values{"login_hint": {evil}, "ui_locales": {evil}, "state": {evil}}))
	if strings.Contains(b.Body, "<script>alert") || !strings.Contains(b.Body, "Log in to GGZ De Linde") {
		t.Errorf("login page: %s", b.Body)
	}
	for _, address := range []string{
		"https://id.test/p/linde/authorize?client_id=" + url.QueryEscape(evil), "https://id.test/p/linde/logged-out?client_id=" + url.QueryEscape(evil),
		"https://id.test/p/linde/" + url.PathEscape(evil), "https://id.test/p/linde/authorize?error=x&error_description=" + url.QueryEscape("call 0900 1234"),
	} {
		b.MustOpen(t, address)
		if strings.Contains(b.Body, "<script>alert") || strings.Contains(b.Body, "0900 1234") {
			t.Errorf("%s: %s", address, b.Body)
		}
	}
}
