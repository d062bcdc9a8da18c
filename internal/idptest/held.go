package idptest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/minddistrict/idp/storage"
)

// SQLiteHeld is SQLite through two connections: what the second is asked, by its text or BEGIN, is shown to before first,
// which may take its time.
func SQLiteHeld(t testing.TB, before func(text string)) (db, held *storage.DB) {
	t.Helper()
	dsn := "sqlite:" + migratedCopy(t)
	return open(t, dsn), openHeld(t, dsn, before)
}

// PostgresHeld is SQLiteHeld for PostgreSQL.
func PostgresHeld(t testing.TB, before func(text string)) (db, held *storage.DB) {
	t.Helper()
	dsn := EmptyPostgres(t)
	if err := migrate(dsn); err != nil {
		t.Fatal(err)
	}
	return open(t, dsn), openHeld(t, dsn, before)
}

// SQLiteFailing is SQLite that fails with what a statement, or BEGIN, leads to; nil: it does not.
func SQLiteFailing(t testing.TB, fails func(text string) error) *storage.DB {
	t.Helper()
	return openFailing(t, "sqlite:"+migratedCopy(t), fails)
}

// PostgresFailing is SQLiteFailing for PostgreSQL.
func PostgresFailing(t testing.TB, fails func(text string) error) *storage.DB {
	t.Helper()
	dsn := EmptyPostgres(t)
	if err := migrate(dsn); err != nil {
		t.Fatal(err)
	}
	return openFailing(t, dsn, fails)
}

func openHeld(t testing.TB, dsn string, before func(text string)) *storage.DB {
	t.Helper()
	return openFailing(t, dsn, func(text string) error { before(text); return nil })
}

func openFailing(t testing.TB, dsn string, before func(text string) error) *storage.DB {
	t.Helper()
	db, err := storage.OpenThrough(t.Context(), dsn, func(c driver.Connector) *sql.DB { return sql.OpenDB(holder{c, before}) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the test is over
	return db
}

// holder makes connections that show what they are asked, before it is done or fails.
type holder struct {
	driver.Connector
	before func(text string) error
}

func (h holder) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := h.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	real, ok := c.(realConn)
	if !ok {
		return nil, errors.New("the driver lacks a method that is held")
	}
	return heldConn{real, h.before}, nil
}

// realConn is what both drivers have.
type realConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
}

type heldConn struct {
	realConn
	before func(text string) error
}

func (c heldConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.before("BEGIN"); err != nil {
		return nil, err
	}
	return c.realConn.BeginTx(ctx, o)
}

func (c heldConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.before(text); err != nil {
		return nil, err
	}
	return c.realConn.ExecContext(ctx, text, args)
}

func (c heldConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.before(text); err != nil {
		return nil, err
	}
	return c.realConn.QueryContext(ctx, text, args)
}
