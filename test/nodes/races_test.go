package nodes_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// atOnce is how many requests meet.
const atOnce = 32

// together runs the same call many times at once, every second one at the other node, and returns what each got.
func together[T any](t *testing.T, s *site, n int, call func(door) (T, error)) []T {
	t.Helper()
	doors := []door{s.at(0), s.at(1)}
	results, errs := make([]T, n), make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			results[i], errs[i] = call(doors[i%2])
		})
	}
	close(start)
	all.Wait()
	for _, err := range errs {
		must(t, "one of many at once", err)
	}
	return results
}

func TestManyRefreshesAtOnceAreOneRotation(t *testing.T) {
	p := newPair(t, 0, nil)
	d := p.through()
	code, err := newPerson(d, "anna@example.org").signIn(rotating, nil)
	must(t, "signing in", err)
	current, err := d.redeem(rotating, code)
	must(t, "redeeming", err)
	for round := range times(t, "IDP_RACES", 5) {
		answers := together(t, &p.site, atOnce, func(d door) (tokens, error) { return d.refresh(rotating, current.Refresh) })
		for _, a := range answers {
			if a.status != http.StatusOK || a.Refresh != answers[0].Refresh || a.Refresh == current.Refresh {
				t.Fatalf("round %d: %d, successor %q, of another answer %q: %s", round, a.status, a.Refresh, answers[0].Refresh, a.body)
			}
		}
		if n := p.row(t, `SELECT COUNT(*) FROM grants WHERE refresh_hash = $1 AND previous_refresh_hash = $2 AND ended_at IS NULL`,
			hash(answers[0].Refresh), hash(current.Refresh)); n != 1 {
			t.Fatalf("round %d: %d grants went from the token to its successor", round, n)
		}
		current = answers[atOnce-1]
	}
	for _, a := range together(t, &p.site, 2, func(d door) (int, error) { return d.userinfo(current.Access), nil }) {
		if a != http.StatusOK {
			t.Errorf("userinfo with the last access token: %d", a)
		}
	}
}

func TestManyRedemptionsAtOnceGiveTokensOnce(t *testing.T) {
	p := newPair(t, 0, nil)
	anna := newPerson(p.through(), "anna@example.org")
	for round := range times(t, "IDP_RACES", 5) {
		code, err := anna.signIn(steady, nil)
		must(t, "signing in", err)
		var won []tokens
		for _, a := range together(t, &p.site, atOnce, func(d door) (tokens, error) { return d.redeem(steady, code) }) {
			switch {
			case a.status == http.StatusOK:
				won = append(won, a)
			case a.status != http.StatusBadRequest || a.Error != "invalid_grant":
				t.Errorf("round %d: a loser got %d %s", round, a.status, a.body)
			}
		}
		if len(won) != 1 {
			t.Fatalf("round %d: %d redemptions of one code gave tokens", round, len(won))
		}
		// RFC 6749 section 4.1.2: a code that comes twice ends what it gave, wherever.
		for _, a := range together(t, &p.site, 2, func(d door) (tokens, error) { return d.refresh(steady, won[0].Refresh) }) {
			if a.Error != "invalid_grant" {
				t.Errorf("round %d: the grant of a replayed code goes on: %d %s", round, a.status, a.body)
			}
		}
	}
}

// A double click whose requests go to different nodes, and then a reload of where it led.
func TestManySubmitsAtOnceSignInOnce(t *testing.T) {
	p := newPair(t, 0, nil)
	anna := newPerson(p.through(), "anna@example.org")
	_, err := anna.ask(steady, nil)
	must(t, "opening the login page", err)
	action := formAction.FindStringSubmatch(anna.shown.body)
	if action == nil {
		t.Fatalf("no form on %s", anna.page)
	}
	to, err := anna.page.Parse(action[1])
	must(t, "reading the form", err)
	var winner *person
	var callback string
	// From the fifth in a row, attempts are held back.
	for _, tab := range together(t, &p.site, 4, func(d door) (*person, error) {
		tab := anna.copied(d)
		a, _, err := tab.step(http.MethodPost, to.String(), url.Values{"email": {anna.email}, "password": {idptest.Password}, "do": {"continue"}})
		tab.shown = a
		return tab, err
	}) {
		if tab.shown.status != http.StatusSeeOther {
			t.Errorf("a submit was answered %d", tab.shown.status)
		}
		if tab.cookies[sessionCookie] == "" {
			continue
		}
		if winner != nil && tab.cookies[sessionCookie] != winner.cookies[sessionCookie] {
			t.Error("two submits signed in, each to a session of its own") // the same form gets the same one (decision 26)
		}
		winner, callback = tab, tab.shown.header.Get("Location")
	}
	if rows := p.row(t, `SELECT COUNT(*) FROM sessions`); winner == nil || rows != 1 {
		t.Fatalf("%d sessions, want 1", rows)
	}
	codes := 0
	for _, tab := range together(t, &p.site, atOnce, func(d door) (*person, error) {
		tab := winner.copied(d)
		return tab, tab.open(http.MethodGet, callback, nil)
	}) {
		if tab.back.Has("code") {
			codes++
		} else if tab.away == "" {
			t.Errorf("a second answer is a dead end: %s", tab.page)
		}
	}
	if rows := p.row(t, `SELECT COUNT(*) FROM grants`); codes != 1 || rows != 1 {
		t.Errorf("one request was answered with %d codes, %d grants", codes, rows)
	}
}
