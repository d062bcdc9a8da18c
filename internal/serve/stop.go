package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// front is one listener with its server.
type front struct {
	http.Server
	listener net.Listener
	ended    chan struct{} // closed when no connection is accepted any more
	busy     busy
}

// accept serves until the listener is closed, or fails.
func (f *front) accept() error {
	defer close(f.ended)
	return f.Serve(f.listener)
}

// busy are the connections that have sent a request or, being new, are about to.
type busy struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (b *busy) track(c net.Conn, s http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s == http.StateNew || s == http.StateActive {
		b.conns[c] = true
	} else {
		delete(b.conns, c)
	}
}

func (b *busy) none() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.conns) == 0
}

// drainFor is how long requests are served as ever while /readyz is not ready and every answer ends its connection:
// long enough for whoever balances the load to look, and for kept connections to be used once more; of a short grace a
// quarter.
const drainFor = 5 * time.Second

// lingerFor is how long a connection that was accepted may take to send its request when the server stops.
const lingerFor = time.Second

// shutDown serves on for a while, then refuses new connections and lets requests finish, all within the grace.
//
// http.Server.Shutdown alone closes a connection without an answer when it has not read its request yet: whoever sent
// it, such as a proxy in a rolling restart, cannot know whether it counted and may not repeat it. So kept connections
// are ended by their next answer (House.Drain); then connections are refused, which is safe to try at another node, and
// those that were accepted are served as always. Connections that nobody used all the while are closed last.
//
// Where a listener failed, serving on is of no use to anybody, and drain is 0.
func shutDown(ctx context.Context, grace, drain time.Duration, fronts []*front) error {
	ctx, done := context.WithTimeout(ctx, grace)
	defer done()
	served, end := context.WithTimeout(ctx, drain)
	<-served.Done()
	end()
	for _, f := range fronts {
		_ = f.listener.Close() // closed already where serving failed
		<-f.ended
	}
	linger(ctx, min(lingerFor, grace/2), fronts)
	failed := make(chan error, len(fronts))
	for _, f := range fronts {
		go func() { failed <- f.Shutdown(ctx) }()
	}
	var err error
	for range fronts {
		err = errors.Join(err, <-failed)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopping: requests still ran after %s (shutdown_grace) and were cut off", grace)
	}
	return err
}

// linger waits until no connection is busy. One that is still busy in the end has had its request read, or sends none.
func linger(ctx context.Context, limit time.Duration, fronts []*front) {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for _, f := range fronts {
		for !f.busy.none() {
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
		}
	}
}
