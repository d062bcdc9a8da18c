//go:build unix

package serve

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
)

// drained is a listener that loses nobody when it closes. The system resets the connections of a closing socket that
// nobody has accepted yet, although their requests may have been sent; here they are accepted first, and served.
type drained struct {
	*net.TCPListener
	once    sync.Once
	waiting chan net.Conn // those, and then closed
}

// Drain makes a listener lose nobody when it closes.
func Drain(l net.Listener) net.Listener {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return l
	}
	return &drained{TCPListener: tcp, waiting: make(chan net.Conn, backlog)}
}

// backlog bounds how many of them are served; a server that keeps up has far fewer.
const backlog = 1024

// Accept returns the connections that waited at the end after all others.
func (d *drained) Accept() (net.Conn, error) {
	c, err := d.TCPListener.Accept()
	if !errors.Is(err, net.ErrClosed) {
		return c, err
	}
	if c, ok := <-d.waiting; ok {
		return c, nil
	}
	return nil, err
}

// Close closes the listener. Only the first time counts.
func (d *drained) Close() (err error) {
	d.once.Do(func() {
		defer close(d.waiting)
		var fds []int
		fds, err = d.close()
		for _, fd := range fds {
			file := os.NewFile(uintptr(fd), "accepted")
			if c, err := net.FileConn(file); err == nil { // otherwise its client has left
				d.waiting <- c
			}
			_ = file.Close() // c has a descriptor of its own
		}
	})
	return err
}

// close returns the connections that waited. A second descriptor keeps the socket open until nobody waits: between the
// last look and the end there is one system call.
func (d *drained) close() (fds []int, err error) {
	socket, err := d.File()
	if err != nil {
		return nil, errors.Join(err, d.TCPListener.Close())
	}
	err = d.TCPListener.Close()
	raw, rawErr := socket.SyscallConn()
	if rawErr == nil {
		rawErr = raw.Control(func(fd uintptr) {
			for len(fds) < cap(d.waiting) {
				next, _, err := syscall.Accept(int(fd))
				switch {
				case err == nil:
					fds = append(fds, next)
				case !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.ECONNABORTED):
					return // nobody waits
				}
			}
		})
	}
	return fds, errors.Join(err, rawErr, socket.Close())
}
