package storage

import (
	"net"
	"syscall"
	"testing"
)

// tcp(7): the system ends a connection where nothing that was sent arrives.
func TestLostConnectionsAreEndedBySystem(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // the test is over
	c, err := dialer(answerTime)(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // as above
	raw, err := c.(*deadlineConn).Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []struct {
		name         string
		option, want int
	}{
		{"TCP_USER_TIMEOUT in milliseconds", tcpUserTimeout, 10_000},
		{"TCP_KEEPIDLE in seconds", syscall.TCP_KEEPIDLE, 10},
		{"TCP_KEEPINTVL in seconds", syscall.TCP_KEEPINTVL, 5},
		{"TCP_KEEPCNT", syscall.TCP_KEEPCNT, 2},
	} {
		var got int
		var failed error
		if err := raw.Control(func(fd uintptr) { got, failed = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, o.option) }); err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		if got != o.want {
			t.Errorf("%s: got %d, want %d", o.name, got, o.want)
		}
	}
}
