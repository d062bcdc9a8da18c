//go:build failover

package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	giveUp = 3 * time.Minute // ends a wait that would never end
	spares = 8               // accounts for each node, by which it is found out when people can sign in again
)

// strike is a way in which a primary goes away, and how it comes back.
type strike struct {
	name string
	hit  func(*machine)
	back func(*machine)
}

// strikes are what is done to the primary, in turns.
var strikes = []strike{
	{
		"PostgreSQL killed",
		func(m *machine) { m.signalPostgres(syscall.SIGKILL) },
		func(*machine) {}, // by its Patroni, which is alive
	},
	{
		"both killed",
		func(m *machine) {
			m.patroni.signal(syscall.SIGKILL)
			m.signalPostgres(syscall.SIGKILL)
			<-m.patroni.ended
		},
		(*machine).start,
	},
	{
		"both frozen",
		func(m *machine) {
			m.patroni.signal(syscall.SIGSTOP)
			m.signalPostgres(syscall.SIGSTOP)
		},
		func(m *machine) { // still a primary, as far as it knows
			m.signalPostgres(syscall.SIGCONT)
			m.patroni.signal(syscall.SIGCONT)
		},
	},
}

// switchover is what an operator does before the primary's machine is updated.
var switchover = strike{
	"switchover",
	func(m *machine) {
		c := exec.Command("patronictl", "-c", m.config, "switchover", "--force")
		c.SysProcAttr, c.Dir = &syscall.SysProcAttr{Credential: m.cluster.as}, m.dir
		c.Env = []string{"HOME=" + m.dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
		if out, err := c.CombinedOutput(); err != nil {
			m.cluster.t.Errorf("patronictl switchover: %v\n%s", err, out)
		}
	},
	func(*machine) {},
}

// TestFailoverLosesNothingThatWasAcknowledged kills the primary of a cluster under Patroni while people do all they can do
// (docs/operating.md, "A PostgreSQL that fails over"). Nodes are not restarted, people can sign in by each of them within 5
// seconds of the next primary taking writes, and what was answered before counts afterwards.
func TestFailoverLosesNothingThatWasAcknowledged(t *testing.T) {
	c := newCluster(t, times(t, "IDP_POSTGRES_MACHINES", 2))
	workers := times(t, "IDP_BROWSERS", browsers)
	p := serve(t, newSite(t, openBeside(t, "pgx", c.dsn())), c.dsn(), workers+2*spares, 2)
	r := &rounds{pair: p, cluster: c, mix: newMix(t, p, workers), spare: workers, processes: p.processes()}
	kills := times(t, "IDP_FAILOVERS", 3)
	for k := range kills {
		r.round(t, fmt.Sprintf("kill %d of %d", k+1, kills), strikes[k%len(strikes)])
	}
	r.round(t, "planned", switchover)
	r.report(t, kills)
}

// rounds are kills one after the other, and what they have shown.
type rounds struct {
	*pair
	*cluster
	mix       *mix
	spare     int   // the first account that has no browser
	processes []int // of the nodes
	sum       tally
	all       []round
	late      []string // rounds in which people waited longer than was promised; the others go on
}

// round is one kill: what came how long after it.
type round struct {
	strike   string
	promoted time.Duration    // another machine is the primary
	writes   time.Duration    // it answers commits, and goes on doing so until people signed in
	logins   [2]time.Duration // somebody signed in by each node
}

// ours is what people wait longer than Patroni needs.
func (r round) ours() time.Duration { return r.login() - r.writes }

func (r round) login() time.Duration { return max(r.logins[0], r.logins[1]) }

// round strikes the primary at a random moment, and waits until it is a standby.
func (r *rounds) round(t *testing.T, name string, how strike) {
	old := r.whole()
	l := startLoad(r.through().whenBusy(), len(r.mix.members), false, r.mix.begin(t))
	l.progress(t, soonEnough)
	time.Sleep(moment(100*time.Millisecond, 1500*time.Millisecond))
	begun := time.Now()
	how.hit(old)
	got := r.watch(t, old, how, begun)
	l.progress(t, soonEnough)
	next := r.whole() // people go on meanwhile
	whole := time.Since(begun)
	if next == old {
		t.Errorf("%s: %s is the primary again", name, old.name)
	}
	for i := range len(got.logins) * spares { // tries whose answer was lost, by somebody who did not try again
		r.change(t, `DELETE FROM attempts WHERE owner = $1`, r.mix.owner(email(r.spare+i)))
	}
	r.mix.check(t, l, &r.sum)
	if now := r.pair.processes(); !slices.Equal(now, r.processes) {
		t.Errorf("processes %v became %v", r.processes, now)
	}
	if got.ours() > backAfter {
		r.late = append(r.late, fmt.Sprintf("%s: people sign in %s after the next primary takes writes, want %s", name, got.ours(), backAfter))
	}
	r.all = append(r.all, got)
	busy, _ := os.ReadFile("/proc/loadavg") // only told
	t.Logf("%s, %s of %s: %s primary after %s, takes writes after %s, people sign in after %s and %s; all whole after %s; load %.4s",
		name, how.name, old.name, next.name, short(got.promoted), short(got.writes), short(got.logins[0]), short(got.logins[1]), short(whole), busy)
	if t.Failed() {
		t.Fatalf("after %s", name)
	}
}

// watch waits until people sign in by both nodes, and measures. With two machines the old primary comes back as soon as the
// other one is the primary, which answers no commit before; with more it stays away until people sign in.
func (r *rounds) watch(t *testing.T, old *machine, how strike, begun time.Time) (got round) {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), giveUp)
	defer done()
	got.strike = how.name
	var all sync.WaitGroup
	promoted := make(chan time.Duration, len(r.machines))
	var writes atomic.Int64 // a time.Duration
	for _, m := range r.machines {
		if m != old {
			all.Go(func() { m.takesOver(ctx, begun, promoted, &writes) })
		}
	}
	var logins sync.WaitGroup
	for i := range got.logins {
		logins.Go(func() { got.logins[i] = r.firstLogin(ctx, t, i, begun) })
	}
	select {
	case got.promoted = <-promoted:
	case <-ctx.Done():
		t.Fatal("no other machine became the primary")
	}
	if len(r.machines) == 2 {
		how.back(old)
	}
	logins.Wait()
	for writes.Load() == 0 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	got.writes = time.Duration(writes.Load())
	if len(r.machines) > 2 {
		how.back(old)
	}
	if ctx.Err() != nil {
		t.Fatal("nobody can sign in")
	}
	done()
	all.Wait()
	return got
}

// takesOver tells when a machine is the primary, and since when it answers commits at once, until the context ends. With
// two machines it may do so for a moment and stop again: the old primary is its standby, and then starts anew.
func (m *machine) takesOver(ctx context.Context, begun time.Time, promoted chan<- time.Duration, writes *atomic.Int64) {
	const soon = time.Second
	for answers := false; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		if !answers {
			if !m.promoted(ctx) {
				continue
			}
			select {
			case promoted <- time.Since(begun):
			default: // told before
			}
		}
		asked := time.Now()
		err := m.exec(ctx, "INSERT INTO probe VALUES (1)")
		if err == nil && (!answers || time.Since(asked) > soon) {
			writes.Store(int64(time.Since(begun)))
		}
		answers = err == nil
	}
}

// firstLogin is how long after the kill somebody signed in by a node. Who tries next is somebody else, because tries whose
// answer is lost count as wrong passwords until one is right.
func (r *rounds) firstLogin(ctx context.Context, t *testing.T, node int, begun time.Time) time.Duration {
	for turn := 0; ctx.Err() == nil; turn++ {
		v := newPerson(r.at(node).whenBusy(), email(r.spare+node*spares+turn%spares))
		switch _, err := v.signIn(steady, nil); {
		case err == nil:
			return time.Since(begun)
		case !errors.Is(err, errLost):
			t.Errorf("node %d, %s after the kill: %v", node, time.Since(begun), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0
}

// report says what was shown, as the table of docs/operating.md has it.
func (r *rounds) report(t *testing.T, kills int) {
	t.Helper()
	table := &strings.Builder{}
	line := func(name string, of []round) {
		if len(of) == 0 {
			return
		}
		fmt.Fprintf(table, "| %s | %d |", name, len(of))
		for _, what := range []func(round) time.Duration{
			func(r round) time.Duration { return r.promoted },
			func(r round) time.Duration { return r.writes },
			round.login,
			round.ours,
		} {
			var times []time.Duration
			for _, one := range of {
				times = append(times, what(one))
			}
			slices.Sort(times)
			fmt.Fprintf(table, " %s, %s |", short(times[len(times)/2]), short(times[len(times)-1]))
		}
		table.WriteString("\n")
	}
	for _, s := range append(slices.Clone(strikes), switchover) {
		line(s.name, slices.DeleteFunc(slices.Clone(r.all), func(one round) bool { return one.strike != s.name }))
	}
	line("all kills", r.all[:kills])
	t.Logf("%d machines; median and worst of: another is primary, it takes writes, people sign in by both nodes, that after it takes writes\n%s", len(r.machines), table)
	for _, late := range r.late {
		t.Error(late)
	}
	r.sum.report(t, fmt.Sprintf("%d kills of the primary and a switchover, nothing lost", kills))
}

// short is a time as it is told.
func short(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
