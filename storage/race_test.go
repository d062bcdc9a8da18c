//go:build race

package storage_test

import "time"

// useRounds is how often something is used by many at once; the race detector makes SQLite slow, and sees in a few rounds
// what there is to see.
const useRounds = 50

// requestTime is what a request may take; the race detector slows it down, 20 times where SQLite does much.
const requestTime = 3 * time.Minute
