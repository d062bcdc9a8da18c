package wire_test

import (
	"bytes"
	"log/slog"
	"math"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
)

// A clock that is off is one line at the start, in words that fit how far it is off.
func TestClockThatIsOffIsSaidOnce(t *testing.T) {
	db := idptest.Postgres(t)
	for off, want := range map[time.Duration]string{
		0:                 "",
		-time.Minute:      "this machine's clock differs from the database's, which counts",
		6 * time.Minute:   "this machine's clock is far from the database's, which counts: find out which one is wrong and set it",
		-48 * time.Hour:   "this machine's clock is far from the database's",
		400 * time.Second: "this machine's clock is far from the database's",
	} {
		var log bytes.Buffer
		house := build(t, db, func() time.Time { return time.Now().Add(off) }, slog.NewTextHandler(&log, nil))
		if lines := strings.Count(log.String(), "\n"); (want == "") != (lines == 0) || lines > 1 || !strings.Contains(log.String(), want) {
			t.Errorf("%s off: %q, want one line with %q", off, log.String(), want)
		}
		if house == nil {
			t.Errorf("%s off: it does not start", off)
		}
	}
}

// A slow answer says little of what time it is: honest repeats of a refresh (10 s) were refused because of one.
func TestSlowAnswerDoesNotMoveTheClock(t *testing.T) {
	var late, next atomic.Int64 // how long the answer seems to be under way, in nanoseconds
	_, held := idptest.PostgresHeld(t, func(text string) {
		if strings.Contains(text, "clock_timestamp") {
			next.Store(late.Load())
		}
	})
	late.Store(int64(3 * time.Second))
	house := build(t, held, func() time.Time { return time.Now().Add(time.Duration(next.Swap(0))) }, slog.DiscardHandler)
	for _, c := range []struct {
		name string
		late time.Duration
		want float64
	}{
		{"the first answer counts as it is", -1, -1.5},
		{"a better one takes its place", 0, 0},
		{"a slow one does not", 4700 * time.Millisecond, 0},
	} {
		if c.late >= 0 {
			late.Store(int64(c.late))
			if err := house.Follow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := clockAhead(t, house); math.Abs(got-c.want) > .3 {
			t.Errorf("%s: the database is %.3f s ahead, want about %.1f", c.name, got, c.want)
		}
	}
}

var aheadLine = regexp.MustCompile(`(?m)^idp_clock_ahead_seconds (\S+)$`)

func clockAhead(t *testing.T, house *wire.House) float64 {
	t.Helper()
	rec := httptest.NewRecorder()
	house.Operator().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	found := aheadLine.FindStringSubmatch(rec.Body.String())
	if found == nil {
		t.Fatalf("no idp_clock_ahead_seconds in %s", rec.Body)
	}
	seconds, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return seconds
}
