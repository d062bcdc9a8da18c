package idp_test

import (
	"os"
	"path/filepath"
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

// nameOnAPage is what a page writes of our code: `authn.Change`, or the name of a test.
var nameOnAPage = regexp.MustCompile("`(?:([a-z]+)\\.([A-Z]\\w*)(?:\\.\\w+)?|(Test\\w+)\\$?)`")

// TestPagesNameWhatExists: Go names and tests that README, CONTRIBUTING and the documents write exist.
func TestPagesNameWhatExists(t *testing.T) {
	names, folders := declared(t)
	delete(folders, "oidc") // to a reader it is a library's
	tests := map[string]bool{}
	for _, inside := range names {
		for name := range inside {
			tests[name] = true
		}
	}
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, more...)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range nameOnAPage.FindAllStringSubmatch(string(text), -1) {
			folder, ours := folders[m[1]]
			found++
			if m[3] != "" && !tests[m[3]] || ours && !names[folder][m[2]] {
				t.Errorf("%s names %s, which does not exist", page, m[0])
			}
		}
	}
	if found < 80 {
		t.Errorf("%d names were found: are they written otherwise now?", found)
	}
}
