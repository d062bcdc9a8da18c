package op_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// A client's mistake must not cost the person the sign-in.
func TestRefreshWithAWrongScopeSpendsNothing(t *testing.T) {
	c := newCaller(t)
	form := codeForm(c.code(c.signIn(issuer), "spa", nil))
	form.Set("client_id", "spa")
	form.Set("redirect_uri", "https://spa.test/cb")
	got := c.token(form, "")
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {"spa"}, "scope": {"openid admin"}}
	if got := c.token(refresh, ""); got.Error != "invalid_scope" {
		t.Fatalf("%+v", got)
	}
	c.Clock.Later(time.Minute)
	refresh.Set("scope", "openid")
	narrowed := c.token(refresh, "")
	if narrowed.Error != "" {
		t.Fatalf("afterwards: %+v", narrowed)
	}
	refresh.Set("refresh_token", narrowed.Refresh)
	refresh.Del("scope")
	if got := c.token(refresh, ""); got.Error != "" {
		t.Errorf("asking for less shrank the grant: %+v", got)
	}
}

// OpenID Connect Core 1.0 section 3.1.2.1: the party means one person, and another one is signed in here.
func TestHintOfAnotherPersonIsNotAnsweredByWhoeverIsHere(t *testing.T) {
	c := newCaller(t)
	c.Declare(idptest.Demo{Accounts: []string{"email: bram@example.org"}})
	anna := c.signIn(issuer)
	bram := idptest.NewBrowser(c.Server, "en")
	idptest.LogIn(c, bram, issuer+authorizeQuery("web", nil), "bram@example.org")
	hint := c.token(codeForm(c.code(bram, "web", nil)), "web").ID
	anna.MustOpen(c, issuer+authorizeQuery("web", func(q url.Values) { q.Set("id_token_hint", hint) }))
	anna.MustBeAt(c, "/switch")
	anna.MustPress(c, "Continue as anna@example.org")
	if got := anna.URL.Query().Get("error"); got != "login_required" {
		t.Errorf("going on as somebody else: %q at %s", got, anna.URL)
	}
	anna.MustOpen(c, issuer+authorizeQuery("web", func(q url.Values) { q.Set("id_token_hint", hint); q.Set("prompt", "none") }))
	if got := anna.URL.Query().Get("error"); got != "login_required" {
		t.Errorf("silently: %q", got)
	}
}

// The page that carries the answer has no links that would ask for it again.
func TestFormPostPageAnswersOnce(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	grants := func() (n int) {
		if err := c.DB.SQL().QueryRow("SELECT COUNT(*) FROM grants").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := grants()
	b.MustOpen(c, issuer+authorizeQuery("web", func(q url.Values) { q.Set("response_mode", "form_post"); q.Set("lang", "nl") }))
	if b.Value("code") == "" || strings.Contains(b.Body, "?lang=") || strings.Contains(b.Body, "lang=en") && strings.Contains(b.Body, "href=\"?") || grants() != before+1 {
		t.Errorf("%d grants more: %s", grants()-before, b.Body)
	}
	c.declare(`client_id: app, type: native, redirect_uris: ["net.example.linde:/cb"]`)
	res := c.get(issuer + authorizeQuery("app", func(q url.Values) {
		q.Set("redirect_uri", "net.example.linde:/cb")
		q.Set("response_mode", "form_post")
	}))
	if to := res.Header.Get("Location"); !strings.HasPrefix(to, "net.example.linde:/cb?") || !strings.Contains(to, "error=invalid_request") {
		t.Errorf("form_post to an app: %d %s", res.StatusCode, to)
	}
}

// A double click on the login button, and reloading a stored request, lead where the first one led.
func TestSecondPressLeadsOn(t *testing.T) {
	c := newCaller(t)
	c.Site("rp.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b := idptest.NewBrowser(c.Server, "en")
	query := authorizeQuery("web", nil)
	res := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(query, "/authorize?"), nil)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.StatusCode)
	}
	stored := res.Header.Get("Location")
	b.MustOpen(c, stored)
	b.MustOpen(c, stored)
	b.MustBeAt(c, "/password")
	b.MustFill(c, "Email address", "anna@example.org")
	b.MustFill(c, "Password", idptest.Password)
	form, action, err := b.Form(b.Button("Log in"))
	if err != nil {
		t.Fatal(err)
	}
	// the first answer is never looked at, as when somebody presses again at once
	r, _ := http.NewRequest(http.MethodPost, action, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, cookie := range b.Jar.Cookies(b.URL) {
		r.AddCookie(cookie)
	}
	first, err := c.RoundTrip(r)
	if err != nil || first.StatusCode != http.StatusSeeOther {
		t.Fatal(err, first.StatusCode)
	}
	b.Jar.SetCookies(b.URL, first.Cookies())
	b.MustPress(c, "Log in")
	if b.URL.Host != "rp.test" || b.URL.Query().Get("code") == "" {
		t.Errorf("the second press leads to %s", b.URL)
	}
}

func TestLooseEndsOfClientAuthentication(t *testing.T) {
	c := newCaller(t)
	form := codeForm("x")
	form.Set("client_id", "web")
	form.Set("client_secret", secretText)
	res := c.send(http.MethodPost, issuer+"/token", form.Encode(), map[string]string{"Authorization": "Bearer x"})
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a secret in the body beside another scheme: %d", res.StatusCode)
	}
	got := c.token(codeForm(c.code(c.signIn(issuer), "web", nil)), "web")
	post := url.Values{"access_token": {got.Access[:20] + "\r\n" + got.Access[20:]}}
	if res := c.send(http.MethodPost, issuer+"/userinfo", post.Encode(), nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token with a line end inside: %d", res.StatusCode)
	}
	post.Set("access_token", got.Access)
	if res := c.send(http.MethodPost, issuer+"/userinfo", post.Encode(), nil); res.StatusCode != http.StatusOK {
		t.Errorf("a token in the body: %d", res.StatusCode)
	}
}

func TestLoginHintIsAnAddressOrNothing(t *testing.T) {
	c := newCaller(t)
	b := idptest.NewBrowser(c.Server, "en")
	for hint, want := range map[string]string{"anna@example.org": "anna@example.org", "Uw account is geblokkeerd: bel 0900-1234": "", "x\x00@example.org": ""} {
		b.MustOpen(c, issuer+authorizeQuery("web", func(q url.Values) { q.Set("login_hint", hint) }))
		if got := b.Value("email"); got != want {
			t.Errorf("hint %q shows %q", hint, got)
		}
	}
}

func TestLogoutParametersAreBounded(t *testing.T) {
	c := newCaller(t)
	for says, form := range map[string]url.Values{"long": {"state": {strings.Repeat("x", 3000)}}, "NUL": {"state": {"\x00"}}} {
		if res := c.send(http.MethodPost, issuer+"/logout", form.Encode(), nil); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", says, res.StatusCode)
		}
	}
	res := c.send(http.MethodPost, issuer+"/logout", "state=s&junk="+strings.Repeat("x", 30000), nil)
	if to := res.Header.Get("Location"); to != issuer+"/logout?state=s" {
		t.Errorf("goes on to %.200s", to)
	}
}

// An https issuer is never served in the clear, unless a proxy that we trust says that it was https outside.
func TestHTTPSIssuerIsServedOverHTTPSOnly(t *testing.T) {
	c := newCaller(t)
	r, _ := http.NewRequest(http.MethodGet, "http://login.linde.test/.well-known/openid-configuration", nil)
	res, err := c.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("%v %d", err, res.StatusCode)
	}
}

// A party that was disabled is refused at every endpoint, and so is what it was given before (CVE-2025-64521,
// CVE-2025-29928, CVE-2024-46999, CVE-2024-47000, CVE-2024-47060).
func TestDisabledPartyIsUnknownEverywhere(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	got := c.token(codeForm(c.code(b, "web", nil)), "web")
	parties, err := c.DB.Parties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range parties {
		parties[i].DisabledAt = c.Clock.Now()
	}
	if err := c.DB.Declare(t.Context(), storage.Setup{Parties: parties}, c.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, _ := c.userinfo(got.Access); status != http.StatusUnauthorized {
		t.Errorf("userinfo: %d", status)
	}
	if again := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, "web"); again.Error != "invalid_client" {
		t.Errorf("refresh: %+v", again)
	}
	if res := c.get(issuer + authorizeQuery("web", nil)); res.StatusCode != http.StatusBadRequest {
		t.Errorf("authorize: %d", res.StatusCode)
	}
	b.MustOpen(c, issuer+"/logout?id_token_hint="+got.ID+"&post_logout_redirect_uri="+url.QueryEscape("https://rp.test/bye"))
	if b.URL.Host == "rp.test" || !strings.Contains(b.Body, `value="logout"`) {
		t.Errorf("logout without asking, at %s", b.URL)
	}
}
