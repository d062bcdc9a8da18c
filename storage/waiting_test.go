package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

const waitingRows = `
INSERT INTO requests (platform, id, browser, body, created_at, expires_at, waiting_since)
VALUES ('linde', 'old', '\x01', '{}', 1, 1000, 1), ('linde', 'new', '\x01', '{}', 2, 1000, 2);`

// whileWaiting runs a call that comes to wait for what a transaction of somebody else has changed, and then saves that.
func whileWaiting(t *testing.T, db *storage.DB, before string, call func(context.Context) error) error {
	t.Helper()
	if _, err := db.SQL().ExecContext(t.Context(), waitingRows); err != nil {
		t.Fatal(err)
	}
	tx, err := db.SQL().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- call(t.Context()) }()
	awaitLock(t, db.SQL())
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return <-done
}

// A request stays whose first form is being saved when upkeep comes to it.
func TestUpkeepWaitsForAFirstFormAndKeepsItsRequest(t *testing.T) {
	for name, upkeep := range map[string]func(context.Context, *storage.DB) error{
		"bounding": func(ctx context.Context, db *storage.DB) error {
			_, err := db.BoundWaiting(ctx, 1, 10, time.UnixMilli(3))
			return err
		},
		"cleaning up": func(ctx context.Context, db *storage.DB) error {
			_, err := db.CleanUp(ctx, time.UnixMilli(2).Add(2*time.Hour), 10)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := idptest.Postgres(t)
			err := whileWaiting(t, db, `UPDATE requests SET waiting_since = NULL WHERE id = 'old'`, func(ctx context.Context) error { return upkeep(ctx, db) })
			if err != nil {
				t.Error(err)
			}
			for _, id := range []string{"old", "new"} {
				if _, err := db.Request(t.Context(), "linde", id); err != nil {
					t.Error(id, err)
				}
			}
		})
	}
}

// Whoever sends the first form when its request is being deleted, or when another form of it is being saved, is told.
func TestFirstFormWaitsForUpkeepAndIsStale(t *testing.T) {
	for name, row := range map[string]struct {
		before   string
		journeys int
	}{
		"deleted":    {`DELETE FROM requests WHERE id = 'old'`, 0},
		"answered":   {`UPDATE requests SET answered_at = 3 WHERE id = 'old'`, 0},
		"sent twice": {`INSERT INTO journeys (platform, id, body, version, started_at, expires_at) VALUES ('linde', 'old', '{}', 0, 1, 1000)`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			db := idptest.Postgres(t)
			j := authn.Journey{ID: "old", Platform: "linde", Request: "old", Version: authn.Unstored, StartedAt: time.UnixMilli(1), ExpiresAt: time.UnixMilli(1000)}
			err := whileWaiting(t, db, row.before, func(ctx context.Context) error {
				return db.SaveChange(ctx, authn.Change{Journey: &j}, time.UnixMilli(3))
			})
			if !errors.Is(err, fault.Stale) {
				t.Errorf("got %v, want stale", err)
			}
			var journeys int
			if err := db.SQL().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM journeys`).Scan(&journeys); err != nil || journeys != row.journeys {
				t.Errorf("%d journeys, %v, want %d", journeys, err, row.journeys)
			}
		})
	}
}
