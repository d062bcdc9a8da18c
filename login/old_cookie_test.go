package login_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// rememberCookies are those by which a browser is remembered.
func rememberCookies(b *idptest.Browser) map[string]string {
	jar := jarOf(b)
	maps.DeleteFunc(jar, func(name, _ string) bool { return !strings.HasPrefix(name, "__Host-linde-remember-") })
	return jar
}

// A browser whose cookie of a remembered browser is an old one (it was copied, or comes from a backup), and somebody
// says that they are somebody else.
func TestOldRememberCookieAndSomebodyElse(t *testing.T) {
	for name, form := range map[string]url.Values{
		"another account": {"do": {"other"}},
		"an address":      {"email": {"nobody@example.org"}, "password": {"wrong"}},
		"an empty one":    {"email": {""}, "password": {""}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newTwoStep(t, "optional")
			old := rememberCookies(v.b)
			if len(old) == 0 {
				t.Fatal("not remembered")
			}
			// another login goes without a code, and replaces the cookie
			if v.askedAgain() {
				t.Fatal("asked")
			}
			v.Clock.Later(time.Minute)
			for name, value := range old {
				plant(v.b, name, value)
			}
			v.b.MustOpen(t, v.party.Start(url.Values{"prompt": {"login"}}))
			v.b.MustBeAt(t, "/password")
			to := v.b.URL.String()
			if err := v.b.Double(form, to); err != nil {
				t.Errorf("%v", err)
			}
			if v.b.Status >= 500 {
				t.Errorf("answered %d at %s: %s", v.b.Status, v.b.URL, idptest.Visible(v.b.Doc))
			}
		})
	}
}

// Guesses with somebody's old cookie leave their events, as all do.
func TestGuessesWithAnOldCookieAreRecorded(t *testing.T) {
	v := newTwoStep(t, "optional")
	old := rememberCookies(v.b)
	v.askedAgain()
	v.Clock.Later(time.Minute)
	for name, value := range old {
		plant(v.b, name, value)
	}
	v.b.MustOpen(t, v.party.Start(url.Values{"prompt": {"login"}}))
	page := v.b.URL
	count := func() (n int) {
		if err := v.DB.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM events WHERE kind LIKE 'password.%' AND outcome = 'failure'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	for range 3 {
		v.b.URL = page
		_ = v.b.Lost(url.Values{"email": {"bram@example.org"}, "password": {"wrong"}}, page.String())
	}
	if got := count() - before; got != 3 {
		t.Errorf("%d events of 3 guesses", got)
	}
}
