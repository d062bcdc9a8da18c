//go:build !race

package twonodes_test

var buildFlags []string
