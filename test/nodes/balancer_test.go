package nodes_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"

	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/test/program"
)

// lostHeader marks what is no answer of a node: the request may have reached one, or none took it.
const lostHeader = "X-Twonodes-Lost"

// served is one request that a node answered.
type served struct {
	node         int
	method, path string
}

// balancer is a plain round-robin in front of the nodes. A refused connection is tried at the next node; anything else
// that goes wrong may have been sent, and is told as 502. It keeps no connections, so that a node that goes is refused,
// unless a test says keep.
type balancer struct {
	address   string
	nodes     []string // addresses
	transport *http.Transport

	mu      sync.Mutex
	next    int
	served  []served
	lost    int
	retried int
}

// newBalancer listens on loopback; nodes are added before the first request.
func newBalancer(t *testing.T) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+program.FreePort(t))
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{address: l.Addr().String(), transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	server := &http.Server{Handler: b}
	go func() { _ = server.Serve(l) }()      // ends with Close
	t.Cleanup(func() { _ = server.Close() }) // the test is over
	return b
}

// keep keeps connections, as most proxies do: up to as many for each node as there are requests at once. It is said
// before the first request. A request that meets the end of a kept connection goes anew if nothing of it was sent; the
// library repeats those without a body in other cases, too, as proxies do.
func (b *balancer) keep() {
	b.transport.DisableKeepAlives, b.transport.MaxIdleConnsPerHost = false, 100
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, web.MaxBody+1))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	first := b.next
	b.next++
	b.mu.Unlock()
	for i := range b.nodes {
		node := (first + i) % len(b.nodes)
		res, err := b.send(r, b.nodes[node], body)
		if refused(err) {
			b.mu.Lock()
			b.retried++
			b.mu.Unlock()
			continue
		}
		if err == nil {
			var answer []byte
			if answer, err = io.ReadAll(res.Body); err == nil {
				_ = res.Body.Close() // read to its end
				b.note(served{node, r.Method, r.URL.Path})
				for name, values := range res.Header {
					w.Header()[name] = values
				}
				w.WriteHeader(res.StatusCode)
				_, _ = w.Write(answer) // the caller is gone: nothing to do about it
				return
			}
		}
		b.mu.Lock()
		b.lost++
		b.mu.Unlock()
		w.Header().Set(lostHeader, err.Error())
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set(lostHeader, "no node accepts connections")
	http.Error(w, "no node accepts connections", http.StatusBadGateway)
}

// refused reports whether there was no connection at all, so that nothing was sent. A node that goes can also reset one
// that is being made.
func refused(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET))
}

func (b *balancer) send(r *http.Request, node string, body []byte) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", node, ""
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.Body, _ = out.GetBody()
	out.ContentLength = int64(len(body))
	return b.transport.RoundTrip(out)
}

func (b *balancer) note(s served) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served = append(b.served, s)
}

// take returns and forgets what was served.
func (b *balancer) take() []served {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.served
	b.served = nil
	return all
}

// figures are how many requests were lost on their way, and how many found their first node refusing.
func (b *balancer) figures() (lost, retried int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost, b.retried
}

// beginAt makes a node the next one.
func (b *balancer) beginAt(node int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = node
}
