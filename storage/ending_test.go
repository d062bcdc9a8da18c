package storage_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/storage/storagetest"
)

// Every way in which a session ends goes through one function, which tells its parties, and has its row in the
// contract: an UPDATE of its own would end sessions that no party hears of.
func TestNoSessionEndsBesideTheTableOfEndings(t *testing.T) {
	var statements, conditions, covered []string
	inspect(t, func(name string, n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && endsSession(text) {
				statements = append(statements, name)
			}
		case *ast.ValueSpec:
			if typ, ok := n.Type.(*ast.Ident); ok && typ.Name == "ending" {
				conditions = append(conditions, n.Names[0].Name)
			}
		}
		return true
	})
	if want := []string{"ending.go"}; !slices.Equal(statements, want) {
		t.Errorf("statements that end sessions are in %q, want one in %q", statements, want)
	}
	for _, e := range storagetest.Endings {
		covered = append(covered, e.Condition)
	}
	slices.Sort(covered)
	slices.Sort(conditions)
	if covered = slices.Compact(covered); !slices.Equal(covered, conditions) {
		t.Errorf("the contract covers %q, storage has %q", covered, conditions)
	}
}

// inspect walks through the source of the package.
func inspect(t *testing.T, visit func(file string, n ast.Node) bool) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool { return visit(name, n) })
	}
}

// endsSession reports whether a statement sets the end of sessions.
func endsSession(text string) bool {
	_, set, ok := strings.Cut(text, "UPDATE sessions\nSET ")
	set, _, _ = strings.Cut(set, "\nWHERE")
	return ok && strings.Contains(set, "ended_at")
}

func TestLifeOfLogoutsIsTheSameInBothPlaces(t *testing.T) {
	if life := outbox.Kinds[outbox.Logout].Life; outbox.LogoutLifeMillis != strconv.FormatInt(int64(life/time.Millisecond), 10) {
		t.Errorf("%s ms in the statement, %s in the row", outbox.LogoutLifeMillis, life)
	}
}
