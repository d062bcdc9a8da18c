package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/minddistrict/idp/internal/fault"
)

// fail says what was attempted and puts what a driver reports under a sentinel that doors know. It is called once,
// where a method returns.
func fail(attempted string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", attempted, fault.NotFound)
	case unavailable(err):
		return fmt.Errorf("%s: %w: %w", attempted, fault.Unavailable, err)
	case violates(err, uniqueViolation, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
		return fmt.Errorf("%s: %w: %w", attempted, fault.Taken, err)
	case violates(err, foreignKeyViolation, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY),
		violates(err, brokenText): // an identifier from a URL that no row can have; SQLite just finds none
		return fmt.Errorf("%s: %w: %w", attempted, fault.NotFound, err)
	}
	return fmt.Errorf("%s: %w", attempted, err)
}

// Codes of PostgreSQL, appendix A of its manual.
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	undefinedTable      = "42P01"
	readOnlyTransaction = "25006"
	brokenText          = "22021" // a zero byte or broken UTF-8
)

// unavailableClasses are the PostgreSQL codes, or their first two characters, that mean: not now.
var unavailableClasses = []string{
	"08",                // connection exception
	readOnlyTransaction, // a standby, or a primary that was told to take no writes
	"25P03",             // idle in a transaction for too long: the server ended the connection
	"25P04",             // a transaction took too long: likewise
	"40",                // transaction rollback: deadlock, serialization failure
	"53",                // insufficient resources: too many connections, disk full
	"55P03",             // lock not available
	"57",                // operator intervention: shutdown, cancelled, cannot connect now
	"58",                // system error
}

// unavailable reports whether the same call may work soon: the connection, the server, the disk or the time given was
// the trouble, not the call.
func unavailable(err error) bool {
	for _, trouble := range []error{
		context.DeadlineExceeded, context.Canceled, driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone,
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	} {
		if errors.Is(err, trouble) {
			return true
		}
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		for _, class := range unavailableClasses {
			if strings.HasPrefix(pg.Code, class) {
				return true
			}
		}
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() & 0xff { // the low byte is the primary code
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
			return true
		}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return pgconn.SafeToRetry(err)
}

func violates(err error, postgres string, codes ...int) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == postgres
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		for _, code := range codes {
			if lite.Code() == code {
				return true
			}
		}
	}
	return false
}

// missingTable reports whether a query named a table that does not exist. SQLite has no code of its own for it.
func missingTable(err error) bool {
	lite, ok := errors.AsType[*sqlite.Error](err)
	return violates(err, undefinedTable) || ok && strings.Contains(lite.Error(), "no such table")
}
