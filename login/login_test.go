package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// Knowing the address of a login is not enough to finish it for somebody else (CVE-2022-39222, CVE-2024-28197,
// CVE-2026-7507).
func TestJourneyBelongsToOneBrowser(t *testing.T) {
	v := newVisit(t)
	attacker, victim := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	attacker.MustOpen(t, v.linde.Start(nil))
	address := attacker.URL.String()
	victim.MustOpen(t, address)
	if victim.Status != http.StatusBadRequest || victim.Button("Log in") != nil {
		t.Fatalf("the page of another browser without cookies: %d %s", victim.Status, victim.URL)
	}
	idptest.LogIn(t, victim, v.linde.Start(nil), "anna@example.org")
	victim.MustOpen(t, address)
	if victim.Button("Log in") != nil || victim.URL.Host != "linde.test" && victim.URL.Host != "web.linde.test" {
		t.Fatalf("the page of another browser leads to %s (%d)", victim.URL, victim.Status)
	}
	id := strings.Split(strings.TrimPrefix(address, ownIssuer+"/login/"), "/")[0]
	victim.MustOpen(t, ownIssuer+"/authorize/callback?request="+id)
	if victim.URL.Query().Has("code") {
		t.Fatalf("the victim's browser got the attacker's code: %s", victim.URL)
	}
	attacker.MustOpen(t, ownIssuer+"/authorize/callback?request="+id)
	if attacker.URL.Query().Has("code") {
		t.Fatalf("the attacker's browser got a code: %s", attacker.URL)
	}
}

// Platforms share a host here, and with it every cookie that a browser sends; a session of one is nothing at another
// (GHSA-pfrf-9r5f-73f5).
func TestSessionOfOnePlatformIsNothingAtAnother(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.linde.Start(nil), "anna@example.org")
	if v.linde.Last.Error != "" {
		t.Fatal(v.linde.Last.Error)
	}
	b.MustOpen(t, v.wilg.Start(url.Values{"prompt": {"none"}}))
	if v.wilg.Last.Error != "login_required" {
		t.Errorf("a session of linde at wilg: %q", v.wilg.Last.Error)
	}
	// the same value under the name of the other platform's cookie
	for name, value := range jarOf(b) {
		if kind, ok := strings.CutPrefix(name, "__Host-linde-"); ok {
			plant(b, "__Host-wilg-"+kind, value)
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

// Cookies that somebody planted before the login are worth nothing after it (CVE-2024-7341).
func TestLoginReplacesPlantedCookies(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	plant(b, "__Host-linde-session", "planted")
	idptest.LogIn(t, b, v.linde.Start(nil), "anna@example.org")
	session := func() string { return cookieAt(b, "__Host-linde-session") }
	first := session()
	if first == "planted" || first == "" {
		t.Fatalf("session cookie %q", first)
	}
	v.Clock.Later(1e9)
	b.MustOpen(t, v.linde.Start(url.Values{"prompt": {"login"}}))
	idptest.Reauthenticate(t, b)
	if session() == first {
		t.Error("signing in again kept the cookie")
	}
}

// A form is taken from our own pages only (CVE-2025-24358, CVE-2025-47909, CVE-2025-46721, CVE-2025-47910).
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
		res := idptest.RequestAs(t, v, b, http.MethodPost, b.URL.String(), form.Encode(), header)
		if res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
			t.Errorf("%s: %d", says, res.StatusCode)
		}
	}
}

// Stopping half-way through somebody else's login leaves the session that was there (CVE-2023-6787).
func TestCancellingKeepsTheSession(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.linde.Start(nil), "anna@example.org")
	before := v.linde.Last.Claims
	v.Clock.Later(1e9)
	b.MustOpen(t, v.linde.Start(url.Values{"prompt": {"login"}}))
	b.MustPress(t, "Log in with another account")
	idptest.TryPassword(t, b, "bram@example.org", "helaas")
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
		ownIssuer + "/authorize?client_id=" + url.QueryEscape(evil), ownIssuer + "/logged-out?client_id=" + url.QueryEscape(evil),
		ownIssuer + "/" + url.PathEscape(evil), ownIssuer + "/authorize?error=x&error_description=" + url.QueryEscape("call 0900 1234"),
	} {
		b.MustOpen(t, address)
		if strings.Contains(b.Body, "<script>alert") || strings.Contains(b.Body, "0900 1234") {
			t.Errorf("%s: %s", address, b.Body)
		}
	}
}
