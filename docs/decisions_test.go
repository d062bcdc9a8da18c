package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	decisionTitle = regexp.MustCompile(`^# (\d+)\. (.+)\n`)
	decisionRow   = regexp.MustCompile(`(?m)^\| \[(\d+)\]\([^)]*\) \| [^|]* \| ([^|]*) \|$`)
)

// TestEveryDecisionIsInTheIndex: number and title are those of the file, the last column is written by hand.
func TestEveryDecisionIsInTheIndex(t *testing.T) {
	said := map[string]string{}
	for _, row := range decisionRow.FindAllStringSubmatch(read(t, "decisions/README.md"), -1) {
		said[row[1]] = strings.TrimSpace(row[2])
	}
	files, err := filepath.Glob("decisions/0*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d decisions, %v", len(files), err)
	}
	var table strings.Builder
	table.WriteString("| no. | decision | in one line |\n|---|---|---|\n")
	for i, file := range files {
		title := decisionTitle.FindStringSubmatch(read(t, file))
		if title == nil || title[1] != fmt.Sprint(i+1) || !strings.HasPrefix(filepath.Base(file), fmt.Sprintf("%04d-", i+1)) {
			t.Fatalf("%s: it should begin with %q, as its name does", file, fmt.Sprintf("# %d. …", i+1))
		}
		if said[title[1]] == "" && os.Getenv("UPDATE_DOCS") == "" {
			t.Errorf("docs/decisions/README.md says in no line what decision %s is", title[1])
		}
		fmt.Fprintf(&table, "| [%s](%s) | %s | %s |\n", title[1], filepath.Base(file), title[2], said[title[1]])
	}
	sectionOf(t, "decisions/README.md", "decisions", table.String())
}
