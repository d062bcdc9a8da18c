package password_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

const wrong = "helaas, dit is hem niet!"

// newHouseOn is newHouse on a database that another house may have as well.
func newHouseOn(t *testing.T, s *idptest.Server) house {
	s.Declare(linde)
	return house{s, t, linde.Party(s, "web")}
}

// with declares one more account.
func (h house) with(account string) {
	demo := linde
	demo.Accounts = append(slices.Clone(demo.Accounts), account)
	h.Declare(demo)
}

// known is a browser in which these signed in and out, one after the other.
func (h house) known(emails ...string) *idptest.Browser {
	h.t.Helper()
	b := h.browser()
	for _, email := range emails {
		if why := h.signIn(b, email, idptest.Password); why != "" {
			h.t.Fatal(why)
		}
		b = h.signedOut(b)
	}
	return b
}

// signedOut is a browser that keeps nothing but for whom it is known.
func (h house) signedOut(b *idptest.Browser) *idptest.Browser {
	h.t.Helper()
	at := &url.URL{Scheme: "https", Host: "login.linde.test", Path: "/"}
	kept := slices.DeleteFunc(b.Jar.Cookies(at), func(c *http.Cookie) bool { return c.Name != "__Host-linde-known" })
	if len(kept) != 1 {
		h.t.Fatalf("the browser is not known: %v", b.Jar.Cookies(at))
	}
	kept[0].Path, kept[0].Secure = "/", true
	b = h.browser()
	b.Jar.SetCookies(at, kept)
	return b
}

// waited is how long answers were held back since the last look, without those that were not.
func (h house) waited() (all []time.Duration) {
	return slices.DeleteFunc(h.Clock.Waited(), func(d time.Duration) bool { return d == 0 })
}

// guess is the form of a password that is tried, on a login page that was just opened.
func (h house) guess(b *idptest.Browser, email, password string) *http.Request {
	h.t.Helper()
	b.MustOpen(h.t, h.party.Start(url.Values{"prompt": {"login"}}))
	form, action, err := b.Form(b.Button("Log in"))
	if err != nil {
		h.t.Fatal(err)
	}
	form.Set("email", email)
	form.Set("password", password)
	r, err := http.NewRequest(http.MethodPost, action, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://login.linde.test")
	for _, c := range b.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r
}

// refusals counts the events of refused passwords by their reason.
func (h house) refusals(reason string) (n int) {
	h.t.Helper()
	if err := h.DB.SQL().QueryRow("SELECT COUNT(*) FROM events WHERE kind = 'password.refuse' AND reason = $1", reason).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// Two hundred guesses at once, on two nodes: ten are verified. The right password, last, waits like everybody's from a
// browser that nobody knows; in the owner's browser it is taken at once (CVE-2024-4629, CVE-2026-27801, CVE-2024-1722).
func TestTwoHundredGuessesAtOnceStopEverybodyButTheOwner(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		one := newHouseOn(t, idptest.NewServer(t, db))
		two := newHouseOn(t, idptest.NewServer(t, one.DB))
		owner := one.known("anna@example.org")
		const guesses = 200
		var forms [guesses]*http.Request
		for i := range forms {
			forms[i] = one.guess(one.browser(), "anna@example.org", wrong+fmt.Sprint(i))
		}
		one.waited() // forget
		var ready, done sync.WaitGroup
		ready.Add(1)
		for i, form := range forms {
			node := []house{one, two}[i%2]
			done.Go(func() {
				ready.Wait()
				if res, err := node.RoundTrip(form); err != nil || res.StatusCode != http.StatusSeeOther {
					t.Errorf("guess %d: %v, %v", i, res, err)
				}
			})
		}
		ready.Done()
		done.Wait()
		if verified, refused := one.refusals("wrong"), one.refusals("too many"); verified != authn.BlockAt || refused != guesses-authn.BlockAt {
			t.Errorf("%d verified and %d refused, want %d and %d", verified, refused, authn.BlockAt, guesses-authn.BlockAt)
		}
		one.waited() // forget
		stranger := two.browser()
		if why := two.signIn(stranger, "anna@example.org", idptest.Password); why == "" {
			t.Error("the right password is taken from a browser that nobody knows")
		}
		stranger.MustBeAt(t, "/stop")
		if why := one.signIn(owner, "anna@example.org", idptest.Password); why != "" {
			t.Errorf("the owner is refused: %s", why)
		}
		if d := one.waited(); len(d) > 0 {
			t.Errorf("the owner waits %s", d)
		}
	})
}

// A household shares a browser: each has ten of their own, and one who forgot stops nobody else.
func TestHouseholdSharesABrowser(t *testing.T) {
	h := newHouse(t)
	h.with("email: cor@example.org")
	home := h.known("anna@example.org", "cor@example.org")
	for range authn.BlockAt {
		h.signIn(home, "cor@example.org", wrong)
	}
	home.MustBeAt(t, "/stop")
	h.waited() // forget
	if why := h.signIn(home, "anna@example.org", idptest.Password); why != "" {
		t.Errorf("anna: %s", why)
	}
	if d := h.waited(); len(d) > 0 {
		t.Errorf("anna waits %s", d)
	}
	if why := h.signIn(h.browser(), "cor@example.org", idptest.Password); why != "" {
		t.Errorf("cor, at work: %s", why)
	}
}

// Whoever signs in to an account of his own first gains nothing at another's: neither ten more, nor another's browser's
// counters.
func TestOwnAccountOpensNoOther(t *testing.T) {
	h := newHouse(t)
	h.with("email: mallory@example.org")
	for range authn.BlockAt / 2 {
		fresh := h.known("mallory@example.org")
		for range 2 { // in ever new browsers that are known, though not here
			h.signIn(fresh, "anna@example.org", wrong)
		}
	}
	if n := h.refusals("wrong"); n != authn.BlockAt {
		t.Fatalf("%d guesses verified", n)
	}
	last := h.known("mallory@example.org")
	h.signIn(last, "anna@example.org", idptest.Password)
	last.MustBeAt(t, "/stop")
}

// An organisation behind one address: after a hundred wrong passwords in an hour its people are slowed, and get in.
func TestBusySourceIsSlowedAndGetsIn(t *testing.T) {
	h := newHouse(t)
	for i := range authn.SourceMax {
		h.signIn(h.browser(), fmt.Sprintf("p%d@example.org", i), wrong)
	}
	if d := h.waited(); len(d) > 0 {
		t.Errorf("the first hundred wait %s", d)
	}
	for _, password := range []string{wrong, idptest.Password} {
		h.signIn(h.browser(), "anna@example.org", password)
		if d := h.waited(); len(d) != 1 || d[0] != 8*time.Second {
			t.Errorf("waits %s", d)
		}
	}
	if h.party.Last.Error != "" {
		t.Errorf("anna is refused: %s", h.party.Last.Error)
	}
	h.Clock.Later(authn.SourceFor)
	if why := h.signIn(h.browser(), "anna@example.org", idptest.Password); why != "" || len(h.waited()) > 0 {
		t.Errorf("an hour later: %s", why)
	}
}

// An office full of people who sign in rightly never gets slow: what is right counts nowhere.
func TestRightPasswordsNeverSlowAnybody(t *testing.T) {
	h := newHouse(t)
	for range authn.SourceMax + 10 {
		if why := h.signIn(h.browser(), "anna@example.org", idptest.Password); why != "" {
			t.Fatal(why)
		}
	}
	if d := h.waited(); len(d) > 0 {
		t.Errorf("waited %s", d)
	}
}

// In a day fifty guesses are verified, however patient somebody is; the owner's browser has a day of its own. Nobody
// waits longer than for the next one (CVE-2024-1722).
func TestFiftyGuessesADay(t *testing.T) {
	h := newHouse(t)
	owner := h.known("anna@example.org")
	b := h.browser()
	for end := h.Clock.Now().Add(24 * time.Hour); h.Clock.Now().Before(end); h.Clock.Later(authn.BlockFor / 5) {
		h.signIn(b, "anna@example.org", wrong)
	}
	if n := h.refusals("wrong"); n != authn.PerDay-1 { // the last of them would come when the day is just over
		t.Errorf("%d guesses verified, want %d", n, authn.PerDay-1)
	}
	if why := h.signIn(owner, "anna@example.org", idptest.Password); why != "" {
		t.Errorf("the owner: %s", why)
	}
	h.signIn(b, "anna@example.org", wrong)
	if why := h.signIn(b, "anna@example.org", idptest.Password); why == "" || b.Status != http.StatusTooManyRequests {
		t.Errorf("status %d", b.Status)
	}
	h.Clock.Later(authn.Refill)
	if why := h.signIn(b, "anna@example.org", idptest.Password); why != "" {
		t.Errorf("after waiting for the next: %s", why)
	}
}

// What we were too busy to verify, or nobody waited for, stops nobody: the step says what is to be taken back.
func TestUnverifiedAttemptsDoNotCount(t *testing.T) {
	h := newHouse(t)
	full := password.NewPool(0, 0, idptest.Cheap)
	for what, o := range map[string]password.Options{
		"the queue is full": {Pool: full, Wait: func(context.Context, time.Duration) {}},
		"the caller goes":   {Pool: h.Pool, Wait: func(ctx context.Context, _ time.Duration) { ctx.Value(endKey{}).(context.CancelFunc)() }},
	} {
		o.Store, o.Sealer = h.DB, h.Sealer
		step := password.Factor(o).Prove
		for i := range authn.BlockAt + 2 {
			ctx, end := context.WithCancel(t.Context())
			out, err := step.Submit(context.WithValue(ctx, endKey{}, end), &login.Visit{
				Platform: &platform.Platform{ID: "linde"}, Journey: &authn.Journey{Platform: "linde"}, Now: h.Clock.Now(),
				Request: httptest.NewRequest(http.MethodPost, "/", nil), Form: url.Values{"email": {"anna@example.org"}, "password": {wrong}},
			})
			if end(); !errors.Is(err, fault.Unavailable) {
				t.Errorf("%s: attempt %d ends with %v", what, i, err)
			}
			if err := h.DB.Uncount(t.Context(), "linde", out.Change.Uncount); err != nil {
				t.Fatal(err)
			}
		}
		var all, counting int
		err := h.DB.SQL().QueryRow("SELECT COUNT(*), COUNT(CASE WHEN failures <> 0 OR total <> 0 OR blocked_until IS NOT NULL THEN 1 END) FROM attempts").Scan(&all, &counting)
		if err != nil || all != 2 || counting != 0 {
			t.Errorf("%s: %d counters, %d of them count: %v", what, all, counting, err)
		}
	}
}

// What could not be verified was not tried, and a right password that could not be saved neither, however often. A
// wrong one was verified and stays counted, because whoever makes saving fail would guess for free.
func TestRightPasswordThatCannotBeSavedDoesNotCount(t *testing.T) {
	for name, open := range map[string]func(testing.TB, func(string) error) *storage.DB{"sqlite": idptest.SQLiteFailing, "postgres": idptest.PostgresFailing} {
		t.Run(name, func(t *testing.T) {
			var broken atomic.Bool
			breaks := "WHERE a.platform = $1 AND a.email_key = $2" // the account is looked up
			h := newHouseOn(t, idptest.NewServer(t, open(t, func(text string) error {
				if broken.Load() && strings.Contains(text, breaks) {
					return io.ErrUnexpectedEOF
				}
				return nil
			})))
			send := func(password string, want int) {
				t.Helper()
				form := h.guess(h.browser(), "anna@example.org", password)
				broken.Store(true)
				defer broken.Store(false)
				res, err := h.RoundTrip(form)
				if err != nil || res.StatusCode != want {
					t.Fatalf("%v, %v; want status %d", res, err, want)
				}
			}
			counted := func() (n int) {
				t.Helper()
				err := h.DB.SQL().QueryRow("SELECT COUNT(*) FROM attempts WHERE failures <> 0 OR total <> 0 OR blocked_until IS NOT NULL").Scan(&n)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			for range authn.BlockAt + 2 {
				send(wrong, http.StatusServiceUnavailable)
			}
			if n := counted(); n != 0 {
				t.Errorf("%d counters count what nobody verified", n)
			}
			breaks = "INSERT INTO journeys"
			for range 2 * authn.AtOnce {
				send(idptest.Password, http.StatusServiceUnavailable)
			}
			if n := counted(); n != 0 {
				t.Errorf("%d counters count right ones", n)
			}
			for range authn.BlockAt - 1 {
				send(wrong, http.StatusServiceUnavailable)
			}
			send(idptest.Password, http.StatusServiceUnavailable) // ends no row: it was not tried
			send(wrong, http.StatusServiceUnavailable)
			if why := h.signIn(h.browser(), "anna@example.org", idptest.Password); why == "" {
				t.Error("wrong passwords that could not be saved are free")
			}
			h.Clock.Later(authn.BlockFor)
			if why := h.signIn(h.browser(), "anna@example.org", idptest.Password); why != "" {
				t.Errorf("after the wait: %s", why)
			}
		})
	}
}

// endKey finds what ends the context of a request.
type endKey struct{}
