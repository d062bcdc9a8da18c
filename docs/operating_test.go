package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// These tests compare docs/operating.md and the dashboard with the program. Where a table is made from it, a test that
// is run with UPDATE_DOCS=1 writes the table anew.

func TestEveryMetricIsDescribed(t *testing.T) {
	var table strings.Builder
	table.WriteString("| metric | type | what |\n|---|---|---|\n")
	for _, m := range metrics(t) {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", m.name, m.kind, m.help)
	}
	section(t, "metrics", table.String())
}

func TestEveryAlertIsDescribed(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "grafana/alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"up": true, "idp_request_seconds_bucket": true}
	for _, m := range metrics(t) {
		known[m.name] = true
	}
	var table strings.Builder
	table.WriteString("| alert | | fires when, for how long | what it means, and what to do |\n|---|---|---|---|\n")
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			for _, name := range regexp.MustCompile(`\b(?:up|idp_[a-z_]+)\b`).FindAllString(r.Expr, -1) {
				if !known[name] {
					t.Errorf("%s: there is no metric %s", r.Alert, name)
				}
			}
			if s := r.Labels["severity"]; s != "page" && s != "ticket" || r.For == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s is not whole", r.Alert)
			}
			fmt.Fprintf(&table, "| `%s` | %s | `%s`, %s | %s |\n", r.Alert, r.Labels["severity"],
				strings.ReplaceAll(strings.ReplaceAll(r.Expr, `{job="idp"}`, ""), "|", `\|`), r.For, r.Annotations["description"])
		}
	}
	section(t, "alerts", table.String())
}

type metric struct{ name, kind, help string }

// metrics are those that a server shows once it has answered a request.
func metrics(t *testing.T) []metric {
	t.Helper()
	house, _ := house(t)
	connection := federation.Connection{
		Platform: "linde", ID: "eik", Kind: federation.SAML, Names: map[string]string{"nl": "De Eik"}, Key: federation.KeyRule{By: federation.ByNameID},
		SAML: federation.SAMLSettings{EntityID: "https://eik.example", Metadata: idptest.SAMLMetadata(t, "https://eik.example", time.Unix(2_000_000_000, 0))},
	}
	p := platform.Platform{ID: "linde", Issuer: "http://localhost", Organisation: "GGZ De Linde", Policy: platform.DefaultPolicy()}
	err := house.DB.Declare(t.Context(), storage.Setup{Platforms: []platform.Platform{p}, Connections: []federation.Connection{connection}}, time.Time{})
	if err == nil {
		house, err = wire.Build(t.Context(), house.Options) // which makes its keys
	}
	if err != nil {
		t.Fatal(err)
	}
	wire.ShowCertificate(house, time.Now)
	linked := audit.Event{At: time.Unix(1, 0), Platform: "linde", Kind: audit.CredentialAdded, Actor: "system", Outcome: audit.Success, Reason: federation.Method}
	if err := house.DB.RecordOnce(t.Context(), linked, ""); err != nil {
		t.Fatal(err)
	}
	house.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil))
	answer := httptest.NewRecorder()
	house.Operator().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text := answer.Body.String()
	var all []metric
	for _, found := range regexp.MustCompile(`(?m)^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$`).FindAllStringSubmatch(text, -1) {
		all = append(all, metric{found[1], found[3], strings.ReplaceAll(found[2], "|", `\|`)})
	}
	if len(all) < 5 {
		t.Fatalf("metrics:\n%s", text)
	}
	return all
}

// house is one that writes its log where the test reads it.
func house(t *testing.T) (*wire.House, *bytes.Buffer) {
	t.Helper()
	sealer, err := keys.NewSealer([]byte("a master key of 32 bytes for tests"[:32]))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	house, err := wire.Build(t.Context(), wire.Options{
		DB: idptest.SQLite(t), Sealer: sealer, Hash: idptest.Cheap, Workers: 1, Queue: 1, Now: idptest.NewClock().Now, FixedClock: true,
		Log: slog.New(slog.NewJSONHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return house, &log
}

func TestDashboardShowsMetricsThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, m := range metrics(t) {
		known[m.name] = true
		if m.kind == "histogram" || m.kind == "summary" {
			known[m.name+"_bucket"], known[m.name+"_sum"], known[m.name+"_count"] = true, true, true
		}
	}
	var board struct {
		Title, UID string
		Panels     []struct {
			ID      int
			Title   string
			Type    string
			GridPos map[string]int
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/idp.json")), &board); err != nil {
		t.Fatal(err)
	}
	shown, ids := map[string]bool{}, map[int]bool{}
	for _, p := range board.Panels {
		if p.Title == "" || p.Type == "" || ids[p.ID] || p.GridPos["w"] == 0 || len(p.Targets) == 0 {
			t.Errorf("panel %d %q is not whole", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			names := regexp.MustCompile(`\b(?:idp|go|process)_[a-z_]+`).FindAllString(target.Expr, -1)
			if len(names) == 0 {
				t.Errorf("panel %q: no metric in %s", p.Title, target.Expr)
			}
			for _, name := range names {
				shown[name] = true
				if !known[name] {
					t.Errorf("panel %q: there is no metric %s", p.Title, name)
				}
			}
		}
	}
	for name := range known {
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if strings.HasPrefix(name, "idp_") && !shown[base] && !shown[base+"_bucket"] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

func TestEveryKeyOfTheConfigurationIsDescribed(t *testing.T) {
	var file yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, "../configs/example.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| key | variable | in example.yaml | what |\n|---|---|---|---|\n")
	keysOf(&table, "", file.Content[0])
	section(t, "configuration", table.String())
}

// keysOf writes a row per key. That the file has every key of the struct, with its default, is a test of configs.
func keysOf(table *strings.Builder, prefix string, node *yaml.Node) {
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := prefix + key.Value
		if value.Kind == yaml.MappingNode {
			keysOf(table, name+".", value)
			continue
		}
		shown := value.Value
		if value.Kind == yaml.SequenceNode {
			shown = "[]"
		}
		what := key.HeadComment
		if i == 0 && prefix == "" {
			what = what[strings.LastIndex(what, "\n\n")+1:] // above it is the file's own comment
		}
		what = strings.Join(strings.Fields(strings.ReplaceAll(what, "#", " ")), " ")
		fmt.Fprintf(table, "| `%s` | `IDP_%s` | `%s` | %s |\n", name, strings.ToUpper(strings.ReplaceAll(name, ".", "__")), shown, what)
	}
}

// logged is what the program's source says of its log: fields, and levels by the text of the line.
type logged struct {
	fields map[string]bool
	lines  map[string]string
	texts  map[string]bool // every text of the source: a few lines have theirs from a variable
}

// readLog looks at each call of a logger, which is called log or Log everywhere.
func readLog(t *testing.T) logged {
	t.Helper()
	l := logged{map[string]bool{"time": true, "level": true, "msg": true}, map[string]string{}, map[string]bool{}}
	set := token.NewFileSet()
	for _, folder := range []string{"cmd", "op", "login", "storage", "keys", "notify", "internal/clock", "internal/partykeys", "internal/serve", "internal/snapshot", "internal/web", "internal/wire", "internal/trace", "internal/upstream"} {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err == nil {
				ast.Inspect(file, l.see)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func (l logged) see(n ast.Node) bool {
	if text, ok := literal(n); ok {
		l.texts[text] = true
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return true
	}
	called, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return true
	}
	if of, ok := called.X.(*ast.Ident); ok && of.Name == "slog" && len(call.Args) == 2 { // slog.Any("error", err)
		if key, ok := literal(call.Args[0]); ok {
			l.fields[key] = true
		}
	}
	if called.Sel.Name == "fail" && len(call.Args) == 3 { // of the protocol's machine endpoints: it logs under this text
		if text, ok := literal(call.Args[1]); ok {
			l.lines[text] = "ERROR"
		}
	}
	level := strings.ToUpper(strings.TrimSuffix(called.Sel.Name, "Context"))
	args := call.Args
	if called.Sel.Name == "LogAttrs" {
		level = "INFO"
	}
	if !isLogger(called.X) || !slices.Contains([]string{"DEBUG", "INFO", "WARN", "ERROR"}, level) {
		return true
	}
	for len(args) > 0 { // what comes before the text: a context, a level
		text, ok := literal(args[0])
		if args = args[1:]; ok {
			l.lines[text] = level
			break
		}
	}
	for i := 0; i+1 < len(args); i += 2 { // "error", err
		key, ok := literal(args[i])
		if !ok {
			break
		}
		l.fields[key] = true
	}
	return true
}

func isLogger(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "log"
	case *ast.SelectorExpr:
		return x.Sel.Name == "Log" || x.Sel.Name == "log"
	}
	return false
}

func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

func TestEveryLineAndFieldOfTheLogIsDescribed(t *testing.T) {
	source := readLog(t)
	if len(source.lines) < 8 || len(source.fields) < 12 {
		t.Fatalf("found only %v", source)
	}
	text := read(t, "operating.md")
	text = text[strings.Index(text, "\n## Log\n"):]
	text = text[:strings.Index(text, "\n## Traces\n")]
	fields, lines, _ := strings.Cut(text, "| `msg` | level |")
	described := map[string]bool{}
	for _, names := range firstCells(fields) {
		for _, name := range names {
			described[name] = true
			if !source.fields[name] {
				t.Errorf("docs/operating.md describes a field %s that no line has", name)
			}
		}
	}
	for name := range source.fields {
		if !described[name] {
			t.Errorf("docs/operating.md does not describe the field %s", name)
		}
	}
	rows := firstCells(lines)
	for row, names := range rows {
		for _, name := range names {
			level, direct := source.lines[name]
			if !source.texts[name] || direct && !strings.Contains(row, "| "+level+" |") {
				t.Errorf("docs/operating.md: no such line is logged, or not on this level (%s): %s", level, row)
			}
			delete(source.lines, name)
		}
	}
	for line := range source.lines {
		t.Errorf("docs/operating.md does not describe the line %q", line)
	}
}

// firstCells are the names in the first cell of each row of a table, by row.
func firstCells(table string) map[string][]string {
	all := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\| .*$").FindAllStringSubmatch(table, -1) {
		for _, name := range regexp.MustCompile("`(.*?)`").FindAllStringSubmatch(row[1], -1) {
			all[row[0]] = append(all[row[0]], name[1])
		}
	}
	return all
}

// section compares a table in operating.md with what the program says, or writes it.
func section(t *testing.T, name, want string) {
	t.Helper()
	sectionOf(t, "operating.md", name, want)
}

// sectionOf compares a table of a document with what it is made from.
func sectionOf(t *testing.T, document, name, want string) {
	t.Helper()
	text := read(t, document)
	between := regexp.MustCompile(`(?s)(<!-- ` + name + `: [^\n]*-->\n).*?(<!-- end -->)`)
	if !between.MatchString(text) {
		t.Fatalf("docs/%s has no place for %s", document, name)
	}
	next := between.ReplaceAllStringFunc(text, func(found string) string {
		parts := between.FindStringSubmatch(found)
		return parts[1] + want + parts[2]
	})
	if next == text {
		return
	}
	if os.Getenv("UPDATE_DOCS") == "" {
		t.Errorf("docs/%s: the table of %s is not up to date: UPDATE_DOCS=1 go test ./docs. It should be:\n%s", document, name, want)
		return
	}
	if err := os.WriteFile(document, []byte(next), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
