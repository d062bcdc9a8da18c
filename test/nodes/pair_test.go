package nodes_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
)

// program is the path of the built binary.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nodes")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // left behind, it harms nobody
	program = filepath.Join(dir, "idp")
	args := append(append([]string{"build"}, buildFlags...), "-o", program, "../../cmd/idp")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building idp: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

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
	site
	t      *testing.T
	dir    string
	master string
	env    []string // of all commands: nothing of ours leaks in
	nodes  []*node
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
	p := &pair{site: s, t: t, dir: t.TempDir(), master: keys.NewMaster()}
	p.env = []string{
		"HOME=" + p.dir, "USER=operator", "PATH=/nowhere", "GORACE=atexit_sleep_ms=10", // instead of a second at each end
		"IDP_LOG__LEVEL=warn", "IDP_LISTEN=127.0.0.1:0", "IDP_OUTBOUND__ALLOW=127.0.0.0/8", "IDP_DATABASE=" + dsn,
		"IDP_MASTER_KEYS_FILE=" + p.file("master-keys", p.master+"\n"),
	}
	// One machine plays two: together the nodes use its cores once, and whoever waits is not turned away.
	p.env = append(p.env, "IDP_HASH__WORKERS=1", "IDP_HASH__QUEUE=200")
	p.env = append(p.env, "IDP_ARRIVALS__AT_ONCE=1000000", "IDP_ARRIVALS__PER_SECOND=10000") // everybody is one source here
	p.idp("migrate")
	p.idp("apply", p.file("house.yaml", house(p.issuer, accounts)))
	for range nodes {
		n := &node{pair: p, address: "127.0.0.1:" + freePort(t), operator: "127.0.0.1:" + freePort(t)}
		p.nodes, p.balancer.nodes = append(p.nodes, n), append(p.balancer.nodes, n.address)
		n.start()
	}
	for _, n := range p.nodes {
		n.ready(20 * time.Second)
	}
	return p
}

// file writes a file of the installation that only its owner may read.
func (p *pair) file(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// idp runs a command that must work, in a process of its own, and returns its output.
func (p *pair) idp(args ...string) string {
	p.t.Helper()
	ctx, done := context.WithTimeout(p.t.Context(), 60*time.Second)
	defer done()
	c := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	c.Env, c.Dir, c.Stdout, c.Stderr = p.env, p.dir, &out, &errs
	if err := c.Run(); err != nil {
		p.t.Fatalf("idp %s: %v\n%s%s", strings.Join(args, " "), err, &errs, &out)
	}
	return out.String()
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
	pair     *pair
	address  string
	operator string
	cmd      *exec.Cmd
	log      *buffer
	ended    chan struct{} // closed when the process has ended
}

// start starts the process. What it logs is looked at when the test is over.
func (n *node) start() {
	t := n.pair.t
	t.Helper()
	cmd, log, ended := exec.Command(program, "serve"), &buffer{}, make(chan struct{})
	cmd.Env = append(append([]string{}, n.pair.env...), "IDP_LISTEN="+n.address, "IDP_OPERATOR_LISTEN="+n.operator)
	cmd.Dir, cmd.Stderr = n.pair.dir, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails when it has ended
		<-ended
		text := log.String()
		for _, bad := range []string{"DATA RACE", "goroutine ", "panic"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s in the log of a node", bad)
			}
		}
		if t.Failed() {
			t.Logf("node %s wrote at last:\n%s", n.address, text[max(0, len(text)-20000):])
		}
	})
	n.cmd, n.log, n.ended = cmd, log, ended
}

// ready waits until the node says that it is.
func (n *node) ready(within time.Duration) {
	n.pair.t.Helper()
	n.soon(within, "ready", func() bool { return n.probe("/readyz") == http.StatusOK })
}

// probe asks the operator's listener; 0 is no answer.
func (n *node) probe(path string) int {
	answer, err := newDoor("http://"+n.operator, n.operator).get(path, nil)
	if err != nil {
		return 0
	}
	return answer.status
}

// soon waits until something holds, and fails the test when it does not in time or the process has ended.
func (n *node) soon(within time.Duration, what string, holds func() bool) {
	t := n.pair.t
	t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(10 * time.Millisecond) {
		select {
		case <-n.ended:
			t.Fatalf("node not %s: it ended with %d:\n%s", what, n.cmd.ProcessState.ExitCode(), n.log)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("node not %s within %s:\n%s", what, within, n.log)
		}
	}
}

// kill ends the process as a power cut does.
func (n *node) kill() {
	n.pair.t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		n.pair.t.Fatal(err)
	}
	<-n.ended
}

// terminate asks the process to end, as an operator does.
func (n *node) terminate() {
	n.pair.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.pair.t.Fatal(err)
	}
}

// stops waits for the end; the process must be content.
func (n *node) stops() {
	t := n.pair.t
	t.Helper()
	select {
	case <-n.ended:
	case <-time.After(25 * time.Second):
		t.Fatalf("still running 25 s after SIGTERM:\n%s", n.log)
	}
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d after SIGTERM:\n%s", code, n.log)
	}
}

// buffer is written by a process while the test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// ports are those that freePort gave: nobody listens on them yet, or not at the moment.
var ports sync.Map

// freePort is a port that nobody listens on and that was not given before, below those that outgoing connections use: while
// a node is down, none of them takes its port.
func freePort(t *testing.T) string {
	t.Helper()
	for range 50 {
		port := strconv.Itoa(10000 + int(binary.BigEndian.Uint16(secret.Bytes(2)))%10000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close() // it only tried the number
			if _, given := ports.LoadOrStore(port, true); !given {
				return port
			}
		}
	}
	t.Fatal("no free port")
	return ""
}

// hash is how a token or code is stored.
func hash(token string) []byte { return secret.Hash(token) }
