package idp_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var glossaryRow = regexp.MustCompile("(?m)^\\| ([a-z][a-z ]*) \\| ([^|]+) \\| `([a-z]+)\\.([A-Z]\\w*)` \\| [^|]+ \\|$")

// TestGlossary: each word of docs/glossary.md has its OAuth name and a Go name that exists.
func TestGlossary(t *testing.T) {
	page, err := os.ReadFile("docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	names, folders := declared(t)
	seen := map[string]bool{}
	for _, row := range glossaryRow.FindAllStringSubmatch(string(page), -1) {
		if seen[row[1]] {
			t.Errorf("%s stands twice", row[1])
		}
		seen[row[1]] = true
		if !names[folders[row[3]]][row[4]] {
			t.Errorf("%s: %s.%s does not exist", row[1], row[3], row[4])
		}
	}
	if rows := strings.Count(string(page), "\n| ") - 4; len(seen) != rows {
		t.Errorf("%d of %d rows are a word, its OAuth name, a Go name and what it is", len(seen), rows) // 4 heads
	}
	if len(seen) != 29 {
		t.Errorf("%d words: the page says twenty-nine", len(seen))
	}
}
