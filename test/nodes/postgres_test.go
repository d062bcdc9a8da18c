package nodes_test

import (
	"context"
	"database/sql"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/minddistrict/idp/test/postgres"
	"github.com/minddistrict/idp/test/program"
)

// database is a PostgreSQL server of the test's own, with PostgreSQL's own settings: it syncs every commit. It is there
// to be killed.
type database struct {
	*postgres.Server
	t       *testing.T
	process *program.Process
	beside  *sql.DB
}

// newDatabase makes a server and starts it.
func newDatabase(t *testing.T) *database {
	t.Helper()
	dir, err := os.MkdirTemp("", "nodes-postgres") // t.TempDir is in a folder that only its owner may enter
	must(t, "making a folder", err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // left behind, it harms nobody
	server, err := postgres.New(dir, program.FreePort(t))
	must(t, "making a PostgreSQL", err)
	g := &database{Server: server, t: t, beside: openBeside(t, "pgx", server.DSN)}
	g.start()
	return g
}

// start starts the server, and returns when it accepts connections.
func (g *database) start() {
	g.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if g.process == nil || !g.process.Running() { // it refuses while a process of the one before is ending
			process := program.Start(g.t, "PostgreSQL", g.Serve())
			g.t.Cleanup(func() { // before it is killed: it takes its shared memory with it
				_ = process.Cmd.Process.Signal(syscall.SIGQUIT) // fails when it has ended
				_ = process.Ends(program.StopTime)
			})
			g.process = process
		}
		if g.accepts() {
			return
		}
		if time.Now().After(end) {
			g.t.Fatalf("PostgreSQL does not accept connections within a minute:\n%s", g.process.Log)
		}
	}
}

func (g *database) accepts() bool {
	ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	return g.beside.PingContext(ctx) == nil
}

// kill ends all processes of the server with SIGKILL, the first one first, so that it cannot mend the others.
func (g *database) kill() {
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
	must(g.t, "killing PostgreSQL", g.process.Cmd.Process.Kill())
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // fails when it went with the first
	}
	<-g.process.Ended
}
