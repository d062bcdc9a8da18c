package main_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// An operator's machine may be minutes off: a stolen key must not live on until its clock and the database's agree.
func TestCommandsFollowTheDatabasesClock(t *testing.T) {
	t.Parallel()
	dsn := idptest.EmptyPostgres(t)
	i := newInstall(t, dsn)
	i.setUp()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // the test is over
	const behind = 10 * time.Minute   // the database, which is right, against this machine
	for _, statement := range []string{
		`CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.clock_timestamp() - interval '10 minutes' $$`,
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var changed []struct {
		Platform, KID, Alg string
		MadeAt             time.Time `json:"made_at"`
		UseAt              time.Time `json:"use_at"`
		RetireAt           time.Time `json:"retire_at"`
		DropAt             time.Time `json:"drop_at"`
	}
	i.read(&changed, "keys", "rotate", "linde", "ES256", "--compromised")
	there := time.Now().Add(-behind)
	if len(changed) != 2 {
		t.Fatalf("%d keys changed, want the old and the new one", len(changed))
	}
	if dropped := changed[0].DropAt; dropped.Sub(there).Abs() > time.Minute || !changed[1].UseAt.Equal(dropped) {
		t.Errorf("at %s by the database's clock: %+v", there, changed)
	}
}
