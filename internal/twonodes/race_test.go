//go:build race

package twonodes_test

// buildFlags: the program has the race detector when its tests have it; what it reports fails the test.
var buildFlags = []string{"-race"}
