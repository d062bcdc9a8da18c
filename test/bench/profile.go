package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// profile drives scenarios against a server that is built with the tag profile, and leaves a CPU profile of each in the
// folder, for `go tool pprof`.
func profile(ctx context.Context, args []string) (err error) {
	p, err := readPlan(flag.NewFlagSet("profile", flag.ExitOnError), args)
	if err != nil {
		return err
	}
	if err := pinSelf(p.otherCPU); err != nil {
		return err
	}
	binary := filepath.Join(p.dir, "idp-profile")
	if err := build(ctx, ".", binary, "-tags", "profile"); err != nil {
		return err
	}
	pg, err := startPostgres(filepath.Join(p.dir, "postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.stop()) }()
	s, err := newIDP(ctx, binary, p.dir, "postgres", p.serverCPU, pg.DSN, pg.PID)
	if err != nil {
		return err
	}
	env := s.env
	for _, sc := range p.scenarios {
		out := filepath.Join(p.dir, sc.name+".pprof")
		s.env = append(env, "PROFILE="+out)
		if err := s.start(ctx); err != nil {
			return err
		}
		if err := errors.Join(s.profiled(ctx, sc, p.effort), written(out), s.stop()); err != nil {
			return err
		}
		fmt.Println(out)
	}
	return nil
}

// profiled drives a scenario; the server writes its profile from one SIGUSR1 to the next.
func (s *server) profiled(ctx context.Context, sc scenario, e effort) error {
	workers, err := prepared(s.provider, s.Parties[sc.role], sc, e.workers)
	if err != nil {
		return err
	}
	_, _, _ = drive(ctx, workers, sc, e.warmUp) // what fails here fails below as well
	start := s.cmd.Process.Signal(syscall.SIGUSR1)
	m := startMeter(s.provider)
	took, _, failed := drive(ctx, workers, sc, e.lasts)
	used, database, _, _ := m.end()
	for _, w := range workers {
		w.close()
	}
	thousands := float64(len(took)) / 1000
	fmt.Fprintf(os.Stderr, "bench: %s: %.4f +%.3f CPU s per 1,000\n", sc.name, used/thousands, database/thousands)
	return errors.Join(start, failed, s.cmd.Process.Signal(syscall.SIGUSR1))
}

// written waits for a profile: it is written at its end.
func written(path string) error {
	for range 500 {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("no profile in %s", path)
}
