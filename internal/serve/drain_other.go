//go:build !unix

package serve

import "net"

// Drain is for systems that production runs on.
func Drain(l net.Listener) net.Listener { return l }
