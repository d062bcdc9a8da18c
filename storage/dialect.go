package storage

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"modernc.org/sqlite"
)

// dialect is all that differs between the two databases; the SQL does not.
type dialect struct {
	clock string // asks the database what time it is, in milliseconds; empty: it runs in our process and has our clock
	goose goose.Dialect
	// writesInWith: a WITH may hold statements that write, so that several are sent as one and waited for once. SQLite,
	// which runs in our process and makes nobody wait, takes them one by one.
	writesInWith bool
	writable     func(context.Context, *DB) error       // fault.Unavailable when the database takes no writes; it writes nothing
	migration    func() ([]goose.ProviderOption, error) // how nodes that migrate at once take turns
}

// busyTimeout is how long a statement waits for another process that writes the same SQLite file, in milliseconds.
// Writers of this process do not meet there: they queue for the one connection.
const busyTimeout = 10_000

// openSQLite opens a file, made for its owner only. WAL lets readers go on beside the writer; FULL makes a commit
// survive a power cut; immediate transactions take the write lock at BEGIN, where waiting for it is possible.
func openSQLite(path string, open Opener) (*DB, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath()
	shared := fmt.Sprintf("?_pragma=busy_timeout(%d)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)", busyTimeout)
	writer, errWriter := sqlite.NewConnector(name + shared + "&_pragma=journal_mode(WAL)&_txlock=immediate")
	reader, errReader := sqlite.NewConnector(name + shared + "&_pragma=query_only(1)")
	if err := errors.Join(errWriter, errReader); err != nil {
		return nil, err
	}
	write, read := newPool(open(writer)), newPool(open(reader))
	write.SetMaxOpenConns(1)
	readers := max(4, 2*runtime.GOMAXPROCS(0))
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &DB{write: write, read: read, batch: write, dialect: dialect{
		goose:     goose.DialectSQLite3,
		writable:  sqliteTakesWrites,
		migration: func() ([]goose.ProviderOption, error) { return nil, nil }, // one node, one connection
	}}, nil
}

const (
	connectionLife = 30 * time.Minute // so that connections spread again after a failover
	connectionIdle = 5 * time.Minute
)

// sessionSettings are asked for on each connection. A pooler in between that refuses them may be told to ignore them;
// they are the defaults, or matter only on the first day.
var sessionSettings = map[string]string{
	"application_name": "idp",
	// The conditional statements of this package are written for it; a stricter default would make them fail.
	"default_transaction_isolation": "read committed",
	// Statements are prepared once and every one of them has an index. A plan that was made while tables were empty
	// would otherwise read them from end to end until statistics are there, about a minute later.
	"enable_seqscan": "off",
	"jit":            "off", // compiling takes longer than any of these statements
}

// openPostgres prepares a pool of 4 connections per core, each with a cache of prepared statements: more connections
// only queue inside the database.
func openPostgres(dsn string, open Opener) (*DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	for name, value := range sessionSettings {
		if _, given := config.RuntimeParams[name]; !given { // the DSN decides
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	primary := newPrimary(config, dsn)
	answer, err := answerTimeOf(config)
	if err != nil {
		return nil, err
	}
	lines, err := linesOf(config)
	if err != nil {
		return nil, err
	}
	config.DialFunc = onlyToConnect(dialer(answer))
	served := func(pingAfter time.Duration, made func(context.Context, *pgx.Conn) error) []stdlib.OptionOpenDB {
		return []stdlib.OptionOpenDB{
			stdlib.OptionShouldPing(stillLives(pingAfter)), stdlib.OptionAfterConnect(made), stdlib.OptionResetSession(primary.stillLeads),
		}
	}
	pool := newPool(open(uncancelled{stdlib.GetConnector(*config, served(pingAfter, endStatements(config, answer, primary.made))...)}))
	many, closeMany := openMany(config, served(linePingAfter, primary.made), lines, open)
	config.DialFunc = dialer(batchTime)
	patient := newPool(open(stdlib.GetConnector(*config)))
	patient.SetMaxIdleConns(0) // each batch has a connection of its own
	size := 4 * runtime.GOMAXPROCS(0)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxLifetime(connectionLife)
	pool.SetConnMaxIdleTime(connectionIdle)
	return &DB{write: pool, read: pool, batch: patient, many: many, closeMany: closeMany, dialect: dialect{
		clock: `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`, goose: goose.DialectPostgres,
		writesInWith: true, writable: primary.takesWrites, migration: lockMigration,
	}}, nil
}

// lockMigration makes the second of two nodes wait for the first, looking each second for five minutes.
func lockMigration() ([]goose.ProviderOption, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	return []goose.ProviderOption{goose.WithSessionLocker(locker)}, nil
}
