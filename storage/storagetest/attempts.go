package storagetest

import (
	"errors"
	"slices"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
)

var attempts = []promise{
	{"of a hundred attempts at once exactly as many get through as are allowed", func(w *world) {
		var counted [crowd]authn.Attempts
		ended := race(func(i int) (err error) {
			counted[i], err = w.db.CountAttempt(w.Context(), linde, "key", w.now)
			return err
		})
		w.exactly(ended, authn.BlockAt, fault.Throttled)
		var numbers []int
		for i, err := range ended {
			if errors.Is(err, fault.Throttled) {
				w.same("blocked to", counted[i].BlockedTo, w.now.Add(authn.BlockFor))
			} else {
				numbers = append(numbers, counted[i].Failures)
			}
		}
		slices.Sort(numbers)
		w.same("numbers of those that got through", numbers, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	}},
	{"a block ends after its time, not later for those who try meanwhile, and counting starts again", func(w *world) {
		for range authn.BlockAt {
			_, err := w.db.CountAttempt(w.Context(), linde, "key", w.now)
			w.ok(err)
		}
		end := w.now.Add(authn.BlockFor)
		a, err := w.db.CountAttempt(w.Context(), linde, "key", end.Add(-time.Millisecond))
		w.fails(err, fault.Throttled)
		w.same("blocked to", a.BlockedTo, end)
		_, err = w.db.CountAttempt(w.Context(), wilg, "key", w.now)
		w.ok(err) // the same key of another platform
		a, err = w.db.CountAttempt(w.Context(), linde, "key", end)
		w.ok(err)
		w.same("attempts", a, authn.Attempts{Failures: 1})
	}},
	{"attempts are forgotten after a day, or when forgiven", func(w *world) {
		count := func(at time.Time) int {
			a, err := w.db.CountAttempt(w.Context(), linde, "key", at)
			w.ok(err)
			return a.Failures
		}
		w.same("first", count(w.now), 1)
		w.same("within the day", count(w.now.Add(authn.ForgetAfter-time.Millisecond)), 2)
		w.same("a day after the last", count(w.now.Add(2*authn.ForgetAfter)), 1)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: wilg, Forgive: []string{"key"}}, w.now))
		w.same("forgiven elsewhere", count(w.now.Add(2*authn.ForgetAfter)), 2)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Forgive: []string{"key", "none"}}, w.now))
		w.same("forgiven", count(w.now.Add(2*authn.ForgetAfter)), 1)
	}},
}
