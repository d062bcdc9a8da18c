package authn_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/minddistrict/idp/authn"
)

var (
	headingOfRows = regexp.MustCompile("^#### .+ \\(`([a-z-]+)`, `([a-z]+)`\\)$")
	sentenceOfRow = regexp.MustCompile("^[0-9]+\\. `([a-z-]+)`: ([^.]+|\"[^\"]+\")+\\.$")
)

// docs/oidc.md has one sentence for each row of the rules, in the same order.
func TestEveryRowHasItsSentence(t *testing.T) {
	const todo = "give each row of rules in authn/rules.go one numbered sentence in docs/oidc.md, in the same order, that begins with the need of the row: 1. `primary`: …"
	text, err := os.ReadFile("../docs/oidc.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[authn.Purpose]map[authn.Channel][]authn.Need{}
	var purpose authn.Purpose
	var channel authn.Channel
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			purpose, channel = "", ""
			if m := headingOfRows.FindStringSubmatch(line); m != nil {
				purpose, channel = authn.Purpose(m[1]), authn.Channel(m[2])
				if said[purpose] == nil {
					said[purpose] = map[authn.Channel][]authn.Need{}
				}
				said[purpose][channel] = []authn.Need{}
			}
			continue
		}
		if purpose == "" || line == "" || line[0] < '0' || line[0] > '9' {
			continue
		}
		m := sentenceOfRow.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%s in %s: %q is not one sentence: %s", purpose, channel, line, todo)
			continue
		}
		said[purpose][channel] = append(said[purpose][channel], authn.Need(m[1]))
	}
	rows := authn.Today().Rows()
	for purpose, channels := range rows {
		for channel, needs := range channels {
			got := said[purpose][channel]
			if len(got) != len(needs) {
				t.Errorf("%s in %s: %d sentences for %d rows: %s", purpose, channel, len(got), len(needs), todo)
				continue
			}
			for i := range needs {
				if got[i] != needs[i] {
					t.Errorf("%s in %s: sentence %d is about %s, row %d about %s: %s", purpose, channel, i+1, got[i], i+1, needs[i], todo)
				}
			}
		}
	}
	for purpose, channels := range said {
		for channel := range channels {
			if _, ok := rows[purpose][channel]; !ok {
				t.Errorf("%s in %s: sentences for rows that do not exist: %s", purpose, channel, todo)
			}
		}
	}
}
