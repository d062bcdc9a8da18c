package idp_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile("`([A-Za-z0-9_./-]+)`")

// TestDocumentsNameWhatExists: a path in backticks whose first folder is ours, or that ends in .go, exists.
func TestDocumentsNameWhatExists(t *testing.T) {
	pages := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md"}
	for _, pattern := range []string{"docs/*.md", "docs/decisions/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d pages, %v", pattern, len(found), err)
		}
		pages = append(pages, found...)
	}
	ours := map[string]bool{}
	for _, dir := range packageFolders(t) {
		top, _, _ := strings.Cut(dir, "/")
		ours[top] = true
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			top, _, below := strings.Cut(m[1], "/")
			if strings.HasSuffix(m[1], ".go") || below && ours[top] {
				if _, err := os.Stat(m[1]); err != nil {
					t.Errorf("%s names %s, which does not exist", page, m[1])
				}
			}
		}
	}
}
