package clock_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/clock"
)

// there is another machine's clock: off from ours, and under way for some time.
type there struct {
	own      *time.Time
	off, way time.Duration
	none     bool
}

func (s *there) Clock(context.Context) (time.Time, bool, error) {
	now := s.own.Add(s.off + s.way/2)
	*s.own = s.own.Add(s.way)
	return now, !s.none, nil
}

func TestClockFollowsItsSource(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 400, time.UTC)
	for name, c := range map[string]struct {
		looks []there
		want  time.Duration // ahead of ours
	}{
		"never looked":                       {nil, 0},
		"no clock there":                     {[]there{{off: time.Hour, none: true}}, 0},
		"ahead":                              {[]there{{off: time.Hour}}, time.Hour},
		"behind, the way counts half":        {[]there{{off: -time.Hour, way: 80 * time.Millisecond}}, -time.Hour},
		"a slow answer does not replace one": {[]there{{off: time.Minute}, {off: time.Hour, way: 3 * time.Second}}, time.Minute},
		"as quick an answer does":            {[]there{{off: time.Minute, way: time.Second}, {off: time.Hour, way: time.Second}}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			own, source := noon, &there{}
			follows := clock.New(source, func() time.Time { return own }, slog.New(slog.DiscardHandler))
			for _, look := range c.looks {
				*source = look
				source.own = &own
				if err := follows.Follow(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := follows.Ahead(); got != c.want {
				t.Errorf("ahead by %s, want %s", got, c.want)
			}
			own = own.Add(time.Minute)
			if got, want := follows.Now(), own.Add(c.want).Truncate(time.Millisecond); !got.Equal(want) {
				t.Errorf("it is %s, want %s", got, want)
			}
		})
	}
}

func TestClockWithoutSourceIsOurs(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 1_999_999, time.FixedZone("", 3600))
	c := clock.New(nil, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err := c.Follow(t.Context()); err != nil || !c.Now().Equal(now.Truncate(time.Millisecond)) || c.Now().Location() != time.UTC {
		t.Errorf("%s, %v", c.Now(), err)
	}
}
