package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// House is what is served: it does its own upkeep, and is told before it stops.
type House interface {
	Run(context.Context) // the upkeep, until the context ends
	Drain()              // this node is about to stop
}

// Options are how servers run.
type Options struct {
	Grace time.Duration // for requests when the servers stop
	Now   func() time.Time
	Log   *slog.Logger
}

// Limits of a connection: slow or silent peers are dropped, honest ones on bad networks are not.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
)

func newFront(l net.Listener, h http.Handler, log *slog.Logger) *front {
	f := &front{listener: l, ended: make(chan struct{}), busy: busy{conns: map[net.Conn]bool{}}}
	f.Server = http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), ConnState: f.busy.track,
	}
	return f
}

// Run serves each listener; the first that fails, or the end of the context, ends all of them.
func Run(ctx context.Context, o Options, house House, handlers map[net.Listener]http.Handler) error {
	grace, log := o.Grace, o.Log
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	failed := make(chan error, len(handlers))
	var fronts []*front
	for l, h := range handlers {
		f := newFront(l, h, log)
		fronts = append(fronts, f)
		go func() { failed <- f.accept() }()
	}
	upkeep := make(chan struct{})
	go func() {
		defer close(upkeep)
		house.Run(running)
	}()
	tell := func(state string) {
		if err := notify(state); err != nil {
			log.Warn("service manager", "error", err)
		}
	}
	tell(ready)
	var err error
	drain := min(drainFor, grace/4)
	select {
	case err = <-failed:
		drain = 0
	case <-ctx.Done():
		log.Info("stopping", "grace", grace.String())
	}
	tell(stopping)
	house.Drain()
	end := o.Now().Add(grace)
	err = errors.Join(err, shutDown(running, grace, drain, fronts))
	cancel()
	return errors.Join(err, await(upkeep, max(end.Sub(o.Now()), lastMoment), grace))
}

// lastMoment is for work that ends at once when it is told to, where requests took the whole grace.
const lastMoment = time.Second

// await waits for what still runs: a message that was in hand when the stop began, mostly over by then.
func await(upkeep <-chan struct{}, limit, grace time.Duration) error {
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-upkeep:
		return nil
	case <-late.C:
		return fmt.Errorf("stopping: a letter was still being sent after %s (shutdown_grace) and was cut off: it may come twice", grace)
	}
}
