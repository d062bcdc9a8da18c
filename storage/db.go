package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// DB is the database. All methods may be called at the same time.
type DB struct {
	write   *pool // on SQLite one connection: writers queue here, in order, instead of polling a locked file
	read    *pool // on PostgreSQL the same pool
	batch   *pool // for work whose statements may take long: see answerTime; on SQLite the same as write
	many    *pool // for the statements of frequent, which go in messages of several; nil: they go alone
	dialect dialect

	closeMany func() error // ends what many leads to
}

// Opener makes a pool of what a connector connects to; sql.OpenDB is one. Another may watch what passes:
// internal/trace.
type Opener func(driver.Connector) *sql.DB

// Open connects to "sqlite:PATH" or "postgres://…". It does not touch the schema: see Migrate and SchemaError.
func Open(ctx context.Context, dsn string) (*DB, error) { return OpenThrough(ctx, dsn, sql.OpenDB) }

// OpenThrough is Open with pools made by open.
func OpenThrough(ctx context.Context, dsn string, open Opener) (*DB, error) {
	path, isFile := strings.CutPrefix(dsn, "sqlite:")
	var db *DB
	var err error
	switch {
	case isFile && path != "":
		db, err = openSQLite(path, open)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		db, err = openPostgres(dsn, open)
	default:
		return nil, fmt.Errorf("%w: database: sqlite:PATH or postgres://…", fault.Invalid)
	}
	if err != nil {
		return nil, fail("opening database", err)
	}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Ping reports whether the database answers. Only what is patient is not asked: it has no connection until there is
// work.
func (db *DB) Ping(ctx context.Context) error {
	err := db.write.PingContext(ctx)
	if err == nil && db.read != db.write {
		err = db.read.PingContext(ctx)
	}
	return fail("reaching database", err)
}

// TakesWrites reports whether the database answers and takes writes; fault.Unavailable when not. It writes nothing.
func (db *DB) TakesWrites(ctx context.Context) error {
	return fail("asking whether the database takes writes", db.dialect.writable(ctx, db))
}

// Close ends all connections.
func (db *DB) Close() error {
	var err error
	for _, p := range db.pools() {
		err = errors.Join(err, p.Close())
	}
	if db.closeMany != nil {
		err = errors.Join(err, db.closeMany())
	}
	return err
}

// SQL is the database itself, for what no method does: an operator's checks, and tests.
func (db *DB) SQL() *sql.DB { return db.write.DB }

// conn is what runs a statement: a pool, which makes each statement its own transaction, or one transaction.
type conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// inTx runs work in one transaction: all of it, or nothing when it returns an error. Nothing is retried, but for
// waiting at the start until SQLite's one writer is free. Inside, use only the given conn: a second connection
// would wait for the first one.
func (db *DB) inTx(ctx context.Context, work func(conn) error) error {
	return transact(ctx, db.write, work)
}

// inLongTx is inTx for batches: one statement of theirs may take as long as the context allows.
func (db *DB) inLongTx(ctx context.Context, work func(conn) error) error {
	return transact(ctx, db.batch, work)
}

func transact(ctx context.Context, pool *pool, work func(conn) error) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing; before, the first error is the one to tell
	all := &recording{Tx: tx}
	if err := work(all); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	pool.records.notify(all.events)
	return nil
}

// exec runs a statement and tells how many rows it changed.
func exec(ctx context.Context, q conn, text string, args ...any) (int64, error) {
	result, err := q.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// list runs a query to its end, which is also what commits an UPDATE … RETURNING on SQLite.
func list[T any](ctx context.Context, q conn, columns func(*T) []any, text string, args ...any) (all []T, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row T
		if err := rows.Scan(columns(&row)...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// one is list for the first row, in one allocation; sql.ErrNoRows when there is none.
func one[T any](ctx context.Context, q conn, columns func(*T) []any, text string, args ...any) (row *T, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, err
		}
		return nil, sql.ErrNoRows
	}
	row = new(T)
	if err := rows.Scan(columns(row)...); err != nil {
		return nil, err
	}
	for rows.Next() { // to its end
	}
	return row, rows.Err()
}
