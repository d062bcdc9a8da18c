package op_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// ways are where answers go, by kind of party; * is answered from a session only after a page (RFC 8252 section 8.6).
var ways = map[string]string{
	"native https":    "https://app.test/cb",
	"native loopback": "http://127.0.0.1:4711/cb*",
	"native scheme":   "net.example.linde:/cb*",
	"web https":       "https://app.test/cb",
	"web loopback":    "http://localhost:4711/cb",
	"spa https":       "https://app.test/cb",
	"spa loopback":    "http://localhost:4711/cb",
}

// newNative is a house with a party of each kind, at each of its addresses.
func newNative(t *testing.T) caller {
	c := newCaller(t)
	const web = `redirect_uris: ["https://app.test/cb", "http://localhost:4711/cb"]`
	c.Declare(idptest.Demo{Parties: []string{
		`client_id: native, type: native, redirect_uris: ["https://app.test/cb", "http://127.0.0.1/cb", "net.example.linde:/cb"]`,
		"client_id: web-app, " + web, "client_id: spa-app, type: spa, " + web,
	}})
	for _, host := range []string{"app.test", "127.0.0.1:4711", "localhost:4711", "", "linde.test"} {
		c.Site(host, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	}
	return c
}

// at says where somebody is: a step of ours, or what the party got.
func at(b *idptest.Browser) string {
	q := b.URL.Query()
	switch path := b.URL.Path; {
	case q.Has("code"):
		return "code"
	case q.Has("error"):
		return q.Get("error")
	case b.URL.Host == "login.linde.test" && strings.HasPrefix(path, "/login/"):
		return path[strings.LastIndex(path, "/")+1:]
	}
	return b.URL.String()
}

// Of all ways to ask, exactly those that would be answered from a session alone, to an app that another program could
// stand in for, show the page; and whoever answered a form of this request does not see it.
func TestAppsThatAnotherProgramCouldStandInForGetAPage(t *testing.T) {
	c := newNative(t)
	for way, redirect := range ways {
		redirect, unsure := strings.CutSuffix(redirect, "*")
		party := map[string]string{"native": "native", "web": "web-app", "spa": "spa-app"}[strings.Fields(way)[0]]
		page := func(otherwise string) string {
			if unsure {
				return "go-on"
			}
			return otherwise
		}
		query := func(pairs ...string) func(url.Values) {
			return asking("openid", "", append([]string{"redirect_uri", redirect}, pairs...)...)
		}
		signIn := func(b *idptest.Browser) { idptest.SendPassword(t, b, "anna@example.org") }
		again := func(b *idptest.Browser) {
			if err := b.Fill("Password", idptest.Password); err != nil {
				t.Fatalf("%s: %v", way, err)
			}
			b.MustPress(c, "Continue")
		}
		press := func(label string) func(*idptest.Browser) {
			return func(b *idptest.Browser) { b.MustPress(c, label) }
		}
		for _, row := range []struct {
			says    string
			session bool
			query   func(url.Values)
			want    string
			form    func(*idptest.Browser) // nil: nothing to answer
			then    string
		}{
			{"nobody", false, query(), "password", signIn, "code"},
			{"nobody, none", false, query("prompt", "none"), "login_required", nil, ""},
			{"nobody, login", false, query("prompt", "login"), "password", signIn, "code"},
			{"nobody, select_account", false, query("prompt", "select_account"), "password", signIn, "code"},
			{"a session", true, query(), page("code"), press("Continue"), "code"},
			{"a session, stopped", true, query(), page("code"), press("Cancel"), "access_denied"},
			{"a session, another account", true, query(), page("code"), press("Log in with another account"), "password"},
			{"a session, none", true, query("prompt", "none"), map[bool]string{true: "interaction_required", false: "code"}[unsure], nil, ""},
			{"a session, login", true, query("prompt", "login"), "password", again, "code"},
			{"a session, consent", true, query("prompt", "consent"), "consent", press("Allow"), "code"},
			{"a session, select_account", true, query("prompt", "select_account"), "switch", press("Continue as anna@example.org"), "code"},
			{"a session, select_account, another", true, query("prompt", "select_account"), "switch", press("Log in with another account"), "password"},
			{"a session that is old enough", true, query("max_age", "3600"), page("code"), press("Continue"), "code"},
			{"a session, at once", true, query("max_age", "0"), "password", again, "code"},
		} {
			b := idptest.NewBrowser(c.Server, "en")
			if row.session {
				b.MustOpen(c, issuer+authorizeQuery(party, asking("openid", "", "redirect_uri", "https://app.test/cb")))
				signIn(b)
			}
			b.MustOpen(c, issuer+authorizeQuery(party, row.query))
			if got := at(b); got != row.want {
				t.Errorf("%s, %s: at %s, want %s", way, row.says, got, row.want)
				continue
			}
			if row.form == nil || row.want == "code" {
				continue
			}
			row.form(b)
			if got := at(b); got != row.then {
				t.Errorf("%s, %s: the form leads to %s, want %s", way, row.says, got, row.then)
			}
		}
	}
}

// unanswered is a request of the app that has shown its page, and its identifier: who posts the request knows it before
// the browser does.
func (c caller) unanswered(b *idptest.Browser) string {
	c.Helper()
	toPort := asking("openid", "", "redirect_uri", "http://127.0.0.1:4711/cb")
	res := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery("native", toPort), "/authorize?"), nil)
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusSeeOther {
		c.Fatalf("%d %v", res.StatusCode, err)
	}
	b.MustOpen(c, to.String())
	b.MustBeAt(c, "/go-on")
	return to.Query().Get("request")
}

// signedInApp is a browser in which Anna is signed in, in the app.
func (c caller) signedInApp() *idptest.Browser {
	c.Helper()
	b := idptest.NewBrowser(c.Server, "en")
	idptest.LogIn(c, b, issuer+authorizeQuery("native", asking("openid", "", "redirect_uri", "https://app.test/cb")), "anna@example.org")
	return b
}

// The page cannot be walked around with the identifier of the request.
func TestPageOfAnAppIsNotWalkedAround(t *testing.T) {
	c := newNative(t)
	b := c.signedInApp()
	id := c.unanswered(b)
	for _, path := range []string{"/authorize/callback?request=", "/authorize/callback?outcome=done&request=", "/authorize/continue?request=", "/login/"} {
		b.MustOpen(c, issuer+path+id)
		if got := at(b); got != "go-on" {
			t.Errorf("%s: at %s", path, got)
		}
	}
	b.MustPress(c, "Continue")
	if got := at(b); got != "code" {
		t.Errorf("after the page: at %s", got)
	}
	b.MustOpen(c, issuer+"/authorize/callback?request="+id)
	if got := at(b); got != "https://linde.test/home" {
		t.Errorf("answered again: at %s", got)
	}
}

// A node of the release before stores requests and journeys that say nothing of this, and ends journeys without the
// page. No code comes of it: the address is looked at again before the answer, and the person begins anew.
func TestRequestOfAnOlderNodeIsNotAnsweredWithoutThePage(t *testing.T) {
	c := newNative(t)
	b := c.signedInApp()
	id := c.unanswered(b)
	res, err := c.DB.SQL().ExecContext(t.Context(), `UPDATE requests SET body = replace(body, ',"unsure":true', '') WHERE id = $1 AND body LIKE '%"unsure":true%'`, id)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.RowsAffected(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	j, err := c.DB.Journey(t.Context(), "linde", id)
	if err != nil || j.Ask.Impersonable {
		t.Fatal(j, err)
	}
	j.Version = 0
	if err := c.DB.StartJourney(t.Context(), *j); err != nil {
		t.Fatal(err)
	}
	b.MustOpen(c, issuer+"/login/"+id)
	if got := at(b); got != "https://linde.test/home" {
		t.Errorf("at %s", got)
	}
}
