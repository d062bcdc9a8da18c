package storage_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

const orderRows = `
INSERT INTO platforms (id, issuer, body) VALUES ('linde', 'https://linde.test', '{}');
INSERT INTO accounts (id, platform, email, email_key, role, state, locale, profile, created_at)
VALUES ('anna', 'linde', 'anna@example.org', 'anna@example.org', 'client', 'active', '', '{}', 1);
INSERT INTO journeys (id, platform, body, account, version, started_at, expires_at)
VALUES ('one', 'linde', '{}', 'anna', 0, 1, 2), ('two', 'linde', '{}', 'anna', 0, 1, 3);
INSERT INTO tickets (platform, hash, purpose, account, party, sealed, issued_at, expires_at)
VALUES ('linde', '\x01', 'reset', 'anna', '', '\x01', 1, 2);
INSERT INTO letters (platform, id, account, kind, medium, locale, sealed, queued_at, expires_at, next_at, tries, outcome, reason)
VALUES ('linde', 'letter', 'anna', 'wish-reset', 'mail', '', '\x01', 1, 2, 1, 0, '', '');
INSERT INTO credentials (platform, id, account, method, used_as, label, sealed, counter, added_at)
VALUES ('linde', 'words', 'anna', 'password', 'primary', '', '\x01', 0, 1);
INSERT INTO sessions (platform, id, account, channel, cookie_hash, proofs, agent, started_at, seen_at, ends_at)
VALUES ('linde', 'session', 'anna', 'browser', '\x01', '[]', '', 1, 1, 2);
INSERT INTO grants (platform, id, party, account, session, scopes, offline, nonce, redirect_uri, challenge, proofs,
    started_at, code_ends_at, ends_at, claims)
VALUES ('linde', 'grant', 'web', 'anna', 'session', 'openid', 0, '', '', '', '[]', 1, 1, 2, '{}');`

// Upkeep takes rows of many accounts and locks none of those, so it must never hold what somebody waits for who has
// what it needs next: each row begins as a change of one account does, in the order of the package, and goes on while
// upkeep waits.
func TestUpkeepAndAChangeOfAnAccountNeverWaitForEachOther(t *testing.T) {
	long := time.UnixMilli(0).Add(365 * 24 * time.Hour) // after all of that has ended
	reseal := func(ctx context.Context, db *storage.DB) error {
		_, err := db.Reseal(ctx, audit.Event{At: long, Kind: audit.MasterKeyRotated, Actor: "test", Outcome: audit.Success},
			func(_ string, sealed []byte) ([]byte, error) { return append([]byte("new"), sealed...), nil })
		return err
	}
	cleanUp := func(ctx context.Context, db *storage.DB) error {
		_, err := db.CleanUp(ctx, long, 10)
		return err
	}
	for name, row := range map[string]struct {
		first  string
		upkeep func(context.Context, *storage.DB) error
		then   string
	}{
		"sealing anew, and a link with its factor": {
			`UPDATE tickets SET voided_at = 9 WHERE account = 'anna'`, reseal, `UPDATE credentials SET retired_at = 9 WHERE account = 'anna'`,
		},
		"sealing anew, and a wish with its link": {
			`UPDATE letters SET next_at = NULL WHERE id = 'letter'`, reseal, `UPDATE tickets SET voided_at = 9 WHERE account = 'anna'`,
		},
		"cleaning up, and sessions with their grants": {
			`UPDATE sessions SET ended_at = 9 WHERE account = 'anna'`, cleanUp, `UPDATE grants SET ended_at = 9 WHERE session = 'session'`,
		},
		"cleaning up, and links with sessions": {
			`UPDATE tickets SET voided_at = 9 WHERE account = 'anna'`, cleanUp, `UPDATE sessions SET ended_at = 9 WHERE account = 'anna'`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, db := t.Context(), idptest.Postgres(t)
			if _, err := db.SQL().ExecContext(ctx, orderRows); err != nil {
				t.Fatal(err)
			}
			tx, err := db.SQL().BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(ctx, row.first); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- row.upkeep(ctx, db) }()
			awaitLock(t, db.SQL())
			if _, err := tx.ExecContext(ctx, row.then); err != nil {
				t.Error("the change:", err)
			}
			if err := tx.Commit(); err != nil {
				t.Error("the change:", err)
			}
			if err := <-done; err != nil {
				t.Error("upkeep:", err)
			}
		})
	}
}

// A deactivation leaves journeys alone whose time was over: nobody goes on with them, and cleaning up may just have
// them.
func TestDeactivationDoesNotWaitForJourneysThatAreCleanedUp(t *testing.T) {
	ctx, db := t.Context(), idptest.Postgres(t)
	if _, err := db.SQL().ExecContext(ctx, orderRows); err != nil {
		t.Fatal(err)
	}
	tx, err := db.SQL().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM journeys WHERE id = 'two'`); err != nil {
		t.Fatal(err)
	}
	soon, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	e := audit.Event{At: time.UnixMilli(9), Platform: "linde", Kind: audit.AccountDeactivated, Actor: "test", Account: "anna", Outcome: audit.Success}
	if err := db.SetState(soon, "linde", "anna", account.Deactivated, e, time.UnixMilli(9)); err != nil {
		t.Error(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}

// awaitLock waits until somebody waits for a lock.
func awaitLock(t *testing.T, db *sql.DB) {
	t.Helper()
	const waiting = `SELECT COUNT(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	for range 100 {
		var waits bool
		if err := db.QueryRowContext(t.Context(), waiting).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		if waits {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("nobody waits")
}
