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

// pageOfText is the page, or the part of one, whose text a step names: login of login.submit.
var pageOfText = regexp.MustCompile(`^(?:press|see|again|double|lost|fill|tick|untick) +([a-z_]+)\.[a-z_0-9.]+`)

// TestJourneysPage: docs/journeys.md has the help of every verb, and what every script of testdata/journeys is about.
func TestJourneysPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Journeys\n\nMade by `UPDATE_DOCS=1 go test -run TestJourneysPage ./internal/idptest`, of the verbs in\n" +
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
	b.WriteString("\n## Scripts\n\nThe behaviour is what the first lines of a script say. No script names a rule: the last column has the first word of the\n" +
		"keys of the texts that it sees, presses and fills in, in order, which are the pages shown and parts of them.\n\n" +
		"| script | behaviour | pages shown |\n|---|---|---|\n")
	scripts, err := filepath.Glob("../../testdata/journeys/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		var behaviour, pages []string
		head := true
		for line := range strings.Lines(string(text)) {
			comment, isComment := strings.CutPrefix(line, "#")
			if head = head && isComment; head {
				behaviour = append(behaviour, strings.TrimSpace(comment))
				continue
			}
			line, _, _ = strings.Cut(line, "#")
			for step := range strings.SplitSeq(line, " ; ") {
				m := pageOfText.FindStringSubmatch(strings.TrimSpace(step))
				if m != nil && m[1] != "common" && !slices.Contains(pages, m[1]) {
					pages = append(pages, m[1])
				}
			}
		}
		if len(behaviour) == 0 {
			t.Errorf("%s: its first line does not say what it is about", script)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.TrimSuffix(filepath.Base(script), ".txt"), cell.Replace(strings.Join(behaviour, " ")), strings.Join(pages, ", "))
	}
	const page = "../../docs/journeys.md"
	got, err := os.ReadFile(page)
	if err == nil && string(got) == b.String() {
		return
	}
	if os.Getenv("UPDATE_DOCS") == "" {
		t.Fatalf("docs/journeys.md is not up to date (%v): UPDATE_DOCS=1 go test -run TestJourneysPage ./internal/idptest", err)
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
