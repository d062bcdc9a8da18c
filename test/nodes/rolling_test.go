package nodes_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestRollingRestartFailsNoLogin restarts one node after the other, as an update does, while people sign in,
// behind a proxy that keeps connections and behind one that does not. The load is strict: a request that is
// lost, or answered by anything but what it should be, fails it.
func TestRollingRestartFailsNoLogin(t *testing.T) {
	for name, keeps := range map[string]bool{"new connections": false, "kept connections": true} {
		t.Run(name, func(t *testing.T) { rollOver(t, keeps) })
	}
}

func rollOver(t *testing.T, keeps bool) {
	p := newPair(t, browsers, nil)
	if keeps {
		p.balancer.keep()
	}
	rolls := times(t, "IDP_ROLLS", 1)
	begun := time.Now()
	l := startLoad(p.through(), browsers, true, signIn)
	l.progress(t, 20*time.Second)
	for range rolls {
		for _, n := range p.nodes {
			before := l.total()
			n.Terminate()
			n.stops()
			if l.total() == before {
				t.Error("nobody signed in while a node stopped")
			}
			l.progress(t, 20*time.Second) // the other node alone
			n.start()
			n.ready(20 * time.Second)
			l.progress(t, 20*time.Second)
		}
	}
	facts, _ := l.end(t)
	took := time.Since(begun)
	p.wholly(t)
	for i, fact := range facts {
		fact.counts(t, p, i)
	}
	lost, retried := p.balancer.figures()
	if lost > 0 {
		t.Errorf("%d requests were lost", lost)
	}
	if retried == 0 {
		t.Error("no request met a node that was gone: the load is too small to show anything")
	}
	if least, rate := times(t, "IDP_LOGINS", 1), float64(len(facts))/took.Seconds(); rate < float64(least) {
		t.Errorf("%.1f full logins a second: of fewer than %d the test shows too little", rate, least)
	}
	t.Logf("%d rolling restarts in %s: %d full logins (%.1f/s), none failed; %d requests found their first node gone",
		rolls, took.Round(time.Millisecond), len(facts), float64(len(facts))/took.Seconds(), retried)
}

// A proxy that has a connection sends its request, whenever the node was told to stop; only who is refused goes
// elsewhere.
func TestStoppingNodeAnswersWhoIsConnected(t *testing.T) {
	t.Parallel() // with the other one: both wait, mostly

	p := newPair(t, 0, nil)
	n := p.nodes[0]
	var connected []net.Conn
	for range 50 {
		c, err := net.Dial("tcp", n.address)
		must(t, "connecting", err)
		t.Cleanup(func() { _ = c.Close() }) // closed by the node before
		must(t, "setting a limit", c.SetDeadline(time.Now().Add(patience)))
		connected = append(connected, c)
	}
	n.Terminate()
	n.Soon(patience, "refusing connections", func() bool {
		c, err := net.Dial("tcp", n.address)
		if err == nil {
			_ = c.Close() // came too early
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	for i, c := range connected {
		_, err := fmt.Fprintf(c, "GET /keys HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", strings.TrimPrefix(p.issuer, "http://"))
		must(t, "sending a request", err)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if _ = res.Body.Close(); res.StatusCode != http.StatusOK { // the connection ends
			t.Errorf("connection %d: %d", i, res.StatusCode)
		}
	}
	n.stops()
}

// kept is what happened to requests on connections that are kept.
type kept struct {
	mu                    sync.Mutex
	answered, lost, ended int // ended: the answer said that nothing more is taken
}

// ask sends a request on a connection, and reports whether there may be another one.
func (k *kept) ask(c net.Conn, in *bufio.Reader, host string) bool {
	const body = "grant_type=refresh_token&refresh_token=x"
	_ = c.SetDeadline(time.Now().Add(patience)) // fails when the next line does
	_, err := fmt.Fprintf(c, "POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, len(body), body)
	var res *http.Response
	if err == nil {
		if res, err = http.ReadResponse(in, nil); err == nil {
			_, err = io.Copy(io.Discard, res.Body)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.lost++
		return false
	}
	k.answered++
	if res.Close {
		k.ended++
	}
	return !res.Close
}

// A proxy that keeps connections cannot know that one is about to be closed while its request is on the way, and may
// not repeat it: the answer before says so.
func TestStoppingNodeLosesNoRequestOnKeptConnections(t *testing.T) {
	t.Parallel() // with the other one: both wait, mostly

	const many, pause, way = 32, 20, 500 * time.Microsecond // pause: at most, in ms
	p := newPair(t, 0, nil)
	n, k := p.nodes[0], &kept{}
	var all sync.WaitGroup
	for i := range many {
		c, err := net.Dial("tcp", n.address)
		must(t, "connecting", err)
		t.Cleanup(func() { _ = c.Close() }) // closed by the node before
		all.Go(func() {
			in := bufio.NewReader(c)
			for turn := i; ; turn += 7 {
				time.Sleep(time.Duration(turn%pause) * time.Millisecond)
				_ = c.SetReadDeadline(time.Now().Add(50 * time.Microsecond)) // as nginx, it looks whether the node has closed it
				if _, err := in.Peek(1); errors.Is(err, io.EOF) {
					return // safe to go elsewhere
				}
				time.Sleep(way)
				if !k.ask(c, in, strings.TrimPrefix(p.issuer, "http://")) {
					return
				}
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	n.Terminate()
	n.stops()
	all.Wait()
	if k.lost > 0 || k.ended != many {
		t.Errorf("%d requests answered, %d lost; %d of %d connections ended by an answer", k.answered, k.lost, k.ended, many)
	}
}
