//go:build race

package storage_test

// useRounds is how often something is used by many at once; the race detector makes SQLite slow, and sees in a few rounds
// what there is to see.
const useRounds = 50
