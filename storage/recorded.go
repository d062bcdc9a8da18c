package storage

import (
	"database/sql"
	"sync/atomic"

	"github.com/minddistrict/idp/audit"
)

// records tells who listens what is on record by now.
type records struct {
	listener atomic.Pointer[func([]audit.Event)]
}

// OnRecord lets f be told of the events that this DB writes, once they are on record: those of a transaction together,
// in their order. Whoever wrote them waits for f, and many may at the same time. There is one listener, the last; nil:
// nobody.
func (db *DB) OnRecord(f func([]audit.Event)) {
	for _, p := range db.pools() {
		if f == nil {
			p.records.listener.Store(nil)
		} else {
			p.records.listener.Store(&f)
		}
	}
}

func (r *records) notify(all []audit.Event) {
	if f := r.listener.Load(); f != nil && len(all) > 0 {
		(*f)(all)
	}
}

// recording is a transaction, and the events that are on record when it is committed.
type recording struct {
	*sql.Tx
	events []audit.Event
}

// recorded tells of events that were written by a statement: now, or when the transaction is committed that it is part
// of.
func recorded(q conn, all ...audit.Event) {
	switch q := q.(type) {
	case *gathering:
		recorded(q.conn, all...)
	case *recording:
		q.events = append(q.events, all...)
	case *pool:
		q.records.notify(all)
	}
}
