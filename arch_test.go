package idp_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/minddistrict/idp/"

// forbidden arrows: who may not import what, and why. A pattern ending in /… means the folder and all below it;
// FACTORS are the folders below login that have a constructor named Factor, and all below those.
var forbidden = []struct{ from, to, why string }{
	{"platform", "account/… audit/… outbox/… authn/… grant/…", "platform is the innermost noun"},
	{"account", "authn/… grant/… audit/… outbox/…", "among nouns: grant → authn → account → platform"},
	{"audit outbox", "authn/… grant/…", "among nouns: grant → authn → audit, outbox → account → platform"},
	{"audit", "outbox", "what happened says nothing of what is sent"},
	{"outbox", "audit", "what is sent says nothing of what happened"},
	{"authn", "grant/… federation/…", "among nouns: grant → authn → account → platform"},
	{"platform account audit outbox authn grant federation", "op/… login/… ui/… storage/… keys/… configs/… cmd/… internal/web/… internal/wire/…", "nouns are pure: no doors, no floor"},
	{"platform account audit outbox authn grant federation", "net/http database/sql log log/slog", "nouns do no I/O"},
	{"platform account audit outbox authn grant federation", "staff", "staff's acts use the nouns"},
	{"grant", "federation", "what is granted says nothing of where somebody signed in"},
	{"federation", "grant", "where somebody signs in says nothing of what is granted"},
	{"internal/upstream/…", "op/… login/… ui/… notify/… storage/… keys/… configs/… cmd/… internal/wire/… internal/setup/… internal/snapshot", "it speaks a protocol; the door asks it by an interface of its own"},
	{"op/… login/… storage/… keys/… notify ui", "internal/upstream/…", "doors ask by interfaces and functions of their own"},
	{"staff", "op/… login/… ui/… notify/… storage/… configs/… cmd/… internal/web/… internal/wire/… internal/setup/… net/http database/sql log log/slog", "acts are pure; doors and commands call them, and internal/wire or internal/setup joins Acts to the floor"},
	{"op/…", "storage/… keys/… configs/…", "a door declares the interfaces it needs; internal/wire joins it to the floor"},
	{"login/…", "storage/… keys/… configs/…", "a door declares the interfaces it needs; internal/wire joins it to the floor"},
	{"login/…", "op/…", "doors meet through functions that internal/wire passes in"},
	{"op/…", "login/…", "doors meet through functions that internal/wire passes in; both show pages with ui, which is templates and texts only"},
	{"login", "FACTORS", "the engine knows no factor: adding one is a folder and a line in internal/wire"},
	{"login FACTORS", "login/settings/…", "the settings know the engine, not the other way round"},
	{"login/settings/…", "FACTORS login/link/…", "the settings know no factor and no link"},
	{"login FACTORS login/settings/… login/link/…", "login/admin/…", "pages of staff know the engine, not the other way round"},
	{"login/admin/…", "FACTORS login/link/… login/settings/…", "pages of staff know no factor, no link and no settings"},
	{"login", "login/link/…", "links know the engine, not the other way round"},
	{"login/link/…", "FACTORS login/settings/…", "links know no factor and no settings: a factor's Button is handed to them"},
	{"ui", "op/… login/… notify/… storage/… keys/… configs/… authn/… grant/…", "pages know data and texts, not journeys"},
	{"storage/pipeline", "platform/… account/… audit/… outbox/… authn/… grant/… federation/… staff/… internal/fault", "it carries statements and knows neither what they say nor whose they are"},
	{"storage/… keys/…", "op/… login/… ui/… notify/… configs/…", "the floor knows nothing of the doors"},
	{"notify", "op/… login/… storage/… keys/… configs/…", "letters are made from the texts of ui; internal/wire joins them to the outbox"},
	{"op/… login/…", "notify internal/outbound", "a door queues letters; what they say and how they travel is not its business"},
	{"platform account audit outbox authn grant federation op/… login/… ui storage/… keys/… internal/web/…", "internal/trace", "traces hang on the router and on the connectors of the database (internal/wire, cmd); what is traced knows nothing of it"},
	{"platform account audit outbox authn grant federation op/… login/… ui storage keys notify configs internal/web/… internal/wire/… internal/setup/…", "cmd/…", "nothing imports the command"},
	{"platform account audit outbox authn grant federation op/… login/… ui storage keys notify configs internal/web/… internal/wire/… internal/setup/… internal/demo/… cmd/…", "internal/idptest/… storage/storagetest/… test/… testing", "test tools stay out of the binary"},
	{"internal/clock", "op/… login/… ui notify storage keys configs internal/wire internal/web platform account", "the clock knows no more than that something has one"},
	{"internal/snapshot", "login/… ui/… notify/… storage/… configs/… cmd/… internal/wire/… internal/setup/… internal/web/…", "it serves the doors what is configured and knows of the floor only what it reads with; internal/wire joins it to both"},
	{"platform account audit outbox authn grant federation staff", "internal/visitor internal/errorpage", "nouns are pure: no cookies, no pages"},
	{"internal/errorpage", "op/… login/… notify/… storage/… keys/… configs/… cmd/… internal/wire/… internal/snapshot authn grant", "it knows errors and texts, and no door"},
	{"internal/visitor", "op/… login/… ui/… notify/… storage/… keys/… configs/… cmd/… internal/wire/… internal/snapshot", "doors ask who comes by; it knows none of them, and the floor by its Store only"},
	{"op/… login/… storage/… keys/… notify ui", "internal/snapshot", "doors ask by interfaces and functions of their own"},
	{"internal/partykeys internal/shelf", "op/… login/… ui/… notify/… storage/… keys/… configs/… cmd/… internal/wire/… internal/setup/… internal/snapshot internal/web/…", "it reads addresses of parties; the door asks it by an interface of its own"},
	{"op/… login/… storage/… keys/… notify ui", "internal/partykeys", "doors ask by interfaces and functions of their own"},
	{"internal/metrics internal/upkeep", "platform/… account/… audit/… outbox/… authn/… grant/… staff/… op/… login/… ui/… notify/… storage/… keys/… configs/… internal/wire/… internal/setup/…", "they are told what to count and what to do, and know nothing of whose it is"},
	{"internal/serve", "platform/… account/… audit/… outbox/… authn/… grant/… op/… login/… ui/… notify/… storage/… keys/… configs/… internal/wire/… internal/setup/… internal/trace/…", "it serves any handler and knows nothing of what is behind it"},
	{"platform account audit outbox authn grant federation op/… login/… ui storage/… keys/… notify configs internal/web/… internal/wire/… internal/setup/…", "internal/serve", "only commands serve"},
	{"internal/phone", "platform/… account/… audit/… outbox/… authn/… grant/… staff/… op/… login/… ui/… notify/… storage/… keys/… configs/… cmd/… test/conformance/… internal/…", "app developers read it beside docs/app.md to write their own: it is a client and imports nothing of ours"},
	{"internal/strict", "platform/… account/… audit/… outbox/… authn/… grant/… federation/… staff/… op/… login/… ui/… notify/… storage/… keys/… configs/… internal/setup/… internal/wire/…", "it reads any struct and knows nothing of what the keys mean"},
	{"test/conformance/…", "platform/… account/… authn/… grant/… op/… login/… storage/… keys/… configs/… cmd/… internal/…", "it speaks HTTP to any server and knows nothing of our code"},
}

// zitadel is the library whose types of the protocol we use; tests are clients of ours with its relying party.
const zitadel = "github.com/zitadel/oidc/v3/pkg/"

// TestNobodyUsesTheProvider: decision 27 holds in tests as well.
func TestNobodyUsesTheProvider(t *testing.T) {
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		for _, spec := range file.Imports {
			if to, _ := strconv.Unquote(spec.Path.Value); to == zitadel+"op" {
				t.Errorf("%s imports %s: the door is our own", path, to)
			}
		}
	})
}

func TestArrows(t *testing.T) {
	factors := factorFolders(t)
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		from := filepath.ToSlash(filepath.Dir(path))
		for _, spec := range file.Imports {
			to, _ := strconv.Unquote(spec.Path.Value)
			to = strings.TrimPrefix(to, module)
			for _, rule := range forbidden {
				if matches(expand(rule.from, factors), from) && matches(expand(rule.to, factors), to) && !within(from, to) {
					t.Errorf("%s imports %s: %s", path, to, rule.why)
				}
			}
			if strings.HasPrefix(to, zitadel) && (from != "op" || to != zitadel+"oidc") {
				t.Errorf("%s imports %s: the protocol's types appear in op, and nothing else of the library anywhere", path, to)
			}
		}
	})
}

// TestRulesAreAboutSomething: a rule whose folder was moved or deleted guards nothing.
func TestRulesAreAboutSomething(t *testing.T) {
	factors, folders := factorFolders(t), packageFolders(t)
	for _, rule := range forbidden {
		for _, p := range strings.Fields(expand(rule.from, factors)) {
			if !slices.ContainsFunc(folders, func(dir string) bool { return matches(p, dir) }) {
				t.Errorf("%q may not import %q: there is no package %s", rule.from, rule.to, p)
			}
		}
		for _, p := range strings.Fields(expand(rule.to, factors)) {
			if !slices.ContainsFunc(folders, func(dir string) bool { return matches(p, dir) }) && !standard(p) {
				t.Errorf("%q may not import %q: there is no package %s", rule.from, rule.to, p)
			}
		}
	}
}

// standard reports whether a package is of the standard library.
func standard(path string) bool {
	p, err := build.Default.Import(path, "", build.FindOnly)
	return err == nil && p.Goroot
}

// packageFolders are the folders of the module that hold Go code.
func packageFolders(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	each(t, func(path string, _ *ast.File, _ *token.FileSet) { found[filepath.ToSlash(filepath.Dir(path))] = true })
	return slices.Sorted(maps.Keys(found))
}

// factorFolders are the folders below login that have a constructor named Factor.
func factorFolders(t *testing.T) []string {
	t.Helper()
	var found []string
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		dir := filepath.ToSlash(filepath.Dir(path))
		if !strings.HasPrefix(dir, "login/") || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "Factor" {
				found = append(found, dir)
			}
		}
	})
	if len(found) == 0 {
		t.Fatal("no folder below login has a constructor named Factor: the rules about factors guard nothing")
	}
	return found
}

func expand(patterns string, factors []string) string {
	return strings.ReplaceAll(patterns, "FACTORS", strings.Join(factors, "/… ")+"/…")
}

// TestCommandsKnowNoChange: a command parses flags and prints; what an act changes is decided in staff.
func TestCommandsKnowNoChange(t *testing.T) {
	each(t, func(path string, file *ast.File, set *token.FileSet) {
		if !strings.HasPrefix(filepath.ToSlash(path), "cmd/") || strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Change" {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "authn" {
					t.Errorf("%s: authn.Change in a command: call staff", set.Position(n.Pos()))
				}
			}
			return true
		})
	})
}

// within lets a package's own subfolders import it: login/password imports login.
func within(from, to string) bool { return strings.HasPrefix(from, to+"/") }

func matches(patterns, name string) bool {
	for _, p := range strings.Fields(patterns) {
		folder, deep := strings.CutSuffix(p, "/…")
		if name == folder || deep && strings.HasPrefix(name, folder+"/") {
			return true
		}
	}
	return false
}

// TestClockAndRandomness: time comes from a Now that is passed in, so that tests own it; randomness is never guessable.
func TestClockAndRandomness(t *testing.T) {
	each(t, func(path string, file *ast.File, set *token.FileSet) {
		for _, spec := range file.Imports {
			if p := spec.Path.Value; p == `"math/rand"` || p == `"math/rand/v2"` {
				t.Errorf("%s imports %s: use internal/secret", path, p)
			}
		}
		// What drives the program from outside has the time of everybody outside. The deadline of a socket is a moment of
		// the system's clock.
		if matches("cmd/… test/…", filepath.ToSlash(filepath.Dir(path))) ||
			filepath.ToSlash(path) == "storage/silence.go" || strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Now" {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
					t.Errorf("%s: time.Now outside cmd: take Now func() time.Time", set.Position(n.Pos()))
				}
			}
			return true
		})
	})
}

// each parses every Go file of the module.
func each(t *testing.T, visit func(path string, file *ast.File, set *token.FileSet)) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "var" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		visit(path, file, set)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readers are how often files of ours open files that hold no secret, or hold them beside other things.
var readers = map[string]int{
	"configs/load.go":              1, // the configuration: its secrets may have files of their own
	"cmd/idp/setup.go":             1, // the setup file: so may its
	"cmd/idp/party.go":             1, // keys that are public
	"cmd/idp/passwords.go":         1, // passwords that became known
	"login/password/filter.go":     1, // … and the filter made of them
	"internal/setup/read.go":       1, // a logo
	"internal/setup/connection.go": 1, // metadata, which is public
	"storage/dialect.go":           1, // makes the database's file, for its owner only
	"internal/secret/file.go":      2, // secrets, and whether a file can be read at all
}

// TestSecretsAreReadInOnePlace: a file with secrets that everybody may read is refused, so it is read by
// secret.ReadFile.
func TestSecretsAreReadInOnePlace(t *testing.T) {
	opened := map[string]int{}
	each(t, func(path string, file *ast.File, _ *token.FileSet) {
		path = filepath.ToSlash(path)
		if strings.HasSuffix(path, "_test.go") || matches("test/… internal/release/… internal/idptest/…", filepath.ToSlash(filepath.Dir(path))) {
			return // no part of the program
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && (sel.Sel.Name == "ReadFile" || sel.Sel.Name == "Open" || sel.Sel.Name == "OpenFile") {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "os" {
					opened[path]++
				}
			}
			return true
		})
	})
	if !maps.Equal(opened, readers) {
		t.Errorf("files that open files: %v, want %v: a secret is read by secret.ReadFile", opened, readers)
	}
}

// TestOnlyTestsChooseKeys: no code of the program says which signing keys are drawn.
func TestOnlyTestsChooseKeys(t *testing.T) {
	found := false
	each(t, func(path string, file *ast.File, fset *token.FileSet) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok || call.Sel.Name != "DrawingFrom" {
				return true
			}
			if found = true; !strings.HasPrefix(path, "internal/idptest/") && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s chooses the signing keys", fset.Position(n.Pos()))
			}
			return true
		})
	})
	if !found {
		t.Error("nobody draws keys: is it called otherwise?")
	}
}
