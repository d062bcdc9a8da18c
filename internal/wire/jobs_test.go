package wire_test

import (
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
)

// However many begin to sign in and never go on, what they leave behind is bounded, and who went on is not among it.
func TestRequestsThatWaitAreBounded(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	const fill = `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO requests (id, platform, browser, body, created_at, expires_at, waiting_since)
		SELECT 'r' || i, 'linde', 'b', '{}', i, i + 3600000, CASE WHEN i > 1 THEN i END
		FROM n`
	if _, err := s.DB.SQL().ExecContext(t.Context(), fill, wire.MostWaiting+3); err != nil {
		t.Fatal(err)
	}
	if err := s.House.Do(t.Context(), "requests"); err != nil {
		t.Fatal(err)
	}
	var posted, first, all int
	const left = `SELECT MIN(created_at), MIN(waiting_since), COUNT(*) FROM requests`
	if err := s.DB.SQL().QueryRowContext(t.Context(), left).Scan(&posted, &first, &all); err != nil {
		t.Fatal(err)
	}
	if posted != 1 || first != 4 || all != wire.MostWaiting+1 {
		t.Errorf("%d left from %d on, those that wait from %d on", all, posted, first)
	}
}

// Sessions whose time is over are ended by themselves, however many there are.
func TestSessionsWhoseTimeIsOverEnd(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Apply("platforms:\n  - { name: linde, issuer: https://login.linde.test, organisation: Linde, home_url: https://linde.test/home, accounts: [{ email: anna@example.org }] }\n")
	const fill = `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
		INSERT INTO sessions (platform, id, account, channel, cookie_hash, proofs, agent, started_at, seen_at, ends_at)
		SELECT 'linde', 's' || i, (SELECT id FROM accounts), 'browser', CAST('c' || i AS BLOB), '[]', '', 1, 1, $1 + CASE WHEN i > 1200 THEN 1 ELSE 0 END
		FROM n`
	now := s.Clock.Now().UnixMilli()
	if _, err := s.DB.SQL().ExecContext(t.Context(), fill, now); err != nil {
		t.Fatal(err)
	}
	if err := s.House.Do(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	var ended int
	if err := s.DB.SQL().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM sessions WHERE ended_at = $1`, now).Scan(&ended); err != nil || ended != 1200 {
		t.Errorf("%d ended, %v, want 1200", ended, err)
	}
}
