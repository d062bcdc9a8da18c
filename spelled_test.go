package idp_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// spelled are the literals outside a factor's folder that are the name of its method, with the reason of each.
var spelled = map[string]string{
	`authn/closed.go "password"`:               "authn.Password, the one method that rules know: an organisation may close it",
	`federation/connection.go "federated"`:     "federation.Method, by which links are kept",
	`authn/act.go "password"`:                  "stored name of an act",
	`account/credential.go "recovery"`:         "stored name of a use, which any method may have",
	`authn/ticket.go "sms"`:                    "stored name of a purpose",
	`outbox/outbox.go "sms"`:                   "stored name of a sort of recipient",
	`platform/weaker.go "sms"`:                 "the value of code_methods that protects less than the others",
	`internal/setup/credentials.go "password"`: "a key of the setup file",
	`internal/demo/token.go "sms"`:             "a value of amr (RFC 8176 section 2), in words",
	`internal/wire/shed.go "password"`:         "name of a queue in logs",
	`login/settings/notice.go "password"`:      "what was done, in a cookie of ours",
	`op/exposed.go "password"`:                 "a parameter that is in no log (RFC 6749 section 4.3.2)",
	`cmd/idp/sms.go "sms"`:                     "name of a command",
}

// TestOnlyItsFolderSpellsAMethod: whoever needs the name of a way of signing in takes it from a policy, a credential or
// the factor itself, so that another one is a folder and a line.
func TestOnlyItsFolderSpellsAMethod(t *testing.T) {
	owners := methodFolders(t)
	var got []string
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		path = filepath.ToSlash(path)
		dir := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") || matches(testTools, dir) {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				value, _ := strconv.Unquote(literal.Value) // it was parsed
				if owner := owners[value]; owner != "" && owner != dir {
					got = append(got, path+" "+literal.Value)
				}
			}
			return true
		})
	})
	got = append(got, spelledInTemplates(t, owners)...)
	slices.Sort(got)
	for _, what := range slices.Compact(got) {
		if spelled[what] == "" {
			t.Errorf("%s: the name of a method, outside its folder", what)
		}
	}
	for what := range spelled {
		if !slices.Contains(got, what) {
			t.Errorf("%s: not there any more, so no exception", what)
		}
	}
}

// testTools set people up who have something enrolled, whatever it is.
const testTools = "test/… internal/idptest/… storage/storagetest/…"

// methodFolders are the folders of factors by their method.
func methodFolders(t *testing.T) map[string]string {
	t.Helper()
	owners := map[string]string{"password": "login/password", "federated": "login/federated"} // by constants of authn and federation
	folders := factorFolders(t)
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		dir := filepath.ToSlash(filepath.Dir(path))
		if !slices.Contains(folders, dir) || strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if ok && spec.Names[0].Name == "Method" && len(spec.Values) == 1 {
				if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
					value, _ := strconv.Unquote(literal.Value)
					owners[value] = dir
				}
			}
			return true
		})
	})
	if len(owners) != len(folders) {
		t.Fatalf("methods %v of the folders %v", owners, folders)
	}
	return owners
}

var (
	templateAction = regexp.MustCompile(`\{\{.*?\}\}`)
	templateString = regexp.MustCompile(`"[^"]*"`)
)

// spelledInTemplates lists the strings in actions of templates that are the name of a method of another folder.
func spelledInTemplates(t *testing.T, owners map[string]string) (got []string) {
	t.Helper()
	looked := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "var" || strings.HasPrefix(d.Name(), ".") && path != "." || matches(testTools, path)) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".html" {
			return nil
		}
		looked++
		text, err := os.ReadFile(path)
		for _, action := range templateAction.FindAllString(string(text), -1) {
			for _, literal := range templateString.FindAllString(action, -1) {
				if owner := owners[strings.Trim(literal, `"`)]; owner != "" && !strings.HasPrefix(path, owner+"/") {
					got = append(got, path+" "+literal)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked == 0 {
		t.Error("no template: the test looks in the wrong place")
	}
	return got
}
