package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// Watch tells of every statement from now on, transactions included: BEGIN. It puts a driver of its own between the
// database and the real driver, for both kinds of database.
func (db *DB) Watch(note func(text string)) (stop func() error) {
	return db.WatchEach(func() func(string) {
		return func(text string) {
			if text != "END" && text != "ROLLBACK" {
				note(text)
			}
		}
	})
}

// watched takes its connections from a real pool.
type watched struct {
	pool *sql.DB
	conn func() (note func(string))
}

func (w watched) Driver() driver.Driver { return w.pool.Driver() }

func (w watched) Connect(ctx context.Context) (driver.Conn, error) {
	c := watchedConn{note: w.conn()}
	var err error
	if c.held, err = w.pool.Conn(ctx); err != nil {
		return nil, err
	}
	err = c.held.Raw(func(real any) error {
		var ok bool
		if c.realConn, ok = real.(realConn); !ok {
			return errors.New("the driver lacks a method that is watched")
		}
		return nil
	})
	return c, err
}

// realConn is what both drivers have.
type realConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
}

type watchedConn struct {
	realConn
	held *sql.Conn // keeps the real connection ours until Close
	note func(string)
}

func (c watchedConn) Close() error { return c.held.Close() }

func (c watchedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.note("BEGIN")
	tx, err := c.realConn.BeginTx(ctx, o)
	return watchedTx{tx, c.note}, err
}

func (c watchedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.note(text)
	return c.realConn.ExecContext(ctx, text, args)
}

func (c watchedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.note(text)
	return c.realConn.QueryContext(ctx, text, args)
}

func (c watchedConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.note("PREPARE " + text)
	return c.realConn.PrepareContext(ctx, text)
}

// MigrateTo brings the schema to the version of an earlier program.
func (db *DB) MigrateTo(ctx context.Context, version int64) error {
	provider, err := db.migrations()
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// PlatformOf is the platform that a change is saved for; empty: there is nothing to save.
func PlatformOf(c authn.Change) (platform.ID, error) { return platformOf(c) }

// LockOrder is the order of locks.
var LockOrder = lockOrder

// WatchEach tells of the statements of each connection by itself from now on, transactions included: BEGIN, and END or
// ROLLBACK.
func (db *DB) WatchEach(conn func() (note func(text string))) (stop func() error) {
	write, read, patient, many := db.write, db.read, db.batch, db.many
	watch := func(p *pool) *pool {
		all := sql.OpenDB(watched{pool: p.DB, conn: conn})
		all.SetMaxOpenConns(p.Stats().MaxOpenConnections) // one that idles here holds a real one
		return newPool(all)
	}
	db.write = watch(write)
	db.read, db.batch = db.write, db.write
	if read != write {
		db.read = watch(read)
	}
	if patient != write {
		db.batch = watch(patient)
	}
	if many != nil {
		db.many = watch(many)
	}
	mine := db.pools()
	return func() error {
		var err error
		for _, p := range mine {
			err = errors.Join(err, p.Close())
		}
		db.write, db.read, db.batch, db.many = write, read, patient, many
		return err
	}
}

// watchedTx tells of its end.
type watchedTx struct {
	driver.Tx
	note func(string)
}

func (t watchedTx) Commit() error   { t.note("END"); return t.Tx.Commit() }
func (t watchedTx) Rollback() error { t.note("ROLLBACK"); return t.Tx.Rollback() }

// PlanOfRecord is how SQLite finds what a query selects, in its words.
func (db *DB) PlanOfRecord(ctx context.Context, q audit.Query) (plan []string, err error) {
	byActor, err := db.byActor(ctx, q)
	if err != nil {
		return nil, err
	}
	text, args := textOfRecord(q, byActor)
	return db.planOf(ctx, text, args...)
}

// PlanOfDoneTo is that of DoneTo.
func (db *DB) PlanOfDoneTo(ctx context.Context) ([]string, error) {
	return db.planOf(ctx, selectDoneTo, "linde", "anna", wordsOf(audit.Kinds()), "", 20)
}

// PlanOfDoneWithApp is that of DoneWithApp.
func (db *DB) PlanOfDoneWithApp(ctx context.Context) ([]string, error) {
	return db.planOf(ctx, selectDoneWithApp, "linde", "anna", wordsOf(appKinds), 20)
}

func (db *DB) planOf(ctx context.Context, text string, args ...any) (plan []string, err error) {
	rows, err := db.read.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			return nil, err
		}
		plan = append(plan, line)
	}
	return plan, rows.Err()
}

// Shifted gives placeholders higher numbers.
var Shifted = shifted

// MostTogether is how many steps are sent as one statement at most.
const MostTogether = mostTogether

// Together runs work in one transaction with its steps gathered, as SaveChange does.
func (db *DB) Together(ctx context.Context, work func(t Gathered) error) error {
	return db.inTx(ctx, func(q conn) error {
		return db.dialect.gather(ctx, q, func(q conn) error { return work(Gathered{ctx, q}) })
	})
}

// Gathered is a transaction of Together.
type Gathered struct {
	ctx context.Context
	q   conn
}

// Do runs a step. Where it finds or writes nothing it is refused with none; nil: that will do.
func (g Gathered) Do(none error, text string, args ...any) error {
	return do(g.ctx, g.q, step{text, args, func(rows int64) error {
		if rows == 0 {
			return none
		}
		return nil
	}})
}

// Count asks for a number.
func (g Gathered) Count(text string, args ...any) (int, error) {
	n, err := one(g.ctx, g.q, func(n *int) []any { return []any{n} }, text, args...)
	if err != nil {
		return 0, err
	}
	return *n, nil
}

// InMessages is how many statements went in messages of several so far, and Alone how many others.
func (db *DB) InMessages() uint64 { return db.many.answered.Load() }
func (db *DB) Alone() uint64      { return db.write.answered.Load() }

// LinesOf is how many connections for messages an address asks for.
func LinesOf(dsn string) (int, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return 0, err
	}
	return linesOf(config)
}
