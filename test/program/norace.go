//go:build !race

package program

// Race are the flags with which a program has the race detector, where its tests have it: here they have not.
var Race []string
