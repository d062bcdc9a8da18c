package serve

import (
	"runtime"
	"testing"
)

func TestHashesHaveRoomOnlyWhileTheyRun(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	for name, set := range map[string]string{"the machine's": "", "the operator's": "3"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", set)
			if runtime.SetDefaultGOMAXPROCS(); set != "" {
				runtime.GOMAXPROCS(3)
			}
			calm := runtime.GOMAXPROCS(0)
			room := RoomForHashes(2)
			for range 3 {
				if room(true); runtime.GOMAXPROCS(0) != calm+2 {
					t.Errorf("%d places while hashes run, want %d", runtime.GOMAXPROCS(0), calm+2)
				}
				if room(false); runtime.GOMAXPROCS(0) != calm {
					t.Errorf("%d places without, want %d", runtime.GOMAXPROCS(0), calm)
				}
			}
		})
	}
}
