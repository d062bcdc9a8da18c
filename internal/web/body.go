package web

import (
	"errors"
	"io"
	"net/http"
)

// MaxBody bounds request bodies: forms of ours are far smaller.
const MaxBody = 64 << 10

// bounded is a request body of which no more can be read than a bound says.
type bounded struct {
	io.ReadCloser
	whole io.ReadCloser
	w     http.ResponseWriter // of the server, which is told that the bound was met
}

func bound(w http.ResponseWriter, whole io.ReadCloser, most int64) *bounded {
	return &bounded{http.MaxBytesReader(w, whole, most), whole, w}
}

// RaiseBodyLimit lets one handler read more of a body than MaxBody, before it read anything: who may send that much was
// looked at by then. Outside Wrap it does nothing.
func RaiseBodyLimit(r *http.Request, most int64) {
	if b, ok := r.Body.(*bounded); ok {
		r.Body = bound(b.w, b.whole, most)
	}
}

// TooLarge reports whether reading a body ended because it is longer than its bound.
func TooLarge(err error) bool {
	_, is := errors.AsType[*http.MaxBytesError](err)
	return is
}

// Drain reads what is left of a body that is too large, and forgets it, up to a bound: a browser that is still sending
// when the connection ends shows an error of its own, and not our answer.
func Drain(r *http.Request, most int64) {
	if b, ok := r.Body.(*bounded); ok {
		_, _ = io.CopyN(io.Discard, b.whole, most) // the answer is the same, whatever comes
	}
}
