//go:build !race

package storage_test

// useRounds is how often something is used by many at once.
const useRounds = 1000
