package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// Who leaves while waiting is not sent any more; who leaves later does not wait for the answer, and what they asked for is
// done or not, wholly.
func TestLeavingBeforeAndAfterSending(t *testing.T) {
	s := newScene(t, 1, 16, "")
	gate := make(chan struct{})
	s.gate.Store(&gate)
	ended := make(chan error)
	ask := func(ctx context.Context, id string) {
		go func() {
			_, err := s.many.ExecContext(ctx, add, id)
			ended <- err
		}()
	}
	leave := func(end context.CancelFunc) {
		t.Helper()
		end()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("leaving: %v", err)
		}
	}
	sent, endSent := context.WithCancel(t.Context())
	ask(sent, "sent")
	s.until(func() bool { return s.held.Load() == 1 })
	waits, endWaits := context.WithCancel(t.Context())
	ask(waits, "waits")
	s.until(func() bool { return s.p.Waiting() == 1 })
	ask(t.Context(), "stays")
	s.until(func() bool { return s.p.Waiting() == 2 })
	leave(endWaits)
	leave(endSent)
	if n := s.p.Waiting(); n != 1 {
		t.Errorf("%d wait, want 1", n)
	}
	s.gate.Store(nil)
	close(gate)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := s.number(`SELECT COUNT(*) FROM t WHERE id IN ('sent', 'stays')`); got != 2 {
		t.Errorf("%d of the two that were sent are there", got)
	}
	if got := s.number(`SELECT COUNT(*) FROM t WHERE id = 'waits'`); got != 0 {
		t.Error("what was withdrawn was done")
	}
}

// Whoever waits when it is closed is told, and whoever comes later.
func TestClosingEndsWhoWaits(t *testing.T) {
	s := newScene(t, 1, 16, "")
	gate := make(chan struct{})
	s.gate.Store(&gate)
	ended := make(chan error, 2)
	for i := range 2 {
		go func() { ended <- s.exec(add, fmt.Sprint(i))() }()
		s.until(func() bool { return s.held.Load() == 1 && s.p.Waiting() == i })
	}
	closed := make(chan struct{})
	go func() { s.p.Close(); close(closed) }()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("who waited: %v", err)
	}
	close(gate)
	t.Logf("the one whose connection was made before or after the end: %v", <-ended)
	<-closed
	if err := s.exec(add, "late")(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("who came later: %v", err)
	}
}

// A thousand callers do what may succeed or fail, in messages of any size, and many leave at any moment. Each is told what
// happened to its own statement; what was acknowledged is there, once; the rest is there at most once.
func TestThousandCallersOfWhomManyLeave(t *testing.T) {
	const callers, rows = 1000, 20
	for _, most := range []int{1, 3, 16} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			s := newScene(t, 2, most, "")
			for i := range rows {
				if err := s.exec(add, fmt.Sprint("row", i))(); err != nil {
					t.Fatal(err)
				}
			}
			var mu sync.Mutex // guards the three
			counted, unknown, left := [rows]map[int64]bool{}, [rows]int64{}, 0
			var all sync.WaitGroup
			for i := range callers {
				ctx, end := t.Context(), context.CancelFunc(func() {})
				if draw(2) == 0 {
					ctx, end = context.WithTimeout(t.Context(), time.Duration(draw(30_000))*time.Microsecond)
				}
				all.Go(func() {
					defer end()
					var err error
					var n int64
					row, wanted := draw(rows), ""
					kind := draw(5)
					switch kind {
					case 0, 1:
						err = s.many.QueryRowContext(ctx, countUp, fmt.Sprint("row", row)).Scan(&n)
					case 2:
						_, err = s.many.ExecContext(ctx, add, fmt.Sprint("own", i))
					case 3:
						wanted = "23514"
						_, err = s.many.ExecContext(ctx, failWrite, fmt.Sprint("never", i), wanted)
					case 4:
						wanted = "22012"
						err = s.many.QueryRowContext(ctx, failRead, wanted).Scan(&n)
					}
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
						left++
						if kind < 2 {
							unknown[row]++
						}
					case code(err) != wanted || err == nil != (wanted == ""):
						t.Errorf("%d: %v, want %q", i, err, wanted)
					case kind < 2:
						if counted[row][n] {
							t.Errorf("row %d became %d twice", row, n)
						}
						if counted[row] == nil {
							counted[row] = map[int64]bool{}
						}
						counted[row][n] = true
					case kind == 2:
						if s.number(`SELECT COUNT(*) FROM t WHERE id = $1`, fmt.Sprint("own", i)) != 1 {
							t.Errorf("%d was acknowledged and is not there", i)
						}
					}
				})
			}
			all.Wait()
			for row := range rows {
				n, acknowledged := s.number(`SELECT n FROM t WHERE id = $1`, fmt.Sprint("row", row)), int64(len(counted[row]))
				if n < acknowledged || n > acknowledged+unknown[row] {
					t.Errorf("row %d: %d, of %d that were acknowledged and %d that left", row, n, acknowledged, unknown[row])
				}
			}
			if n := s.number(`SELECT COUNT(*) FROM t WHERE id LIKE 'never%'`); n != 0 {
				t.Errorf("%d that failed were done", n)
			}
			if s.p.Waiting() != 0 {
				t.Errorf("%d still wait", s.p.Waiting())
			}
			t.Logf("%d left; %d messages", left, s.messages.Load())
		})
	}
}

// While all connections are ended again and again, whoever is answered was served once, and nothing is sent a second time
// whose end nobody knows.
func TestEndedConnectionsRepeatNothing(t *testing.T) {
	const callers, each, rows = 64, 12, 8
	s := newScene(t, 2, 16, "")
	for i := range rows {
		if err := s.exec(add, fmt.Sprint("row", i))(); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex // guards the two
	counted, unknown := [rows]map[int64]bool{}, [rows]int64{}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				row, n := draw(rows), int64(0)
				err := s.counted(fmt.Sprint("row", row), &n)()
				mu.Lock()
				if counted[row] == nil {
					counted[row] = map[int64]bool{}
				}
				if err != nil {
					unknown[row]++
				} else if counted[row][n] {
					t.Errorf("row %d became %d twice", row, n)
				} else {
					counted[row][n] = true
				}
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		case <-time.After(time.Duration(draw(8000)) * time.Microsecond):
			_ = s.number(`SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lent'`)
		}
	}
	lost := int64(0)
	for row := range rows {
		n, acknowledged := s.number(`SELECT n FROM t WHERE id = $1`, fmt.Sprint("row", row)), int64(len(counted[row]))
		if n < acknowledged || n > acknowledged+unknown[row] {
			t.Errorf("row %d: %d, of %d that were acknowledged and %d that nobody knows of", row, n, acknowledged, unknown[row])
		}
		lost += unknown[row]
	}
	if lost == 0 {
		t.Error("nobody met an end: it shows nothing")
	}
	t.Logf("%d of %d were not answered", lost, callers*each)
}

// Connections that ended while nobody asked anything cost no read its answer, and no write is done twice by that.
func TestReadsAreAskedAgainWhereTheirConnectionEnded(t *testing.T) {
	s := newScene(t, 2, 16, "")
	if err := s.exec(add, "row")(); err != nil {
		t.Fatal(err)
	}
	done := int64(0)
	for range 20 {
		var warm sync.WaitGroup
		for range 8 {
			warm.Go(func() { _ = s.counted("none", new(int64))() }) // both lines have a connection
		}
		warm.Wait()
		s.until(func() bool { // one of the decoys of before may still come for a new one
			return s.number(`SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lent'`) == 0
		})
		var n int64
		calls := []func() error{s.counted("row", &n)}
		for range 15 {
			calls = append(calls, func() error {
				return s.many.QueryRowContext(t.Context(), look, "row").Scan(new(any), new(any), new(any), new(any), new(any))
			})
		}
		errs := s.together(2, calls...)
		for i, err := range errs[1:] {
			if err != nil {
				t.Fatalf("read %d: %v", i, err)
			}
		}
		if errs[0] == nil {
			done++
		}
		if now := s.number(`SELECT n FROM t WHERE id = 'row'`); now != done {
			t.Fatalf("it was counted %d times, of which %d were acknowledged", now, done)
		}
	}
}
