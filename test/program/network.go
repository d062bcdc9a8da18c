package program

import (
	"encoding/binary"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/minddistrict/idp/internal/secret"
)

// ports are those that FreePort gave: nobody listens on them yet, or not at the moment.
var ports sync.Map

// FreePort is a port of loopback that nobody listens on and that was not given before. It is below those that outgoing
// connections use: while a program is down, none of them takes its port.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 50 {
		port := strconv.Itoa(10000 + int(binary.BigEndian.Uint16(secret.Bytes(2)))%10000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close() // it only tried the number
			if _, given := ports.LoadOrStore(port, true); !given {
				return port
			}
		}
	}
	t.Fatal("no free port")
	return ""
}

// FreeAddress is an address of loopback with a free port.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return "127.0.0.1:" + FreePort(t)
}
