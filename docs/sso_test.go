package docs_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
)

// These tests compare docs/sso.md with the program.

func TestEveryPresetIsDescribed(t *testing.T) {
	var table strings.Builder
	table.WriteString("| preset | claim | value | counts for | `amr` here |\n|---|---|---|---|---|\n")
	for _, p := range federation.Presets() {
		for _, row := range p.Rows() {
			var amr []string
			for _, value := range row.AMR {
				amr = append(amr, "`"+value+"`")
			}
			fmt.Fprintf(&table, "| `%s` | `%s` | `%s` | `%s` | %s |\n", p, row.Claim, row.Value, row.ACR, strings.Join(amr, " "))
		}
	}
	sectionOf(t, "sso.md", "presets", table.String())
}

func TestEveryClaimThatIsReadIsDescribed(t *testing.T) {
	lists := map[string][]string{}
	ast.Inspect(parsed(t, "../federation/answer.go"), func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			lists[v.Names[0].Name] = textsIn(v.Values[0])
		}
		return true
	})
	var table strings.Builder
	table.WriteString("| what | key of `mapping` | claims and attributes, the first counts |\n|---|---|---|\n")
	for _, row := range []struct{ what, key, list string }{
		{"mail address", "email", "emailNames"}, {"first name", "given_name", "givenNames"}, {"infix", "middle_name", "middleNames"},
		{"last name", "family_name", "familyNames"}, {"employee number", "employee_number", "employeeNames"}, {"roles or groups", "roles", "roleNames"},
	} {
		if len(lists[row.list]) == 0 {
			t.Errorf("no names in %s", row.list)
		}
		fmt.Fprintf(&table, "| %s | `%s` | `%s` |\n", row.what, row.key, strings.Join(lists[row.list], "`, `"))
		delete(lists, row.list)
	}
	for list, names := range lists {
		if len(names) > 0 {
			t.Errorf("%s is in no row", list)
		}
	}
	sectionOf(t, "sso.md", "claims", table.String())
}

// Each reason for which a sign-in by an organisation is refused has a row, in their order, with the sentence of its page.
func TestEveryRefusalIsDescribed(t *testing.T) {
	var want []string
	ast.Inspect(parsed(t, "../federation/refusal.go"), func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && fmt.Sprint(v.Type) == "Reason" {
			want = append(want, v.Names[0].Name+" "+textsIn(v.Values[0])[0])
		}
		return true
	})
	pages, other := pageTexts(t)
	_, table, _ := strings.Cut(read(t, "sso.md"), "## When something is refused")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([^|]*) \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(table, -1)
	if len(rows) != len(want) || len(want) < 10 {
		t.Fatalf("%d rows, %d reasons: %v", len(rows), len(want), want)
	}
	said := func(key string) string { return strings.ReplaceAll(wire.UI().Text("en", key), "{organisation}", "…") }
	if !strings.Contains(strings.Join(strings.Fields(table), " "), said(other)) {
		t.Errorf("the section does not say %q", said(other))
	}
	for i, row := range rows {
		name, reason, _ := strings.Cut(want[i], " ")
		text := said(cmp.Or(pages[name], other))
		if text == said(other) {
			text = "*technical*"
		}
		if row[1] != reason || row[2] != text {
			t.Errorf("row %d is `%s` with %q, wanted is `%s` with %q", i+1, row[1], row[2], reason, text)
		}
	}
}

// pageTexts are the keys of what pages say, by the name of a reason, and of what they say of any other.
func pageTexts(t *testing.T) (byReason map[string]string, other string) {
	t.Helper()
	byReason = map[string]string{}
	named := map[string]string{}
	ast.Inspect(parsed(t, "../login/federated/page.go"), func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		switch name := v.Names[0].Name; name {
		case "hopeless", "otherwise":
			named[name] = textsIn(v.Values[0])[0]
		case "wordsOf":
			for _, row := range v.Values[0].(*ast.CompositeLit).Elts {
				row := row.(*ast.KeyValueExpr)
				var text string
				switch first := row.Value.(*ast.CompositeLit).Elts[0].(type) {
				case *ast.Ident:
					text = named[first.Name]
				case *ast.SelectorExpr:
					text = named[first.X.(*ast.Ident).Name]
				default:
					text = textsIn(first)[0]
				}
				byReason[row.Key.(*ast.SelectorExpr).Sel.Name] = text
			}
		}
		return true
	})
	other = named["otherwise"]
	if len(byReason) < 5 || other == "" {
		t.Fatalf("texts of pages: %v, %q", byReason, other)
	}
	return byReason, other
}

// Every connection in the guide is one that `idp apply` takes.
func TestConnectionsOfTheGuideAreTaken(t *testing.T) {
	sealer, err := keys.NewSealer([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	tools := setup.Tools{DB: idptest.SQLite(t), Sealer: sealer, Policy: wire.DefaultPolicy(), Now: time.Unix(1_800_000_000, 0).UTC(), DryRun: true}
	blocks := regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```$").FindAllStringSubmatch(read(t, "sso.md"), -1)
	if len(blocks) < 8 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		text := strings.TrimPrefix(strings.ReplaceAll("\n"+block[2], "\n"+block[1], "\n"), "\n")
		if strings.HasPrefix(text, "- name:") {
			text = "platforms:\n  - name: linde\n    issuer: https://login.linde.example\n    organisation: GGZ De Linde\n" +
				"    home_url: https://linde.example\n    connections:\n" + regexp.MustCompile("(?m)^").ReplaceAllString(text, "      ")
		}
		file, lines, err := setup.Parse([]byte(text))
		if err == nil && strings.Contains(text, "connections:") {
			_, err = setup.Apply(t.Context(), tools, file, lines)
		}
		if err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

// Every event and line of the log that the guide names is described where they are all described.
func TestTheGuideNamesLinesOfTheLog(t *testing.T) {
	log := read(t, "operating.md")
	said := regexp.MustCompile("`((?:an|sign-in|calling|reading) [^`]+)`").FindAllStringSubmatch(
		strings.Join(strings.Fields(read(t, "sso.md")), " "), -1)
	if len(said) < 3 {
		t.Fatalf("%d lines", len(said))
	}
	for _, one := range said {
		if !strings.Contains(log, "| `"+one[1]+"` |") {
			t.Errorf("no line of the log is %q", one[1])
		}
	}
}

func parsed(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// textsIn are the literals of texts in a part of a program, in their order.
func textsIn(n ast.Node) (all []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			text, _ := strconv.Unquote(l.Value) // it was parsed
			all = append(all, text)
		}
		return true
	})
	return slices.Clip(all)
}
