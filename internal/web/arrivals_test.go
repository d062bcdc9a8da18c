package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// house is how often one source may begin by default.
var house = Rate{AtOnce: 600, PerSecond: 10}

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func from(address string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/authorize", nil)
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, Caller{Address: address}))
}

// flood counts how many of n arrivals at one moment are taken.
func flood(a *RateLimiter, address string, n int, now time.Time) (taken int) {
	for range n {
		if a.Allow(from(address), now) == nil {
			taken++
		}
	}
	return taken
}

// A hospital on a Monday: 2,000 people behind one address, evenly over five minutes.
func TestManyPeopleBehindOneAddressAreLetIn(t *testing.T) {
	a := NewRateLimiter(house)
	for i := range 2000 {
		if err := a.Allow(from("192.0.2.1"), noon.Add(time.Duration(i)*5*time.Minute/2000)); err != nil {
			t.Fatalf("person %d: %v", i, err)
		}
	}
}

func TestOneSourceBeginsSoManyAtOnceAndThenSoManyASecond(t *testing.T) {
	a := NewRateLimiter(house)
	if got := flood(a, "192.0.2.1", 2000, noon); got != 600 {
		t.Errorf("%d at once, want 600", got)
	}
	err := a.Allow(from("192.0.2.1"), noon)
	var many TooMany
	header := http.Header{}
	if !errors.As(err, &many) || !errors.Is(err, fault.Throttled) || many.Wait != 100*time.Millisecond {
		t.Errorf("refused: %v, want to come again in 0.1 s", err)
	}
	if many.RetryAfter(header); header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", header.Get("Retry-After"))
	}
	if got := flood(a, "192.0.2.2", 10, noon); got != 10 {
		t.Errorf("another source: %d of 10", got)
	}
	for second := 1; second <= 10; second++ {
		if got := flood(a, "192.0.2.1", 100, noon.Add(time.Duration(second)*time.Second)); got != 10 {
			t.Errorf("%d in second %d, want 10", got, second)
		}
	}
	if got := flood(a, "192.0.2.1", 2000, noon.Add(10*time.Minute)); got != 600 {
		t.Errorf("%d at once after a pause, want 600", got)
	}
}

// One line has a /64 at least, and is one source however many addresses of it are used.
func TestNetworkOfOneLineIsOneSource(t *testing.T) {
	a, taken := NewRateLimiter(house), 0
	for i := range 2000 {
		taken += flood(a, fmt.Sprintf("2001:db8:1:2::%x", i), 1, noon)
	}
	if taken != 600 || flood(a, "2001:db8:1:3::1", 1, noon) != 1 {
		t.Errorf("%d of a /64, want 600, and its neighbour not at all", taken)
	}
}

func TestWhatIsSettledDoesNotCount(t *testing.T) {
	a := NewRateLimiter(house)
	for i := range 2000 {
		if err := a.Allow(from("192.0.2.1"), noon); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		a.Refund(from("192.0.2.1"), noon)
	}
	for range 1000 {
		a.Refund(from("192.0.2.1"), noon) // of another node: nobody gets more than there is
	}
	if got := flood(a, "192.0.2.1", 2000, noon); got != 600 {
		t.Errorf("%d at once, want 600", got)
	}
}

// Whoever has a network of millions of sources neither fills the memory nor makes this process forget what others owe.
func TestManySourcesTakeBoundedMemoryAndForgetNobodysDebt(t *testing.T) {
	a := NewRateLimiter(house)
	flood(a, "192.0.2.1", 600, noon)
	most := 0
	for i := range 300_000 { // 30,000 a second, each from another /64
		now := noon.Add(time.Duration(i) * time.Second / 30_000)
		if err := a.Allow(from(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff)), now); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		most = max(most, len(a.paid))
	}
	if most > 10_000 {
		t.Errorf("%d sources kept, of which 3,000 owe something", most)
	}
	if got := flood(a, "192.0.2.1", 600, noon.Add(10*time.Second)); got != 100 {
		t.Errorf("%d ten seconds after 600, want 100", got)
	}
}

// So many at one moment that all of them owe something: those who are there are counted as ever, the others as one.
func TestSourcesWithoutRoomAreOne(t *testing.T) {
	a := NewRateLimiter(house)
	flood(a, "192.0.2.1", 600, noon)
	taken := 0
	for i := range 2 * mostSources {
		taken += flood(a, fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff), 1, noon)
	}
	if len(a.paid) > mostSources+1 || taken != mostSources-1+600 {
		t.Errorf("%d kept, %d taken, want %d taken", len(a.paid), taken, mostSources-1+600)
	}
	if got := flood(a, "192.0.2.1", 1, noon); got != 0 {
		t.Error("a debt was forgotten to make room")
	}
	if got := flood(a, "198.51.100.1", 1, noon.Add(time.Second)); got != 1 {
		t.Error("a second later there is no room")
	}
}

func TestRateOfNothingBoundsNothing(t *testing.T) {
	a := NewRateLimiter(Rate{})
	a.Refund(from("192.0.2.1"), noon)
	if got := flood(a, "192.0.2.1", 2000, noon); got != 2000 {
		t.Errorf("%d of 2000", got)
	}
}
