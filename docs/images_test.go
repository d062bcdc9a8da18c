package docs_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// Every picture that README.md shows is there, every one that is there is shown, and none is heavy.
func TestPicturesOfTheReadMe(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown, there []string
	for _, m := range regexp.MustCompile(`!\[[^\]]+\]\(docs/images/([a-z-]+\.png)\)`).FindAllStringSubmatch(string(text), -1) {
		shown = append(shown, m[1])
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
	if !slices.Equal(shown, there) || len(shown) != 6 {
		t.Errorf("shown are %v, there are %v", shown, there)
	}
}
