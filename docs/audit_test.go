package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/audit"
)

// docs/audit.md has a row for every kind that is recorded, and for no other, in their order, with every cell that is asked.
func TestEveryKindOfEventIsDescribed(t *testing.T) {
	_, table, found := strings.Cut(read(t, "audit.md"), "<!-- kinds: ")
	table, _, ended := strings.Cut(table, "<!-- end -->")
	if !found || !ended {
		t.Fatal("docs/audit.md has no table of kinds")
	}
	var got []audit.Kind
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]*)` \\| (.*) \\|$").FindAllStringSubmatch(table, -1) {
		got = append(got, audit.Kind(row[1]))
		if cells := strings.Split(row[2], "|"); len(cells) != 3 || strings.TrimSpace(cells[0]) == "" {
			t.Errorf("docs/audit.md: %s: %d cells", row[1], len(cells)+1)
		}
	}
	if want := audit.Kinds(); !slices.Equal(got, want) {
		t.Errorf("docs/audit.md describes %v, recorded are %v", got, want)
	}
}
