package op_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/secret"
)

// revoke gives a token back, as a party with a secret or, without one, as the public party.
func (c caller) revoke(as, token string) (status int, code string) {
	c.Helper()
	form, header := url.Values{"token": {token}}, map[string]string{}
	if as == "spa" {
		form.Set("client_id", as)
	} else {
		header = basicOf(as, secretText)
	}
	res := c.send(http.MethodPost, issuer+"/revoke", form.Encode(), header)
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}
	var body struct{ Error string }
	_ = json.Unmarshal(text, &body) // nothing is said of a success
	return res.StatusCode, body.Error
}

func (c caller) refreshed(as, token string) tokens {
	c.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if as == "spa" {
		form.Set("client_id", as)
		as = ""
	}
	return c.token(form, as)
}

// RFC 7009 section 2.2.1: a token that cannot be taken back is not said to be.
func TestTokenOfAMachineIsNotSaidToBeRevoked(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	got := c.token(url.Values{"grant_type": {"client_credentials"}}, "report")
	if status, code := c.revoke("report", got.Access); status != http.StatusBadRequest || code != "unsupported_token_type" {
		t.Errorf("%d %s", status, code)
	}
	if status, code := c.revoke("web", got.Access); status != http.StatusOK || code != "" {
		t.Errorf("by another party, which learns nothing: %d %s", status, code)
	}
	if a := c.introspect("report", got.Access); a["active"] != true {
		t.Errorf("introspection says %v", a)
	}
}

func TestRevokingAnOldRefreshTokenEndsItsFamily(t *testing.T) {
	c := newCaller(t)
	form := codeForm(c.code(c.signIn(issuer), "spa", nil))
	form.Set("client_id", "spa")
	form.Set("redirect_uri", "https://spa.test/cb")
	first := c.token(form, "")
	last := first
	for range 3 {
		if last = c.refreshed("spa", last.Refresh); last.Error != "" {
			t.Fatal(last.Error)
		}
	}
	if status, _ := c.userinfo(last.Access); status != http.StatusOK {
		t.Fatalf("before: %d", status)
	}
	if status, code := c.revoke("spa", first.Refresh); status != http.StatusOK {
		t.Fatalf("%d %s", status, code)
	}
	if status, _ := c.userinfo(last.Access); status != http.StatusUnauthorized {
		t.Errorf("access token of the family: %d", status)
	}
	if got := c.refreshed("spa", last.Refresh); got.Error != "invalid_grant" {
		t.Errorf("current refresh token: %+v", got)
	}
}

// RFC 7662 section 2.2: active means that it would be taken now, and exp is when it ends by itself.
func TestIntrospectionOfARefreshTokenIsTrue(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	c.declare("client_id: brief, lives: { refresh_idle: 30m }, secret: " + secretText + ", " + toRP)
	b := c.signIn(issuer)
	offline := func(q url.Values) { q.Set("scope", "openid offline_access") }
	online := func(q url.Values) { q.Set("scope", "openid") }
	brief := c.token(codeForm(c.code(b, "brief", offline)), "brief")
	if a := c.introspect("brief", brief.Refresh); a["active"] != true || int64(a["exp"].(float64)) != c.Clock.Now().Add(30*time.Minute).Unix() {
		t.Errorf("a refresh token of half an hour: %v", a)
	}
	held, kept := c.token(codeForm(c.code(b, "web", online)), "web"), c.token(codeForm(c.code(b, "web", offline)), "web")
	c.Clock.Later(61 * time.Minute)
	for says, as := range map[string]struct {
		party, token string
		active       bool
	}{
		"its own time is over": {"brief", brief.Refresh, false}, "the session is idle": {"web", held.Refresh, false}, "offline": {"web", kept.Refresh, true},
	} {
		a := c.introspect(as.party, as.token)
		got := c.refreshed(as.party, as.token)
		if a["active"] != as.active || (got.Error == "") != as.active {
			t.Errorf("%s: introspection %v, refresh %q", says, a, got.Error)
		}
	}
}

// A refusal is on record, once a minute for each source: guesses do not fill the record. Names that nobody registered
// are one and the same, and are not repeated.
func TestRefusalsAreOnRecord(t *testing.T) {
	c := newCaller(t)
	var pages []string
	for range 3 {
		c.token(codeForm("x"), "api") // nobody of that name
		c.send(http.MethodPost, issuer+"/token", codeForm("x").Encode(), basicOf("web", "wrong"))
		c.send(http.MethodGet, issuer+authorizeQuery("web", func(q url.Values) { q.Set("redirect_uri", "https://evil.test/cb") }), "", nil)
		for _, query := range []string{
			authorizeQuery("nobody", nil), authorizeQuery("nobody else", nil), authorizeQuery("web", nil) + "&scope=openid",
			"/authorize/continue?request=" + secret.ID(), "/authorize/callback?request=" + secret.ID(),
		} {
			page, err := io.ReadAll(c.send(http.MethodGet, issuer+query, "", nil).Body)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, string(page))
		}
		c.send(http.MethodHead, issuer+authorizeQuery("mobile", func(q url.Values) { q.Set("redirect_uri", "https://evil.test/cb") }), "", nil) // nobody sees it
	}
	events := c.events()
	var got []string
	for _, e := range events {
		if e.Kind == audit.PartyRefused || e.Kind == audit.RedirectRefused || e.Kind == audit.PageRefused {
			got = append(got, string(e.Kind)+" "+e.Party+" "+e.Reason+" "+e.Address)
		}
	}
	numbers := map[string]bool{}
	for _, e := range events {
		numbers[e.Reference] = true
	}
	for _, page := range pages {
		if number := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(page); !numbers[number] {
			t.Errorf("a page shows %q, which is not on record:\n%s", number, page)
		}
	}
	slices.Sort(got)
	if want := []string{
		"page.refuse  request: unauthorized_client 192.0.2.1", "page.refuse  stale 192.0.2.1", "page.refuse web request: invalid_request 192.0.2.1",
		"party.refuse  unknown 192.0.2.1", "party.refuse web not proven: basic (wrong secret) 192.0.2.1", "request.refuse web redirect: received https://evil.test/cb, registered https://rp.test/cb 192.0.2.1",
	}; !slices.Equal(got, want) {
		t.Errorf("on record: %q", got)
	}
}
