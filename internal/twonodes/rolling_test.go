package twonodes_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRollingRestartFailsNoLogin restarts one node after the other, as an update does, while people sign in (security
// target F6). The load is strict: a request that is lost, or answered by anything but what it should be, fails it.
func TestRollingRestartFailsNoLogin(t *testing.T) {
	p := newPair(t, browsers, nil)
	rolls := times(t, "IDP_ROLLS", 1)
	begun := time.Now()
	l := startLoad(p.through(), browsers, true)
	l.progress(t, 20*time.Second)
	for range rolls {
		for _, n := range p.nodes {
			n.terminate()
			n.stops()
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
		p.counts(t, fact, i)
	}
	lost, retried := p.balancer.figures()
	if lost > 0 {
		t.Errorf("%d requests were lost", lost)
	}
	if retried == 0 {
		t.Error("no request met a node that was gone: the load is too small to show anything")
	}
	t.Logf("%d rolling restarts in %s: %d full logins (%.1f/s), none failed; %d requests found their first node gone",
		rolls, took.Round(time.Millisecond), len(facts), float64(len(facts))/took.Seconds(), retried)
}

// A proxy that has a connection sends its request, whenever the node was told to stop; only who is refused goes elsewhere.
func TestStoppingNodeAnswersWhoIsConnected(t *testing.T) {
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
	n.terminate()
	n.soon(patience, "refusing connections", func() bool {
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
