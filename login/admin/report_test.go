package admin

import (
	"slices"
	"testing"

	"github.com/minddistrict/idp/staff"
)

// A file may be somebody else's: nothing of it turns the line around it, its header neither.
func TestColumnsThatAreNotUsedAreShownWithoutWhatTurnsLines(t *testing.T) {
	c := staff.Checked{Unused: []string{"a\u202eb\u2066c\x00d", "plain"}, Rows: []staff.Row{{Line: 2}}}
	if got := report(&Visit{}, c, "", 1).Unused; !slices.Equal(got, []string{"abcd", "plain"}) {
		t.Errorf("%q", got)
	}
}
