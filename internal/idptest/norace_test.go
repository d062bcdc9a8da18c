//go:build !race

package idptest_test

var languages = []string{"nl", "en"}
