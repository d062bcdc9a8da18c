package login_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// lost is a form of Anna, who has an app, or of Bram, who has none; sent from a browser that got no answer.
type lost struct {
	*idptest.Server
	t      *testing.T
	party  *idptest.Party
	b      *idptest.Browser
	who    string
	action string
	form   url.Values
}

// newLost has the form on the page, and not sent yet: Bram's password, or Anna's code.
func newLost(t *testing.T, db *storage.DB, kind string) *lost {
	s := idptest.NewServer(t, db)
	demo := twoStepOf("optional", "email: bram@example.org, locale: en")
	s.Declare(demo)
	p := demo.Party(s, "web")
	l := &lost{Server: s, t: t, party: p, b: idptest.NewBrowser(s, "en"), who: "bram@example.org"}
	if kind == "code" {
		l.who = "anna@example.org"
		idptest.LogIn(t, l.b, p.Start(nil), l.who)
		l.b.MustBeAt(t, "/totp")
		l.form = url.Values{"code": {idptest.Code(t, annasKey, s.Clock.Now())}}
	} else {
		l.b.MustOpen(t, p.Start(nil))
		l.form = url.Values{"email": {l.who}, "password": {idptest.Password}}
	}
	l.action = l.b.URL.String()
	return l
}

func (l *lost) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// guess sends other forms to the same step.
func (l *lost) guess(n int) {
	for range n {
		l.must(l.b.Lost(url.Values{"email": {l.who}, "password": {"another"}, "code": {"123456"}}, l.action))
	}
}

// Whatever happened since a form whose answer was lost, sending it again leads on only where what it proved still
// counts, in the browser that began, and nothing else does.
func TestFormSentAgainAgainstEverythingElse(t *testing.T) {
	for name, row := range map[string]struct {
		then func(*lost)
		on   bool // it leads on; otherwise the login begins anew
	}{
		"nothing":         {func(*lost) {}, true},
		"59 seconds":      {func(l *lost) { l.Clock.Later(59 * time.Second) }, true},
		"a minute":        {func(l *lost) { l.Clock.Later(time.Minute) }, false},
		"another form":    {func(l *lost) { l.form = url.Values{"email": {l.who}, "password": {"another"}, "code": {"123456"}} }, false},
		"no form":         {func(l *lost) { l.form = url.Values{} }, false},
		"another address": {func(l *lost) { l.form.Set("email", "cor@example.org"); l.form.Del("code") }, false},
		"cancel":          {func(l *lost) { l.form = maps.Clone(l.form); l.form.Set("do", "cancel") }, false},
		"another page":    {func(l *lost) { l.action = l.action[:strings.LastIndex(l.action, "/")] + "/recovery-code" }, false},
		"another browser": {func(l *lost) {
			l.b = idptest.NewBrowser(l.Server, "en")
			l.b.MustOpen(l.t, l.party.Start(nil))
		}, false},
		"four guesses": {func(l *lost) { l.guess(4) }, true},
		"many times": {func(l *lost) {
			for range 20 {
				l.must(l.b.Lost(l.form, l.action))
			}
		}, true},
		"five guesses": {func(l *lost) { l.guess(5) }, false},
		"staff end the sessions": {func(l *lost) {
			l.must(l.Tools().Acts().EndSessions(l.t.Context(), "linde", staff.ByAddress(l.who), staff.Justification{Reason: staff.LostDevice}))
		}, false},
		"staff deactivate": {func(l *lost) {
			l.must(l.Tools().Acts().Deactivate(l.t.Context(), "linde", staff.ByAddress(l.who), staff.Justification{Reason: staff.Left}))
		}, false},
		"signed out": {func(l *lost) { l.must(l.b.Open(ownIssuer + "/logout")) }, true}, // of nothing: the cookie never came
	} {
		for _, kind := range []string{"password", "code"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				l := newLost(t, idptest.SQLite(t), kind)
				l.must(l.b.Lost(l.form, l.action))
				row.then(l)
				l.party.Last = idptest.Arrival{}
				l.b.URL = at(t, l.action)
				// Twice, because the answer to this one may be lost as well.
				if row.on {
					l.must(l.b.Lost(l.form, l.action))
				}
				l.must(l.b.Double(l.form, l.action))
				if got := l.party.Last.Claims != nil; got != row.on {
					t.Fatalf("arrived %t, want %t: at %s", got, row.on, l.b.URL)
				}
				if !row.on && l.b.URL.Host == "id.test" {
					t.Errorf("at %s: %s", l.b.URL, idptest.Visible(l.b.Doc))
				}
				if signedIn := silent(t, l.b, l.party) == ""; signedIn != row.on {
					t.Errorf("signed in %t, want %t", signedIn, row.on)
				}
			})
		}
	}
}

// Somebody else who signs in between is not put out by a form that is sent again.
func TestFormSentAgainReplacesNobody(t *testing.T) {
	l := newLost(t, idptest.SQLite(t), "code")
	l.must(l.b.Lost(l.form, l.action))
	tab := l.b.Tab()
	idptest.LogIn(t, tab, l.party.Start(nil), "bram@example.org")
	bram := cookieAt(l.b, "__Host-linde-session")
	l.b.URL = at(t, l.action)
	l.must(l.b.Double(l.form, l.action))
	if got := cookieAt(l.b, "__Host-linde-session"); got != bram || bram == "" {
		t.Errorf("the session cookie is another one: at %s", l.b.URL)
	}
}

// Of the same form many times at once each answer leads on with the same cookies, whichever the browser takes.
func TestSameFormAtOnceIsAnsweredAlike(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *storage.DB{"sqlite": idptest.SQLite, "postgres": idptest.Postgres} {
		for _, kind := range []string{"password", "code"} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				l := newLost(t, open(t), kind)
				var mu sync.Mutex
				var wg sync.WaitGroup
				var answers []*http.Response
				for range 4 { // of a code five are counted in a login
					wg.Go(func() {
						res := idptest.RequestAs(t, l, l.b, http.MethodPost, l.action, l.form.Encode(), ownPage)
						mu.Lock()
						defer mu.Unlock()
						answers = append(answers, res)
					})
				}
				wg.Wait()
				set, leads := map[string]map[string]int{"session": {}, "journey": {}}, 0
				for _, res := range answers {
					if res.StatusCode != http.StatusSeeOther {
						t.Errorf("answered %d", res.StatusCode)
					}
					if strings.HasPrefix(res.Header.Get("Location"), ownIssuer) {
						leads++
					}
					for _, c := range res.Cookies() {
						for kind := range set {
							if strings.HasPrefix(c.Name, "__Host-linde-"+kind) {
								set[kind][c.Value]++
							}
						}
					}
				}
				if leads < len(answers) || len(set["session"]) != 1 || len(set["journey"]) != 1 {
					t.Fatalf("%d of %d lead on, with cookies %v", leads, len(answers), set)
				}
				res := answers[0]
				l.b.Jar.SetCookies(at(t, l.action), res.Cookies())
				l.b.MustOpen(t, res.Header.Get("Location"))
				if l.party.Last.Claims == nil {
					t.Errorf("with one of the answers the browser is at %s", l.b.URL)
				}
			})
		}
	}
}

// A browser keeps the cookies of four logins that are under way on a platform; the oldest goes.
func TestBrowserKeepsFourJourneys(t *testing.T) {
	l := newLost(t, idptest.SQLite(t), "password")
	var actions []string
	for range 5 {
		l.Clock.Later(time.Second)
		tab := l.b.Tab()
		idptest.LogIn(t, tab, l.party.Start(url.Values{"prompt": {"login"}}), "anna@example.org")
		tab.MustBeAt(t, "/totp")
		actions = append(actions, tab.URL.String())
	}
	n := 0
	for name := range jarOf(l.b) {
		if strings.HasPrefix(name, "__Host-linde-journey-") {
			n++
		}
	}
	if n != 4 {
		t.Errorf("%d cookies of journeys, want 4", n)
	}
	for i, action := range actions {
		tab := l.b.Tab()
		if tab.MustOpen(t, action); (tab.URL.String() == action) != (i > 0) {
			t.Errorf("login %d of 5 is at %s", i+1, tab.URL)
		}
	}
}
