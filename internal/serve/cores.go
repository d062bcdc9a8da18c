package serve

import (
	"os"
	"runtime"
)

// RoomForHashes gives every hash worker a place among Go's threads beside those that the cores have, while it is told
// that passwords are hashed. Go lets a hash run for 10 ms before another goroutine takes its place, and a refresh needs
// several turns; the system, which then divides the cores, lets whoever waited go first. With as many places as cores, a
// refresh waits for all hashes in the queue (its p99 is 20 to 40 times that without hashes, measured), with these hardly
// at all. Without hashes more places than cores cost a tenth of every request, because threads that look for work are
// woken in vain. A change stops all goroutines for some tens of microseconds.
func RoomForHashes(workers int) func(hashing bool) {
	cores := runtime.GOMAXPROCS(0)
	return func(hashing bool) {
		switch {
		case hashing:
			runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + workers)
		case os.Getenv("GOMAXPROCS") != "":
			runtime.GOMAXPROCS(cores) // which the operator has set
		default:
			runtime.SetDefaultGOMAXPROCS() // follows the CPU limit of a container again
		}
	}
}
