package idp_test

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackageComments: every package says what it owns, once.
func TestPackageComments(t *testing.T) {
	comments, packages := map[string]int{}, map[string]bool{}
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		dir := filepath.Dir(path)
		packages[dir] = true
		if file.Doc != nil {
			comments[dir]++
			if n := strings.Count(file.Doc.Text(), "\n"); n < 3 || n > 30 {
				t.Errorf("%s: package comment of %d lines: 3 to 15", path, n)
			}
		}
	})
	for dir := range packages {
		if comments[dir] != 1 {
			t.Errorf("%s has %d package comments: one", dir, comments[dir])
		}
	}
}
