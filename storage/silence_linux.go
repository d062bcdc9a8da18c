package storage

import (
	"strings"
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7), in milliseconds; package syscall lacks it on some processors.
const tcpUserTimeout = 0x12

// setUserTimeout has the system end a connection when what was sent is not acknowledged for this long (RFC 5482).
// Otherwise Linux repeats it for 15 minutes.
func setUserTimeout(d time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		if !strings.HasPrefix(network, "tcp") {
			return nil
		}
		var err error
		if failed := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(d.Milliseconds()))
		}); failed != nil {
			return failed
		}
		return err
	}
}
