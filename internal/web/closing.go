package web

import "net/http"

// CloseConnections ends the connection of every answer while the server leaves, so that whoever keeps connections, such
// as a proxy, sends nothing more on one that is about to be closed (RFC 9112 section 9.6). Over HTTP/2 the server says
// GOAWAY instead (RFC 9113 section 6.8). Options.Leaves does the same for requests that had begun before.
func CloseConnections(next http.Handler, leaves func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaves() {
			endConnection(w.Header())
		}
		next.ServeHTTP(w, r)
	})
}

func endConnection(h http.Header) { h.Set("Connection", "close") }
