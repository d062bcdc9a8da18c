package idp_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// securityPage lists the vulnerabilities of other products that tests are about.
const securityPage = "docs/security-tests.md"

// vulnerability is an identifier as a comment writes it, or the name of an incident that has none.
var vulnerability = regexp.MustCompile(`\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|Okta, October 2024)\b`)

// absent are vulnerabilities of what is not here.
var absent = map[string]string{
	"CVE-2026-33503": "no page of a list is asked for by a token",
	"CVE-2026-55670": "accounts are not deleted",
}

// answered are vulnerabilities that have a test, or are absent: none leaves the page because a comment was reworded.
var answered = append(strings.Fields(`
	CVE-2017-12161 CVE-2019-8400 CVE-2019-10754 CVE-2019-19844 CVE-2020-5300 CVE-2020-10734 CVE-2020-15222
	CVE-2020-15223 CVE-2020-15233 CVE-2020-15234 CVE-2020-26160 CVE-2021-3637 CVE-2021-27582 CVE-2021-29456
	CVE-2022-3782 CVE-2022-3916 CVE-2022-31034 CVE-2022-39222 CVE-2022-39307 CVE-2023-0264 CVE-2023-3128
	CVE-2023-3597 CVE-2023-6291 CVE-2023-6337 CVE-2023-6544 CVE-2023-6787 CVE-2023-7028 CVE-2023-26481
	CVE-2023-26483 CVE-2023-28119 CVE-2023-36456 CVE-2023-39522 CVE-2023-45683 CVE-2023-48228 CVE-2024-1132
	CVE-2024-1722 CVE-2024-4629 CVE-2024-7341 CVE-2024-8365 CVE-2024-8883 CVE-2024-21637 CVE-2024-21662
	CVE-2024-22258 CVE-2024-23647 CVE-2024-28180 CVE-2024-28197 CVE-2024-29891 CVE-2024-32868 CVE-2024-32967
	CVE-2024-39694 CVE-2024-41952 CVE-2024-41953 CVE-2024-45042 CVE-2024-46999 CVE-2024-47000 CVE-2024-47060
	CVE-2024-47070 CVE-2024-47077 CVE-2024-52289 CVE-2025-3910 CVE-2025-4144 CVE-2025-6004 CVE-2025-6014
	CVE-2025-6015 CVE-2025-8419 CVE-2025-10044 CVE-2025-12390 CVE-2025-24358 CVE-2025-24806 CVE-2025-27144
	CVE-2025-27370 CVE-2025-27507 CVE-2025-29928 CVE-2025-30204 CVE-2025-46721 CVE-2025-46815 CVE-2025-47909
	CVE-2025-47910 CVE-2025-48947 CVE-2025-53826 CVE-2025-54998 CVE-2025-54999 CVE-2025-55000 CVE-2025-58186
	CVE-2025-61725 CVE-2025-61726 CVE-2025-64101 CVE-2025-64102 CVE-2025-64103 CVE-2025-64175 CVE-2025-64431
	CVE-2025-64484 CVE-2025-64521 CVE-2025-64717 CVE-2025-64762 CVE-2026-0976 CVE-2026-1035 CVE-2026-3872
	CVE-2026-4325 CVE-2026-5467 CVE-2026-5468 CVE-2026-6334 CVE-2026-7507 CVE-2026-9091 CVE-2026-9094 CVE-2026-9689
	CVE-2026-9798 CVE-2026-9802 CVE-2026-20779 CVE-2026-23511 CVE-2026-27801 CVE-2026-27840 CVE-2026-27946
	CVE-2026-28512 CVE-2026-28513 CVE-2026-29191 CVE-2026-29192 CVE-2026-33132 CVE-2026-33322 CVE-2026-33503
	CVE-2026-33757 CVE-2026-33758 CVE-2026-34986 CVE-2026-35597 CVE-2026-40575 CVE-2026-42499 CVE-2026-43983
	CVE-2026-47203 CVE-2026-52809 CVE-2026-54693 CVE-2026-55075 CVE-2026-55670 CVE-2026-55672 CVE-2026-58425
	GHSA-2c7c-3mj9-8fqh GHSA-93m4-mfpg-c3xf GHSA-hp74-gm6m-2qm5 GHSA-pfrf-9r5f-73f5
	GHSA-prh4-vhfh-24mj`), "Okta, October 2024")

// TestSecurityPage: docs/security-tests.md says which test or journey is about which vulnerability, and which fuzz
// targets there are. It is made of comments: of a test, of a row of a table in it, of a promise of storage, and of the
// first lines of a journey.
func TestSecurityPage(t *testing.T) {
	about, gaps, fuzz := map[string][]string{}, map[int]string{}, map[string][]string{}
	note := func(comment, where string) {
		for _, id := range vulnerability.FindAllString(comment, -1) {
			if !slices.Contains(about[id], where) {
				about[id] = append(about[id], where)
			}
		}
	}
	each(t, func(path string, file *ast.File, set *token.FileSet) {
		dir := filepath.ToSlash(filepath.Dir(path))
		switch {
		case strings.HasSuffix(path, "_test.go"):
			notesOfTests(t, dir, file, set, note)
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || f.Recv != nil {
					continue
				}
				if strings.HasPrefix(f.Name.Name, "Fuzz") {
					fuzz[dir] = append(fuzz[dir], f.Name.Name)
				}
				if m := gapOfLibrary.FindStringSubmatch(strings.Join(strings.Fields(f.Doc.Text()), " ")); m != nil {
					n, _ := strconv.Atoi(m[1]) // digits
					gaps[n] = fmt.Sprintf("| Z%d | %s | `%s` %s |\n", n, m[2], dir, f.Name.Name)
				}
			}
		case dir == "storage/storagetest":
			notesOfPromises(t, dir, file, set, note)
		}
	})
	scripts, err := filepath.Glob("testdata/journeys/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d journeys: %v", len(scripts), err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				break
			}
			note(line, "journey `"+strings.TrimSuffix(filepath.Base(script), ".txt")+"`")
		}
	}
	for id, why := range absent {
		if len(about[id]) != 0 {
			t.Errorf("%s: %s, and yet %s is about it", id, why, about[id][0])
		}
	}
	for _, id := range answered {
		if len(about[id]) == 0 && absent[id] == "" {
			t.Errorf("%s: the comment of no test names it", id)
		}
	}
	if len(gaps) != 15 {
		t.Errorf("tests of %d gaps of the library, want Z1 to Z15", len(gaps))
	}
	sameFile(t, securityPage, securityText(about, gaps, fuzz))
}

// notesOfTests notes the comments of tests and inside them. A vulnerability that another comment names belongs to no
// test, so nobody would find it.
func notesOfTests(t *testing.T, dir string, file *ast.File, set *token.FileSet, note func(comment, where string)) {
	t.Helper()
	for _, comment := range file.Comments {
		if !vulnerability.MatchString(comment.Text()) {
			continue
		}
		found := false
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			if f.Doc == comment || f.Pos() <= comment.Pos() && comment.End() <= f.End() {
				note(comment.Text(), "`"+dir+"` "+f.Name.Name)
				found = true
			}
		}
		if !found {
			t.Errorf("%s: a vulnerability in a comment that is of no test", set.Position(comment.Pos()))
		}
	}
}

// notesOfPromises notes the comments above a row of a table of promises, or on its first line.
func notesOfPromises(t *testing.T, dir string, file *ast.File, set *token.FileSet, note func(comment, where string)) {
	t.Helper()
	promised := map[int]string{} // by line
	ast.Inspect(file, func(n ast.Node) bool {
		if row, ok := n.(*ast.CompositeLit); ok && row.Type == nil && len(row.Elts) == 2 {
			if name, ok := row.Elts[0].(*ast.BasicLit); ok && name.Kind == token.STRING {
				text, err := strconv.Unquote(name.Value)
				if err != nil {
					t.Fatal(err)
				}
				promised[set.Position(row.Pos()).Line] = text
			}
		}
		return true
	})
	for _, comment := range file.Comments {
		if !vulnerability.MatchString(comment.Text()) {
			continue
		}
		at := set.Position(comment.Pos())
		promise := promised[at.Line]
		if promise == "" {
			promise = promised[set.Position(comment.End()).Line+1]
		}
		if promise == "" {
			t.Errorf("%s: a vulnerability in a comment that is of no promise", at)
			continue
		}
		note(comment.Text(), fmt.Sprintf("`%s` \"%s\"", dir, promise))
	}
}

// gapOfLibrary is the comment of a test of such a gap: its number, and what is promised.
var gapOfLibrary = regexp.MustCompile(`^Z([0-9]+): (.*?)\.(?: |$)`)

// securityText is the page.
func securityText(about map[string][]string, gaps map[int]string, fuzz map[string][]string) string {
	var b strings.Builder
	b.WriteString(`# Security tests

Made by ` + "`UPDATE_DOCS=1 go test .`" + ` of the comments of tests and the first lines of journeys (` + "`testdata/journeys`" + `). To add a
vulnerability, name it in the comment of the test that would fail if we had it.

## Vulnerabilities of other products

What a test is about is what other providers and libraries got wrong, as far as what it attacks exists here.

| vulnerability | package and test, promise of storage, or journey |
|---|---|
`)
	for _, id := range slices.SortedFunc(maps.Keys(about), byNumber) {
		fmt.Fprintf(&b, "| %s | %s |\n", id, strings.Join(slices.Sorted(slices.Values(about[id])), "<br>"))
	}
	b.WriteString("\n## Not here\n\nVulnerabilities of what we do not have, so that nothing is attacked.\n\n| vulnerability | why |\n|---|---|\n")
	for _, id := range slices.SortedFunc(maps.Keys(absent), byNumber) {
		fmt.Fprintf(&b, "| %s | %s |\n", id, absent[id])
	}
	b.WriteString(`
## Gaps of a library

Our doors once stood on a library with gaps that a layer of ours closed. The library's provider is gone; a door of our
own must not have them either. Each is tested for an issuer with a host of its own and for one with a path.

| no. | promise | package and test |
|---|---|---|
`)
	for _, n := range slices.Sorted(maps.Keys(gaps)) {
		b.WriteString(gaps[n])
	}
	b.WriteString("\n## Fuzz targets\n\nInputs that reached something new are kept in `testdata/fuzz` of each package. To run one of them for ten minutes:\n\n" +
		"    go test -run '^$' -fuzz '^FuzzVerifyOwn$' -fuzztime 10m ./op\n\n| package | targets |\n|---|---|\n")
	for _, dir := range slices.Sorted(maps.Keys(fuzz)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", dir, strings.Join(slices.Sorted(slices.Values(fuzz[dir])), ", "))
	}
	return b.String()
}

var digits = regexp.MustCompile(`\d+`)

// byNumber orders vulnerabilities by their kind, year and number.
func byNumber(a, b string) int {
	padded := func(id string) string {
		if strings.HasPrefix(id, "GHSA") {
			return id
		}
		return digits.ReplaceAllStringFunc(id, func(n string) string { return fmt.Sprintf("%08s", n) })
	}
	return strings.Compare(padded(a), padded(b))
}

// sameFile compares a file with what it should be, and writes it with UPDATE_DOCS=1.
func sameFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err == nil && string(got) == want {
		return
	}
	if os.Getenv("UPDATE_DOCS") == "" {
		t.Errorf("%s is not up to date (%v): UPDATE_DOCS=1 go test .", path, err)
		return
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
