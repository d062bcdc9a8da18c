package serve

import (
	"os"
	"runtime/debug"
)

// How garbage is collected. Go collects when garbage is a share of what is live. We have little live, which at the default
// share (all of it) means a hundred collections a second under load, a tenth of the CPU (measured with 5 MiB live). A smaller
// share of a larger sum gives 15 to 20 MiB of garbage; about 40 while passwords are hashed where that happens in Go's heap,
// that is without the kernel of internal/argon2 or on another system than Linux.
const (
	heapRoom     = 24 << 20 // bytes that count as live and, never touched, take no memory
	garbageShare = 50       // per cent of what counts as live; an operator's GOGC wins
)

// How much memory Go may take before it collects more often instead: a sum for all, and for each hash in Go's heap its block
// and that of the one before it, which is garbage by then. It counts the room above and not the program's file, which are
// equally large: 156 MiB with two workers, where the kernel saw 151 to 165 in a storm of 500 logins with hashes in the heap.
// What is live may pass it. docs/operating.md, Sizing, promises it, rounded up. An operator's GOMEMLIMIT wins.
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
