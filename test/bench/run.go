package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// plan is what `bench run` was asked for.
type plan struct {
	rounds              int
	effort              effort
	scenarios           []scenario
	whole               bool // nothing was chosen with -s: what is no scenario is measured too
	dir                 string
	serverCPU, otherCPU string
	sqlite              bool
	against             string   // another checkout, to compare with
	with                []string // descriptions of further providers
}

// readPlan adds the flags of a plan to those of a command and reads them all.
func readPlan(flags *flag.FlagSet, args []string) (plan, error) {
	p := plan{scenarios: scenarios, whole: true}
	flags.IntVar(&p.rounds, "rounds", 5, "rounds over all servers; the table shows medians")
	flags.IntVar(&p.effort.workers, "c", 8, "workers at once")
	flags.DurationVar(&p.effort.lasts, "d", 3*time.Second, "measured time per scenario, server and round")
	flags.DurationVar(&p.effort.warmUp, "warmup", time.Second, "unmeasured time before it")
	names := flags.String("s", "", "scenarios, separated by commas; default: all")
	flags.StringVar(&p.dir, "dir", "var/bench", "folder for program and databases; what is made in it is deleted at the end")
	flags.StringVar(&p.serverCPU, "server-cpu", "0", "CPU of the servers (taskset)")
	flags.StringVar(&p.otherCPU, "other-cpu", "1", "CPUs of generator and database")
	flags.BoolVar(&p.sqlite, "sqlite", true, "measure it on SQLite too")
	flags.StringVar(&p.against, "against", "", "another checkout of this module, measured beside it on PostgreSQL: what did a change bring?")
	with := flags.String("with", "", "JSON files that describe further providers, separated by commas (run)")
	peers := flags.String("peers", "", "folders of "+peersDir+" with peers that are started, separated by commas (run)")
	keys := flags.Bool("keys", true, "measure operations with keys too: private_key_jwt, DPoP, FAPI 2.0")
	_ = flags.Parse(args) // exits on a mistake
	for name := range strings.SplitSeq(*peers, ",") {
		if name != "" {
			p.with = append(p.with, filepath.Join(peersDir, name, "peer.json"))
		}
	}
	if *with != "" {
		p.with = append(p.with, strings.Split(*with, ",")...)
	}
	if !*keys {
		p.scenarios = slices.DeleteFunc(slices.Clone(p.scenarios), func(s scenario) bool { return s.beside != "" })
	}
	if *names != "" {
		p.scenarios, p.whole = nil, false
		for name := range strings.SplitSeq(*names, ",") {
			s, err := scenarioOf(name)
			if err != nil {
				return p, err
			}
			p.scenarios = append(p.scenarios, s)
		}
		if unit, _ := scenarioOf(unitScenario); flags.Name() == "run" && !strings.Contains(*names, unit.name) {
			p.scenarios = append([]scenario{unit}, p.scenarios...) // what all others are compared with
		}
	}
	dir, err := filepath.Abs(p.dir)
	if err == nil {
		p.dir = dir
		err = os.MkdirAll(dir, 0o755)
	}
	return p, err
}

// run measures everything and prints the table.
func run(ctx context.Context, args []string) (err error) {
	p, err := readPlan(flag.NewFlagSet("run", flag.ExitOnError), args)
	if err != nil {
		return err
	}
	if err := pinSelf(p.otherCPU); err != nil {
		return err
	}
	pg, err := startPostgres(filepath.Join(p.dir, "postgres"), "max_wal_size=2GB")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.stop()) }()
	servers, err := p.servers(ctx, pg)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(filepath.Join(p.dir, "idp.db")) }() // where SQLite was measured
	others, peers, err := p.others(ctx, pg)                          // before anything is measured: what is missing is found at once
	if err != nil {
		return err
	}
	t := newTable(p)
	if err := t.starts(ctx, servers[1]); err != nil {
		return err
	}
	var all []*provider
	for _, s := range servers {
		if err := s.start(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		all = append(all, s.provider)
	}
	for _, s := range peers {
		if err := s.start(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
	}
	for _, other := range others {
		t.others = append(t.others, other.Name)
		if other.Database != 0 {
			t.products = append(t.products, other.Name)
		}
		if err := t.warm(ctx, other); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "bench: %s is there\n", other.Name)
	}
	if err := t.fill(ctx, append(all, others...)); err != nil {
		return err
	}
	t.print(os.Stdout)
	return nil
}

// others are the further providers, and those of them that are to be started.
func (p plan) others(ctx context.Context, pg *privateDB) (all []*provider, start []*peer, err error) {
	for _, file := range p.with {
		other, s, err := p.newPeer(ctx, file, pg)
		if err != nil {
			return nil, nil, err
		}
		if all = append(all, other); s != nil {
			start = append(start, s)
		}
	}
	return all, start, nil
}

// Names of our servers in tables.
const (
	ownName    = "postgres" // where the goals are judged
	sqliteName = "sqlite"
	beforeName = "before" // the program of another checkout
)

// servers prepares the ceiling, our server, and what it is compared with, in this order.
func (p plan) servers(ctx context.Context, pg *privateDB) ([]*server, error) {
	hello, err := newCeiling(p.serverCPU)
	if err != nil {
		return nil, err
	}
	all := []*server{hello}
	add := func(checkout, name, dsn string, database int) {
		if err != nil {
			return
		}
		binary := filepath.Join(p.dir, "idp-"+name)
		if err = build(ctx, checkout, binary); err != nil {
			return
		}
		var s *server
		s, err = newIDP(ctx, binary, p.dir, name, p.serverCPU, dsn, database)
		if errors.Is(err, errNoKeys) && name == beforeName { // it is older than they are
			fmt.Fprintln(os.Stderr, "bench: without keys:", err)
			err = nil
		}
		all = append(all, s)
	}
	add(".", ownName, pg.DSN, pg.PID)
	if p.sqlite {
		add(".", sqliteName, "sqlite:"+filepath.Join(p.dir, "idp.db"), 0)
	}
	if p.against != "" && err == nil {
		var dsn string
		if dsn, err = pg.create(ctx, beforeName); err == nil {
			add(p.against, beforeName, dsn, pg.PID)
		}
	}
	return all, err
}

// starts takes the time to the first answer, and the memory a moment later, five times.
func (t *table) starts(ctx context.Context, s *server) error {
	for range 5 {
		if err := s.start(ctx); err != nil {
			return err
		}
		time.Sleep(time.Second)
		t.start, t.idle = append(t.start, s.left.Seconds()*1000), append(t.idle, memoryOf(s.PID))
		if err := s.stop(); err != nil {
			return err
		}
	}
	return nil
}

// fill measures each scenario with all servers in turn, each round in another order.
func (t *table) fill(ctx context.Context, all []*provider) error {
	for round := range t.plan.rounds {
		l, err := limitsOn(ctx, t.plan.serverCPU)
		if err != nil {
			return err
		}
		t.hash, t.signature = append(t.hash, l.Hash), append(t.signature, l.Signature)
		for _, s := range t.plan.scenarios {
			for i := range all {
				if err := t.measure(ctx, all[(i+round)%len(all)], s); err != nil {
					return err
				}
			}
		}
		if t.plan.whole {
			if err := t.alone(ctx, all); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "bench: round %d of %d\n", round+1, t.plan.rounds)
	}
	if t.plan.whole {
		return t.crowd(ctx, all[slices.IndexFunc(all, isOwn)])
	}
	return nil
}

func isOwn(p *provider) bool { return p.Name == ownName }

// warm drives a peer through its scenarios before the first round, as often as its description says.
func (t *table) warm(ctx context.Context, p *provider) error {
	for range p.WarmUp {
		for _, s := range t.plan.scenarios {
			_, _ = measure(ctx, p, s, t.plan.effort) // what fails here fails below as well
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

func (t *table) measure(ctx context.Context, p *provider, s scenario) error {
	r, err := measure(ctx, p, s, t.plan.effort)
	if errors.Is(err, errLeftOut) {
		return nil
	}
	if err != nil && slices.Contains(t.others, p.Name) && ctx.Err() == nil { // a round of ours is worth more than theirs
		r, err = result{failures: 1, first: err}, nil
	}
	if err != nil {
		return err
	}
	if r.failures > 0 {
		fmt.Fprintf(os.Stderr, "bench: %s of %s: %d failures, the first: %v\n", s.name, p.Name, r.failures, r.first)
	}
	t.add(s.name, p.Name, r)
	return nil
}

// alone measures, on PostgreSQL, what one worker waits, and how refreshing fares while logins fill the hash queue.
func (t *table) alone(ctx context.Context, all []*provider) error {
	i := slices.IndexFunc(all, isOwn)
	one := effort{workers: 1, lasts: t.plan.effort.lasts, warmUp: t.plan.effort.warmUp}
	for _, name := range crowded {
		s, err := scenarioOf(name)
		if err != nil {
			return err
		}
		r, err := measure(ctx, all[i], s, one)
		if err != nil {
			return err
		}
		t.add(name+aloneSuffix, all[i].Name, r)
	}
	return t.storm(ctx, all[i])
}

// crowd measures, on PostgreSQL, what many workers at once get. It comes after all rounds, because the memory that they take
// is not given back at once.
func (t *table) crowd(ctx context.Context, p *provider) error {
	many := effort{workers: crowdWorkers, lasts: t.plan.effort.lasts, warmUp: t.plan.effort.warmUp}
	for range t.plan.rounds {
		for _, name := range crowded {
			s, err := scenarioOf(name)
			if err != nil {
				return err
			}
			r, err := measure(ctx, p, s, many)
			if err != nil {
				return err
			}
			t.add(name+crowdSuffix, p.Name, r)
		}
	}
	return nil
}

// storm compares refreshing alone with refreshing beside more logins than the hash workers can take.
func (t *table) storm(ctx context.Context, p *provider) error {
	refreshing, err := scenarioOf("refresh")
	if err != nil {
		return err
	}
	loggingIn, err := scenarioOf("code_login")
	if err != nil {
		return err
	}
	few := effort{workers: 2, lasts: t.plan.effort.lasts, warmUp: t.plan.effort.warmUp}
	calm, err := measure(ctx, p, refreshing, few)
	if err != nil {
		return err
	}
	people, err := prepared(p, p.Parties[loggingIn.role], loggingIn, stormPeople)
	if err != nil {
		return err
	}
	storm, end := context.WithCancel(ctx)
	over := make(chan int)
	began := now()
	go func() {
		took, _, _ := drive(storm, people, loggingIn, time.Hour) // 503 is an answer to be expected, and ends nothing
		over <- len(took)
	}()
	time.Sleep(500 * time.Millisecond) // the queue fills
	busy, err := measure(ctx, p, refreshing, few)
	end()
	logins := result{perSecond: float64(<-over) / now().Sub(began).Seconds()}
	if err != nil {
		return err
	}
	t.add("code_login"+stormSuffix, p.Name, logins)
	t.add("refresh"+calmSuffix, p.Name, calm)
	t.add("refresh"+stormSuffix, p.Name, busy)
	return nil
}
