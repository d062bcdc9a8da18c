package idptest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/outbox"
)

// namesFile lists the names that live outside this program: in databases, in the dashboards and queries of operators.
const namesFile = "testdata/kept/names.txt"

// storedNames are the types of which every constant is stored.
var storedNames = []struct{ what, folder, name string }{
	{"event", "audit", "Kind"},
	{"event outcome", "audit", "Outcome"},
	{"message", "outbox", "Kind"},
	{"message outcome", "outbox", "Outcome"},
	{"message recipient", "outbox", "Recipient"},
	{"account state", "account", "State"},
	{"invite state", "account", "InviteState"},
	{"account role", "platform", "Role"},
	{"credential use", "account", "Use"},
	{"ticket", "authn", "TicketPurpose"},
	{"journey purpose", "authn", "Purpose"},
	{"journey need", "authn", "Need"},
	{"session channel", "authn", "Channel"},
	{"party type", "grant", "Type"},
	{"party auth", "grant", "Auth"},
	{"response mode", "grant", "ResponseMode"},
	{"second factor", "platform", "Demand"},
	{"act", "staff", "Act"},
	{"act ending", "staff", "Ending"},
	{"act reason", "staff", "Reason"},
	{"act identified", "staff", "Identified"},
}

// A name that is stored, or that somebody outside reads, is not renamed by the way: who adds one adds a line to the
// file, and who changes or removes one says there, and to operators, what becomes of what has the old name.
func TestStoredNamesStay(t *testing.T) {
	var got []string
	for _, s := range storedNames {
		names := constants(t, filepath.Join("../..", s.folder), s.name)
		if len(names) == 0 {
			t.Errorf("no constants of type %s in %s: the test looks in the wrong place", s.name, s.folder)
		}
		for _, name := range names {
			got = append(got, s.what+": "+name)
		}
	}
	for kind := range wire.UI().MessageKinds() {
		if _, named := outbox.Kinds[kind]; !named { // a factor's own
			got = append(got, "message: "+string(kind))
		}
	}
	got = append(got, derivedKeys(t)...)
	got = append(got, metricNames(t)...)
	content, err := os.ReadFile(namesFile)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			want = append(want, line)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("new, or renamed: %s", name)
		}
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("gone: %s", name)
		}
	}
}

// constants are the values of the constants of a string type, as the source has them.
func constants(t *testing.T, folder, name string) (values []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		ast.Inspect(parsed(t, path), func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != name {
				return true
			}
			for _, v := range spec.Values {
				if value := quoted(v); value != "" { // a state that is empty has no name
					values = append(values, value)
				}
			}
			return true
		})
	}
	return values
}

// derivedKeys are the purposes that keys are derived for, as the source has them: of MACs, and of keys for others.
func derivedKeys(t *testing.T) (purposes []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "node_modules", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		ast.Inspect(parsed(t, path), func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"MAC", "MACs", "Derive"}, method.Sel.Name) {
				return true
			}
			purpose := call.Args[0]
			if sum, ok := purpose.(*ast.BinaryExpr); ok {
				purpose = sum.X // what begins with it
			}
			if value := quoted(purpose); value != "" {
				purposes = append(purposes, strings.TrimSuffix(method.Sel.Name, "s")+": "+strings.TrimSpace(value))
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(purposes) == 0 {
		t.Error("no key is derived: the test looks in the wrong place")
	}
	return purposes
}

func parsed(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// quoted is the value of a string literal; empty: it is something else.
func quoted(e ast.Expr) string {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	value, _ := strconv.Unquote(literal.Value) // it was parsed
	return value
}

var (
	ourSeries = regexp.MustCompile(`(?m)^(?:idp_|go_sql_)[^ ]*`)
	anyValue  = regexp.MustCompile(`(route|status|le|platform|kind|alg)="[^"]*"`)
)

// metricNames are our series at /metrics with their labels, without the values of those that depend on what happened.
func metricNames(t *testing.T) (names []string) {
	t.Helper()
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Apply(`platforms: [{ name: linde, issuer: "https://login.linde.test", organisation: GGZ De Linde, home_url: "https://linde.test/home" }]`)
	linked := audit.Event{At: s.Clock.Now(), Platform: "linde", Kind: audit.CredentialAdded, Actor: "system", Outcome: audit.Success, Reason: federation.Method}
	if err := s.DB.RecordOnce(t.Context(), linked, ""); err != nil {
		t.Fatal(err)
	}
	wire.ShowCertificate(s.House, s.Clock.Now)
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://nobody.test/", nil))
	w := httptest.NewRecorder()
	s.Operator().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, series := range ourSeries.FindAllString(w.Body.String(), -1) {
		names = append(names, "metric: "+anyValue.ReplaceAllString(series, "$1"))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
