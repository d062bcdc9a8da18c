package serve

import (
	"fmt"
	"net"
	"os"
)

// What a service manager is told (sd_notify(3)).
const (
	ready    = "READY=1"
	stopping = "STOPPING=1"
)

// notify tells the service manager that started us how far we are: one datagram to the socket that it names. Where
// nobody asked, nobody is told. An address that starts with @ is an abstract one; package net knows those.
func notify(state string) error {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(state))
		_ = conn.Close() // a datagram is sent or it is not
	}
	if err != nil {
		return fmt.Errorf("telling the service manager %s: %w", state, err)
	}
	return nil
}
