package shelf

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bench is a shelf with a clock and an address that a test changes.
type bench struct {
	*Cache[string, string]
	at    atomic.Int64
	reads atomic.Int64
	says  atomic.Value // of answer
}

type answer struct {
	value string
	err   error
}

func newBench(keeps time.Duration) *bench {
	b := &bench{}
	b.says.Store(answer{"one", nil})
	now := func() time.Time { return time.Unix(1_800_000_000, b.at.Load()) }
	b.Cache = New(now, keeps, func(context.Context, string) (string, error) {
		b.reads.Add(1)
		a := b.says.Load().(answer)
		return a.value, a.err
	})
	return b
}

func (b *bench) later(d time.Duration) { b.at.Add(int64(d)) }

// An address is read when it is not known, old or does not fit, at most every 30 seconds; what was read counts for a
// day while there is nothing newer.
func TestAddressesAreReadSeldom(t *testing.T) {
	b := newBench(10 * time.Minute)
	away := errors.New("away")
	two := func(s string) bool { return s == "two" }
	for i, step := range []struct {
		later time.Duration
		says  answer
		fits  func(string) bool
		want  answer
		reads int64
	}{
		{0, answer{"", away}, nil, answer{"", away}, 1},
		{29 * time.Second, answer{"one", nil}, nil, answer{"", away}, 1}, // a failure is remembered
		{time.Second, answer{"one", nil}, nil, answer{"one", nil}, 2},
		{time.Second, answer{"two", nil}, two, answer{"one", nil}, 2},
		{29 * time.Second, answer{"two", nil}, two, answer{"two", nil}, 3},
		{9*time.Minute + 59*time.Second, answer{"", away}, nil, answer{"two", nil}, 3},
		{time.Second, answer{"", away}, nil, answer{"two", nil}, 4},
		{UsableFor - 10*time.Minute - time.Second, answer{"", away}, nil, answer{"two", nil}, 5},
		{time.Second, answer{"", away}, nil, answer{"", away}, 5},
	} {
		b.later(step.later)
		b.says.Store(step.says)
		got, err := b.Get(t.Context(), "a", step.fits)
		if got != step.want.value || !errors.Is(err, step.want.err) || b.reads.Load() != step.reads {
			t.Errorf("%d: %q, %v, read %d times; want %+v, %d times", i, got, err, b.reads.Load(), step.want, step.reads)
		}
	}
}

// Many who ask for one address wait for one read; whoever goes gets ErrLate, and costs the others nothing.
func TestOneReadForAllWhoAsk(t *testing.T) {
	goOn := make(chan struct{})
	var reads atomic.Int64
	s := New(time.Now, time.Hour, func(context.Context, string) (string, error) {
		reads.Add(1)
		<-goOn
		return "one", nil
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(gone, "a", nil); !errors.Is(err, ErrLate) {
		t.Errorf("whoever went: %v", err)
	}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if got, err := s.Get(t.Context(), "a", nil); got != "one" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	close(goOn)
	all.Wait()
	if reads.Load() != 1 {
		t.Errorf("read %d times", reads.Load())
	}
}

// What is remembered has an end: what was asked for longest ago goes.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	b := newBench(time.Hour)
	get := func(i int) int64 {
		t.Helper()
		b.later(time.Millisecond)
		before := b.reads.Load()
		if _, err := b.Get(t.Context(), strconv.Itoa(i), nil); err != nil {
			t.Fatal(err)
		}
		return b.reads.Load() - before
	}
	for i := range Most {
		get(i)
	}
	get(0) // it is asked for again
	get(Most)
	if b.Len() != Most || get(0) != 0 || get(1) != 1 {
		t.Errorf("%d are remembered", b.Len())
	}
}
