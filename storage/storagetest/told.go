package storagetest

import (
	"sync"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/storage"
)

// told is what a listener was told of the record (storage.DB.OnRecord), by platform and kind.
type told struct {
	mu     sync.Mutex
	counts map[string]int
}

func listen(db *storage.DB) *told {
	all := &told{counts: map[string]int{}}
	db.OnRecord(func(events []audit.Event) {
		all.mu.Lock()
		defer all.mu.Unlock()
		for _, e := range events {
			all.counts[string(e.Platform)+" "+string(e.Kind)]++
		}
	})
	return all
}

// toldOfAll checks that the listener was told of each event on record, once, and of nothing else, whatever a promise did:
// refused, undone, done at the same time or again.
func (w *world) toldOfAll() {
	w.Helper()
	rows, err := w.db.SQL().QueryContext(w.Context(), `SELECT platform || ' ' || kind, count(*) FROM events GROUP BY platform || ' ' || kind`)
	w.ok(err)
	defer func() { w.ok(rows.Close()) }()
	recorded := map[string]int{}
	for rows.Next() {
		var of string
		var n int
		w.ok(rows.Scan(&of, &n))
		recorded[of] = n
	}
	w.ok(rows.Err())
	w.heard.mu.Lock()
	defer w.heard.mu.Unlock()
	w.same("events that were told", w.heard.counts, recorded)
}

// clearRecord begins a record without what a promise did until now.
func (w *world) clearRecord() {
	w.Helper()
	w.toldOfAll()
	w.run("DELETE FROM events")
	w.heard.mu.Lock()
	defer w.heard.mu.Unlock()
	clear(w.heard.counts)
}
