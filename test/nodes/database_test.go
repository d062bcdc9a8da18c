package nodes_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// soonEnough ends a wait that would never end. It is no promise: how long it took is in the log.
const soonEnough = time.Minute

// TestKilledDatabaseLosesNothingThatWasAcknowledged kills PostgreSQL itself, all processes of it, at a random moment
// while people do all they can do, and starts it again. Nodes say that they are not ready, and come back by themselves;
// nobody hangs; what was answered before counts afterwards.
func TestKilledDatabaseLosesNothingThatWasAcknowledged(t *testing.T) {
	g := newDatabase(t)
	workers := times(t, "IDP_BROWSERS", browsers)
	p := serve(t, newSite(t, openBeside(t, "pgx", g.DSN)), g.DSN, workers, 2)
	m := newMix(t, p, workers)
	processes := p.processes()
	cycles := times(t, "IDP_CYCLES", 1)
	var sum tally
	var noticed, back time.Duration
	for k := range cycles {
		l := startLoad(p.through().whenBusy(), workers, false, m.begin(t))
		time.Sleep(moment(100*time.Millisecond, 1500*time.Millisecond))
		g.kill()
		noticed = max(noticed, p.become(http.StatusServiceUnavailable))
		g.start()
		back = max(back, p.become(http.StatusOK))
		l.progress(t, soonEnough)
		m.check(t, l, &sum)
		if now := p.processes(); !slices.Equal(now, processes) {
			t.Errorf("processes %v became %v", processes, now)
		}
		if t.Failed() {
			t.Fatalf("after kill %d of %d", k+1, cycles)
		}
		if (k+1)%10 == 0 {
			t.Logf("%d kills of %d, %d acknowledgements kept", k+1, cycles, sum.facts)
		}
	}
	sum.report(t, fmt.Sprintf("%d kills of PostgreSQL, noticed within %s, ready %s after it accepted connections",
		cycles, noticed.Round(time.Millisecond), back.Round(time.Millisecond)))
}

// processes are the live ones of the nodes.
func (p *pair) processes() (pids []int) {
	for _, n := range p.nodes {
		if n.Running() {
			pids = append(pids, n.Cmd.Process.Pid)
		}
	}
	return pids
}

// become waits until /readyz of every node has a status, and returns how long that took. /healthz is well all the time.
func (p *pair) become(status int) time.Duration {
	p.t.Helper()
	begun := time.Now()
	for i, n := range p.nodes {
		n.Soon(soonEnough, fmt.Sprintf("at %d", status), func() bool { return n.probe("/readyz") == status })
		if got := n.probe("/healthz"); got != http.StatusOK {
			p.t.Errorf("node %d: /healthz %d", i, got)
		}
	}
	return time.Since(begun)
}
