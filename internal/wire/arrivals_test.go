package wire_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/staff"
)

var openHouse = idptest.Demo{
	Policy:   "self_sign_up: true, second_factor: { client: optional, staff: optional }",
	Parties:  []string{`client_id: linde-web, redirect_uris: ["https://rp.test/callback"]`},
	Accounts: []string{"email: anna@example.org"},
}

// crowded is a node that bounds what each source begins; its peer is a proxy that says where requests come from.
type crowded struct {
	*idptest.Server
	t  *testing.T
	rp *idptest.Party
}

func newCrowded(t *testing.T) crowded {
	t.Helper()
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.House = s.Another(func(o *wire.Options) {
		o.Arrival = web.Rate{AtOnce: 600, PerSecond: 10}
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	})
	s.Declare(openHouse)
	return crowded{s, t, idptest.NewParty(s, "rp.test", idptest.HostIssuer, "linde-web", idptest.PartySecret)}
}

// browser is one at an address, "" being that of the proxy.
func (c crowded) browser(address, lang string) *idptest.Browser {
	b := idptest.NewBrowser(c.Server, lang)
	if address != "" {
		b.More = map[string]string{"X-Forwarded-For": address}
	}
	return b
}

const authorizeAt = "/authorize?client_id=linde-web&redirect_uri=https%3A%2F%2Frp.test%2Fcallback&response_type=code&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"

// status asks once, without following anything, as a source behind the proxy or, with a peer, in front of it.
func (c crowded) status(peer, address, path string) int {
	r := httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, "https://login.linde.test"+path, nil)
	r.RemoteAddr = cmp.Or(peer, "192.0.2.1:4711")
	r.Header.Set("X-Forwarded-For", address)
	r.Header.Set("X-Forwarded-Proto", "https")
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, r)
	return rec.Code
}

// waiting counts the rows that people who are not known leave behind.
func (c crowded) waiting() (n int) {
	c.t.Helper()
	if err := c.DB.SQL().QueryRowContext(c.t.Context(),
		"SELECT (SELECT COUNT(*) FROM requests) + (SELECT COUNT(*) FROM journeys) + (SELECT COUNT(*) FROM letters) + (SELECT COUNT(*) FROM events WHERE kind = 'letter.ask')").Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// A flood from one source is refused after 600, and costs nobody else anything.
func TestFloodFromOneSourceIsRefused(t *testing.T) {
	c := newCrowded(t)
	taken := map[int]int{}
	for range 1000 {
		taken[c.status("", "203.0.113.9", authorizeAt)]++
	}
	if taken[http.StatusSeeOther] != 600 || taken[http.StatusTooManyRequests] != 400 || c.waiting() != 600 {
		t.Errorf("answers %v with %d rows, want 600 that begin and 400 refused", taken, c.waiting())
	}
	for address, want := range map[string]int{
		"203.0.113.9": http.StatusTooManyRequests, "203.0.113.10": http.StatusSeeOther, "2001:db8::9": http.StatusSeeOther,
	} {
		if got := c.status("", address, authorizeAt); got != want {
			t.Errorf("%s: %d, want %d", address, got, want)
		}
	}
	for i := range 599 { // with the one above
		if got := c.status("", fmt.Sprintf("2001:db8::1:%x", i), authorizeAt); got != http.StatusSeeOther {
			t.Fatalf("%d of a /64: %d", i, got)
		}
	}
	if got := c.status("", "2001:db8::ffff:ffff", authorizeAt); got != http.StatusTooManyRequests {
		t.Errorf("another address of that /64: %d", got)
	}
	// Whoever is no proxy of ours is one source, whatever they say.
	taken = map[int]int{}
	for range 700 {
		taken[c.status("198.51.100.7:1", "203.0.113.77", authorizeAt)]++
	}
	if taken[http.StatusTooManyRequests] != 100 || c.status("", "203.0.113.77", authorizeAt) != http.StatusSeeOther {
		t.Errorf("in front of the proxy: %v, want 100 refused, and not at the expense of the address that they named", taken)
	}
	c.Clock.Later(time.Second)
	taken = map[int]int{}
	for range 100 {
		taken[c.status("", "203.0.113.9", authorizeAt)]++
	}
	if taken[http.StatusSeeOther] != 10 {
		t.Errorf("in the second after: %v, want 10 that begin", taken)
	}
}

// A hospital: 2,000 people behind one address, evenly over five minutes, one request each.
func TestHospitalBehindOneAddressIsLetIn(t *testing.T) {
	c := newCrowded(t)
	for i := range 2000 {
		if got := c.status("", "203.0.113.9", authorizeAt); got != http.StatusSeeOther {
			t.Fatalf("person %d: %d", i, got)
		}
		c.Clock.Later(150 * time.Millisecond)
	}
}

// Whoever is signed in is answered however much their network begins, and takes nothing of it, whichever way the party
// sends its request.
func TestWhatASessionAnswersDoesNotCount(t *testing.T) {
	c := newCrowded(t)
	anna := c.browser("203.0.113.9", "en")
	idptest.LogIn(t, anna, c.rp.Start(nil), "anna@example.org")
	at, err := url.Parse("https://login.linde.test" + authorizeAt)
	if err != nil {
		t.Fatal(err)
	}
	post := func(more string) (int, string) {
		form := at.RawQuery + more
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://login.linde.test/authorize", strings.NewReader(form))
		r.RemoteAddr = "192.0.2.1:4711"
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, r)
		return rec.Code, rec.Header().Get("Location")
	}
	for i := range 700 {
		anna.MustOpen(t, c.rp.Start(nil))
		if c.rp.Last.Token == nil {
			t.Fatalf("visit %d: %s %s", i, anna.URL, anna.Body)
		}
		status, next := post("")
		if status != http.StatusSeeOther {
			t.Fatalf("by POST, visit %d: %d", i, status)
		}
		anna.MustOpen(t, next)
	}
	for range 599 { // and Anna's own at the beginning
		c.status("", "203.0.113.9", authorizeAt)
	}
	if got := c.status("", "203.0.113.9", authorizeAt); got != http.StatusTooManyRequests {
		t.Errorf("the 601st that nobody answered: %d", got)
	}
	if status, _ := post(""); status != http.StatusTooManyRequests {
		t.Errorf("by POST: %d", status)
	}
	if got := c.status("", "203.0.113.9", authorizeAt+"&prompt=none"); got != http.StatusSeeOther {
		t.Errorf("a silent request, which is answered at once: %d", got)
	}
	anna.MustOpen(t, c.rp.Start(nil))
	if anna.Status != http.StatusOK || c.rp.Last.Error != "" {
		t.Errorf("who is signed in: %d %s", anna.Status, c.rp.Last.Error)
	}
}

// Whatever writes a row for somebody who is not known counts: logins, forgotten passwords, links, mails that are asked
// for, pages of settings. The page says what to do, in the person's language.
func TestEverythingThatAnybodyCanBeginCounts(t *testing.T) {
	c := newCrowded(t)
	for _, page := range []struct{ lang, title, tip, email, send, first, last, create string }{
		{"nl", "Je kunt nu even niet inloggen", "mobiel internet", "E-mailadres", "Stuur de e-mail", "Voornaam", "Achternaam", "Account aanmaken"},
		{"en", "You cannot log in right now", "mobile data", "Email address", "Send the email", "First name", "Last name", "Create account"},
	} {
		c.Clock.Later(time.Hour)
		forgot, signUp := c.browser("203.0.113.9", page.lang), c.browser("203.0.113.9", page.lang)
		forgot.MustOpen(t, "https://login.linde.test/forgot")
		signUp.MustOpen(t, c.rp.Start(nil))
		signUp.MustOpen(t, signUp.URL.String()[:strings.LastIndex(signUp.URL.String(), "/")]+"/sign-up")
		link := c.welcomeLink(page.lang + "@example.org")
		for range 600 {
			c.status("", "203.0.113.9", authorizeAt)
		}
		before := c.waiting()
		refused := func(what string, b *idptest.Browser) {
			t.Helper()
			if b.Status != http.StatusTooManyRequests || b.Header.Get("Retry-After") == "" || !strings.Contains(b.Body, page.title) || !strings.Contains(b.Body, page.tip) {
				t.Errorf("%s: %d, Retry-After %q: %s", what, b.Status, b.Header.Get("Retry-After"), idptest.Visible(b.Doc))
			}
		}
		for _, path := range []string{authorizeAt, "/forgot", "/settings", "/settings/password", "/settings/two-step", "/settings/devices", link} {
			b := c.browser("203.0.113.9", page.lang)
			if err := b.Open("https://login.linde.test" + path); err != nil {
				t.Fatal(err)
			}
			refused(path, b)
		}
		forgot.MustFill(t, page.email, "anna@example.org")
		forgot.MustPress(t, page.send)
		refused("the form for a forgotten password", forgot)
		signUp.MustFill(t, page.first, "Bram")
		signUp.MustFill(t, page.last, "Bos")
		signUp.MustFill(t, page.email, "bram@example.org")
		signUp.MustPress(t, page.create)
		refused("the form for a new account", signUp)
		if after := c.waiting(); after != before {
			t.Errorf("%d rows more", after-before)
		}
	}
}

// welcomeLink is the path of the button in a mail to somebody who was just invited.
func (c crowded) welcomeLink(address string) string {
	c.t.Helper()
	c.Declare(idptest.Demo{Invited: []string{"email: " + address}})
	if err := c.Tools().Acts().Invite(c.t.Context(), "linde", staff.ByAddress(address)); err != nil {
		c.t.Fatal(err)
	}
	if err := c.Deliver(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	sent := c.Mails.Sent()
	return strings.TrimPrefix(sent[len(sent)-1].Link, "https://login.linde.test")
}
