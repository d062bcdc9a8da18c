package storage_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

func TestPostgres(t *testing.T) {
	idptest.PostgresServer(t) // tells once what is missing, not for each promise
	keepsContract(t, idptest.Postgres)
}

func TestNodesMigratePostgresAtTheSameTime(t *testing.T) {
	dsn := idptest.EmptyPostgres(t)
	var nodes sync.WaitGroup
	for range 3 {
		nodes.Go(func() {
			db, err := storage.Open(t.Context(), dsn)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = db.Close() }() // its migration is what is looked at
			if err := db.SchemaError(t.Context()); err != nil && !errors.Is(err, fault.Stale) {
				t.Errorf("before: got %v, want %v or nil", err, fault.Stale)
			}
			if err := db.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			if err := db.SchemaError(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
}

func TestLostPostgresConnectionIsUnavailableAndComesBack(t *testing.T) {
	db := idptest.Postgres(t)
	_, err := db.SQL().ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
	if err == nil {
		t.Fatal("the connection survived")
	}
	// database/sql opens new connections by itself.
	for range 100 {
		if _, err = db.Version(t.Context()); err == nil {
			return
		}
		if !errors.Is(err, fault.Unavailable) {
			t.Fatalf("got %v, want %v", err, fault.Unavailable)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the database did not come back: %v", err)
}
