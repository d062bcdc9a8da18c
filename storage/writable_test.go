package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// write writes something.
func write(t *testing.T, db *storage.DB) error {
	t.Helper()
	err := db.ReportMessage(t.Context(), "none", "sent")
	if errors.Is(err, fault.NotFound) {
		return nil // it looked for it
	}
	return err
}

// demoted are connections to a primary that takes no writes any more.
func demoted(t *testing.T, db *storage.DB, n int) (all []*sql.Conn) {
	t.Helper()
	for range n {
		c, err := db.SQL().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ExecContext(t.Context(), "SET default_transaction_read_only = on"); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// A primary that was demoted and whose connections stay: whoever meets it is told to come again, and all connections
// that were made before lead nobody there any more.
func TestConnectionsToADemotedPrimaryAreDropped(t *testing.T) {
	db := idptest.Postgres(t)
	held := demoted(t, db, 4)
	for _, c := range held {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(t, db); !errors.Is(err, fault.Unavailable) {
		t.Errorf("writing: %v, want %v", err, fault.Unavailable)
	}
	for range 8 {
		if err := write(t, db); err != nil {
			t.Fatalf("writing after the first refusal: %v", err)
		}
	}
	if err := db.TakesWrites(t.Context()); err != nil {
		t.Errorf("asked afterwards: %v", err)
	}
}

// Connections that were made since lead to the next primary: what one of before says later does not drop those.
func TestADemotedPrimaryIsHeardOnce(t *testing.T) {
	db := idptest.Postgres(t)
	before := demoted(t, db, 2)
	var made []int
	for _, c := range before {
		if _, err := c.ExecContext(t.Context(), "CREATE TABLE refused (id BIGINT)"); err == nil {
			t.Fatal("it took a write")
		}
		_ = c.Close() // it is over
		var pid int
		if err := db.SQL().QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		made = append(made, pid)
	}
	if made[0] != made[1] {
		t.Errorf("connection %d was dropped for %d", made[0], made[1])
	}
}

// To ask is enough: nobody has to be refused before the connections are dropped.
func TestAskingADemotedPrimaryDropsItsConnections(t *testing.T) {
	db := idptest.Postgres(t)
	if _, err := db.SQL().ExecContext(t.Context(), "SET default_transaction_read_only = on"); err != nil {
		t.Fatal(err)
	}
	if err := db.TakesWrites(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("asked: %v, want %v", err, fault.Unavailable)
	}
	if err := write(t, db); err != nil {
		t.Errorf("writing afterwards: %v", err)
	}
}

// A database that starts every session read-only is away for all calls, readers too, and back as soon as it is changed.
func TestReadOnlyPostgresIsUnavailableAndComesBack(t *testing.T) {
	dsn := idptest.EmptyPostgres(t)
	db, err := storage.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // the test is over
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	beside, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = beside.Close() }() // as above
	beside.SetMaxIdleConns(-1)
	alter := func(how string) {
		t.Helper()
		if err := alterDatabase(t.Context(), beside, how); err != nil {
			t.Fatal(err)
		}
	}
	alter("SET default_transaction_read_only = on")
	for name, call := range map[string]func() error{
		"reading": func() error { _, err := db.Version(t.Context()); return err },
		"writing": func() error { return write(t, db) },
		"asking":  func() error { return db.TakesWrites(t.Context()) },
	} {
		if err := call(); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v, want %v", name, err, fault.Unavailable)
		}
	}
	if other, err := storage.Open(t.Context(), dsn); !errors.Is(err, fault.Unavailable) {
		t.Errorf("opening: %v %v, want %v", other, err, fault.Unavailable)
	}
	other, err := storage.Open(t.Context(), dsn+"&target_session_attrs=any")
	if err != nil {
		t.Fatalf("the address says that any server will do: %v", err)
	}
	defer func() { _ = other.Close() }() // as above
	if _, err := other.Version(t.Context()); err != nil {
		t.Errorf("reading where any server will do: %v", err)
	}
	alter("RESET default_transaction_read_only")
	if err := errors.Join(db.TakesWrites(t.Context()), write(t, db)); err != nil {
		t.Errorf("after it is back: %v", err)
	}
}

// alterDatabase changes the database that it is connected to, and ends all other connections.
func alterDatabase(ctx context.Context, beside *sql.DB, how string) error {
	var name string
	if err := beside.QueryRowContext(ctx, "SELECT current_database()").Scan(&name); err != nil {
		return err
	}
	tx, err := beside.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, after Commit
	if _, err := tx.ExecContext(ctx, "SET TRANSACTION READ WRITE"); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "ALTER DATABASE "+name+" "+how); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = beside.ExecContext(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	return err
}

// SQLite on a disk that takes no writes is away, and back by itself; a writer elsewhere does not make it so.
func TestReadOnlySQLiteIsUnavailableAndComesBack(t *testing.T) {
	db := idptest.SQLite(t)
	if err := db.TakesWrites(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SQL().ExecContext(t.Context(), "PRAGMA query_only = 1"); err != nil { // refused with the same code
		t.Fatal(err)
	}
	if err := write(t, db); !errors.Is(err, fault.Unavailable) {
		t.Errorf("writing: %v, want %v", err, fault.Unavailable)
	}
	if err := db.TakesWrites(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("asked: %v, want %v", err, fault.Unavailable)
	}
	if err := errors.Join(db.TakesWrites(t.Context()), write(t, db)); err != nil {
		t.Errorf("its connection was not dropped: %v", err)
	}
}

func TestSQLiteThatSomebodyElseWritesTakesWrites(t *testing.T) {
	db := idptest.SQLite(t)
	var path string
	if err := db.SQL().QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err != nil {
		t.Fatal(err)
	}
	other, err := storage.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }() // the test is over
	tx, err := other.SQL().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := db.TakesWrites(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it waited %s for the other", took)
	}
	var wait int
	if err := db.SQL().QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&wait); err != nil || wait != 10_000 {
		t.Errorf("afterwards calls wait %d ms for others, %v", wait, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}
