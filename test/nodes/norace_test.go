//go:build !race

package nodes_test

var buildFlags []string
