package wire_test

import (
	"fmt"
	"testing"

	"github.com/minddistrict/idp/grant"
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
	s.Declare(idptest.Demo{Invited: []string{"email: anna@example.org"}})
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

// Subjects that nobody kept when they were given out are kept later, also those of a party that became pairwise.
func TestSubjectsAreKeptLater(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	pairwise := func(id, redirect, kind string) string {
		return fmt.Sprintf("client_id: %s, redirect_uris: [%q], subject_type: %s", id, redirect, kind)
	}
	house := func(kind string) idptest.Demo {
		return idptest.Demo{
			Parties: []string{
				pairwise("one", "https://one.test/cb", "pairwise"), pairwise("also-one", "https://one.test/cb2", "pairwise"),
				pairwise("two", "https://two.test/cb", kind),
			},
			Invited: []string{"email: anna@example.org", "email: never@example.org"},
		}
	}
	kept := func() (n int) {
		t.Helper()
		if err := s.House.Do(t.Context(), "subjects"); err != nil {
			t.Fatal(err)
		}
		if err := s.DB.SQL().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM subjects`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	s.Declare(house("public"))
	if _, err := s.DB.SQL().ExecContext(t.Context(), `UPDATE accounts SET signed_in_at = 1 WHERE email = 'anna@example.org'`); err != nil {
		t.Fatal(err)
	}
	if n := kept(); n != 1 {
		t.Errorf("%d subjects, want that of Anna in one sector", n)
	}
	s.Declare(house("pairwise"))
	if n := kept(); n != 2 {
		t.Errorf("%d subjects, want one of each sector", n)
	}
	a, err := s.DB.AccountByEmail(t.Context(), "linde", "anna@example.org")
	if err != nil {
		t.Fatal(err)
	}
	platforms, err := s.DB.Platforms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := grant.Sector{Host: "two.test", Salt: platforms[0].Salt}.Of(a.ID)
	if id, err := s.DB.Subject(t.Context(), "linde", of); id != a.ID || err != nil {
		t.Errorf("%s, %v, want %s", id, err, a.ID)
	}
}

// Devices with the app that nobody used for ninety days are removed by themselves, however many there are, and no others.
func TestUnusedDevicesAreRemoved(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(idptest.Demo{Invited: []string{"email: anna@example.org"}})
	const fill = `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
		INSERT INTO app_devices (id, platform, account, party, jkt, name, network, way, level, scopes, claims, setup_hash, setup_ends_at, added_at, seen_at)
		SELECT 'd' || i, 'linde', (SELECT id FROM accounts), 'app', 'k' || i, '', '', 'qr', '', '', '{}', CAST('s' || i AS BLOB), 1, 1,
			$1 + CASE WHEN i > 1200 THEN 1 ELSE 0 END
		FROM n`
	unused := s.Clock.Now().Add(-grant.DeviceUnused).UnixMilli()
	if _, err := s.DB.SQL().ExecContext(t.Context(), fill, unused); err != nil {
		t.Fatal(err)
	}
	if err := s.House.Do(t.Context(), "devices"); err != nil {
		t.Fatal(err)
	}
	var left, first int64
	const live = `SELECT COUNT(*), MIN(seen_at) FROM app_devices WHERE ended_at IS NULL`
	if err := s.DB.SQL().QueryRowContext(t.Context(), live).Scan(&left, &first); err != nil {
		t.Fatal(err)
	}
	if left != 300 || first != unused+1 {
		t.Errorf("%d are left, used since %d; want 300 since %d", left, first, unused+1)
	}
}
