package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/staff"
)

// The table of docs/staff.md says of every right what the page of roles says, in the order of staff.Rights.
func TestEveryRightIsDescribed(t *testing.T) {
	texts := wire.UI()
	said := func(prefix, word string) string {
		key := "staff." + prefix + "_" + strings.NewReplacer(" ", "_", "-", "_").Replace(word)
		if !texts.Has(key) {
			t.Errorf("%s has no text", key)
		}
		return strings.TrimSuffix(texts.Text("en", key), ".")
	}
	var table strings.Builder
	table.WriteString("| | helpdesk | application manager | professional | and before |\n|---|---|---|---|---|\n")
	for _, r := range staff.Rights() {
		held := func(word string) string {
			if word == "" {
				word = "no"
			}
			return said("held", word)
		}
		var wants []string
		for _, w := range []struct {
			word string
			is   bool
		}{{"fresh", r.Fresh}, {"reason", r.Reason}, {"identified", r.Identified}} {
			if w.is {
				wants = append(wants, said("wants", w.word)+".")
			}
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", said("act", string(r.Act)),
			held(string(r.Helpdesk)), held(string(r.Manager)), held(string(r.Professional)), strings.Join(wants, " "))
	}
	sectionOf(t, "staff.md", "rights", table.String())
}

// What docs/staff.md writes in bold is the name of something to press, and on a page of staff letter by letter; else it is
// in plain.
func TestWhatIsToBeChosenIsOnAPage(t *testing.T) {
	var there []string
	texts := wire.UI()
	for _, key := range texts.Keys() {
		if strings.HasPrefix(key, "staff.") {
			there = append(there, texts.Text("en", key))
		}
	}
	said := regexp.MustCompile(`\*\*([A-Z][^*]+[a-z])\*\*`).FindAllStringSubmatch(read(t, "staff.md"), -1)
	if len(said) < 10 {
		t.Errorf("only %d names of things to press", len(said))
	}
	for _, m := range said {
		if !slices.Contains(there, m[1]) && !slices.Contains(plain, m[1]) {
			t.Errorf("no page of staff says %q", m[1])
		}
	}
}

// plain is bold in docs/staff.md and nothing to press.
var plain = []string{"What you do is in the record", "Nobody sees a password or a code", "Sent", "Did not arrive", "Opened", "Expired", "Many at once", "After the reset"}
