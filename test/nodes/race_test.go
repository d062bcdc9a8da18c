//go:build race

package nodes_test

// buildFlags: the program has the race detector when its tests have it; what it reports fails the test.
var buildFlags = []string{"-race"}
