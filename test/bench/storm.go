package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// stormy measures only how refreshing fares in a storm of logins, on PostgreSQL, with each server in turn.
func stormy(ctx context.Context, args []string) (err error) {
	p, err := readPlan(flag.NewFlagSet("storm", flag.ExitOnError), args)
	if err != nil {
		return err
	}
	p.sqlite = false
	if err := pinSelf(p.otherCPU); err != nil {
		return err
	}
	pg, err := startPostgres(filepath.Join(p.dir, "postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.stop()) }()
	servers, err := p.servers(ctx, pg)
	if err != nil {
		return err
	}
	servers, t := servers[1:], newTable(p) // without the ceiling
	for _, s := range servers {
		if err := s.start(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
	}
	for round := range p.rounds {
		for i := range servers {
			if err := t.storm(ctx, servers[(i+round)%len(servers)].provider); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "bench: round %d of %d\n", round+1, p.rounds)
	}
	fmt.Println("| server | p50 and p99 ms of a refresh, calm | in a storm | p99, to calm | goal | | logins/s in the storm |\n|---|---|---|---|---|---|---|")
	for _, s := range servers {
		of := func(suffix string, f func(result) float64) float64 { return t.of("refresh"+suffix, s.Name, f) }
		ratio := of(stormSuffix, p99) / of(calmSuffix, p99)
		fmt.Printf("| %s | %.2f, %.2f | %.2f, %.2f | %.1f × | %.1f × | %s | %.1f |\n", s.Name, of(calmSuffix, p50), of(calmSuffix, p99),
			of(stormSuffix, p50), of(stormSuffix, p99), ratio, stormFactor, met(ratio, stormFactor), t.of("code_login"+stormSuffix, s.Name, perSecond))
	}
	return nil
}

func perSecond(r result) float64 { return r.perSecond }
