// Package serve runs the HTTP servers of a process from their listeners to their end: limits of connections, a
// certificate that is read again when it is renewed, what a service manager is told, how memory and cores are shared
// with password hashes, and a stop that loses no request.
//
// It knows nothing of what it serves: a handler for each listener, and the two calls of House.
package serve
