package pipeline_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/storage/pipeline"
)

const (
	schema = `
CREATE TABLE t (id TEXT PRIMARY KEY, n BIGINT NOT NULL DEFAULT 0, at BIGSERIAL);
CREATE TABLE late (id TEXT, UNIQUE (id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO late (id) VALUES ('taken');
CREATE FUNCTION fails(code TEXT) RETURNS BIGINT LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = code; END $$`

	add       = `INSERT INTO t (id) VALUES ($1)` // it has no columns
	countUp   = `UPDATE t SET n = n + 1 WHERE id = $1 RETURNING n`
	look      = `SELECT id, n, NULL, CAST(-7 AS INTEGER), CAST(id AS BYTEA) FROM t WHERE id = $1`
	failRead  = `SELECT fails($1)`
	failWrite = `INSERT INTO t (id, n) SELECT $1, fails($2)`
	addLate   = `INSERT INTO late (id) VALUES ($1)` // whether it may is looked at when it commits
	sleep     = `SELECT CAST(1 AS BIGINT) FROM pg_sleep($1)`
)

func statements() []pipeline.Statement {
	return []pipeline.Statement{
		{Text: add, Writes: true, Turn: 1, Row: []int{1}},
		{Text: countUp, Writes: true, Turn: 2, Row: []int{1}},
		{Text: failWrite, Writes: true, Turn: 1, Row: []int{1}},
		{Text: addLate, Writes: true, Turn: 3, Row: []int{1}},
		{Text: look}, {Text: failRead}, {Text: sleep},
	}
}

// scene is a pipeline to a database of the test's own, whose messages can be held back.
type scene struct {
	t        testing.TB
	p        *pipeline.Pipeline
	many     *sql.DB // through it
	real     *sql.DB // beside it
	lent     *sql.DB // what it borrows from
	messages atomic.Int64
	gate     atomic.Pointer[chan struct{}] // nil: open
	held     atomic.Int64                  // messages that wait at the gate
}

func newScene(t testing.TB, lines, most int, parameters string) *scene {
	t.Helper()
	dsn := idptest.EmptyPostgres(t)
	s := &scene{t: t, real: open(t, dsn)}
	s.lent = open(t, dsn+parameters+"&application_name=lent")
	s.lent.SetMaxIdleConns(lines)
	if _, err := s.real.ExecContext(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	s.p = pipeline.New(pipeline.Options{Statements: statements(), Lines: lines, Most: most, Line: s.line(pipeline.Lend(s.lent))})
	t.Cleanup(s.p.Close)
	s.many = sql.OpenDB(s.p.Connector())
	s.many.SetMaxIdleConns(1000)
	return s
}

func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the test is over
	return db
}

// line checks that no connection is left in a transaction.
func (s *scene) line(lend pipeline.Line) pipeline.Line {
	return func(ctx context.Context, use func(*pgconn.PgConn) error) error {
		if gate := s.gate.Load(); gate != nil {
			s.held.Add(1)
			<-*gate
			s.held.Add(-1)
		}
		return lend(ctx, func(c *pgconn.PgConn) error {
			s.messages.Add(1)
			err := use(c)
			if status := c.TxStatus(); !c.IsClosed() && status != 'I' {
				s.t.Errorf("a connection was left in state %c", status)
			}
			return err
		})
	}
}

// together has calls wait in their order while the lines are busy, so that they make full messages, and returns how each
// ended. The lines are those of the scene.
func (s *scene) together(lines int, calls ...func() error) []error {
	s.t.Helper()
	gate := make(chan struct{})
	s.gate.Store(&gate)
	for i := range lines {
		go func() { _, _ = s.many.ExecContext(s.t.Context(), add, "decoy") }() // it has nothing to tell
		s.until(func() bool { return s.held.Load() == int64(i+1) })
	}
	type ended struct {
		i   int
		err error
	}
	all := make(chan ended)
	for i, call := range calls {
		go func() { all <- ended{i, call()} }()
		s.until(func() bool { return s.p.Waiting() == i+1 })
	}
	s.gate.Store(nil)
	close(gate)
	errs := make([]error, len(calls))
	for range calls {
		e := <-all
		errs[e.i] = e.err
	}
	return errs
}

func (s *scene) until(holds func() bool) {
	s.t.Helper()
	for range 20_000 {
		if holds() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	s.t.Fatal("it does not come")
}

// exec and query are calls.
func (s *scene) exec(text string, args ...any) func() error {
	return func() error {
		_, err := s.many.ExecContext(s.t.Context(), text, args...)
		return err
	}
}

func (s *scene) counted(id string, n *int64) func() error {
	return func() error { return s.many.QueryRowContext(s.t.Context(), countUp, id).Scan(n) }
}

// number asks beside the pipeline.
func (s *scene) number(query string, args ...any) (n int64) {
	s.t.Helper()
	if err := s.real.QueryRowContext(s.t.Context(), query, args...).Scan(&n); err != nil {
		s.t.Error(err) // callers ask too
	}
	return n
}

// code is that of PostgreSQL in an error; empty: none.
func code(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// draw is a number from 0 on, below n.
func draw(n int) int { return int(binary.BigEndian.Uint32(secret.Bytes(4))) % n }
