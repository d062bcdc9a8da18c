//go:build clients

package clients_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/program"
)

// tools is where the packages of npm are, and the programs that use them.
const tools = "../../testdata/tools"

func TestMain(m *testing.M) {
	code := program.Main(m)
	results.print()
	os.Exit(code)
}

// TestClients runs all clients at the same time against one server on PostgreSQL; the refreshes of many at once run
// on SQLite too. What people sign in at has a server for itself.
func TestClients(t *testing.T) {
	t.Cleanup(func() { results.explain(t, "idp serve") }) // runs last
	t.Cleanup(func() { everyBlockRan(t) })
	postgres := newHouse(t, idptest.EmptyPostgres(t))
	sqlite := newHouse(t, "sqlite:"+filepath.Join(t.TempDir(), "idp.db"))
	registerJournal(t, postgres)
	for _, client := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"mod_auth_openidc", func(t *testing.T) { apache(t, postgres) }},
		{"Spring Security", func(t *testing.T) { spring(t, postgres) }},
		{"resource servers", func(t *testing.T) { resourceServers(t, postgres) }},
		{"openid-client", func(t *testing.T) { openidClient(t, postgres) }},
		{"openid-client with keys", func(t *testing.T) { openidClientWithKeys(t, postgres) }},
		{"oidc-client-ts", func(t *testing.T) { singlePage(t, postgres) }},
		{"curl", func(t *testing.T) { curl(t, postgres) }},
		{"oauth2-proxy", func(t *testing.T) { oauth2Proxy(t, postgres) }},
		{"Django", func(t *testing.T) { django(t, postgres) }},
		{"AppAuth", func(t *testing.T) { appAuth(t, postgres) }},
		{"mobile app", func(t *testing.T) { mobileApp(t, postgres) }},
		{"go-oidc", func(t *testing.T) { goOIDC(t, postgres) }},
		{"zitadel rp", func(t *testing.T) { zitadelRP(t, postgres) }},
		{"SimpleSAMLphp", func(t *testing.T) { simpleSAMLphp(t, newHouse(t, idptest.EmptyPostgres(t))) }},
		{"oidc-provider", func(t *testing.T) { oidcProvider(t, newHouse(t, idptest.EmptyPostgres(t))) }},
		{"refreshes at once, PostgreSQL", func(t *testing.T) { refreshesAtOnce(t, postgres, "PostgreSQL") }},
		{"refreshes at once, SQLite", func(t *testing.T) { refreshesAtOnce(t, sqlite, "SQLite") }},
	} {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() { results.explain(t, client.name) }) // runs after all cleanups of the client
			client.run(t)
		})
	}
}

// results is the table, in the order in which the checks ended.
var results table

type table struct {
	sync.Mutex
	rows []result
}

// result is what became of one check of one client.
type result struct {
	test                     string // of the client
	client, version, checked string
	passed                   bool
}

// explain adds a row when a client, or the server, failed outside the checks: it is missing, does not start, or complained.
func (b *table) explain(t *testing.T, name string) {
	b.Lock()
	defer b.Unlock()
	if t.Failed() && !slices.ContainsFunc(b.rows, func(r result) bool { return strings.HasPrefix(r.test, t.Name()) && !r.passed }) {
		b.rows = append(b.rows, result{t.Name(), name, "", "installed, starts, ends without complaints", false})
	}
}

// client is a client under test.
type client struct {
	t             *testing.T
	name, version string
}

// check runs one check of the client, and ends the test of the client when it fails: the next ones build on it.
func (c client) check(what string, run func(t *testing.T)) {
	c.t.Helper()
	passed := c.t.Run(what, run)
	results.Lock()
	results.rows = append(results.rows, result{c.t.Name(), c.name, c.version, what, passed})
	results.Unlock()
	if !passed {
		c.t.FailNow()
	}
}

// print writes the table, a client after the other.
func (b *table) print() {
	b.Lock()
	defer b.Unlock()
	slices.SortStableFunc(b.rows, func(x, y result) int { return strings.Compare(x.client, y.client) })
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nCLIENT\tVERSION\tCHECKED\tRESULT") // into memory, as all below
	failed := 0
	for _, r := range b.rows {
		word := "passed"
		if !r.passed {
			word = "FAILED"
			failed++
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.client, r.version, r.checked, word)
	}
	_ = w.Flush()
	fmt.Printf("%s%d checks, %d failed\n\n", out.String(), len(b.rows), failed)
}

// npmVersion is the version of an installed package of npm.
func npmVersion(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tools, "node_modules", name, "package.json"))
	if err != nil {
		t.Fatalf("%s is missing (.ci/prepare installs it): %v", name, err)
	}
	var about struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(text, &about); err != nil || about.Version == "" {
		t.Fatalf("%s: no version: %v", name, err)
	}
	return about.Version
}

// moduleVersion is the version of a Go module that this one is built with.
func moduleVersion(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		t.Fatalf("version of %s: %v", path, err)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
}
