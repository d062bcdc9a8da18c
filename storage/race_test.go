//go:build race

package storage_test

import "time"

// useRounds is how often something is used by many at once; the race detector makes SQLite slow, and sees in a few rounds
// what there is to see.
const useRounds = 50

// requestTime is what a request may take; the race detector slows it down, 20 times where SQLite does much.
const requestTime = 3 * time.Minute

// intakeRows is how many people a file has; all that one may have take minutes on SQLite, and the parts that they are
// saved in are as large.
const intakeRows = 1000
