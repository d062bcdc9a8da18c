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
	houseMethods    = 27  // of internal/wire.House today: it may only go down
)

// exception is a size beyond the bound, with the reason for which it is no second room.
type exception struct {
	most int
	why  string
}

// bigStructs are those with more fields than the bound; each may have at most its number.
var (
	bigStructs = map[string]exception{
		"grant.Party":               {35, "wire format: the client metadata of RFC 7591, and ours"},
		"internal/setup.Party":      {40, "keys of the setup file"},
		"authn.Change":              {25, "all that one transaction saves; its test goes over every field"},
		"authn.Journey":             {24, "whole noun, with what a sign-in and what a mail begins: to be split"},
		"internal/setup.Account":    {21, "keys of the setup file"},
		"login.Visit":               {18, "to be split"},
		"grant.Grant":               {22, "a row of the database"},
		"grant.AuthRequest":         {21, "wire format: parameters of an authorization request, stored as JSON"},
		"internal/wire.Options":     {20, "to be split"},
		"internal/setup.Platform":   {22, "keys of the setup file"},
		"internal/idptest.script":   {17, "state of the runner of journeys: to be split"},
		"internal/setup.Connection": {15, "keys of the setup file"},
		"configs.Config":            {16, "keys of the configuration"},
		"internal/setup.Policy":     {17, "keys of the setup file"},
		"platform.Platform":         {17, "whole noun, stored as JSON"},
		"platform.Policy":           {18, "whole noun, stored as JSON"},
		"account.Account":           {13, "whole noun"},
		"account.Profile":           {14, "claims of OpenID Connect Core 1.0 section 5.1"},
		"authn.Ask":                 {15, "wire format: stored as JSON with a request"},
		"authn.Facts":               {17, "what a rule may look at"},
		"authn.Progress":            {13, "forgotten as one"},
		"authn.Proof":               {13, "whole noun, stored as JSON"},
		"federation.Connection":     {19, "whole noun, stored as JSON"},
		"authn.Session":             {13, "a row of the database"},
		"grant.Device":              {14, "a row of the database"},
		"grant.Handoff":             {15, "a row of the database"},
		"test/browser.Browser":      {14, "to be split"},
		"login.Options":             {14, "what the house passes in"},
		"storage.journeyBody":       {14, "wire format: a column's JSON"},
		"notify.Mail":               {13, "headers and parts of a mail"},
		"outbox.Message":            {16, "a row of the database"},
		"audit.Event":               {13, "a row of the database"},
		"cmd/idp.eventLine":         {14, "a JSON document: the columns of an event"},
		"op.introspection":          {13, "wire format: RFC 7662 section 2.2"},
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
	hold(t, "methods of a Store", stores, maxStoreMethods, nil)
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
	methods := house.Type().(*types.Named).NumMethods()
	if methods != houseMethods {
		t.Errorf("internal/wire.House has %d methods and had %d: it only shrinks", methods, houseMethods)
	}
	t.Logf("internal/wire.Build: %d lines; House: %d methods of its own", build, methods)
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

// hold compares what there is with the bound and its exceptions, each of which says at most how much.
func hold(t *testing.T, what string, found map[string]int, most int, exceptions map[string]exception) {
	t.Helper()
	names := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(found[b]-found[a], strings.Compare(a, b))
	})
	for _, name := range names {
		n := found[name]
		today, excepted := exceptions[name]
		if n > most || exceptions == nil {
			t.Logf("%s: %s %d %s", what, name, n, today.why)
		}
		switch {
		case !excepted && n > most:
			t.Errorf("%s: %s has %d, at most %d: it wants a second room", what, name, n, most)
		case !excepted:
		case today.why == "":
			t.Errorf("%s: %s is an exception without a reason", what, name)
		case n > today.most:
			t.Errorf("%s: %s has %d and had %d: an exception only shrinks", what, name, n, today.most)
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
