package main_test

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestHealthFollowsTheServer(t *testing.T) {
	t.Parallel()
	proxy, i := behindProxy(t)
	address := strings.TrimPrefix(i.operator, "http://")
	i.refused(1, "no answer at "+address+": unavailable", "health")
	server := i.serve()
	if out := i.OK("health"); out != "The server is ready.\n" {
		t.Errorf("health: %q", out)
	}
	var got struct{ Status string }
	if i.read(&got, "health"); got.Status != "ready" {
		t.Errorf("health as JSON: %+v", got)
	}
	_, port, _ := net.SplitHostPort(address)
	i.with("IDP_OPERATOR_LISTEN=:"+port, "HTTP_PROXY=http://127.0.0.1:1").OK("health")

	proxy.cut()
	i.refused(1, "the server at "+address+" is not ready (503 Service Unavailable): its log says why", "health")
	proxy.restore()
	for end := time.Now().Add(5 * time.Second); i.Run("health").Code != 0 && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond) // a connection that was cut may still be asked once
	}
	i.OK("health")
	server.Terminate()
	server.Ends(5 * time.Second)
	i.refused(1, "no answer", "health")
	i.with("IDP_LOG__LEVEL=loud").refused(1, "log.level", "health")
}

// Type=notify of the systemd unit: ready when the server can be reached, stopping before connections are refused.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	i := newInstall(t, "")
	i.setUp()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(i.Dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }() // the test is over
	told := func() string {
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 100)
		n, err := socket.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:n])
	}
	server := i.with("NOTIFY_SOCKET=" + socket.LocalAddr().String()).start("serve")
	if got := told(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	if status, _, _ := get(t, i.issuer+"/keys"); status != http.StatusOK {
		t.Errorf("told that it is ready, and it answers %d", status)
	}
	server.Terminate()
	if got := told(); got != "STOPPING=1" {
		t.Errorf("told %q", got)
	}
	if code := server.Ends(5 * time.Second); code != 0 {
		t.Errorf("exit %d", code)
	}

	lost := i.with("NOTIFY_SOCKET=/nowhere/notify").serve() // who asked is gone: people are served all the same
	lost.Terminate()
	if code := lost.Ends(5 * time.Second); code != 0 || !strings.Contains(lost.Log.String(), "telling the service manager READY=1") {
		t.Errorf("exit %d:\n%s", code, lost.Log)
	}
}
