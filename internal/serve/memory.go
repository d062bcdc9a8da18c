package serve

import (
	"os"
	"runtime/debug"
)

// How garbage is collected. Go collects when garbage is a share of what is live. We have little live, which at the default
// share (all of it) means a hundred collections a second under load, a tenth of the CPU (measured with 5 MiB live); but
// while passwords are hashed, two blocks of 19 MiB count as live as well, and the same share lets memory grow to 150 MiB.
// A smaller share of a larger sum lies closer together: 15 to 25 MiB of garbage, about 40 while passwords are hashed.
const (
	heapRoom     = 24 << 20 // bytes that count as live and, never touched, take no memory
	garbageShare = 50       // per cent of what counts as live; an operator's GOGC wins
)

// How much memory Go may take before it collects more often instead: for each hash its block and that of the one before it,
// which is garbage by then, and a sum for all else. It counts the room above and not the program's file, which are equally
// large: 156 MiB with two workers, where the kernel saw 151 to 165 in a storm of 500 logins. What is live may pass it.
// docs/operating.md, Sizing, promises it, rounded up. An operator's GOMEMLIMIT wins.
const (
	memoryOfAll  = 80 << 20
	memoryOfHash = 2 * 19 << 20
)

// CollectGarbage sets that up and returns what must stay reachable.
func CollectGarbage(hashWorkers int) (room []byte) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbageShare)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryOfAll + int64(hashWorkers)*memoryOfHash)
	}
	return make([]byte, heapRoom)
}
