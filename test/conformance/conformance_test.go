package conformance_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/conformance"
	"github.com/minddistrict/idp/test/program"
)

var update = flag.Bool("update", false, "write the table of results into docs/conformance.md")

// suiteBase is where the official suite is reached when it runs on this machine.
const suiteBase = "https://localhost.emobix.co.uk:8443"

// placeholder is the issuer in the files of testdata/conformance.
const placeholder = "https://idp.example.org/p/linde"

// tables are the results of all runs, printed at the end.
var tables struct {
	sync.Mutex
	bytes.Buffer
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := program.Main(m)
	fmt.Print(tables.String())
	os.Exit(code)
}

// testdata reads a file of testdata/conformance for an issuer.
func testdata(t *testing.T, name, issuer string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "conformance", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), placeholder, issuer)
}

// plan is the plan configuration for an issuer.
func plan(t *testing.T, issuer string) conformance.Config {
	t.Helper()
	return configuration(t, "plan.json", issuer)
}

// plans are the configurations of those plans that have other parties.
func plans(t *testing.T, issuer string) map[string]conformance.Config {
	t.Helper()
	return map[string]conformance.Config{
		conformance.Security.Name: configuration(t, "plan-fapi2.json", issuer),
		conformance.Messages.Name: configuration(t, "plan-fapi2-signed.json", issuer),
	}
}

func configuration(t *testing.T, name, issuer string) conformance.Config {
	t.Helper()
	c, err := conformance.Parse([]byte(testdata(t, name, issuer)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// check runs plans, or all. A warning is as bad as a failure; only skipping needs no more than a reason.
func check(t *testing.T, title string, s *conformance.Suite, plans ...conformance.Plan) []conformance.Result {
	t.Helper()
	if plans == nil {
		plans = conformance.Plans
	}
	results := s.Run(t.Context(), plans...)
	for _, r := range results {
		if r.Status == conformance.Failed || r.Status == conformance.Warned {
			t.Errorf("%s %s: %s\n\t%s", r.Plan, r.Module, r.Status, strings.Join(r.Notes, "\n\t"))
		}
	}
	tables.Lock()
	defer tables.Unlock()
	if err := conformance.Table(&tables, title, results); err != nil {
		t.Error(err)
	}
	return results
}

// inProcess sets a house up on SQLite, whose clock moves when a module waits.
func inProcess(t *testing.T, issuer string) *conformance.Suite {
	t.Helper()
	house := idptest.NewServer(t, idptest.SQLite(t))
	house.Apply(testdata(t, "apply.yaml", issuer))
	told := &conformance.Receiver{}
	house.Site(strings.TrimPrefix(suiteBase, "https://"), told)
	sleep := func(d time.Duration) {
		if err := house.Deliver(t.Context()); err != nil {
			t.Error(err)
		}
		house.Clock.Later(d)
	}
	return &conformance.Suite{
		Config: plan(t, issuer), Configs: plans(t, issuer), Base: suiteBase, HTTP: house, Now: house.Clock.Now, Sleep: sleep, Told: told, Parallel: 1,
	}
}

func TestHostIssuer(t *testing.T) {
	t.Parallel()
	check(t, "in process, SQLite, https://login.linde.test", inProcess(t, "https://login.linde.test"))
}

func TestPathIssuer(t *testing.T) {
	t.Parallel()
	results := check(t, "in process, SQLite, https://id.test/p/linde", inProcess(t, "https://id.test/p/linde"))
	compareDocument(t, results)
	compareEndings(t, results)
}

// compareEndings compares the results with what docs/conformance.md says of the official suite: which modules end SKIPPED
// (its script reads them from a file), and how many end in REVIEW, because a person looks at a picture.
func compareEndings(t *testing.T, results []conformance.Result) {
	t.Helper()
	var expected []struct {
		Module string `json:"test-name"`
	}
	text, err := os.ReadFile("../../testdata/conformance/expected-skips.json")
	if err == nil {
		err = json.Unmarshal(text, &expected)
	}
	if err != nil {
		t.Fatal(err)
	}
	skips, skipped, reviews := map[string]bool{}, map[string]bool{}, 0
	for _, e := range expected {
		skips[e.Module] = true
	}
	for _, r := range results {
		if r.Status == conformance.Skipped {
			skipped[r.Module] = true
		}
		if r.Pictured {
			reviews++
		}
	}
	if !maps.Equal(skips, skipped) {
		t.Errorf("skipped are %v, expected-skips.json has %v", skipped, skips)
	}
	if reviews != 22 {
		t.Errorf("%d modules end in REVIEW, docs/conformance.md says twenty-two", reviews)
	}
}

// compareDocument keeps the table in docs/conformance.md true; -update writes it.
func compareDocument(t *testing.T, results []conformance.Result) {
	t.Helper()
	const path, begin, end = "../../docs/conformance.md", "<!-- results -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s: no %s … %s", path, begin, end)
	}
	var table bytes.Buffer
	if err := conformance.Document(&table, results); err != nil {
		t.Fatal(err)
	}
	want := before + begin + "\n" + table.String() + "\n" + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("%s: the table differs from the run: go test ./test/conformance -run TestPathIssuer -update", path)
	}
}
