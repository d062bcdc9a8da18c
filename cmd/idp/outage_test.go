package main_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// between is a proxy between the server and PostgreSQL that can be gone: refusing, or silent.
type between struct {
	t       *testing.T
	address string // where it listens
	to      string
	silence sync.RWMutex // held by whoever forwards; held for writing: nothing passes
	mu      sync.Mutex   // guards what follows
	open    net.Listener
	conns   []net.Conn
	dead    *atomic.Bool // of the connections that are made now: they carry nothing any more
}

func newBetween(t *testing.T, to string) *between {
	b := &between{t: t, to: to, address: "127.0.0.1:0", dead: &atomic.Bool{}}
	b.restore()
	t.Cleanup(b.cut)
	return b
}

// restore listens, the second time where it listened before.
func (b *between) restore() {
	b.t.Helper()
	l, err := net.Listen("tcp", b.address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.address, b.open = l.Addr().String(), l
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // cut
			}
			b.join(conn)
		}
	}()
}

func (b *between) join(conn net.Conn) {
	server, err := net.Dial("tcp", b.to)
	if err != nil {
		_ = conn.Close() // as if it were gone
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns = append(b.conns, conn, server)
	go b.forward(conn, server, b.dead)
	go b.forward(server, conn, b.dead)
}

func (b *between) forward(from, to net.Conn, dead *atomic.Bool) {
	_, _ = io.Copy(gate{b, to, dead}, from) // ends when either side is gone
	_ = from.Close()
	_ = to.Close()
}

// gate lets bytes pass unless there is silence, and loses them when the connection is dead.
type gate struct {
	b    *between
	to   net.Conn
	dead *atomic.Bool
}

func (g gate) Write(p []byte) (int, error) {
	if g.dead.Load() {
		return len(p), nil
	}
	g.b.silence.RLock()
	defer g.b.silence.RUnlock()
	return g.to.Write(p)
}

// cut ends all connections and refuses new ones.
func (b *between) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.open.Close() // closed already when cut twice
	for _, conn := range b.conns {
		_ = conn.Close()
	}
	b.conns = nil
}

// freeze loses without a word what is sent on any connection, old or new.
func (b *between) freeze() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead.Store(true)
}

// heal lets new connections work; those that were there stay dead.
func (b *between) heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = &atomic.Bool{}
}

// behindProxy is an installation, set up, whose PostgreSQL is reached through a proxy that can fail.
func behindProxy(t *testing.T) (*between, *install) {
	t.Helper()
	dsn, err := url.Parse(idptest.EmptyPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := newBetween(t, dsn.Host)
	dsn.Host = proxy.address
	i := newInstall(t, dsn.String())
	i.setUp()
	return proxy, i
}

func TestDatabaseGoneAndBack(t *testing.T) {
	t.Parallel()
	proxy, i := behindProxy(t)
	server := i.serve()
	anna := i.visitor()
	anna.signIn(i)
	var waiting *visitor // at the login page when it happens
	var page string
	wait := func() {
		waiting = i.visitor()
		waiting.open(http.MethodGet, i.authorize("linde-web", ""), nil)
		page = waiting.page
	}

	// raw are traces of what a driver says.
	raw := []string{"dial", "refused", "EOF", "SQLSTATE", "pgx", "connect", proxy.address, "reading"}
	unavailable := func(what string, status int, header http.Header, body string) {
		t.Helper()
		if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Errorf("%s: %d, Retry-After %q: %s", what, status, header.Get("Retry-After"), body)
		}
		for _, word := range raw {
			if strings.Contains(body, word) {
				t.Errorf("%s: %q is shown: %s", what, word, body)
			}
		}
	}
	ready := func() int { status, _, _ := get(t, i.operator+"/readyz"); return status }
	alive := func() {
		t.Helper()
		if status, _, body := get(t, i.operator+"/healthz"); status != 200 {
			t.Errorf("healthz: %d %s", status, body)
		}
		if status, _, _ := get(t, i.issuer+"/.well-known/openid-configuration"); status != 200 {
			t.Errorf("discovery needs the database: %d", status)
		}
	}
	back := func() {
		t.Helper()
		server.Soon(5*time.Second, "back", func() bool {
			waiting.open(http.MethodGet, page, nil)
			status, _, _ := anna.refreshed()
			return ready() == 200 && waiting.status == 200 && status == 200
		})
		waiting.signIn(i)
	}

	wait()
	proxy.cut()
	for range 2 { // with connections that were open, and without any
		waiting.open(http.MethodGet, page, nil)
		unavailable("login page", waiting.status, waiting.header, waiting.body)
		if !strings.Contains(waiting.header.Get("Content-Type"), "text/html") {
			t.Errorf("the login page is %s", waiting.header.Get("Content-Type"))
		}
		status, header, body := anna.refreshed()
		unavailable("token", status, header, body)
		if !strings.Contains(body, `"error":"temporarily_unavailable"`) {
			t.Errorf("token: %s", body)
		}
		fresh := i.visitor()
		fresh.open(http.MethodGet, i.authorize("linde-web", ""), nil)
		unavailable("authorize", fresh.status, fresh.header, fresh.body)
	}
	if status := ready(); status != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", status)
	}
	alive()
	i.refused(1, "unavailable", "platform", "list")
	proxy.restore()
	back()

	// No answer and no end of the connection: a cable, a firewall.
	wait()
	proxy.silence.Lock()
	if status := ready(); status != http.StatusServiceUnavailable {
		t.Errorf("readyz in silence: %d", status)
	}
	alive()
	proxy.silence.Unlock()
	back()

	server.Terminate()
	if code := server.Ends(5 * time.Second); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// Limits of an outage without a word: no answer takes longer, and after this much of a working database all is well.
const (
	hungAtMost = 10 * time.Second
	backWithin = 5 * time.Second
)

// The network swallows everything for a while. Then new connections work, and those that were there stay dead: a
// firewall that forgot them, a database that moved.
func TestSilentDatabase(t *testing.T) {
	t.Parallel()
	proxy, i := behindProxy(t)
	server := i.serve()
	anna := i.visitor()
	anna.signIn(i)
	var asked asking
	userinfo := func() int { status, _ := anna.userinfo(); return status }
	atOnce(40, func() { asked.timed(userinfo) }) // the pool is full
	if asked.failed > 0 {
		t.Fatalf("%d of 40 requests failed before anything happened", asked.failed)
	}

	proxy.freeze()
	over := make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() {
		atOnce(40, func() { // more than the pool has connections
			for {
				asked.timed(userinfo)
				select {
				case <-over:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	})
	began := time.Now()
	i.refused(1, "unavailable", "platform", "list")
	if took := time.Since(began); took > hungAtMost {
		t.Errorf("a command took %s", took)
	}
	status, header, body := anna.refreshed()
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("token in silence: %d, Retry-After %q: %s", status, header.Get("Retry-After"), body)
	}
	proxy.heal()
	back := time.Now()
	server.Soon(backWithin, "ready", func() bool { status, _, _ := get(t, i.operator+"/readyz"); return status == http.StatusOK })
	t.Logf("ready %s after new connections work", time.Since(back))
	time.Sleep(backWithin + time.Second - time.Since(back))
	close(over)
	load.Wait()
	t.Logf("slowest answer after %s; the last that failed came %s after new connections work", asked.slowest, asked.failedAt.Sub(back))
	if asked.failed == 0 || asked.slowest > hungAtMost {
		t.Errorf("%d requests failed, the slowest answer took %s, want at most %s", asked.failed, asked.slowest, hungAtMost)
	}
	if late := asked.failedAt.Sub(back); late > backWithin {
		t.Errorf("a request failed %s after new connections work, want all is well after %s", late, backWithin)
	}
	waiting := i.visitor()
	waiting.signIn(i)
}

// asking is what became of requests.
type asking struct {
	mu       sync.Mutex // guards what follows
	failed   int
	failedAt time.Time // the last of them
	slowest  time.Duration
}

// timed asks once, for an answer of 200.
func (a *asking) timed(ask func() int) {
	at := time.Now()
	status := ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slowest = max(a.slowest, time.Since(at))
	if status != http.StatusOK {
		a.failed++
		a.failedAt = time.Now()
	}
}

// atOnce does the same n times side by side.
func atOnce(n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(do)
	}
	all.Wait()
}
