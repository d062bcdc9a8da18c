package idp_test

import (
	"cmp"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const (
	maxStoreMethods = 8   // more, and the room has taken in lodgers
	maxFields       = 12  // a dozen, as house style has it
	maxBuildLines   = 150 // internal/wire.Build reads like a table of contents
)

// The rooms that are still too big. A number is what there is today: it may only go down, and who makes it smaller
// changes it here; an entry within the bound must go.
var (
	bigStores = map[string]int{
		"login.Store": 13,
	}
	bigStructs = map[string]int{
		"grant.Party":              29,
		"internal/setup.Party":     28,
		"authn.Change":             24,
		"authn.Journey":            23,
		"internal/setup.Account":   21,
		"login.Visit":              21,
		"grant.Grant":              20,
		"grant.AuthRequest":        19,
		"internal/wire.Options":    20,
		"internal/setup.Platform":  18,
		"internal/idptest.script":  17,
		"ui.CodePage":              17,
		"configs.Config":           16,
		"internal/setup.Policy":    16,
		"platform.Platform":        16,
		"platform.Policy":          16,
		"account.Account":          14,
		"account.Profile":          14,
		"authn.Facts":              14,
		"internal/bench.provider":  14,
		"internal/idptest.Browser": 14,
		"login.Options":            14,
		"storage.journeyBody":      14,
		"notify.Mail":              13,
		"outbox.Message":           13,
		"ui.TwoStepPage":           13,
	}
)

// TestSizes prints the figures with -v.
func TestSizes(t *testing.T) {
	loaded := load(t)
	stores, structs := map[string]int{}, map[string]int{}
	for _, p := range loaded {
		for name, typ := range namedTypes(p) {
			switch u := typ.Underlying().(type) {
			case *types.Interface:
				if strings.Contains(typ.Obj().Name(), "Store") {
					stores[name] = u.NumMethods() // embedded ones are counted
				}
			case *types.Struct:
				structs[name] = u.NumFields()
			}
		}
	}
	hold(t, "methods of a Store", stores, maxStoreMethods, bigStores)
	hold(t, "fields of a struct", structs, maxFields, bigStructs)

	wire := loaded["internal/wire"]
	if wire == nil {
		t.Fatal("there is no package internal/wire")
	}
	build := 0
	for _, file := range wire.Syntax {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "Build" {
				build = wire.Fset.Position(f.End()).Line - wire.Fset.Position(f.Pos()).Line + 1
			}
		}
	}
	if build == 0 || build > maxBuildLines {
		t.Errorf("internal/wire.Build has %d lines: 1 to %d", build, maxBuildLines)
	}
	house, ok := wire.Types.Scope().Lookup("House").(*types.TypeName)
	if !ok {
		t.Fatal("internal/wire has no House")
	}
	t.Logf("internal/wire.Build: %d lines; House: %d methods of its own", build, house.Type().(*types.Named).NumMethods())
	for _, dir := range []string{"internal/setup", "cmd/idp"} {
		if loaded[dir] == nil {
			t.Errorf("there is no package %s", dir)
			continue
		}
		var ours []string
		for path := range loaded[dir].Imports {
			if to, ok := strings.CutPrefix(path, module); ok {
				ours = append(ours, to)
			}
		}
		slices.Sort(ours)
		t.Logf("%s imports %d packages of ours: %s", dir, len(ours), strings.Join(ours, " "))
	}
}

// hold compares what there is with the bound and its exceptions.
func hold(t *testing.T, what string, found map[string]int, most int, exceptions map[string]int) {
	t.Helper()
	names := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(found[b]-found[a], strings.Compare(a, b))
	})
	for _, name := range names {
		n, today := found[name], exceptions[name]
		if n > most || what == "methods of a Store" {
			t.Logf("%s: %s %d", what, name, n)
		}
		switch {
		case n > most && today == 0:
			t.Errorf("%s: %s has %d, at most %d: it wants a second room", what, name, n, most)
		case today != 0 && n > today:
			t.Errorf("%s: %s has %d and had %d: an exception only shrinks", what, name, n, today)
		case today != 0 && n <= most:
			t.Errorf("%s: %s has %d: it needs no exception any more", what, name, n)
		case today != 0 && n < today:
			t.Errorf("%s: %s has %d now: say so instead of %d", what, name, n, today)
		}
	}
	for name := range exceptions {
		if _, ok := found[name]; !ok {
			t.Errorf("%s: %s is an exception and does not exist", what, name)
		}
	}
}

// load type-checks the packages of the module, without their tests, by folder.
func load(t *testing.T) map[string]*packages.Package {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	byFolder := map[string]*packages.Package{}
	for _, p := range loaded {
		for _, e := range p.Errors {
			t.Fatal(e)
		}
		byFolder[strings.TrimPrefix(p.PkgPath, module)] = p
	}
	return byFolder
}

// namedTypes are the package's own types, as folder.Name.
func namedTypes(p *packages.Package) map[string]*types.Named {
	found := map[string]*types.Named{}
	for _, name := range p.Types.Scope().Names() {
		if tn, ok := p.Types.Scope().Lookup(name).(*types.TypeName); ok && !tn.IsAlias() {
			if named, ok := tn.Type().(*types.Named); ok {
				found[strings.TrimPrefix(p.PkgPath, module)+"."+name] = named
			}
		}
	}
	return found
}
