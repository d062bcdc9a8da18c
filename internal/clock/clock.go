// Package clock is the time that all nodes and commands agree on: the database's, where it has a clock of its own.
//
// A node looks at that clock now and then (Follow); in between its own clock counts what has passed, so that a jump of
// the machine's time moves nothing. A database that is a file has no clock: then the machine's is the one.
// docs/decisions has the reasons (0009-the-databases-clock.md).
package clock

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Source is a database, or another machine that is asked for the time; has is false where it has no clock of its own.
type Source interface {
	Clock(ctx context.Context) (now time.Time, has bool, err error)
}

// Clock is the time in the precision that is stored, a millisecond.
type Clock struct {
	source Source
	own    func() time.Time
	log    *slog.Logger
	last   atomic.Pointer[reading] // nil: ours counts
}

// New is the clock of a source; own is this machine's. It counts as that until it is followed. A nil source is none:
// own counts as it is.
func New(source Source, own func() time.Time, log *slog.Logger) *Clock {
	return &Clock{source: source, own: own, log: log}
}

// reading is the source's clock and ours at one moment.
type reading struct {
	there, here time.Time
	way         time.Duration // to the source and back: the two may differ by half of it
}

// A slow answer would move our clock by up to half of its way, so it counts only where it is at least as exact as what
// we have: what was exact once is off by less than a millisecond per second later.
const (
	exactWay = 100 * time.Millisecond
	drift    = 1000 // our clock and the source's go apart by less than one part of this
)

// replaces reports whether a reading is to be believed rather than an older one.
func (r *reading) replaces(older *reading) bool {
	return older == nil || r.way <= max(exactWay, older.way+2*r.here.Sub(older.here)/drift)
}

// ahead is how far the source's clock was ahead of the one on this machine's wall.
func (r *reading) ahead() time.Duration { return r.there.Sub(r.here.Round(0)) }

// Now is the last reading of the source's clock and what has passed since.
func (c *Clock) Now() time.Time {
	now := c.own()
	if last := c.last.Load(); last != nil {
		now = last.there.Add(now.Sub(last.here))
	}
	return now.UTC().Truncate(time.Millisecond)
}

// Ahead is how far the source's clock was ahead of this machine's when it was last looked at; 0 when it never was.
func (c *Clock) Ahead() time.Duration {
	if last := c.last.Load(); last != nil {
		return last.ahead()
	}
	return 0
}

// lookTime is how long a look may take.
const lookTime = 5 * time.Second

// Follow looks at the source's clock; the answer's way counts half. It is called by one at a time.
func (c *Clock) Follow(ctx context.Context) error {
	if c.source == nil {
		return nil
	}
	ctx, done := context.WithTimeout(ctx, lookTime)
	defer done()
	asked := c.own()
	there, has, err := c.source.Clock(ctx)
	if err != nil || !has {
		return err
	}
	way := c.own().Sub(asked)
	next, was := &reading{there, asked.Add(way / 2), way}, c.last.Load()
	if !next.replaces(was) {
		return nil
	}
	c.last.Store(next)
	c.logDifference(ctx, next, was)
	return nil
}

const (
	warnSkew = time.Second // a difference of clocks that is worth a line in the log

	// farSkew is a difference that no drift explains: one of the two clocks is wrong, and parties that check when a token
	// was issued refuse those of the wrong one. Most of them allow 5 minutes.
	farSkew = 5 * time.Minute
)

// logDifference says that the clocks differ, once: at the first look, and when it became another difference.
func (c *Clock) logDifference(ctx context.Context, next, was *reading) {
	ahead := next.ahead()
	before := time.Duration(0)
	if was != nil {
		before = was.ahead()
	}
	if (ahead - before).Abs() <= warnSkew {
		return
	}
	text := "this machine's clock differs from the database's, which counts"
	if ahead.Abs() > farSkew {
		text = "this machine's clock is far from the database's, which counts: find out which one is wrong and set it, because tokens and certificates are checked elsewhere too"
	}
	c.log.WarnContext(ctx, text, slog.Duration("by", ahead))
}
