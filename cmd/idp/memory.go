package main

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

// collectGarbage sets that up and returns what must stay reachable.
func collectGarbage() (room []byte) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbageShare)
	}
	return make([]byte, heapRoom)
}
