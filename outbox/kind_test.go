package outbox_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/outbox"
)

// declared lists the constants of a type as the source has them.
func declared(t *testing.T, of string) (values []string) {
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
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != of {
				return true
			}
			for _, v := range spec.Values {
				if v, ok := v.(*ast.BasicLit); ok {
					value, _ := strconv.Unquote(v.Value)
					values = append(values, value)
				}
			}
			return true
		})
	}
	slices.Sort(values)
	return values
}

// Every kind has its row, and what its row says is enough to make and send it.
func TestEveryKindHasItsRow(t *testing.T) {
	var rows []string
	for kind := range outbox.Kinds {
		rows = append(rows, string(kind))
	}
	slices.Sort(rows)
	if kinds := declared(t, "Kind"); len(kinds) == 0 || !slices.Equal(rows, kinds) {
		t.Fatalf("rows %q\nkinds %q", rows, kinds)
	}
	for kind, spec := range wire.UI().MessageKinds() {
		if !slices.Contains(declared(t, "Recipient"), string(spec.Recipient)) || spec.Life <= 0 {
			t.Errorf("%s: to %q for %s", kind, spec.Recipient, spec.Life)
		}
		silent := spec.Request || spec.Recipient == outbox.URL
		if (len(spec.Before) == 0) != silent || (spec.Subject != "") != (spec.Recipient == outbox.Mail && !silent) {
			t.Errorf("%s: subject %q, says %q", kind, spec.Subject, spec.Before)
		}
		if spec.Ticket != "" && spec.Button == "" || spec.Request && (spec.Ticket != "" || spec.Button != "") {
			t.Errorf("%s: ticket %q, button %q", kind, spec.Ticket, spec.Button)
		}
	}
}

func TestEveryKindHasItsTextsInBothLanguages(t *testing.T) {
	texts := wire.UI()
	letters := texts.MessageKinds()
	for _, kind := range slices.Sorted(maps.Keys(letters)) {
		spec := letters[kind]
		for _, key := range slices.Concat([]string{spec.Subject, spec.Button}, spec.Before, spec.After) {
			for _, lang := range []string{"nl", "en"} {
				if text := texts.Text(lang, key); key != "" && (text == key || text == "") {
					t.Errorf("%s: no %s in %s", kind, key, lang)
				}
			}
		}
	}
}
