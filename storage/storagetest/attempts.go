package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// guess is a password that somebody tries; another browser and another address are counted beside it.
var (
	guess   = authn.Guess{Counter: "anna", Owner: "owner anna", Source: "source home"}
	browser = authn.Guess{Counter: "anna's browser", Owner: "owner anna", Source: "source home"}
	piet    = authn.Guess{Counter: "piet", Owner: "owner piet", Source: "source home"}
)

// try counts a guess and expects it to get through.
func (w *world) try(g authn.Guess, at time.Time) authn.Attempts {
	w.Helper()
	a, err := w.db.CountAttempt(w.Context(), linde, g, at)
	w.ok(err)
	return a
}

// refused expects a guess to be refused until a moment.
func (w *world) refused(g authn.Guess, at, until time.Time) {
	w.Helper()
	a, err := w.db.CountAttempt(w.Context(), linde, g, at)
	w.fails(err, fault.Throttled)
	w.same("blocked to", a.BlockedTo, until)
}

func (w *world) right(p platform.ID, g authn.Guess) {
	w.Helper()
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: p, Uncount: g.Keys()}, w.now))
}

func (w *world) forgive(p platform.ID, owners ...string) {
	w.Helper()
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: p, Forgive: owners}, w.now))
}

// fillBucket uses up all but the last of what is allowed at once, in two rows, and returns when that would be.
func (w *world) fillBucket(g authn.Guess) time.Time {
	w.Helper()
	for range authn.BlockAt {
		w.try(g, w.now)
	}
	at := w.now.Add(authn.BlockFor)
	for range authn.AtOnce - authn.BlockAt - 1 {
		w.try(g, at)
	}
	return at
}

var attempts = []promise{
	// CVE-2026-35597
	{"of a hundred attempts at once exactly as many get through as are allowed", func(w *world) {
		var counted [crowd]authn.Attempts
		ended := race(func(i int) (err error) {
			counted[i], err = w.db.CountAttempt(w.Context(), linde, guess, w.now)
			return err
		})
		w.exactly(ended, authn.BlockAt, fault.Throttled)
		var numbers, sources []int
		for i, err := range ended {
			if errors.Is(err, fault.Throttled) {
				w.same("blocked to", counted[i].BlockedTo, w.now.Add(authn.BlockFor))
			} else {
				numbers, sources = append(numbers, counted[i].Failures), append(sources, counted[i].Source)
				w.is("the last one knows that it is", counted[i].BlockedTo.IsZero(), counted[i].Failures < authn.BlockAt)
			}
		}
		slices.Sort(numbers)
		slices.Sort(sources)
		w.same("numbers of those that got through", numbers, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
		w.same("their numbers at the source", sources, numbers)
	}},
	{"a block ends after its time, not later for those who try meanwhile, and counting starts again", func(w *world) {
		for range authn.BlockAt {
			w.try(guess, w.now)
		}
		end := w.now.Add(authn.BlockFor)
		w.refused(guess, end.Add(-time.Millisecond), end)
		_, err := w.db.CountAttempt(w.Context(), wilg, guess, w.now)
		w.ok(err) // the same keys of another platform
		w.same("attempts", w.try(guess, end), authn.Attempts{Failures: 1, Source: authn.BlockAt + 1})
	}},
	{"a row is forgotten a day after its last attempt", func(w *world) {
		w.same("first", w.try(guess, w.now).Failures, 1)
		w.same("within the day", w.try(guess, w.now.Add(authn.ForgetAfter-time.Millisecond)).Failures, 2)
		w.same("a day after the last", w.try(guess, w.now.Add(2*authn.ForgetAfter)).Failures, 1)
	}},
	{"in any 24 hours no more are verified than are allowed, however they are spread, and nobody waits longer than for the next", func(w *world) {
		const step, days = 4 * time.Minute, 3
		var verified []time.Time
		var until time.Time
		for at := w.now; at.Before(w.now.Add(days * 24 * time.Hour)); at = at.Add(step) {
			a, err := w.db.CountAttempt(w.Context(), linde, guess, at)
			w.is(fmt.Sprintf("refused at %s", at), err != nil, at.Before(until))
			if until = a.BlockedTo; until.After(at.Add(authn.Refill)) {
				w.Errorf("at %s blocked to %s", at, until)
			}
			if err == nil {
				verified = append(verified, at)
			}
		}
		for i, first := range verified {
			in := 0
			for _, at := range verified[i:] {
				if !at.After(first.Add(24 * time.Hour)) {
					in++
				}
			}
			if in > authn.PerDay {
				w.Errorf("%d verified in the 24 hours from %s", in, first)
			}
		}
		w.same("verified", len(verified), authn.AtOnce+days*int(24*time.Hour/authn.Refill)-1)
	}},
	{"the last one that is allowed at once gets through once, however many try", func(w *world) {
		last := w.fillBucket(guess)
		ended := race(func(int) error {
			_, err := w.db.CountAttempt(w.Context(), linde, guess, last)
			return err
		})
		w.exactly(ended, 1, fault.Throttled)
		end := w.now.Add(authn.Refill)
		w.refused(guess, end.Add(-time.Millisecond), end)
		w.same("the next", w.try(guess, end), authn.Attempts{Failures: 1, Source: authn.AtOnce + 1, BlockedTo: end.Add(authn.Refill)})
	}},
	{"refused attempts use up no day", func(w *world) {
		for range authn.BlockAt {
			w.try(guess, w.now)
		}
		for range authn.PerDay {
			w.refused(guess, w.now, w.now.Add(authn.BlockFor))
		}
		w.same("after the block", w.try(guess, w.now.Add(authn.BlockFor)), authn.Attempts{Failures: 1, Source: authn.BlockAt + 1})
	}},
	{"the attempt that ends a row and what is allowed at once blocks for the longer of both", func(w *world) {
		last := w.fillBucket(guess)
		w.same("soon", w.try(guess, last).BlockedTo, w.now.Add(authn.Refill))
		w.fillBucket(browser)
		late := w.now.Add(authn.Refill - time.Minute)
		w.same("late", w.try(browser, late).BlockedTo, late.Add(authn.BlockFor))
	}},
	{"a known browser, another address and another platform are counted apart, a source over all of the platform's", func(w *world) {
		for range authn.BlockAt {
			w.try(guess, w.now)
		}
		w.same("the owner's browser", w.try(browser, w.now), authn.Attempts{Failures: 1, Source: 11})
		w.same("another address", w.try(piet, w.now), authn.Attempts{Failures: 1, Source: 12})
		away := guess
		away.Source = "source away"
		w.refused(away, w.now, w.now.Add(authn.BlockFor))
		away.Counter = "erik"
		w.same("another source", w.try(away, w.now), authn.Attempts{Failures: 1, Source: 1})
		a, err := w.db.CountAttempt(w.Context(), wilg, browser, w.now)
		w.ok(err)
		w.same("another platform", a, authn.Attempts{Failures: 1, Source: 1})
		w.same("an hour after the source's first", w.try(piet, w.now.Add(authn.SourceFor)).Source, 1)
	}},
	{"however many other names are tried, a counter stands", func(w *world) { // CVE-2024-21662
		for range authn.BlockAt - 1 {
			w.try(guess, w.now)
		}
		for i, err := range race(func(i int) (err error) {
			for j := range 20 {
				_, err = w.db.CountAttempt(w.Context(), linde, authn.Guess{Counter: fmt.Sprint("name ", i, j), Source: fmt.Sprint("source ", i)}, w.now)
				if err != nil {
					return err
				}
			}
			return nil
		}) {
			if err != nil {
				w.Errorf("%d: %v", i, err)
			}
		}
		w.is("the tenth blocks", w.try(guess, w.now).BlockedTo.IsZero(), false)
		w.refused(guess, w.now, w.now.Add(authn.BlockFor))
	}},
	{"a right one ends its row and uses up nothing", func(w *world) {
		at := w.fillBucket(guess)
		for range 3 { // the last one at once, again and again
			w.is("blocks", w.try(guess, at).BlockedTo.IsZero(), false)
			w.right(linde, guess)
		}
		w.right(wilg, guess) // has none
		w.same("the next one", w.try(guess, at), authn.Attempts{Failures: 1, Source: authn.AtOnce, BlockedTo: w.now.Add(authn.Refill)})
		w.right(linde, browser)
		w.refused(guess, at, w.now.Add(authn.Refill)) // another browser's success changes nothing here
	}},
	{"a right one does not count at its source", func(w *world) {
		for range 5 {
			w.try(piet, w.now)
			w.right(linde, piet)
		}
		w.same("attempts", w.try(piet, w.now), authn.Attempts{Failures: 1, Source: 1})
	}},
	{"attempts that were not verified are taken back: as many as are allowed still get through", func(w *world) {
		for range authn.BlockAt - 1 {
			w.try(guess, w.now)
		}
		w.is("the tenth blocks", w.try(guess, w.now).BlockedTo.IsZero(), false)
		w.ok(w.db.Uncount(w.Context(), linde, guess.Keys()))
		w.same("the tenth again", w.try(guess, w.now), authn.Attempts{Failures: 10, Source: 10, BlockedTo: w.now.Add(authn.BlockFor)})
		w.ok(w.db.Uncount(w.Context(), wilg, guess.Keys()))
		w.refused(guess, w.now, w.now.Add(authn.BlockFor)) // that was another platform's
	}},
	{"a hundred that are counted and taken back at once leave nothing", func(w *world) {
		for i, err := range race(func(i int) error {
			g := guess
			if i%2 == 0 {
				g = piet // the same source, the other way round
			}
			g.Counter = fmt.Sprint(g.Counter, i/8)
			if _, err := w.db.CountAttempt(w.Context(), linde, g, w.now); err != nil {
				return err
			}
			if i%4 < 2 {
				return w.db.Uncount(w.Context(), linde, g.Keys())
			}
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Uncount: g.Keys()}, w.now)
		}) {
			if err != nil {
				w.Errorf("%d: %v", i, err)
			}
		}
		w.same("counted", w.rows("SELECT key FROM attempts WHERE total <> 0 OR failures <> 0 OR blocked_until IS NOT NULL"), []string{})
		w.same("at the source", w.try(guess, w.now).Source, 1)
	}},
	{"all counters of an address start again together, and no others", func(w *world) {
		for range authn.BlockAt {
			w.try(guess, w.now)
			w.try(browser, w.now)
			w.try(piet, w.now)
		}
		w.forgive(wilg, guess.Owner)
		w.refused(guess, w.now, w.now.Add(authn.BlockFor))
		w.forgive(linde, guess.Owner, "nobody", "")
		w.same("anna", w.try(guess, w.now), authn.Attempts{Failures: 1, Source: 31})
		w.same("her browser", w.try(browser, w.now), authn.Attempts{Failures: 1, Source: 32})
		w.refused(piet, w.now, w.now.Add(authn.BlockFor))
	}},
	{"one counter starts again by itself", func(w *world) {
		for range authn.BlockAt {
			w.try(guess, w.now)
			w.try(browser, w.now)
		}
		fresh := func(p platform.ID, keys ...string) {
			w.Helper()
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: p, Fresh: keys}, w.now))
		}
		fresh(wilg, browser.Counter)
		w.refused(browser, w.now, w.now.Add(authn.BlockFor))
		fresh(linde, browser.Counter, "nobody's", guess.Owner)
		w.same("the browser", w.try(browser, w.now), authn.Attempts{Failures: 1, Source: 21})
		w.refused(guess, w.now, w.now.Add(authn.BlockFor))
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Fresh: []string{guess.Counter}}, w.now), fault.Invalid)
	}},
	{"a bucket lets so many through at once, then one each time, and what is refused uses up nothing", func(w *world) {
		limits := []authn.Limit{{Key: "bucket", Max: 3, Every: time.Hour}}
		count := func(at time.Time) (bool, authn.Counted) {
			w.Helper()
			stand, err := w.db.Count(w.Context(), linde, limits, at)
			w.ok(err)
			return stand[0].N <= limits[0].Max, stand[0]
		}
		saved := 0
		for _, err := range race(func(int) error {
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Count: limits}, w.now)
		}) {
			if err == nil {
				saved++
				continue
			}
			w.fails(err, fault.Throttled)
		}
		w.same("at once", saved, 3)
		for _, row := range []struct {
			after  time.Duration
			passes bool
			want   authn.Counted
		}{
			{0, false, authn.Counted{N: 4, Until: w.now.Add(time.Hour)}},
			{time.Hour - time.Millisecond, false, authn.Counted{N: 4, Until: w.now.Add(time.Hour)}},
			{time.Hour, true, authn.Counted{N: 3, Until: w.now.Add(2 * time.Hour)}},
			{time.Hour, false, authn.Counted{N: 4, Until: w.now.Add(2 * time.Hour)}},
			{3*time.Hour + 30*time.Minute, true, authn.Counted{N: 2, Until: w.now.Add(3*time.Hour + 30*time.Minute)}},
			{3*time.Hour + 30*time.Minute, true, authn.Counted{N: 3, Until: w.now.Add(4 * time.Hour)}},
			{24 * time.Hour, true, authn.Counted{N: 1, Until: w.now.Add(24 * time.Hour)}},
		} {
			passes, got := count(w.now.Add(row.after))
			w.is(fmt.Sprintf("passes after %s", row.after), passes, row.passes)
			w.same(fmt.Sprintf("after %s", row.after), got, row.want)
		}
		stand, err := w.db.Count(w.Context(), wilg, limits, w.now)
		w.ok(err)
		w.same("on the other platform", stand[0].N, 1)
	}},
	{"limits count in fixed windows, each by itself", func(w *world) {
		limits := []authn.Limit{{Key: "day", Max: 10, Window: 24 * time.Hour}, {Key: "an hour", Max: 2, Window: time.Hour}}
		count := func(at time.Time) []authn.Counted {
			w.Helper()
			stand, err := w.db.Count(w.Context(), linde, limits, at)
			w.ok(err)
			return stand
		}
		day, hour := w.now.Add(24*time.Hour), w.now.Add(time.Hour)
		w.same("first", count(w.now), []authn.Counted{{N: 1, Until: day}, {N: 1, Until: hour}})
		w.same("just before the hour", count(hour.Add(-time.Millisecond)), []authn.Counted{{N: 2, Until: day}, {N: 2, Until: hour}})
		w.same("at the hour", count(hour), []authn.Counted{{N: 3, Until: day}, {N: 1, Until: hour.Add(time.Hour)}})
		w.right(linde, authn.Guess{Counter: "day", Source: "an hour"})
		w.right(linde, authn.Guess{Counter: "an hour", Source: "never counted"})
		w.same("two taken back", count(hour), []authn.Counted{{N: 3, Until: day}, {N: 1, Until: hour.Add(time.Hour)}})
	}},
	{"where a limit stands is told without counting, and before its window as if that began now", func(w *world) {
		limits := []authn.Limit{{Key: "hour", Max: 2, Window: time.Hour}, {Key: "day", Max: 9, Window: 24 * time.Hour}}
		standing := func(at time.Time) []authn.Counted {
			w.Helper()
			stand, err := w.db.LimitCounts(w.Context(), linde, limits, at)
			w.ok(err)
			return stand
		}
		w.same("before", standing(w.now), []authn.Counted{{Until: w.now.Add(time.Hour)}, {Until: w.now.Add(24 * time.Hour)}})
		_, err := w.db.Count(w.Context(), linde, limits, w.now)
		w.ok(err)
		hour, day := w.now.Add(time.Hour), w.now.Add(24*time.Hour)
		for range 2 {
			w.same("after", standing(hour.Add(-time.Millisecond)), []authn.Counted{{N: 1, Until: hour}, {N: 1, Until: day}})
		}
		w.same("at the hour", standing(hour), []authn.Counted{{Until: hour.Add(time.Hour)}, {N: 1, Until: day}})
		stand, err := w.db.LimitCounts(w.Context(), wilg, limits[1:], w.now)
		w.ok(err)
		w.same("of the other platform", stand, []authn.Counted{{Until: day}})
	}},
	{"of a hundred changes at once exactly as many are saved as a limit allows, and only those count", func(w *world) {
		limits := []authn.Limit{{Key: "hour", Max: 3, Window: time.Hour}, {Key: "day", Max: 9, Window: 24 * time.Hour}}
		saved := 0
		for _, err := range race(func(int) error {
			return w.db.SaveChange(w.Context(), authn.Change{Count: limits, Events: []audit.Event{w.event(audit.MessageRequested, w.anna)}}, w.now)
		}) {
			if err == nil {
				saved++
				continue
			}
			w.fails(err, fault.Throttled)
		}
		w.same("saved", saved, 3)
		w.same("events", len(w.kinds()), 3)
		stand, err := w.db.LimitCounts(w.Context(), linde, limits, w.now)
		w.ok(err)
		w.same("counted", []int{stand[0].N, stand[1].N}, []int{3, 3})
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Count: limits}, w.now.Add(time.Hour)))
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Count: limits}, w.now), fault.Invalid)
	}},
}
