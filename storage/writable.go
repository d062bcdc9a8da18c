package storage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/minddistrict/idp/internal/fault"
)

// primary keeps the connections of a pool with a server that takes writes. A new connection to another one is refused,
// so that of several hosts in the address the right one is taken (as libpq does for target_session_attrs=read-write).
// When a server that took writes refuses one, all connections that were made before are dropped when their turn comes:
// they lead to a primary that was demoted, and the next one may be elsewhere. The same when readiness asks and no server
// takes writes: a connection made while the server changed may have passed as one that does.
type primary struct {
	turn atomic.Int64 // how often a server has stopped taking writes
}

// turnKey is where a connection keeps the turn in which it was made.
const turnKey = "turn"

func newPrimary(config *pgx.ConnConfig, dsn string) *primary {
	p := &primary{}
	if u, err := url.Parse(dsn); err != nil || !u.Query().Has("target_session_attrs") { // otherwise the address decides
		config.ValidateConnect = func(ctx context.Context, c *pgconn.PgConn) error {
			c.CustomData()[turnKey] = p.turn.Load() // before it is asked, not after
			return pgconn.ValidateConnectTargetSessionAttrsReadWrite(ctx, c)
		}
	}
	usual := config.OnPgError
	config.OnPgError = func(c *pgconn.PgConn, err *pgconn.PgError) bool {
		if err.Code == readOnlyTransaction {
			made, known := c.CustomData()[turnKey].(int64)
			if !known {
				made = p.turn.Load()
			}
			p.turn.CompareAndSwap(made, made+1) // otherwise it is known, and others were made since
			return false                        // this connection is closed at once
		}
		return usual == nil || usual(c, err)
	}
	return p
}

func (p *primary) made(_ context.Context, c *pgx.Conn) error {
	data := c.PgConn().CustomData()
	if _, known := data[turnKey]; !known {
		data[turnKey] = p.turn.Load()
	}
	return nil
}

// stillLeads is asked before a connection is used again.
func (p *primary) stillLeads(_ context.Context, c *pgx.Conn) error {
	if made, _ := c.PgConn().CustomData()[turnKey].(int64); made < p.turn.Load() {
		return driver.ErrBadConn
	}
	return nil
}

// takesWrites asks the server of some connection: on for a standby, and for a database or role whose default it is.
func (p *primary) takesWrites(ctx context.Context, db *DB) error {
	answer, err := one(ctx, db.write, func(text *string) []any { return []any{text} }, "SHOW transaction_read_only")
	if _, refused := errors.AsType[*pgconn.ConnectError](err); refused {
		p.turn.Add(1)
	}
	if err != nil {
		return err
	}
	if *answer == "on" {
		p.turn.Add(1)
		return errReadOnly
	}
	return nil
}

var errReadOnly = fmt.Errorf("%w: the database is read-only", fault.Unavailable)

// sqliteTakesWrites takes the lock that a writer has and gives it back, on the connection that everybody writes on: a
// read-only file or disk refuses that, and nothing is written. It does not wait for the lock: where somebody else has
// it, the database takes writes. A connection that takes none is dropped: it may have been opened when the file took
// none.
func sqliteTakesWrites(ctx context.Context, db *DB) error {
	c, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // done already where it was dropped
	exec := func(text string) error { _, err := c.ExecContext(ctx, text); return err }
	if err = exec("PRAGMA busy_timeout = 0"); err == nil {
		if err = exec("BEGIN IMMEDIATE"); err == nil {
			err = exec("ROLLBACK")
		}
		if lite, ok := errors.AsType[*sqlite.Error](err); ok && lite.Code()&0xff == sqlite3.SQLITE_BUSY {
			err = nil
		}
		err = errors.Join(err, exec(fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout)))
	}
	if err != nil {
		_ = c.Raw(func(any) error { return driver.ErrBadConn }) // which drops it
	}
	return err
}
