package storagetest

import (
	"errors"
	"sync"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

var uses = []promise{
	{"what works once is used once, and by platform", func(w *world) {
		one, two := secret.Hash("one"), secret.Hash("two")
		w.ok(w.db.MarkUsed(w.Context(), linde, one, w.now.Add(time.Minute)))
		w.ok(w.db.MarkUsed(w.Context(), linde, two, w.now.Add(time.Minute)))
		w.ok(w.db.MarkUsed(w.Context(), wilg, one, w.now.Add(time.Minute)))
		for _, ends := range []time.Duration{time.Minute, -time.Hour, time.Hour} { // whatever the second one says of its end
			w.fails(w.db.MarkUsed(w.Context(), linde, one, w.now.Add(ends)), fault.Spent)
		}
	}},
	{"what was used is remembered until its end, and then forgotten", func(w *world) {
		hash, ends := secret.Hash("one"), w.now.Add(10*time.Minute)
		w.ok(w.db.MarkUsed(w.Context(), linde, hash, ends))
		w.ok(w.db.MarkUsed(w.Context(), linde, secret.Hash("longer"), ends.Add(time.Hour)))
		for _, at := range []time.Time{w.now, ends.Add(-time.Millisecond), ends} {
			removed, err := w.db.CleanUp(w.Context(), at, 10)
			w.ok(err)
			w.same("removed at "+at.String(), removed, 0)
			w.fails(w.db.MarkUsed(w.Context(), linde, hash, ends), fault.Spent)
		}
		removed, err := w.db.CleanUp(w.Context(), ends.Add(time.Millisecond), 10)
		w.ok(err)
		w.same("removed after its end", removed, 1)
		w.ok(w.db.MarkUsed(w.Context(), linde, hash, ends))
	}},
	{"of a crowd that uses one thing exactly one does, also while it is cleaned up", func(w *world) {
		for range 5 {
			hash := secret.Hash(secret.Token())
			results := make([]error, crowd)
			var all sync.WaitGroup
			for i := range results {
				all.Go(func() { results[i] = w.db.MarkUsed(w.Context(), linde, hash, w.now.Add(time.Minute)) })
			}
			all.Go(func() {
				if _, err := w.db.CleanUp(w.Context(), w.now, 10); err != nil {
					w.Errorf("cleaning up meanwhile: %v", err)
				}
			})
			all.Wait()
			used := 0
			for _, err := range results {
				switch {
				case err == nil:
					used++
				case !errors.Is(err, fault.Spent):
					w.Errorf("one of the crowd: %v", err)
				}
			}
			w.same("how many used it", used, 1)
		}
	}},
}
