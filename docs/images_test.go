package docs_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// Every picture that README.md and staff.md show is there, every one that is there is shown, and none is heavy.
func TestPicturesOfTheDocuments(t *testing.T) {
	var shown, there []string
	for document, few := range map[string]int{"../README.md": 6, "staff.md": 3} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`!\[[^\]]+\]\((?:docs/)?images/([a-z-]+\.png)\)`).FindAllStringSubmatch(string(text), -1)
		if len(found) != few {
			t.Errorf("%s shows %d pictures, want %d", document, len(found), few)
		}
		for _, m := range found {
			shown = append(shown, m[1])
		}
	}
	files, err := os.ReadDir("images")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		there = append(there, f.Name())
		if info, err := f.Info(); err != nil || info.Size() > 120<<10 {
			t.Errorf("%s: %d bytes, at most 120 KiB (%v)", f.Name(), info.Size(), err)
		}
	}
	slices.Sort(shown)
	if !slices.Equal(shown, there) {
		t.Errorf("shown are %v, there are %v", shown, there)
	}
}
