package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// now is the clock of the generator: it measures, and nothing depends on what time it is.
var now = time.Now

// effort is how hard a measurement drives.
type effort struct {
	workers int
	lasts   time.Duration
	warmUp  time.Duration // before it, unmeasured
}

// result is one measurement. Times are milliseconds, CPU is seconds per 1,000 operations.
type result struct {
	perSecond, p50, p95, p99 float64 // perSecond is 0 if nothing succeeded; then nothing else was measured either
	cpu, database, generator float64 // generator: share of one core
	memory                   float64 // MiB, the highest seen
	failures                 int64
	first                    error // failure
}

var errLeftOut = errors.New("the provider cannot do it, or has no party for it")

// measure runs one scenario against one provider.
func measure(ctx context.Context, p *provider, s scenario, e effort) (result, error) {
	role, has := p.Parties[s.role]
	if _, without := p.Without[s.name]; without || !has && s.role != "" {
		return result{}, errLeftOut
	}
	p.wake()
	defer p.rest()
	workers, err := prepared(p, role, s, e.workers)
	defer func() {
		for _, w := range workers {
			w.close()
		}
	}()
	if err != nil {
		return result{}, fmt.Errorf("%s of %s: %w", s.name, p.Name, err)
	}
	_, _, _ = drive(ctx, workers, s, e.warmUp) // what fails here fails below as well
	m := startMeter(p)
	start := now()
	took, failures, first := drive(ctx, workers, s, e.lasts)
	seconds := now().Sub(start).Seconds()
	server, database, generator, memory := m.end()
	if len(took) == 0 {
		return result{}, fmt.Errorf("%s of %s: nothing succeeded: %w", s.name, p.Name, errors.Join(first, ctx.Err()))
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return took[min(len(took)-1, int(share*float64(len(took))))].Seconds() * 1000
	}
	thousands := float64(len(took)) / 1000
	return result{
		perSecond: float64(len(took)) / seconds, p50: at(.50), p95: at(.95), p99: at(.99),
		cpu: server / thousands, database: database / thousands, generator: generator / seconds,
		memory: memory, failures: failures, first: first,
	}, nil
}

// preparedAtOnce is how many workers prepare at once: queues for passwords take no hundred logins.
const preparedAtOnce = 8

// prepared makes workers that are ready to begin.
func prepared(p *provider, role party, s scenario, n int) ([]*worker, error) {
	workers, failed := make([]*worker, n), make([]error, n)
	var all sync.WaitGroup
	turns := make(chan struct{}, preparedAtOnce)
	for i := range workers {
		workers[i] = &worker{provider: p, party: role, browser: newBrowser()}
		if s.prepare != nil {
			all.Go(func() {
				turns <- struct{}{}
				failed[i] = s.prepare(workers[i])
				<-turns
			})
		}
	}
	all.Wait()
	return workers, errors.Join(failed...)
}

// drive lets all workers repeat the operation for a while, and tells how long each success took.
func drive(ctx context.Context, workers []*worker, s scenario, lasts time.Duration) (took []time.Duration, failures int64, first error) {
	var (
		all    sync.WaitGroup
		lock   sync.Mutex // took and first
		failed atomic.Int64
		end    = now().Add(lasts)
	)
	for _, w := range workers {
		all.Go(func() {
			own := make([]time.Duration, 0, 1<<14)
			for at := now(); at.Before(end) && ctx.Err() == nil; {
				w.signing = 0
				err := s.do(w)
				done := now()
				if err == nil {
					own = append(own, done.Sub(at)-w.signing)
					at = done
					continue
				}
				failed.Add(1)
				lock.Lock()
				if first == nil {
					first = err
				}
				lock.Unlock()
				time.Sleep(5 * time.Millisecond)
				if s.again && s.prepare(w) != nil {
					break
				}
				at = now()
			}
			lock.Lock()
			took = append(took, own...)
			lock.Unlock()
		})
	}
	all.Wait()
	return took, failed.Load(), first
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
