//go:build race

package program

// Race are the flags with which a program has the race detector, where its tests have it: what it reports fails them.
// They are those of .ci/test, so that nothing is built twice.
var Race = []string{
	"-race", "-gcflags=modernc.org/sqlite/lib=-race=false -d=checkptr=0",
	"-gcflags=crypto/internal/fips140/bigmod=-race=false -d=checkptr=0",
}
