package idptest

import (
	"cmp"
	"slices"
	"strings"
)

// verb is what a line of a script begins with; docs/journeys.md lists all that have a help.
type verb struct {
	name string
	args string
	help string // empty: of one test
	run  func(*script, string) error
}

// line is the help of the verb, as who writes a script needs it.
func (v verb) line() string { return strings.TrimSpace(v.name+" "+v.args) + ": " + v.help }

// refusedVerb is of the others, so it is run by itself.
var refusedVerb = verb{name: "refused", args: "LINE", help: "what the rest of the line says is refused"}

// allVerbs are those of visits and those of factors.
func allVerbs() []verb {
	all := slices.Clone(verbs)
	for _, v := range vocabularies {
		all = append(all, v.verbs...)
	}
	return all
}

// verbNamed finds a verb.
func verbNamed(name string) (verb, bool) {
	all := allVerbs()
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, false
	}
	return all[i], true
}

// nearest is the help of the verbs that somebody may have meant.
func nearest(name string) string {
	all := slices.DeleteFunc(append(allVerbs(), refusedVerb), func(v verb) bool { return v.help == "" })
	slices.SortStableFunc(all, func(a, b verb) int { return cmp.Compare(distance(name, a.name), distance(name, b.name)) })
	var lines []string
	for _, v := range all[:3] {
		lines = append(lines, "\t"+v.line())
	}
	return strings.Join(lines, "\n")
}

// distance is how many letters are to be added, left out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
