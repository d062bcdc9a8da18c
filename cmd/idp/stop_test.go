package main_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/test/program"
)

// Whoever balances the load learns first; meanwhile everybody is served, on connections that end with their answer.
func TestReadinessEndsBeforeTheServiceDoes(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "").with("IDP_SHUTDOWN_GRACE=12s")
	i.setUp()
	server := i.serve()
	kept := i.connect()
	if kept.ask(t) != "keep" {
		t.Error("the connection is not kept")
	}
	server.Terminate()
	server.Soon(5*time.Second, "leaving", func() bool {
		status, _, body := get(t, i.operator+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, `{"status":"stopping"}`)
	})
	for path, want := range map[string]int{"/keys": http.StatusOK, "/logged-out": http.StatusOK, "/nowhere": http.StatusNotFound} {
		r := request(t, http.MethodGet, i.issuer+path, nil)
		res, err := (&http.Transport{}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != want || !res.Close { // not read
			t.Errorf("%s: %d, the connection ends: %t", path, res.StatusCode, res.Close)
		}
	}
	if got := kept.ask(t); got != "close" {
		t.Errorf("the kept connection: %s", got)
	}
	if code := server.Ends(12 * time.Second); code != 0 {
		t.Errorf("exit %d:\n%s", code, server.Log)
	}
	if strings.Contains(server.Log.String(), `"msg":"not ready"`) {
		t.Error("a stop is told as trouble")
	}
}

// conn is a connection that is kept.
type conn struct {
	net.Conn
	in   *bufio.Reader
	host string
}

func (i *install) connect() conn {
	i.t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+i.port)
	if err == nil {
		err = c.SetDeadline(time.Now().Add(20 * time.Second))
	}
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { _ = c.Close() }) // closed by the server before
	return conn{c, bufio.NewReader(c), "localhost:" + i.port}
}

// ask sends a request and reports whether the connection is kept after its answer.
func (c conn) ask(t *testing.T) string {
	t.Helper()
	_, err := fmt.Fprintf(c, "HEAD /logged-out HTTP/1.1\r\nHost: %s\r\n\r\n", c.host)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(c.in, &http.Request{Method: http.MethodHead})
	if err != nil {
		t.Fatal(err)
	}
	return map[bool]string{true: "close", false: "keep"}[res.Close]
}

// tardy is a mail server that takes every mail, and some time for it.
type tardy struct {
	port string
	mail chan struct{} // one for each mail that came
}

func newTardy(t *testing.T, takes time.Duration) tardy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test is over
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s := tardy{port, make(chan struct{}, 100)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go s.talk(c, takes)
		}
	}()
	return s
}

// env makes a server send by it, and stop within a grace.
func (s tardy) env(grace string) []string {
	return []string{
		"IDP_SHUTDOWN_GRACE=" + grace,
		"IDP_SMTP__HOST=localhost", "IDP_SMTP__PORT=" + s.port, "IDP_SMTP__TLS=none", "IDP_SMTP__FROM=login@example.org",
	}
}

// inHand starts a server that is sending a letter.
func (s tardy) inHand(i *install) *program.Process {
	i.t.Helper()
	server := i.serve()
	i.OK("account", "add", "ria@example.org", "--platform", "linde", "--invite")
	select {
	case <-s.mail:
	case <-time.After(20 * time.Second):
		i.t.Fatal("no mail came")
	}
	return server
}

// talk is the conversation of RFC 5321, as far as it is needed.
func (s tardy) talk(c net.Conn, takes time.Duration) {
	defer func() { _ = c.Close() }() // the client has said all
	say := func(text string) { _, _ = fmt.Fprint(c, text+"\r\n") }
	say("220 mail.test ESMTP")
	data := false
	for in := bufio.NewScanner(c); in.Scan(); {
		switch line := in.Text(); {
		case data && line == ".":
			data = false
			s.mail <- struct{}{}
			time.Sleep(takes)
			say("250 taken")
		case data:
		case strings.HasPrefix(line, "DATA"):
			data = true
			say("354 go on")
		case strings.HasPrefix(line, "QUIT"):
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// A message is in hand when the database falls silent and the server is told to stop: it stops within the default grace,
// 20 s, and so before systemd and a container engine kill it.
func TestServeStopsWithinTheGraceWhenTheDatabaseIsSilent(t *testing.T) {
	t.Parallel()
	proxy, i := behindProxy(t)
	mails := newTardy(t, 2*time.Second)
	i = i.with(mails.env("20s")...)
	server := mails.inHand(i)
	proxy.silence.Lock()
	t.Cleanup(proxy.silence.Unlock) // before the connections are cut
	server.Terminate()
	if code := server.Ends(20 * time.Second); code != 0 {
		t.Errorf("exit %d:\n%s", code, server.Log)
	}
}

// A mail server that takes longer than the whole grace does not keep the server from stopping.
func TestServeCutsOffALetterAfterTheGrace(t *testing.T) {
	t.Parallel()
	mails := newTardy(t, 20*time.Second)
	i := newInstall(t, "").with(mails.env("1s")...)
	i.setUp()
	server := mails.inHand(i)
	server.Terminate()
	if code := server.Ends(5 * time.Second); code != 1 || !strings.Contains(server.Log.String(), "idp: stopping: a letter was still being sent after 1s (shutdown_grace) and was cut off: it may come twice\n") {
		t.Errorf("exit %d:\n%s", code, server.Log)
	}
}

// Lines of the log are gathered: a stop under load writes them all.
func TestStopLosesNoLine(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "")
	i.setUp()
	server := i.serve()
	answered := 0
	for end := time.Now().Add(10 * time.Second); ; answered++ {
		res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request(t, http.MethodGet, i.issuer+"/logged-out", nil))
		if err != nil {
			break // it does not listen any more
		}
		_ = res.Body.Close() // not read
		if answered == 50 {
			server.Terminate()
		}
		if time.Now().After(end) {
			t.Fatal("it does not stop")
		}
	}
	if code := server.Ends(12 * time.Second); code != 0 {
		t.Errorf("exit %d", code)
	}
	if got := strings.Count(server.Log.String(), `"route":"logged-out"`); got != answered || answered <= 50 {
		t.Errorf("%d lines, %d answers", got, answered)
	}
}
