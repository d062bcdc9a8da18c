package storage

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// So many may wait for a connection; the next one is turned away at once, counted, and spoils nothing for those who wait.
func TestQueueForAConnectionIsBounded(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "idp.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // nothing is kept
	busy, err := db.SQL().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const late = 20
	before := db.Answered()
	var waiting sync.WaitGroup
	for range maxCalls {
		waiting.Go(func() {
			if err := db.inTx(t.Context(), func(conn) error { return nil }); err != nil {
				t.Errorf("of those who found room: %v", err)
			}
		})
	}
	for db.write.calls.Load() < maxCalls {
		time.Sleep(time.Millisecond)
	}
	soon, end := context.WithTimeout(t.Context(), 5*time.Second)
	defer end()
	for range late {
		if err := fail("trying", db.inTx(soon, func(conn) error { return nil })); !errors.Is(err, fault.Busy) || !errors.Is(err, fault.Unavailable) {
			t.Errorf("beyond them: %v", err)
		}
	}
	if got := db.Answered(); got != before {
		t.Errorf("%d answered while the connection is held", got-before)
	}
	if err := busy.Close(); err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if shed, answered := db.Shed(), db.Answered()-before; shed != late || answered != maxCalls || db.write.calls.Load() != 0 {
		t.Errorf("%d turned away, %d answered, %d wait; want %d, %d, 0", shed, answered, db.write.calls.Load(), late, maxCalls)
	}
}
