package pipeline

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Connector makes connections for database/sql that are places in the queue: each runs one statement at a time, they cost
// next to nothing, and there may be as many as callers. They know neither transactions nor prepared statements.
func (p *Pipeline) Connector() driver.Connector { return connector{p} }

type connector struct{ p *Pipeline }

func (c connector) Connect(context.Context) (driver.Conn, error) { return conn(c), nil }
func (c connector) Driver() driver.Driver                        { return c }
func (connector) Open(string) (driver.Conn, error)               { return nil, notTaken("opening by name") }

type conn struct{ p *Pipeline }

func notTaken(what string) error { return fmt.Errorf("%s: %w", what, errNotTaken) }

func (conn) Close() error                        { return nil }
func (conn) Prepare(string) (driver.Stmt, error) { return nil, notTaken("PREPARE") }
func (conn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return nil, notTaken("PREPARE")
}
func (conn) Begin() (driver.Tx, error) { return nil, notTaken("BEGIN") }
func (conn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return nil, notTaken("BEGIN")
}

func (c conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	call, err := c.p.do(ctx, text, args)
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(call.answer.affected), nil
}

func (c conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	call, err := c.p.do(ctx, text, args)
	if err != nil {
		return nil, err
	}
	return &rows{answer: &call.answer}, nil
}

// rows reads an answer.
type rows struct {
	answer *answer
	at, in int // the next length, and where its cell begins
}

func (r *rows) Columns() []string { return r.answer.of.names }

func (r *rows) Close() error { return nil }

func (r *rows) Next(into []driver.Value) error {
	if r.at >= len(r.answer.lengths) {
		return io.EOF
	}
	for i := range into {
		n := r.answer.lengths[r.at]
		r.at++
		if n < 0 {
			into[i] = nil
			continue
		}
		into[i] = r.answer.of.value(i, r.answer.cells[r.in:r.in+n])
		r.in += n
	}
	return nil
}

// Lend lends connections of a pool of pgx, checked as the pool checks them. It should have as many as there are lines.
func Lend(db *sql.DB) Line {
	return func(ctx context.Context, use func(*pgconn.PgConn) error) error {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }() // it goes back; a broken one is dropped when its turn comes
		return c.Raw(func(raw any) error {
			real, ok := raw.(*stdlib.Conn)
			if !ok {
				return notTaken(fmt.Sprintf("a connection of type %T", raw))
			}
			return use(real.Conn().PgConn())
		})
	}
}
