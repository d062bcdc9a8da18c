package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/storage/pipeline"
)

// frequent are the statements that nearly all requests consist of, each a transaction of its own. On PostgreSQL those of
// several requests are one message with one commit: decision 40.
var frequent = []pipeline.Statement{
	{Text: selectSession},
	{Text: selectGrant + byGrantID},
	{Text: selectLiveGrant + byGrantID},
	{Text: selectLiveGrant + byRefreshToken},
	{Text: insertGrant, Writes: true, Turn: turnOf("sessions"), Row: []int{5}}, // the session is locked by the foreign key
	{Text: insertGrant + returningSubject, Writes: true, Turn: turnOf("sessions"), Row: []int{5}},
	{Text: redeemCode, Writes: true, Turn: turnOf("grants"), Row: []int{4}},
	{Text: rotateRefresh, Writes: true, Turn: turnOf("grants"), Row: []int{5}},
}

func turnOf(table string) int { return slices.Index(lockOrder, table) }

const (
	// perMessage is how many statements go in one message: so many callers wait for each other, and are lost together when
	// the connection is.
	perMessage = 16

	// manyLines is how many connections messages take, unless the DSN says otherwise.
	manyLines = 2
)

// manySettings are asked for on connections for messages, beside sessionSettings: one that waits for a lock, or takes long,
// goes on by itself instead of keeping the others waiting. In milliseconds.
var manySettings = map[string]string{
	"lock_timeout":      "100",  // a row is locked for as long as a commit takes
	"statement_timeout": "1000", // a thousand times what they take; answerTime is for all of a message
}

// linesOf takes lines, 0 to 16, out of the parameters of a DSN: the server knows none of that name. 0: no messages of several.
func linesOf(config *pgx.ConnConfig) (int, error) {
	given, ok := config.RuntimeParams["lines"]
	if !ok {
		return manyLines, nil
	}
	delete(config.RuntimeParams, "lines")
	n, err := strconv.Atoi(given)
	if err != nil || n < 0 || n > 16 {
		return 0, fmt.Errorf("%w: lines: 0 to 16 connections", fault.Invalid)
	}
	return n, nil
}

// openMany prepares connections like those of config for messages of several statements.
func openMany(config *pgx.ConnConfig, served []stdlib.OptionOpenDB, lines int, open Opener) (*pool, func() error) {
	if lines == 0 {
		return nil, nil
	}
	config = config.Copy()
	for name, value := range manySettings {
		if _, given := config.RuntimeParams[name]; !given { // the DSN decides
			config.RuntimeParams[name] = value
		}
	}
	real := sql.OpenDB(uncancelled{stdlib.GetConnector(*config, served...)})
	real.SetMaxOpenConns(lines)
	real.SetMaxIdleConns(lines)
	real.SetConnMaxLifetime(connectionLife)
	p := pipeline.New(pipeline.Options{Statements: frequent, Lines: lines, Most: perMessage, Line: pipeline.Lend(real)})
	many := newPool(open(p.Connector()))
	many.SetMaxIdleConns(maxCalls) // they cost nothing
	many.SetConnMaxIdleTime(time.Minute)
	return many, func() error {
		p.Close()
		return real.Close()
	}
}

// oneOfMany runs the statements of frequent: in messages of several, and alone what is none for those.
type oneOfMany struct{ many, alone *pool }

// manyOr is what runs a statement of frequent that would otherwise run on a pool.
func (db *DB) manyOr(alone *pool) conn {
	if db.many == nil {
		return alone
	}
	return oneOfMany{db.many, alone}
}

func (o oneOfMany) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := o.many.QueryContext(ctx, query, args...)
	if errors.Is(err, pipeline.ErrAlone) {
		return o.alone.QueryContext(ctx, query, args...)
	}
	return rows, err
}

func (o oneOfMany) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	result, err := o.many.ExecContext(ctx, query, args...)
	if errors.Is(err, pipeline.ErrAlone) {
		return o.alone.ExecContext(ctx, query, args...)
	}
	return result, err
}
