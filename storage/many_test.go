package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/storage"
)

const manyRows = `
INSERT INTO platforms (id, issuer, body) VALUES ('linde', 'https://linde.test', '{}');
INSERT INTO accounts (id, platform, email, email_key, role, state, locale, profile, created_at)
VALUES ('anna', 'linde', 'anna@example.org', 'anna@example.org', 'client', 'active', '', '{}', 1);
INSERT INTO sessions (platform, id, account, channel, cookie_hash, proofs, agent, started_at, seen_at, ends_at)
VALUES ('linde', 'session', 'anna', 'browser', '\x01', '[]', '', 1, 1000000000000, 2000000000000)`

// manyNow is when all of it happens.
var manyNow = time.UnixMilli(1_000_000_000_000)

// crowded is a database with a session that many use.
type crowded struct {
	*testing.T
	db     *storage.DB
	beside *sql.DB // of another application
}

func newCrowded(t *testing.T, via func(dsn string) string, parameters string) crowded {
	t.Helper()
	dsn := idptest.EmptyPostgres(t)
	patient, err := storage.Open(t.Context(), dsn+"&answer_timeout=60&lines=0")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(patient.Migrate(t.Context()), patient.Close()); err != nil {
		t.Fatal(err)
	}
	c := crowded{T: t}
	if c.beside, err = sql.Open("pgx", dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.beside.Close() }) // the test is over
	c.must(c.beside.ExecContext(t.Context(), manyRows))
	if via != nil {
		dsn = via(dsn)
	}
	if c.db, err = storage.Open(t.Context(), dsn+parameters); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c crowded) must(_ any, err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c crowded) number(query string, args ...any) (n int64) {
	c.Helper()
	if err := c.beside.QueryRowContext(c.Context(), query, args...).Scan(&n); err != nil {
		c.Error(err) // workers ask too
	}
	return n
}

// chain is a grant and its current refresh token.
type chain struct {
	id      grant.ID
	code    string
	refresh string
}

func newChain() chain {
	id := grant.ID(secret.ID())
	return chain{id, grant.NewToken(id), grant.NewToken(id)}
}

func (c crowded) give(ch chain) error {
	return c.db.Answer(c.Context(), grant.Answered{}, grant.Grant{
		ID: ch.id, Platform: "linde", Party: "web", Account: "anna", Session: "session", Scopes: []string{"openid"},
		RedirectURI: "https://rp.test", Challenge: "c", StartedAt: manyNow, CodeHash: secret.Hash(ch.code), CodeEndsAt: manyNow.Add(time.Hour),
		EndsAt: manyNow.Add(24 * time.Hour),
	})
}

func (c crowded) redeem(ch chain) error {
	_, err := c.db.Redeem(c.Context(), grant.Redemption{
		Platform: "linde", Party: "web", Grant: ch.id, CodeHash: secret.Hash(ch.code), RedirectURI: "https://rp.test", Challenge: "c",
		RefreshHash: secret.Hash(ch.refresh), RefreshEnds: manyNow.Add(time.Hour), Now: manyNow,
	})
	return err
}

// rotate returns the chain with the next token.
func (c crowded) rotate(ctx context.Context, ch chain) (chain, error) {
	next := ch
	next.refresh = grant.Successor([]byte("0123456789abcdef0123456789abcdef"), ch.refresh)
	_, err := c.db.Rotate(ctx, grant.Rotation{
		Refresh:  grant.Refresh{Grant: ch.id, Hash: secret.Hash(ch.refresh)},
		Platform: "linde", Party: "web", Next: secret.Hash(next.refresh), RefreshEnds: manyNow.Add(time.Hour), Now: manyNow,
	})
	return next, err
}

func (c crowded) begun() chain {
	c.Helper()
	ch := newChain()
	c.must(nil, c.give(ch))
	c.must(nil, c.redeem(ch))
	return ch
}

// current reports whether a token is the one that its grant has.
func (c crowded) current(ch chain) bool {
	c.Helper()
	return c.number(`SELECT COUNT(*) FROM grants WHERE id = $1 AND refresh_hash = $2 AND ended_at IS NULL`, string(ch.id), secret.Hash(ch.refresh)) == 1
}

// What nearly all requests ask goes in messages, and nothing else does.
func TestFrequentStatementsGoInMessages(t *testing.T) {
	c := newCrowded(t, nil, "&answer_timeout=60")
	ch := newChain()
	for _, row := range []struct {
		what  string
		do    func() error
		alone uint64
	}{
		{"session", func() error { _, _, err := c.db.Session(t.Context(), "linde", []byte{1}, manyNow); return err }, 0},
		{"giving a grant", func() error { return c.give(ch) }, 0},
		{"redeeming", func() error { return c.redeem(ch) }, 0},
		{"rotating", func() error { _, err := c.rotate(t.Context(), ch); return err }, 0},
		{"a grant", func() error { _, _, err := c.db.Grant(t.Context(), "linde", ch.id, manyNow); return err }, 0},
		{"a grant without its account", func() error { _, err := c.db.LiveGrant(t.Context(), "linde", ch.id, manyNow); return err }, 0},
		{"a grant of a refresh token", func() error {
			next, err := c.rotate(t.Context(), ch) // a repeat: it is also looked at
			if err == nil {
				_, err = c.db.GrantByRefresh(t.Context(), "linde", grant.Refresh{Grant: ch.id, Hash: secret.Hash(next.refresh)}, 0, manyNow)
			}
			return err
		}, 1},
		{"a grant with a pairwise subject", func() error {
			return c.db.Answer(t.Context(), grant.Answered{Subject: grant.Pairwise{Sector: "rp.test", Subject: "s"}}, grant.Grant{
				ID: "pairwise", Platform: "linde", Party: "web", Account: "anna", Session: "session", StartedAt: manyNow,
				CodeEndsAt: manyNow.Add(time.Hour), EndsAt: manyNow.Add(time.Hour),
			})
		}, 1}, // the subject
	} {
		messages, alone := c.db.InMessages(), c.db.Alone()
		if err := row.do(); err != nil {
			t.Errorf("%s: %v", row.what, err)
		}
		if messages, alone = c.db.InMessages()-messages, c.db.Alone()-alone; messages == 0 || alone != row.alone {
			t.Errorf("%s: %d in messages and %d alone, want %d", row.what, messages, alone, row.alone)
		}
	}
}

func TestAddressSaysHowManyLines(t *testing.T) {
	for given, want := range map[string]int{"": 2, "?lines=0": 0, "?lines=5": 5, "?lines=17": -1, "?lines=-1": -1, "?lines=two": -1} {
		got, err := storage.LinesOf("postgres://localhost/idp" + given)
		if want < 0 && !errors.Is(err, fault.Invalid) || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: %d %v, want %d", given, got, err, want)
		}
	}
	c := newCrowded(t, nil, "&answer_timeout=60&lines=0")
	if _, err := c.rotate(t.Context(), c.begun()); err != nil {
		t.Errorf("without messages: %v", err)
	}
}

// A grant that somebody else has locked is waited for as long as ever; who uses another grant does not wait for it.
func TestLockedGrantIsWaitedForByItsCallerOnly(t *testing.T) {
	c := newCrowded(t, nil, "&answer_timeout=60&lines=1")
	var chains []chain
	for range 16 {
		chains = append(chains, c.begun())
	}
	tx, err := c.beside.BeginTx(t.Context(), nil)
	c.must(nil, err)
	c.must(tx.ExecContext(t.Context(), `UPDATE grants SET nonce = nonce WHERE id = $1`, string(chains[7].id)))
	ended := make(chan int, len(chains))
	var all sync.WaitGroup
	for i, ch := range chains {
		all.Go(func() {
			if _, err := c.rotate(t.Context(), ch); err != nil {
				t.Error(i, err)
			}
			ended <- i
		})
	}
	for range len(chains) - 1 {
		if <-ended == 7 {
			t.Error("the lock did not hold")
		}
	}
	c.must(nil, tx.Commit())
	if i := <-ended; i != 7 {
		t.Errorf("%d was the last", i)
	}
	all.Wait()
}

// Again and again all connections are ended in the midst of full messages. What was acknowledged is there, nothing was
// done twice, whoever is not answered is told that the database is unavailable, and no connection is left in a
// transaction.
func TestEndedConnectionsLoseNothingThatWasAcknowledged(t *testing.T) {
	const workers, lasts = 128, 3 * time.Second
	c := newCrowded(t, nil, "&answer_timeout=60")
	ctx, end := context.WithTimeout(t.Context(), lasts)
	defer end()
	var refused, given, redeemed, rotated atomic.Int64
	// try repeats what may be repeated until it is answered.
	try := func(do func() error) error {
		for {
			err := do()
			if !errors.Is(err, fault.Unavailable) {
				return err
			}
			refused.Add(1)
		}
	}
	// once does what may not.
	once := func(do func() error) error {
		err := do()
		if errors.Is(err, fault.Unavailable) {
			refused.Add(1)
		} else if err != nil && !errors.Is(err, fault.Spent) {
			t.Error(err)
		}
		return err
	}
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				ch := newChain()
				if err := try(func() error { return c.give(ch) }); err != nil && !errors.Is(err, fault.Taken) { // it was there already
					t.Error(err)
					return
				}
				given.Add(1)
				var both [2]error
				var pair sync.WaitGroup
				for i := range 1 + worker%2 { // every other one by two at once, which ends the grant
					pair.Go(func() { both[i] = once(func() error { return c.redeem(ch) }) })
				}
				pair.Wait()
				if both[0] == nil && both[1] == nil && worker%2 == 1 {
					t.Error("two redeemed one code")
				}
				if both[0] != nil || worker%2 == 1 {
					continue
				}
				redeemed.Add(1)
				for range 4 {
					next, err := ch, error(nil)
					if err = try(func() error { next, err = c.rotate(t.Context(), ch); return err }); err != nil {
						t.Errorf("rotating: %v", err)
						return
					}
					ch = next
					rotated.Add(1)
				}
				if !c.current(ch) {
					t.Error("a rotation that was acknowledged is not there")
				}
			}
		})
	}
	kills := 0
	for ctx.Err() == nil {
		time.Sleep(40 * time.Millisecond)
		c.must(c.beside.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idp'`))
		kills++
	}
	all.Wait()
	if got := c.number(`SELECT COUNT(*) FROM grants`); got != given.Load() {
		t.Errorf("%d grants, %d were given", got, given.Load())
	}
	if refused.Load() == 0 || rotated.Load() == 0 {
		t.Errorf("%d were refused and %d rotated: it shows nothing", refused.Load(), rotated.Load())
	}
	if n := c.number(`SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`); n != 0 {
		t.Errorf("%d connections are in a transaction", n)
	}
	t.Logf("%d times ended: %d given, %d redeemed, %d rotated, %d refused", kills, given.Load(), redeemed.Load(), rotated.Load(), refused.Load())
}

// Connections that ended while nobody asked anything cost nobody an answer.
func TestConnectionsThatEndedBeforeAreNotMet(t *testing.T) {
	c := newCrowded(t, nil, "&answer_timeout=60")
	for range 5 {
		var all sync.WaitGroup
		for range 32 { // so that all connections are there
			all.Go(func() {
				if _, _, err := c.db.Session(t.Context(), "linde", []byte{1}, manyNow); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		c.must(c.beside.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idp'`))
		time.Sleep(100 * time.Millisecond) // the pool would ask after a second
	}
}

// Of many who redeem one code while connections end, at most one is given tokens.
func TestCodeIsRedeemedOnceWhileConnectionsEnd(t *testing.T) {
	c := newCrowded(t, nil, "&answer_timeout=60")
	refused := 0
	for round := range 30 {
		ch := newChain()
		c.must(nil, c.give(ch))
		errs := make([]error, 48)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = c.redeem(ch) })
		}
		if round%3 > 0 {
			all.Go(func() {
				time.Sleep(time.Duration(round) * 100 * time.Microsecond)
				c.must(c.beside.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idp'`))
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case errors.Is(err, fault.Unavailable):
				refused++
			case !errors.Is(err, fault.Spent) && !errors.Is(err, fault.NotFound):
				t.Error(err)
			}
		}
		if won > 1 || won == 1 && c.number(`SELECT COUNT(*) FROM grants WHERE id = $1 AND code_used_at IS NOT NULL`, string(ch.id)) != 1 {
			t.Errorf("round %d: %d were given tokens", round, won)
		}
		for range 100 { // until both lines are whole again
			if _, _, err := c.db.Session(t.Context(), "linde", []byte{1}, manyNow); err == nil {
				break
			}
		}
	}
	if refused == 0 {
		t.Error("nobody met an end: it shows nothing")
	}
}

// The wire falls silent when messages are on their way: whoever waits for an answer is told in time that the database
// is unavailable. It goes on by new connections, and what was done without an answer was done once.
func TestSilentWireEndsMessagesInTime(t *testing.T) {
	var w *wire
	c := newCrowded(t, func(dsn string) string { w = newWire(t, dsn); return w.dsn }, "&answer_timeout=1&connect_timeout=1")
	var chains []chain
	for range 64 {
		chains = append(chains, c.begun())
	}
	for _, asks := range []bool{true, false} { // whether what is asked still gets there
		w.silence(asks)
		next, errs := slices.Clone(chains), make([]error, len(chains))
		var all sync.WaitGroup
		began := time.Now()
		for i, ch := range chains {
			all.Go(func() {
				ctx, end := context.WithTimeout(t.Context(), 9500*time.Millisecond) // as a request
				defer end()
				next[i], errs[i] = c.rotate(ctx, ch)
			})
		}
		all.Wait()
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %s", took)
		}
		for i, err := range errs {
			if !errors.Is(err, fault.Unavailable) {
				t.Errorf("%d: %v", i, err)
			}
		}
		w.mend()
		for i := range chains {
			var err error
			for range 100 {
				if _, err = c.rotate(t.Context(), chains[i]); !errors.Is(err, fault.Unavailable) {
					break
				}
			}
			if err != nil || !c.current(next[i]) {
				t.Errorf("%d after the silence: %v", i, err)
			}
			chains[i] = next[i]
		}
	}
	c.until("idle in transaction", `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`)
}

func (c crowded) until(what, query string) {
	c.Helper()
	var n int64
	for range 100 {
		if n = c.number(query); n == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.Errorf("%d %s", n, what)
}
