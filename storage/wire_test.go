package storage_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// wire is the way to PostgreSQL, which falls silent when a test wants it.
type wire struct {
	dsn    string // through it
	listen net.Listener
	far    string

	mu    sync.Mutex // guards all below
	state *silence
	ends  []net.Conn
}

// silence is what passes. Each connection keeps the one that it met.
type silence struct {
	asks, answers bool
}

func newWire(t *testing.T, dsn string) *wire {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{far: u.Host, state: &silence{true, true}}
	if w.listen, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u.Host = w.listen.Addr().String()
	w.dsn = u.String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := w.listen.Accept()
			if err != nil {
				return // it is closed
			}
			far, err := net.Dial("tcp", w.far)
			if err != nil {
				_ = near.Close() // as if the server had
				continue
			}
			w.mu.Lock()
			w.ends = append(w.ends, near, far)
			w.mu.Unlock()
			var hungUp sync.Once
			hangUp := func() { _, _ = near.Close(), far.Close() } // either may be closed already
			all.Go(func() { w.carry(far, near, func(s *silence) bool { return s.asks }); hungUp.Do(hangUp) })
			all.Go(func() { w.carry(near, far, func(s *silence) bool { return s.answers }); hungUp.Do(hangUp) })
		}
	})
	t.Cleanup(func() {
		_ = w.listen.Close() // the test is over
		w.mu.Lock()
		for _, c := range w.ends {
			_ = c.Close() // as above
		}
		w.mu.Unlock()
		all.Wait()
	})
	return w
}

// carry carries one way until either end closes. What does not pass is lost.
func (w *wire) carry(to io.Writer, from io.Reader, passes func(*silence) bool) {
	part := make([]byte, 32<<10)
	silent := false // for good
	for {
		n, err := from.Read(part)
		if err != nil {
			return
		}
		w.mu.Lock()
		silent = silent || !passes(w.state)
		w.mu.Unlock()
		if silent {
			continue
		}
		if _, err := to.Write(part[:n]); err != nil {
			return
		}
	}
}

// silence holds back the answers of all connections, and what is asked too unless that still gets there.
func (w *wire) silence(asks bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = &silence{asks: asks}
}

// mend lets new connections through; those that met silence stay silent.
func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = &silence{true, true}
}
