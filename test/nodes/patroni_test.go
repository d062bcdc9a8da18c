//go:build failover

package nodes_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/test/postgres"
	"github.com/minddistrict/idp/test/program"
)

// cluster is PostgreSQL on several machines under Patroni, with etcd, and haproxy in front, all on this one. What they
// are told is what docs/operating.md shows; only addresses, folders and passwords are others.
type cluster struct {
	t         *testing.T
	dir       string
	bin       string              // where the programs of PostgreSQL are
	as        *syscall.Credential // who runs everything
	passwords [2]string           // of postgres and of replicator
	etcd      string              // address
	entry     string              // address of haproxy
	machines  []*machine          // each may be the primary
	beside    []*service          // etcd, haproxy
}

// machine is one PostgreSQL with its Patroni.
type machine struct {
	cluster        *cluster
	name, dir      string
	database, rest string   // addresses of PostgreSQL and of Patroni
	config         string   // path
	patroni        *service // nil before it was started
}

// service is a process that goes on until it is told to end, in a group of its own.
type service struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// newCluster makes a cluster in which every standby streams, with the role and the database idp.
func newCluster(t *testing.T, machines int) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "failover") // t.TempDir is in a folder that only its owner may enter
	must(t, "making a folder", err)
	as, err := postgres.Account()
	must(t, "finding the account of PostgreSQL", err)
	c := &cluster{t: t, bin: packagedBin(t), dir: dir, as: as}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // left behind, it harms nobody
	must(t, "giving the folder away", postgres.Give(as, dir))
	c.passwords = [2]string{secret.ID(), secret.ID()}
	c.etcd, c.entry = "127.0.0.1:"+program.FreePort(t), "127.0.0.1:"+program.FreePort(t)
	for i := range machines {
		c.add(fmt.Sprintf("pg%d", i+1))
	}
	t.Cleanup(c.end)
	c.startEtcd()
	c.machines[0].start()
	c.soon("a first primary", func() bool { return c.machines[0].says("/primary") })
	for _, m := range c.machines[1:] {
		m.start()
	}
	c.startHaproxy()
	leader := c.whole()
	for _, text := range []string{"CREATE TABLE probe (round int)", "CREATE ROLE idp LOGIN PASSWORD 'idp'", "CREATE DATABASE idp OWNER idp"} {
		must(t, text, leader.exec(t.Context(), text))
	}
	return c
}

// packagedBin is where Debian's package has the programs of PostgreSQL. Patroni needs more of them than a
// server.
func packagedBin(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_rewind") // the pattern is right
	if len(found) == 0 {
		t.Fatal("PostgreSQL is not installed (no pg_rewind found): .ci/failover does it")
	}
	return filepath.Dir(found[len(found)-1])
}

// add prepares a machine.
func (c *cluster) add(name string) {
	c.t.Helper()
	m := &machine{cluster: c, name: name, dir: filepath.Join(c.dir, name), database: "127.0.0.1:" + program.FreePort(c.t), rest: "127.0.0.1:" + program.FreePort(c.t)}
	must(c.t, "making a folder", os.Mkdir(m.dir, 0o700))
	m.config = c.file(filepath.Join(name, "patroni.yml"), filled(c.t, documented(c.t, "/etc/patroni/config.yml"), [][2]string{
		{"name: pg1", "name: " + name},
		{"10.0.0.11:5432", m.database},
		{"10.0.0.11:8008", m.rest},
		{"10.0.0.21:2379,10.0.0.22:2379,10.0.0.23:2379", c.etcd},
		{"10.0.0.0/24", "127.0.0.0/8"},
		{"/var/lib/postgresql/15/idp", m.data()},
		{"/usr/lib/postgresql/15/bin", c.bin},
		{"/run/postgresql", m.dir},
		{"SUPERUSER-PASSWORD", c.passwords[0]},
		{"REPLICATION-PASSWORD", c.passwords[1]},
		{"mode: automatic", "mode: off"}, // it would reset this machine
	}))
	must(c.t, "giving files away", postgres.Give(c.as, m.dir, m.config))
	c.machines = append(c.machines, m)
}

// documented is the block of docs/operating.md that begins with a comment with the name of the file that it is.
func documented(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../../docs/operating.md"))
	must(t, "reading the document", err)
	block := regexp.MustCompile("(?s)\n```[a-z]*\n(# " + regexp.QuoteMeta(file) + "[^`]*)```\n").FindSubmatch(text)
	if block == nil {
		t.Fatalf("docs/operating.md has no block for %s", file)
	}
	return string(block[1])
}

// filled puts the values of a test in the place of those of a document, each of which must be there.
func filled(t *testing.T, block string, values [][2]string) string {
	t.Helper()
	for _, value := range values {
		if !strings.Contains(block, value[0]) {
			t.Fatalf("%q is not in the document:\n%s", value[0], block)
		}
		block = strings.ReplaceAll(block, value[0], value[1])
	}
	return block
}

// file writes a file that only who runs the cluster may read.
func (c *cluster) file(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	must(c.t, "writing a file", os.WriteFile(path, []byte(text), 0o600))
	must(c.t, "giving a file away", postgres.Give(c.as, path))
	return path
}

// run starts a service. What it writes is appended to the file NAME.log.
func (c *cluster) run(name, program string, args ...string) *service {
	c.t.Helper()
	log, err := os.OpenFile(filepath.Join(c.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(c.t, "opening a log", err)
	defer func() { _ = log.Close() }() // the service has its own
	s := &service{exec.Command(program, args...), make(chan struct{})}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.as}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = c.dir, log, log
	s.cmd.Env = []string{"HOME=" + filepath.Join(c.dir, name), "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	must(c.t, "starting "+program, s.cmd.Start())
	go func() {
		_ = s.cmd.Wait() // killed, mostly
		close(s.ended)
	}()
	return s
}

// signal signals the service and what it started in its group.
func (s *service) signal(what syscall.Signal) {
	_ = syscall.Kill(-s.cmd.Process.Pid, what) // fails when it has ended
}

func (c *cluster) startEtcd() {
	c.t.Helper()
	client, peers := "http://"+c.etcd, "http://127.0.0.1:"+program.FreePort(c.t)
	c.beside = append(c.beside, c.run("etcd", "etcd", "--enable-v2", "--name", "one", "--data-dir", filepath.Join(c.dir, "etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "one="+peers))
	c.soon("etcd is healthy", func() bool { return status(client+"/health") == http.StatusOK })
}

func (c *cluster) startHaproxy() {
	c.t.Helper()
	block := documented(c.t, "/etc/haproxy/haproxy.cfg")
	values := [][2]string{{"127.0.0.1:5432", c.entry}}
	for i, m := range c.machines {
		_, port, _ := strings.Cut(m.rest, ":")
		values = append(values, [2]string{fmt.Sprintf("10.0.0.1%d:5432 check port 8008", i+1), m.database + " check port " + port})
	}
	block = filled(c.t, block, values)
	block = regexp.MustCompile(`(?m)^ *server .* 10\.0\.0\..*\n`).ReplaceAllString(block, "") // machines that are not there
	c.beside = append(c.beside, c.run("haproxy", "/usr/sbin/haproxy", "-db", "-f", c.file("haproxy.cfg", block)))
}

// dsn leads through haproxy to whichever machine is the primary.
func (c *cluster) dsn() string { return "postgres://idp:idp@" + c.entry + "/idp?sslmode=disable" }

// soon waits until something holds.
func (c *cluster) soon(what string, holds func() bool) {
	c.t.Helper()
	for end := time.Now().Add(giveUp); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("not within %s: %s", giveUp, what)
		}
	}
}

// whole waits until there is one primary, all others stream from it and one of them is its synchronous standby for
// PostgreSQL and for Patroni, and returns the primary.
func (c *cluster) whole() (leader *machine) {
	c.t.Helper()
	c.soon("one primary, and all others stream", func() bool {
		leader = c.leader()
		return leader != nil
	})
	return leader
}

func (c *cluster) leader() (leader *machine) {
	synchronous := 0
	for _, m := range c.machines {
		switch {
		case m.says("/primary"):
			if leader != nil {
				return nil
			}
			leader = m
		case m.says("/synchronous"):
			synchronous++
		case !m.says("/replica"):
			return nil
		}
	}
	if leader == nil || synchronous == 0 {
		return nil
	}
	var streaming, waitedFor int
	const query = `SELECT COUNT(*), COUNT(*) FILTER (WHERE sync_state = 'sync') FROM pg_stat_replication WHERE state = 'streaming'`
	err := leader.ask(c.t.Context(), func(ctx context.Context, db *pgx.Conn) error {
		return db.QueryRow(ctx, query).Scan(&streaming, &waitedFor)
	})
	if err != nil || streaming != len(c.machines)-1 || waitedFor == 0 {
		return nil
	}
	return leader
}

// end ends everything, and shows what was written when the test failed.
func (c *cluster) end() {
	for _, m := range c.machines {
		if m.patroni != nil {
			m.patroni.signal(syscall.SIGKILL)
			<-m.patroni.ended
		}
	}
	for _, m := range c.machines {
		m.endPostgres()
	}
	for _, s := range c.beside {
		s.signal(syscall.SIGKILL)
		<-s.ended
	}
	if !c.t.Failed() {
		return
	}
	logs, _ := filepath.Glob(filepath.Join(c.dir, "*.log")) // the pattern is right
	for _, log := range logs {
		text, _ := os.ReadFile(log) // of a test that failed already
		c.t.Logf("%s:\n%s", filepath.Base(log), text[max(0, len(text)-20000):])
	}
}

func (m *machine) data() string { return filepath.Join(m.dir, "data") }

// start starts Patroni, which starts PostgreSQL.
func (m *machine) start() {
	m.cluster.t.Helper()
	m.patroni = m.cluster.run(m.name, "patroni", m.config)
}

// says reports whether Patroni answers a question about its PostgreSQL with yes.
func (m *machine) says(question string) bool {
	return status("http://"+m.rest+question) == http.StatusOK
}

// status is what an address answers within a second; 0 is no answer.
func status(address string) int {
	res, err := (&http.Client{Timeout: time.Second}).Get(address)
	if err != nil {
		return 0
	}
	_ = res.Body.Close() // nothing of it is read
	return res.StatusCode
}

// ask does something on PostgreSQL itself, past haproxy, in a connection of its own that must be there within a second.
func (m *machine) ask(ctx context.Context, what func(context.Context, *pgx.Conn) error) error {
	db, err := pgx.Connect(ctx, "postgres://postgres:"+m.cluster.passwords[0]+"@"+m.database+"/postgres?sslmode=disable&connect_timeout=1")
	if err != nil {
		return err
	}
	defer func() { // it may have ended
		ctx, done := context.WithTimeout(context.Background(), time.Second)
		defer done()
		_ = db.Close(ctx)
	}()
	return what(ctx, db)
}

func (m *machine) exec(ctx context.Context, text string) error {
	return m.ask(ctx, func(ctx context.Context, db *pgx.Conn) error {
		_, err := db.Exec(ctx, text)
		return err
	})
}

// promoted reports whether PostgreSQL is no standby. It may still wait for a standby of its own before it answers a
// commit.
func (m *machine) promoted(ctx context.Context) bool {
	ctx, done := context.WithTimeout(ctx, 2*time.Second)
	defer done()
	standby := true
	err := m.ask(ctx, func(ctx context.Context, db *pgx.Conn) error {
		return db.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby)
	})
	return err == nil && !standby
}

// signalPostgres signals all processes of PostgreSQL, and returns which. The first one is stopped before the others are
// listed, so that it makes no more.
func (m *machine) signalPostgres(what syscall.Signal) (all []int) {
	first := m.postmaster()
	if first == 0 {
		return nil
	}
	_ = syscall.Kill(first, syscall.SIGSTOP) // fails when it has ended, as below
	all = append([]int{first}, children(first)...)
	for _, pid := range all {
		_ = syscall.Kill(pid, what)
	}
	return all
}

// postmaster is the first process of PostgreSQL; 0 is none.
func (m *machine) postmaster() int {
	text, _ := os.ReadFile(filepath.Join(m.data(), "postmaster.pid")) // none: not running
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return 0
	}
	command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // of one that was killed the file stays
	if !strings.Contains(string(command), m.data()) {
		return 0
	}
	return pid
}

func children(parent int) (pids []int) {
	paths, _ := filepath.Glob("/proc/[0-9]*/status") // the pattern is right
	for _, path := range paths {
		text, _ := os.ReadFile(path) // it may have ended
		if !strings.Contains(string(text), fmt.Sprintf("\nPPid:\t%d\n", parent)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// endPostgres ends PostgreSQL for good; Patroni is gone.
func (m *machine) endPostgres() {
	first := m.postmaster()
	if first == 0 {
		return
	}
	m.signalPostgres(syscall.SIGCONT)
	_ = syscall.Kill(first, syscall.SIGQUIT) // fails when it has ended
	for end := time.Now().Add(10 * time.Second); m.postmaster() != 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			m.signalPostgres(syscall.SIGKILL)
			return
		}
	}
}
