package storage

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"

	"github.com/minddistrict/idp/internal/fault"
)

// maxCalls is how many statements may wait for a pool's connections or an answer. It is far more than are ever there
// while the database keeps up: at 1 ms each and 8 connections they are through in 64 ms. database/sql itself would let
// any number wait, and take them in no order.
const maxCalls = 512

// pool is a pool of connections with a bounded queue: what comes when it is full is fault.Busy at once.
type pool struct {
	*sql.DB
	calls    atomic.Int64 // that wait for a connection or an answer
	shed     atomic.Uint64
	answered atomic.Uint64
	records  records
}

func newPool(db *sql.DB) *pool { return &pool{DB: db} }

type urgentKey struct{}

// Urgent marks what must be asked of the database however many wait: few calls, without which those who wait would be
// wronged, or a node would go on with settings that were changed.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

func (p *pool) enter(ctx context.Context) error {
	if p.calls.Add(1) > maxCalls && ctx.Value(urgentKey{}) == nil {
		p.calls.Add(-1)
		p.shed.Add(1)
		return fmt.Errorf("waiting for a connection: %w", fault.Busy)
	}
	return nil
}

func (p *pool) leave(err error) {
	p.calls.Add(-1)
	if err == nil {
		p.answered.Add(1)
	}
}

func (p *pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	rows, err := p.DB.QueryContext(ctx, query, args...)
	p.leave(err)
	return rows, err
}

func (p *pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	result, err := p.DB.ExecContext(ctx, query, args...)
	p.leave(err)
	return result, err
}

func (p *pool) BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	tx, err := p.DB.BeginTx(ctx, o)
	p.leave(err)
	return tx, err
}

// pools are those there are, each once.
func (db *DB) pools() []*pool {
	all := []*pool{db.write}
	for _, other := range []*pool{db.read, db.batch, db.many} {
		if other != db.write && other != nil {
			all = append(all, other)
		}
	}
	return all
}

// Shed is how many calls found the queue for a connection full, so far.
func (db *DB) Shed() (n uint64) {
	for _, p := range db.pools() {
		n += p.shed.Load()
	}
	return n
}

// Answered is how many calls the database has answered so far. While it rises the database is there, however long some
// caller waits for its turn.
func (db *DB) Answered() (n uint64) {
	for _, p := range db.pools() {
		n += p.answered.Load()
	}
	return n
}
