package web

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// Rate is how often one source may begin something that waits in the database: so many at once, and from then on so
// many a second. The zero value bounds nothing.
type Rate struct{ AtOnce, PerSecond int }

// RateLimiter counts what each source begins (an arrival), in memory and for this process alone. A source owes the time
// that its arrivals take at the steady rate, and may owe as much as AtOnce of them take (the generic cell rate algorithm
// of ITU-T I.371, annex A).
//
// Only who owes something is kept: each arrival for a moment of 1/PerSecond. So there are never more sources than
// arrive in that moment, plus what floods owe: whoever uses a different network of a large one each time (IPv6) is
// forgotten as fast as they come. Nobody is forgotten before that to make room. Where there is none all unknown sources
// are one.
type RateLimiter struct {
	interval, most time.Duration // that one arrival takes; that a source may owe before the next one

	mu      sync.Mutex // guards what follows
	start   time.Time
	paid    map[string]time.Duration // by source: when it owes nothing any more, since start
	sweep   int                      // those who owe nothing are forgotten when there are so many
	sweptAt time.Duration
}

// Bounds of what is kept: about 8 MB.
const (
	fewSources  = 1 << 10
	mostSources = 1 << 16
)

// otherSources is where those are counted for whom there is no room.
const otherSources = ""

// NewRateLimiter counts against a rate; nil for one that bounds nothing.
func NewRateLimiter(r Rate) *RateLimiter {
	if r == (Rate{}) {
		return nil
	}
	interval := time.Second / time.Duration(r.PerSecond)
	return &RateLimiter{interval: interval, most: time.Duration(r.AtOnce-1) * interval, paid: map[string]time.Duration{}, sweep: fewSources}
}

// Allow counts one arrival of a request's source, or is TooMany and counts nothing.
func (a *RateLimiter) Allow(r *http.Request, now time.Time) error {
	if a == nil {
		return nil
	}
	if wait := a.take(From(r.Context()).Source(), now); wait > 0 {
		return TooMany{wait}
	}
	return nil
}

// Refund takes back one arrival of a request's source: it does not wait any more.
func (a *RateLimiter) Refund(r *http.Request, now time.Time) {
	if a == nil {
		return
	}
	source := From(r.Context()).Source()
	a.mu.Lock()
	defer a.mu.Unlock()
	if paid, owes := a.paid[source]; owes && paid-a.interval > now.Sub(a.start) {
		a.paid[source] = paid - a.interval
	} else {
		delete(a.paid, source)
	}
}

// take counts an arrival, or tells how long the source has to wait for the next one.
func (a *RateLimiter) take(source string, at time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.start.IsZero() {
		a.start = at
	}
	now := at.Sub(a.start)
	paid, known := a.paid[source]
	if !known && !a.roomForSource(now) {
		source = otherSources
		paid = a.paid[source]
	}
	if wait = paid - now - a.most; wait > 0 {
		return wait
	}
	a.paid[source] = max(paid, now) + a.interval
	return 0
}

// roomForSource reports whether one more source can be kept, and forgets those that owe nothing where there are many:
// each time when there are twice as many as were left the last time, and where there is no roomForSource as often as
// one arrival takes.
func (a *RateLimiter) roomForSource(now time.Duration) bool {
	if len(a.paid) < a.sweep {
		return true
	}
	if len(a.paid) < mostSources || now-a.sweptAt >= a.interval {
		for source, paid := range a.paid {
			if paid <= now {
				delete(a.paid, source)
			}
		}
		a.sweptAt = now
		a.sweep = min(max(fewSources, 2*len(a.paid)), mostSources)
	}
	return len(a.paid) < mostSources
}

// TooMany is what a source gets that began too much.
type TooMany struct{ Wait time.Duration }

func (e TooMany) Error() string { return fmt.Sprintf("too many from one source: next in %s", e.Wait) }

// Unwrap makes it fault.Throttled.
func (TooMany) Unwrap() error { return fault.Throttled }

// RetryAfter says in the header of an answer when to come again, in whole seconds (RFC 9110 section 10.2.3).
func (e TooMany) RetryAfter(h http.Header) {
	h.Set("Retry-After", strconv.Itoa(int((e.Wait+time.Second-1)/time.Second)))
}
