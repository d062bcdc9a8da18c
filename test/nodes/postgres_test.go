package nodes_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
)

// postgres is a PostgreSQL server of the test's own, with PostgreSQL's own settings: it syncs every commit. It is there to
// be killed.
type postgres struct {
	t      *testing.T
	bin    string
	dir    string
	port   string
	dsn    string
	as     *syscall.SysProcAttr // who runs it: not root, which it refuses
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
	beside *sql.DB
}

// newPostgres makes a server and starts it.
func newPostgres(t *testing.T) *postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "nodes-postgres") // t.TempDir is in a folder that only its owner may enter
	must(t, "making a folder", err)
	g := &postgres{t: t, bin: postgresBin(t), dir: dir, port: freePort(t), as: &syscall.SysProcAttr{}}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // left behind, it harms nobody
	password := secret.ID()
	file := filepath.Join(dir, "password")
	must(t, "writing a password", os.WriteFile(file, []byte(password), 0o600))
	if os.Getuid() == 0 {
		g.asPostgres(dir, file)
	}
	init := exec.Command(filepath.Join(g.bin, "initdb"), "-D", g.data(), "-U", "postgres", "-A", "scram-sha-256", "--pwfile="+file, "-E", "UTF8", "--locale=C", "--no-sync")
	init.SysProcAttr, init.Dir = g.as, dir
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	g.dsn = "postgres://postgres:" + password + "@127.0.0.1:" + g.port + "/postgres?sslmode=disable"
	g.beside = openBeside(t, "pgx", g.dsn)
	t.Cleanup(g.stop)
	g.start()
	return g
}

// asPostgres lets the account that the package of PostgreSQL made run the server, and gives it the files.
func (g *postgres) asPostgres(files ...string) {
	g.t.Helper()
	account, err := user.Lookup("postgres")
	must(g.t, "finding the account postgres", err)
	uid, errUID := strconv.Atoi(account.Uid)
	gid, errGID := strconv.Atoi(account.Gid)
	must(g.t, "reading the account postgres", errors.Join(errUID, errGID))
	g.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	for _, file := range files {
		must(g.t, "giving a file away", os.Chown(file, uid, gid))
	}
}

// postgresBin is where the programs of PostgreSQL are: beside initdb in the PATH, or where packages put them.
func postgresBin(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/opt/homebrew/opt/postgresql*/bin/initdb", "/usr/local/opt/postgresql*/bin/initdb"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 { // the pattern is right
			return filepath.Dir(found[len(found)-1])
		}
	}
	t.Fatal("PostgreSQL is not installed (no initdb found)")
	return ""
}

func (g *postgres) data() string { return filepath.Join(g.dir, "data") }

// start starts the server, and returns when it accepts connections.
func (g *postgres) start() {
	g.t.Helper()
	log, err := os.OpenFile(filepath.Join(g.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(g.t, "opening the log", err)
	defer func() { _ = log.Close() }() // the server has its own
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if g.cmd == nil || g.over() { // it refuses while a process of the one before is ending
			cmd, ended := exec.Command(filepath.Join(g.bin, "postgres"), "-D", g.data(), "-h", "127.0.0.1", "-p", g.port, "-k", ""), make(chan struct{})
			cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = g.as, g.dir, log, log
			must(g.t, "starting PostgreSQL", cmd.Start())
			go func() {
				_ = cmd.Wait() // killed, mostly
				close(ended)
			}()
			g.cmd, g.ended = cmd, ended
		}
		if g.accepts() {
			return
		}
		if time.Now().After(end) {
			g.t.Fatalf("PostgreSQL does not accept connections within a minute:\n%s", g.said())
		}
	}
}

func (g *postgres) over() bool {
	select {
	case <-g.ended:
		return true
	default:
		return false
	}
}

func (g *postgres) accepts() bool {
	ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	return g.beside.PingContext(ctx) == nil
}

// kill ends all processes of the server with SIGKILL, the first one first, so that it cannot mend the others.
func (g *postgres) kill() {
	g.t.Helper()
	rows, err := g.beside.Query("SELECT pid FROM pg_stat_activity")
	must(g.t, "listing the processes of PostgreSQL", err)
	defer func() { _ = rows.Close() }() // read to its end
	var pids []int
	for rows.Next() {
		var pid int
		must(g.t, "listing the processes of PostgreSQL", rows.Scan(&pid))
		pids = append(pids, pid)
	}
	must(g.t, "killing PostgreSQL", g.cmd.Process.Kill())
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // fails when it went with the first
	}
	<-g.ended
}

// stop ends the server for good: nothing of it is kept.
func (g *postgres) stop() {
	if g.cmd == nil {
		return
	}
	_ = g.cmd.Process.Signal(syscall.SIGQUIT) // fails when it has ended
	select {
	case <-g.ended:
	case <-time.After(10 * time.Second):
		_ = g.cmd.Process.Kill() // as above
		<-g.ended
	}
	if g.t.Failed() {
		g.t.Logf("PostgreSQL wrote:\n%s", g.said())
	}
}

// said is the end of what the server wrote.
func (g *postgres) said() string {
	text, err := os.ReadFile(filepath.Join(g.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-5000):])
}
