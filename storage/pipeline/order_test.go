package pipeline_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/minddistrict/idp/storage/pipeline"
)

// Who came first is in an earlier message, whatever they ask.
func TestFirstComeFirstServed(t *testing.T) {
	const callers, most = 64, 4
	s := newScene(t, 1, most, "")
	var calls []func() error
	for i := range callers {
		id := fmt.Sprintf("%08d", draw(100_000_000)) // rows are locked in another order than that of the callers
		calls = append(calls, s.exec(add, fmt.Sprintf("%s of %02d", id, i)))
	}
	for _, err := range s.together(1, calls...) {
		if err != nil {
			t.Fatal(err)
		}
	}
	rows, err := s.real.QueryContext(t.Context(), `SELECT CAST(right(id, 2) AS INTEGER) FROM t WHERE id LIKE '% of %' ORDER BY at`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // read to its end
	var order []int
	for rows.Next() {
		var i int
		if err := rows.Scan(&i); err != nil {
			t.Fatal(err)
		}
		order = append(order, i)
	}
	if err := rows.Err(); err != nil || len(order) != callers {
		t.Fatalf("%d rows, %v", len(order), err)
	}
	for at := 0; at < callers; at += most {
		message := slices.Sorted(slices.Values(order[at : at+most]))
		if message[0] != at || message[most-1] != at+most-1 {
			t.Errorf("message %d was of the callers %v", at/most, message)
		}
	}
	if n := s.messages.Load(); n != 1+callers/most { // with the decoy's
		t.Errorf("%d messages", n)
	}
}

// Nodes write the same rows at the same time, each in an order of its own: none waits for another that waits for it.
func TestMessagesNeverWaitForEachOther(t *testing.T) {
	s := newScene(t, 2, 16, "")
	const rows = 12
	for i := range rows {
		if err := s.exec(add, fmt.Sprint("row", i))(); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for range 64 {
		first, step := draw(rows), []int{1, 5, 7, 11}[draw(4)] // prime to their number
		all.Go(func() {
			for range 3 {
				for at := range rows {
					i := (first + at*step) % rows
					if err := s.counted(fmt.Sprint("row", i), new(int64))(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if n := s.number(`SELECT SUM(n) FROM t`); n != 64*3*rows {
		t.Errorf("%d, want %d", n, 64*3*rows)
	}
	time.Sleep(1100 * time.Millisecond) // PostgreSQL tells of its statistics once a second
	if n := s.number(`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}

// A caller whose row is locked by somebody else is told to go alone; those beside it are answered while the lock is held.
func TestLockedRowKeepsNobodyElseWaiting(t *testing.T) {
	s := newScene(t, 1, 16, "&lock_timeout=100")
	for i := range 16 {
		if err := s.exec(add, fmt.Sprint("row", i))(); err != nil {
			t.Fatal(err)
		}
	}
	locked, err := s.real.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = locked.Rollback() }() // the others are through by then
	if _, err := locked.ExecContext(t.Context(), `UPDATE t SET n = n WHERE id IN ('row3', 'row9')`); err != nil {
		t.Fatal(err)
	}
	var calls []func() error
	for i := range 16 {
		calls = append(calls, s.counted(fmt.Sprint("row", i), new(int64)))
	}
	for i, err := range s.together(1, calls...) {
		switch {
		case i == 3 || i == 9:
			if code(err) != "55P03" {
				t.Errorf("row %d: %v", i, err)
			}
		case err != nil:
			t.Errorf("row %d: %v", i, err)
		}
	}
	if err := s.exec(add, "after")(); err != nil {
		t.Error(err)
	}
}

// unsent is what pgx reports where nothing was sent.
type unsent struct{ error }

func (unsent) SafeToRetry() bool { return true }

// A message is sent over another connection only where nothing of it was sent; otherwise it may have been done.
func TestOnlyWhatWasNotSentIsTriedAgain(t *testing.T) {
	for _, row := range []struct {
		err   error
		tries int
	}{{io.ErrUnexpectedEOF, 1}, {unsent{io.ErrClosedPipe}, 3}, {nil, 1}} { // nil: it says that all is well and did nothing
		tries := 0
		p := pipeline.New(pipeline.Options{Statements: statements(), Line: func(context.Context, func(*pgconn.PgConn) error) error {
			tries++
			return row.err
		}})
		db := sql.OpenDB(p.Connector())
		_, err := db.ExecContext(t.Context(), add, "x")
		if err == nil || row.err != nil && !errors.Is(err, row.err) || tries != row.tries {
			t.Errorf("%v: got %v after %d tries, want %d", row.err, err, tries, row.tries)
		}
		p.Close()
		_ = db.Close() // there is nothing to close
	}
}
