package idptest

import (
	"context"
	"sync"
	"time"
)

// Clock is a clock that moves only when told to.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	waited []time.Duration
}

// NewClock starts at a fixed moment.
func NewClock() *Clock { return &Clock{now: time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)} }

// Now is the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Later moves the clock.
func (c *Clock) Later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Wait is the house's way of answering later: nothing sleeps, the wish is kept.
func (c *Clock) Wait(_ context.Context, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waited = append(c.waited, d)
}

// Waited returns and forgets how long answers were held back.
func (c *Clock) Waited() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waited
	c.waited = nil
	return w
}
