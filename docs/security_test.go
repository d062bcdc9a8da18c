package docs_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// vulnerability is an identifier in the comment of a test; what was published without one is named by who and when.
var vulnerability = regexp.MustCompile(`CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|Okta, October 2024`)

// gapOfLibrary is the number of a gap in the comment of a test.
var gapOfLibrary = regexp.MustCompile(`^Z([0-9]+): `)

// securityTests are the tests of the repository, as the index sees them.
type securityTests struct {
	answers map[string][]string // where a vulnerability is tested, by its identifier
	gaps    map[int][2]string   // a test and its promise, by the number of the gap
	fuzz    map[string][]string // fuzz targets by folder
}

// TestSecurityTests: docs/security-tests.md says where each vulnerability is tested, and forgets none that it named.
func TestSecurityTests(t *testing.T) {
	all := findSecurityTests(t)
	named := vulnerability.FindAllString(between(t, "security-tests.md", "vulnerabilities"), -1)
	if len(named) < 100 {
		t.Errorf("docs/security-tests.md names %d vulnerabilities", len(named))
	}
	for _, id := range named {
		if all.answers[id] == nil {
			t.Errorf("%s: no comment of a test names it any more", id)
		}
	}
	if t.Failed() {
		return // writing the page now would forget them
	}
	rows := &strings.Builder{}
	rows.WriteString("| vulnerability | tests |\n|---|---|\n")
	for _, id := range slices.SortedFunc(maps.Keys(all.answers), byYear) {
		slices.Sort(all.answers[id])
		fmt.Fprintf(rows, "| %s | %s |\n", id, strings.Join(slices.Compact(all.answers[id]), "; "))
	}
	sectionOf(t, "security-tests.md", "vulnerabilities", rows.String())
	rows.Reset()
	rows.WriteString("| no. | promise | test |\n|---|---|---|\n")
	for _, n := range slices.Sorted(maps.Keys(all.gaps)) {
		fmt.Fprintf(rows, "| Z%d | %s | %s |\n", n, all.gaps[n][1], all.gaps[n][0])
	}
	if len(all.gaps) != 15 {
		t.Errorf("%d gaps of the library, want Z1 to Z15", len(all.gaps))
	}
	sectionOf(t, "security-tests.md", "gaps", rows.String())
	rows.Reset()
	rows.WriteString("| folder | targets |\n|---|---|\n")
	for _, dir := range slices.Sorted(maps.Keys(all.fuzz)) {
		slices.Sort(all.fuzz[dir])
		fmt.Fprintf(rows, "| `%s` | %s |\n", dir, strings.Join(all.fuzz[dir], ", "))
	}
	sectionOf(t, "security-tests.md", "fuzz", rows.String())
}

// byYear sorts identifiers of one register by year and number.
func byYear(a, b string) int {
	key := func(id string) (string, int, int) {
		parts := strings.SplitN(id, "-", 3)
		if parts[0] != "CVE" {
			return parts[0], 0, 0
		}
		year, _ := strconv.Atoi(parts[1])
		number, _ := strconv.Atoi(parts[2])
		return parts[0], year, number
	}
	register, year, number := key(a)
	other, otherYear, otherNumber := key(b)
	return cmp.Or(cmp.Compare(register, other), cmp.Compare(year, otherYear), cmp.Compare(number, otherNumber), cmp.Compare(a, b))
}

// between is what a document says between the marks of a generated section.
func between(t *testing.T, document, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(read(t, document), "<!-- "+name+": ")
	if !ok {
		t.Fatalf("docs/%s has no place for %s", document, name)
	}
	section, _, _ := strings.Cut(rest, "<!-- end -->")
	return section
}

// findSecurityTests reads the tests of the module, the contract of the database and the journeys.
func findSecurityTests(t *testing.T) securityTests {
	t.Helper()
	all := securityTests{map[string][]string{}, map[int][2]string{}, map[string][]string{}}
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(file, ".."+string(filepath.Separator)))
		dir := path.Dir(name)
		switch {
		case d.IsDir() && (d.Name() == "var" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && file != ".."):
			return filepath.SkipDir
		case dir == "testdata/journeys" && path.Ext(name) == ".txt":
			return all.readJourney(file)
		case strings.HasSuffix(name, "_test.go") || dir == "storage/storagetest" && path.Ext(name) == ".go":
			parsed, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err == nil && dir != "docs" {
				err = all.readTests(dir, parsed)
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// readTests notes what the comments of a file of tests name: the comment of a test or in one, or of a row in a table of
// promises, which is known by the first text after its comment, or on its line.
func (all *securityTests) readTests(dir string, file *ast.File) error {
	for _, c := range file.Comments {
		ids := vulnerability.FindAllString(strings.Join(strings.Fields(c.Text()), " "), -1)
		gap := gapOfLibrary.FindStringSubmatch(c.Text())
		if ids == nil && gap == nil {
			continue
		}
		where := whose(file, c)
		if where == "" {
			return fmt.Errorf("%s: a comment of no test names %v", dir, append(ids, gap...))
		}
		for _, id := range ids {
			all.answers[id] = append(all.answers[id], "`"+dir+"`: "+where)
		}
		if gap != nil {
			n, _ := strconv.Atoi(gap[1])
			promise, _, _ := strings.Cut(strings.Join(strings.Fields(strings.TrimPrefix(c.Text(), gap[0])), " "), ". ")
			all.gaps[n] = [2]string{"`" + dir + "`: " + where, strings.TrimSuffix(promise, ".")}
		}
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
			all.fuzz[dir] = append(all.fuzz[dir], f.Name.Name)
		}
	}
	return nil
}

// whose is the test or the promise that a comment is about.
func whose(file *ast.File, c *ast.CommentGroup) (where string) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			isTest := strings.HasPrefix(d.Name.Name, "Test") || strings.HasPrefix(d.Name.Name, "Fuzz")
			if isTest && (d.Doc == c || d.Pos() <= c.Pos() && c.End() <= d.End()) {
				return d.Name.Name
			}
		case *ast.GenDecl:
			if d.Doc == c || c.Pos() < d.Pos() || d.End() < c.Pos() {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				row, ok := n.(*ast.CompositeLit)
				if !ok || len(row.Elts) == 0 {
					return true
				}
				text, ok := row.Elts[0].(*ast.BasicLit)
				if ok && text.Kind == token.STRING && (row.Pos() <= c.Pos() || where == "") && c.Pos() <= row.End() {
					where, _ = strconv.Unquote(text.Value) // it was parsed
				}
				return true
			})
		}
	}
	return where
}

// readJourney notes what the comments at the head of a script name.
func (all *securityTests) readJourney(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(file), ".txt")
	for line := range strings.Lines(string(text)) {
		if _, comment, ok := strings.Cut(line, "#"); ok {
			for _, id := range vulnerability.FindAllString(comment, -1) {
				all.answers[id] = append(all.answers[id], "journey "+name)
			}
		}
	}
	return nil
}
