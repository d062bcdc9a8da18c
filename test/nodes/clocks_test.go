package nodes_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/storage"
)

// newSkewed is a site of two houses in this process, one with a clock that is ahead and one that is behind, each by
// skew.
func newSkewed(t *testing.T, skew time.Duration) *site {
	t.Helper()
	db := idptest.Postgres(t)
	s := newSite(t, db.SQL())
	sealer := idptest.Sealer(t)
	ahead := newHouse(t, &s, db, sealer, skew)
	file, lines, err := setup.Parse([]byte(house(s.issuer, 0).File()))
	must(t, "reading the house", err)
	_, err = setup.Apply(t.Context(), setup.Tools{DB: db, Sealer: sealer, Pool: ahead.Pool, Policy: wire.DefaultPolicy(), Now: time.Now().UTC().Truncate(time.Millisecond)}, file, lines)
	must(t, "applying the house", err)
	behind := newHouse(t, &s, db, sealer, -skew)
	for _, h := range []*wire.House{ahead, behind} {
		must(t, "reading settings", h.Refresh(t.Context()))
		now, ok, err := h.DB.Clock(t.Context())
		if err != nil || !ok || time.Since(now).Abs() > skew/2 || time.Since(h.Now()).Abs() < skew/2 {
			t.Fatalf("the database says %v, this machine %v, the node %v: %v", now, time.Now(), h.Now(), err)
		}
	}
	return &s
}

// newHouse serves a house on loopback, as a node of the site.
func newHouse(t *testing.T, s *site, db *storage.DB, sealer *keys.Sealer, off time.Duration) *wire.House {
	t.Helper()
	h, err := wire.Build(t.Context(), wire.Options{
		DB: db, Sealer: sealer, Hash: idptest.Cheap, Workers: 1, Queue: 64, Now: func() time.Time { return time.Now().Add(off) },
		Log: slog.New(slog.DiscardHandler), // warns of the clock, rightly
	})
	must(t, "building a house", err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, "listening", err)
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(l) }() // ends with Close
	ctx, cancel := context.WithCancel(context.Background())
	var upkeep sync.WaitGroup
	upkeep.Go(func() { h.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		upkeep.Wait()
		_ = server.Close() // the test is over
	})
	s.balancer.nodes = append(s.balancer.nodes, l.Addr().String())
	return h
}

// TestClocksAMinuteApartFromTheDatabase: one node's clock is a minute ahead, the other's a minute behind. No honest
// login fails, and what counts once counts once.
func TestClocksAMinuteApartFromTheDatabase(t *testing.T) {
	s := newSkewed(t, time.Minute)
	for begins := range 2 {
		s.balancer.beginAt(begins)
		s.visit(t)
		s.freshness(t)
		s.lives(t, begins)
	}
}

// freshness asks for a sign-in that is as young as can be asked.
func (s *site) freshness(t *testing.T) {
	d := s.through()
	anna := newPerson(d, "anna@example.org")
	signedIn := func(want string, extra url.Values) time.Time {
		t.Helper()
		begun := time.Now().Truncate(time.Second)
		code, err := anna.ask(steady, extra)
		must(t, "asking with "+extra.Encode(), err)
		if got := map[bool]string{true: "page", false: "code"}[code == ""]; got != want {
			t.Errorf("%s: a %s, want a %s", extra.Encode(), got, want)
		}
		if code == "" {
			must(t, "typing the password", anna.password())
			code, err = anna.code()
			must(t, "coming back with "+extra.Encode(), err)
		}
		given, err := d.redeem(steady, code)
		must(t, "redeeming", err)
		claims, err := d.verify(steady, given.ID)
		must(t, "verifying with "+extra.Encode(), err)
		seconds, _ := claims["auth_time"].(float64)
		at := time.Unix(int64(seconds), 0)
		if want == "page" && (at.Before(begun.Add(-time.Second)) || at.After(time.Now().Add(time.Second))) {
			t.Errorf("%s: auth_time %v, signed in between %v and now", extra.Encode(), at, begun)
		}
		return at
	}
	first := signedIn("page", nil)
	for _, extra := range []url.Values{nil, {"max_age": {"600"}}, {"max_age": {"30"}}, {"prompt": {"none"}}} {
		if again := signedIn("code", extra); !again.Equal(first) {
			t.Errorf("%s: auth_time %v, want %v", extra.Encode(), again, first)
		}
	}
	for _, extra := range []url.Values{{"prompt": {"login"}}, {"max_age": {"0"}}, {"prompt": {"login"}, "max_age": {"0"}}} {
		signedIn("page", extra)
	}
	time.Sleep(1100 * time.Millisecond) // max_age counts in seconds
	signedIn("page", url.Values{"max_age": {"1"}})
}

// lives looks at what ends within a minute: half the difference of the clocks.
func (s *site) lives(t *testing.T, first int) {
	there, here := s.at(first), s.at(1-first)
	anna := newPerson(there, "anna@example.org")
	code := func(p party) string {
		t.Helper()
		code, err := anna.signIn(p, nil)
		must(t, "signing in", err)
		return code
	}
	older := func(column string, by time.Duration, token string) {
		t.Helper()
		s.change(t, `UPDATE grants SET `+column+` = `+column+` - $1 WHERE code_hash = $2 OR refresh_hash = $2 OR previous_refresh_hash = $2`, by.Milliseconds(), hash(token))
	}
	redeemed := func(d door, p party, code, want string) tokens {
		t.Helper()
		got, err := d.redeem(p, code)
		must(t, "redeeming", err)
		if got.Error != want {
			t.Errorf("redeeming: %d %s, want %q", got.status, got.body, want)
		}
		return got
	}
	refreshed := func(d door, token, want string) tokens {
		t.Helper()
		got, err := d.refresh(rotating, token)
		must(t, "refreshing", err)
		if got.Error != want {
			t.Errorf("refreshing: %d %s, want %q", got.status, got.body, want)
		}
		return got
	}

	fresh := code(steady)
	older("code_ends_at", 50*time.Second, fresh)
	redeemed(here, steady, fresh, "") // a code of 50 seconds works
	redeemed(there, steady, fresh, "invalid_grant")
	for _, d := range []door{here, there} {
		old := code(steady)
		older("code_ends_at", 61*time.Second, old)
		redeemed(d, steady, old, "invalid_grant") // one of 61 seconds does not
	}

	held := redeemed(here, rotating, code(rotating), "")
	next := refreshed(there, held.Refresh, "")
	for _, d := range []door{here, there} { // the answer was lost: the same again
		if again := refreshed(d, held.Refresh, ""); again.Refresh != next.Refresh {
			t.Errorf("a repeated refresh got %q, want %q", again.Refresh, next.Refresh)
		}
	}
	for round := range 3 {
		answers := together(t, s, atOnce, func(d door) (tokens, error) { return d.refresh(rotating, next.Refresh) })
		for _, a := range answers {
			if a.status != http.StatusOK || a.Refresh != answers[0].Refresh {
				t.Fatalf("round %d: %d, successor %q, of another answer %q: %s", round, a.status, a.Refresh, answers[0].Refresh, a.body)
			}
		}
		held, next = next, answers[0]
	}
	older("refreshed_at", 11*time.Second, next.Refresh)
	refreshed(here, held.Refresh, "invalid_grant") // ten seconds later it is a replay, and ends everything
	refreshed(there, next.Refresh, "invalid_grant")

	// Proofs go with their session: one that is newer than its last activity answers the question of the idle hour.
	s.change(t, `UPDATE sessions SET seen_at = seen_at - $1, proofs = regexp_replace(proofs, '"at":"[^"]*"', '"at":"2026-01-01T00:00:00Z"', 'g')`,
		(59 * time.Minute).Milliseconds())
	for _, d := range []door{here, there} {
		if got, err := anna.copied(d).silently(steady); err != nil || got != "code" {
			t.Errorf("after 59 minutes: %q %v", got, err)
		}
	}
	s.change(t, `UPDATE sessions SET seen_at = seen_at - $1`, (2 * time.Minute).Milliseconds())
	for _, d := range []door{here, there} {
		if got, err := anna.copied(d).silently(steady); err != nil || got != "login_required" {
			t.Errorf("after the idle hour: %q %v", got, err)
		}
	}
}
