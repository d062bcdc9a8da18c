package idptest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rulesOfJourney is the column of what a journey comes by, in its row.
var rulesOfJourney = regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| .* \\| (.*) \\| .* \\|$")

// documents are about what a journey shows besides its pages, by the verb that shows it.
var documents = []struct{ verbs, link string }{
	{"logout told untold", "[sessions and logout](oidc.md#sessions-and-logout)"},
	{"refresh revoke", "[OAuth](oidc.md#oauth)"},
	{"refers", "[referrals](oidc.md#referrals)"},
	{"phone", "[the app](app.md)"},
	{"organisation", "[sign-ins of organisations](sso.md)"},
	{"reset-2fa helper waits due set-email", "[helping](staff.md)"},
}

// TestJourneysPage: docs/journeys.md has the help of every verb, and what every script of testdata/journeys is about.
// TestJourneys compares what it comes by, as only a run tells that.
func TestJourneysPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Journeys\n\nMade by `UPDATE_DOCS=1 go test -run 'TestJourneys/.*/sqlite/nl' ./internal/idptest`, of the verbs in\n" +
		"`internal/idptest` and of the scripts in `testdata/journeys`, which run on both databases and in both languages.\n\n## Verbs\n\n" +
		"A script is a visit, a verb a line (or several with ` ; `), about people; `#` starts a comment. KEY is the key of a text.\n\n" +
		"| verb | arguments | what it does |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`)
	for _, v := range append(allVerbs(), refusedVerb) {
		if v.help == "" {
			continue
		}
		args := ""
		if v.args != "" {
			args = "`" + cell.Replace(v.args) + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.name, args, cell.Replace(v.help))
	}
	b.WriteString("\n## Scripts\n\nThe behaviour is what the first lines of a script say; numbers in front group what belongs together.\n" +
		"What it comes by is noted when it runs, and compared with the row: for what purpose and where it was asked, as\n" +
		"[the rules](oidc.md#what-is-asked-and-when) have it, for which of their needs, and on which pages; then the pages that\n" +
		"belong to no journey. A sign-in is also one that the rules take for a return after the idle hour.\n\n" +
		"| script | behaviour | rules and pages | more in |\n|---|---|---|---|\n")
	const page = "../../docs/journeys.md"
	got, err := os.ReadFile(page)
	if err != nil && os.Getenv("UPDATE_DOCS") == "" {
		t.Fatal(err)
	}
	rules := map[string]string{}
	for _, m := range rulesOfJourney.FindAllStringSubmatch(string(got), -1) {
		rules[m[1]] = m[2]
	}
	scripts, err := filepath.Glob("../../testdata/journeys/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		var behaviour, more []string
		used := map[string]bool{}
		head := true
		for line := range strings.Lines(string(text)) {
			comment, isComment := strings.CutPrefix(line, "#")
			if head = head && isComment; head {
				if comment = strings.TrimSpace(comment); !strings.HasPrefix(comment, "CVE-") {
					behaviour = append(behaviour, comment)
				}
				continue
			}
			line, _, _ = strings.Cut(line, "#")
			for step := range strings.SplitSeq(line, " ; ") {
				for _, word := range strings.Fields(step) {
					used[word] = true
					if word != refusedVerb.name {
						break
					}
				}
			}
		}
		if len(behaviour) == 0 {
			t.Errorf("%s: its first line does not say what it is about", script)
		}
		for _, d := range documents {
			if slices.ContainsFunc(strings.Fields(d.verbs), func(verb string) bool { return used[verb] }) {
				more = append(more, d.link)
			}
		}
		name := strings.TrimSuffix(filepath.Base(script), ".txt")
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, cell.Replace(strings.Join(behaviour, " ")), rules[name], strings.Join(more, ", "))
	}
	if string(got) == b.String() {
		return
	}
	if os.Getenv("UPDATE_DOCS") == "" {
		t.Fatalf("docs/journeys.md is not up to date: UPDATE_DOCS=1 go test -run 'TestJourneys/.*/sqlite/nl' ./internal/idptest")
	}
	if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestVerbsAreNamedOnce: whoever writes a verb that there is not is shown those near it.
func TestVerbsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range append(allVerbs(), refusedVerb) {
		if seen[v.name] {
			t.Errorf("%s: two verbs", v.name)
		}
		seen[v.name] = true
	}
	err := (&script{}).run("untik account.box")
	if err == nil || !strings.Contains(err.Error(), "untick KEY: takes the tick out of a box") {
		t.Errorf("an unknown verb is answered %v", err)
	}
}
