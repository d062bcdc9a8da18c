package password_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minddistrict/idp/login/password"
)

// Whoever gives hashes room is told once when they begin, and once when none came for a tenth of a second, whatever many do at once.
func TestPoolTellsWhetherItHashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := password.NewPool(3, 100, password.Params{Memory: 8, Passes: 1, Threads: 1})
		var mu sync.Mutex
		var told []bool
		pool.Hashing = func(on bool) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, on)
		}
		burst := func() {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := pool.Hash(t.Context(), "correct horse"); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		expect := func(want ...bool) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(told, want) {
				t.Fatalf("told %v, want %v", told, want)
			}
		}
		expect()
		time.Sleep(time.Minute) // the memory is let go, and nobody is told of that
		expect()
		burst()
		time.Sleep(80 * time.Millisecond)
		burst()
		time.Sleep(80 * time.Millisecond)
		expect(true)
		time.Sleep(40 * time.Millisecond)
		expect(true, false)
		time.Sleep(time.Hour)
		burst()
		expect(true, false, true)
		time.Sleep(120 * time.Millisecond)
		expect(true, false, true, false)
	})
}
