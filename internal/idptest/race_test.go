//go:build race

package idptest_test

// languages: the race detector does not care about the words on a page, and makes SQLite many times slower; the other
// language runs without it.
var languages = []string{"nl"}
