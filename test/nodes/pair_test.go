package nodes_test

import (
	"database/sql"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/test/program"
)

// The program has the race detector when its tests have it; what it reports fails the test.
func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Race...)) }

// times reads how often a test repeats itself: a variable for large runs, few otherwise.
func times(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: a number from 1", variable, text)
	}
	return n
}

// pair is one installation behind a balancer: two nodes on one PostgreSQL or, where the database is a file, one.
type pair struct {
	*program.Install
	site
	t     *testing.T
	nodes []*node
}

// site is nodes as people and parties see them, and the database beside them.
type site struct {
	issuer   string
	balancer *balancer
	sql      *sql.DB
}

// newPair sets up the house with accounts p0, p1, … beside Anna's, and serves it on two nodes that reach the database by
// via; "" is its own address.
func newPair(t *testing.T, accounts int, via func(dsn string) string) *pair {
	t.Helper()
	dsn := idptest.EmptyPostgres(t)
	s := newSite(t, openBeside(t, "pgx", dsn))
	if via != nil {
		dsn = via(dsn)
	}
	return serve(t, s, dsn, accounts, 2)
}

// newAlone is the same on SQLite, of which one node serves.
func newAlone(t *testing.T, accounts int) *pair {
	t.Helper()
	path := filepath.Join(t.TempDir(), "idp.db")
	beside := openBeside(t, "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	return serve(t, newSite(t, beside), "sqlite:"+path, accounts, 1)
}

// openBeside opens a database for the test itself. It keeps no connection, because what is at the other end is killed.
func openBeside(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	beside, err := sql.Open(driver, dsn)
	must(t, "opening the database", err)
	beside.SetMaxIdleConns(-1)
	t.Cleanup(func() { _ = beside.Close() }) // the test is over
	return beside
}

// serve sets up the house in an empty database and starts as many nodes.
func serve(t *testing.T, s site, dsn string, accounts, nodes int) *pair {
	t.Helper()
	p := &pair{Install: program.NewInstall(t, dsn), site: s, t: t}
	p.Env = append(p.Env, "IDP_LOG__LEVEL=warn", "IDP_LISTEN=127.0.0.1:0", "IDP_OUTBOUND__ALLOW=127.0.0.0/8")
	// One machine plays two: together the nodes use its cores once, and whoever waits is not turned away.
	p.Env = append(p.Env, "IDP_HASH__WORKERS=1", "IDP_HASH__QUEUE=200")
	p.Env = append(p.Env, "IDP_ARRIVALS__AT_ONCE=1000000", "IDP_ARRIVALS__PER_SECOND=10000") // everybody is one source here
	p.OK("migrate")
	p.OK("apply", p.File("house.yaml", house(p.issuer, accounts).File()))
	for range nodes {
		n := &node{pair: p, address: "127.0.0.1:" + program.FreePort(t), operator: "127.0.0.1:" + program.FreePort(t)}
		p.nodes, p.balancer.nodes = append(p.nodes, n), append(p.balancer.nodes, n.address)
		n.start()
	}
	for _, n := range p.nodes {
		n.ready(20 * time.Second)
	}
	return p
}

// settled waits until what was declared counts on all nodes.
func (p *pair) settled() {
	p.t.Helper()
	for _, n := range p.nodes {
		program.SettingsCount(p.t, n.operator)
	}
}

func newSite(t *testing.T, beside *sql.DB) site {
	t.Helper()
	b := newBalancer(t)
	_, port, _ := net.SplitHostPort(b.address) // it listens there
	return site{"http://localhost:" + port, b, beside}
}

// through is the way of everybody outside: by the balancer.
func (s *site) through() door { return newDoor(s.issuer, s.balancer.address) }

// at is the way to one node.
func (s *site) at(i int) door { return newDoor(s.issuer, s.balancer.nodes[i]) }

// twice are ways to two nodes, which of them first goes by turns; where there is one node, both lead to it.
func (s *site) twice(turn int) [2]door {
	n := len(s.balancer.nodes)
	return [2]door{s.at(turn % n), s.at((turn + 1) % n)}
}

// row reads one number from the database itself.
func (s *site) row(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	must(t, query, s.sql.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// change changes rows in the database itself: mostly their times, because those of the clocks of processes go their way.
func (s *site) change(t *testing.T, statement string, args ...any) {
	t.Helper()
	_, err := s.sql.ExecContext(t.Context(), statement, args...)
	must(t, statement, err)
}

// node is one `idp serve`, started and ended as often as a test wants.
type node struct {
	*program.Process
	pair     *pair
	address  string
	operator string
}

// start starts the process. What it logs is looked at when the test is over.
func (n *node) start() {
	n.pair.t.Helper()
	n.Process = n.pair.Start([]string{"serve"}, "IDP_LISTEN="+n.address, "IDP_OPERATOR_LISTEN="+n.operator)
}

// ready waits until the node says that it is.
func (n *node) ready(within time.Duration) {
	n.pair.t.Helper()
	n.Soon(within, "ready", func() bool { return n.probe("/readyz") == http.StatusOK })
}

// probe asks the operator's listener; 0 is no answer.
func (n *node) probe(path string) int {
	answer, err := newDoor("http://"+n.operator, n.operator).get(path, nil)
	if err != nil {
		return 0
	}
	return answer.status
}

// stops waits for the end; the process must be content.
func (n *node) stops() {
	n.pair.t.Helper()
	if code := n.Ends(program.StopTime); code != 0 {
		n.pair.t.Errorf("exit code %d after SIGTERM:\n%s", code, n.Log)
	}
}

// hash is how a token or code is stored.
func hash(token string) []byte { return secret.Hash(token) }
