package storage_test

import (
	"database/sql"
	"errors"
	"net/url"
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

// A statement that is given up is not cancelled: a commit that waits for a standby would become visible. Its server ends it
// soon, unless the address says that it should not.
func TestStatementThatIsGivenUpEndsByItself(t *testing.T) {
	for name, row := range map[string]struct {
		limit string // statement_timeout of the address
		goes  bool   // on, as far as the server is concerned
	}{"as we ask": {"", false}, "as the address says": {"0", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, err := url.Parse(idptest.EmptyPostgres(t))
			if err != nil {
				t.Fatal(err)
			}
			beside, err := sql.Open("pgx", address.String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = beside.Close() }() // the test is over
			const theirs = ` FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid() AND state = 'active'`
			asleep := func() (n int) {
				if err := beside.QueryRowContext(t.Context(), `SELECT COUNT(*)`+theirs).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			q := address.Query()
			q.Set("answer_timeout", "1")
			if row.limit != "" {
				q.Set("statement_timeout", row.limit)
			}
			address.RawQuery = q.Encode()
			db, err := storage.Open(t.Context(), address.String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }() // as above
			if _, err := db.SQL().ExecContext(t.Context(), `SELECT pg_sleep(600)`); err == nil {
				t.Fatal("it was waited for")
			}
			if row.goes {
				time.Sleep(500 * time.Millisecond) // a request to cancel takes less
				if n := asleep(); n != 1 {
					t.Errorf("%d statements go on, want 1", n)
				}
				if _, err := beside.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid)`+theirs); err != nil {
					t.Error(err)
				}
				return
			}
			for end := time.Now().Add(30 * time.Second); asleep() > 0; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("it goes on although nobody waits for it")
				}
			}
		})
	}
}
