package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/minddistrict/idp/internal/secret"
)

// Caller is who sent a request and how it is known in the log.
type Caller struct {
	Reference string // number for the helpdesk, such as 7KQ4-MXDA
	Address   string // network address, never taken from a header of an untrusted peer
	Agent     string // browser, cut to 200 characters
}

// Network is what may be kept of the address with a session: of IPv4 the /24, of IPv6 the /32 that a provider has at
// least (RFC 6177 section 2: a /48 may be one home). It tells networks apart, and no single line. Empty where the
// address is none.
func (c Caller) Network() string {
	a, err := netip.ParseAddr(c.Address)
	if err != nil {
		return ""
	}
	a, bits := a.Unmap().WithZone(""), 32
	if b := a.As16(); !a.Is4() && b[0] == 0x20 && b[1] == 0x02 { // 6to4 (RFC 3056): the whole IPv4 address is in it
		a = netip.AddrFrom4([4]byte(b[2:6]))
	}
	if a.Is4() {
		bits = 24
	}
	net, _ := a.Prefix(bits) // fits every address
	return net.String()
}

// Nearby is the network of one home or office: of IPv4 the /24, of IPv6 the /48 (RFC 6177 section 2). It is compared
// and not kept. Empty where the address is none.
func (c Caller) Nearby() string {
	a, err := netip.ParseAddr(c.Address)
	if err != nil {
		return ""
	}
	a, bits := a.Unmap().WithZone(""), 48
	if a.Is4() {
		bits = 24
	}
	net, _ := a.Prefix(bits) // fits every address
	return net.String()
}

// ToThisMachine reports whether a request names this machine as a browser on it does. A page elsewhere whose name was
// pointed here (DNS rebinding) names itself.
func ToThisMachine(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// Source is where the caller is counted: the address, of IPv6 the /64 that one line has at least, whose owner can use
// all of it (RFC 6177 section 2).
func (c Caller) Source() string {
	a, err := netip.ParseAddr(c.Address)
	if err != nil || a.Is4() {
		return c.Address
	}
	net, _ := a.Prefix(64) // fits every address of IPv6
	return net.String()
}

type callerKey struct{}

// From returns the caller of a request; an empty one outside Wrap.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Options of Wrap.
type Options struct {
	Log     *slog.Logger
	Now     func() time.Time
	Limit   time.Duration                                      // the context of a request ends after it; 0: never
	Proxies []netip.Prefix                                     // peers whose X-Forwarded-For is believed
	Observe func(route string, status int, took time.Duration) // metrics; nil: none
	Trace   Trace                                              // nil: none
	Leaves  func() bool                                        // the server stops: the answer ends its connection; nil: never
	Broken  func(http.ResponseWriter, *http.Request)           // what a person sees after a panic
}

// Trace begins the trace of a request, whose context it returns, and ends it when it was answered. Trusted: the peer is
// one of Proxies.
type Trace func(r *http.Request, reference string, trusted bool) (ctx context.Context, end func(route string, status int))

// Wrap puts the shared plumbing around a handler.
func Wrap(next http.Handler, o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := o.Now()
		c := Caller{Reference: secret.Reference(), Address: address(r, o.Proxies), Agent: cut(r.UserAgent(), 200)}
		ctx := context.WithValue(r.Context(), callerKey{}, c)
		if o.Limit > 0 {
			limited, done := context.WithTimeout(ctx, o.Limit)
			defer done()
			ctx = limited
		}
		r = r.WithContext(ctx)
		ended := func(string, int) {}
		if o.Trace != nil {
			var ctx context.Context
			ctx, ended = o.Trace(r, c.Reference, FromProxy(r, o.Proxies))
			r = r.WithContext(ctx)
		}
		if r.Body != http.NoBody {
			r.Body = bound(w, r.Body, MaxBody)
		}
		rec := &recorder{ResponseWriter: w, leaves: o.Leaves, route: UnknownRoute}
		rec.said = rec.room[:0]
		defer func() {
			if err := recover(); err != nil {
				o.Log.ErrorContext(r.Context(), "panic", "reference", c.Reference, "error", fmt.Sprint(err), "stack", string(debug.Stack()))
				if rec.status == 0 {
					rec.toMachine = false
					o.Broken(rec, r)
				}
			}
			rec.begin(0) // where nothing was written the server answers by itself
			ended(rec.route, rec.status)
			took := o.Now().Sub(start)
			if o.Observe != nil {
				o.Observe(rec.route, rec.status, took)
			}
			// The path only: queries hold state, hints and codes.
			o.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", append(rec.said,
				slog.String("reference", c.Reference), slog.String("method", r.Method), slog.String("host", cut(r.Host, 200)),
				slog.String("route", rec.route), slog.String("path", pathOf(rec.route, r.URL.Path)),
				slog.Int("status", rec.status), slog.Duration("took", took), slog.String("address", c.Address))...)
		}()
		next.ServeHTTP(rec, r)
	})
}

// header is one that answers carry unless their handler says otherwise.
type header struct {
	name  string
	value []string // full: whoever adds to it gets a copy
	pages bool     // only a browser that shows the answer reads it
}

// headers are shared by all answers.
//
// form-action is left out on purpose: browsers check it on every hop of the redirects that follow a form, and where a
// party leads people after its callback is not ours to know (docs/decisions/0005).
var headers = []header{
	{"Cache-Control", []string{"no-store"}, false},
	{"X-Content-Type-Options", []string{"nosniff"}, false},
	{"Content-Security-Policy", []string{policy}, true},
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}, true},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}, true},
	{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=()"}, true},
	{"Referrer-Policy", []string{"same-origin"}, true},
	{"X-Frame-Options", []string{"DENY"}, true},
}

const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; frame-ancestors 'none'"

// Headers adds what an answer carries unless its handler said otherwise.
func Headers(h http.Header) { addHeaders(h, false) }

func addHeaders(h http.Header, toMachine bool) {
	for _, d := range headers {
		if _, said := h[d.name]; !said && !(d.pages && toMachine) {
			h[d.name] = d.value
		}
	}
}

// ToMachine says that an answer is JSON for a program: what only a browser that shows a page obeys is left out.
func ToMachine(w http.ResponseWriter) {
	if rec, ok := w.(*recorder); ok {
		rec.toMachine = true
	}
}

// AllowOwnCalls lets the script of a page ask our own addresses how things stand.
func AllowOwnCalls(h http.Header) {
	h["Content-Security-Policy"] = []string{policy + "; connect-src 'self'"}
}

// Transport adds the headers that only make sense over TLS.
func Transport(h http.Header) { h["Strict-Transport-Security"] = transport }

var transport = []string{"max-age=31536000"}

// address is the peer's, or, behind trusted proxies, the last address in X-Forwarded-For that is not a trusted proxy.
// Anything malformed ends the search at what is known for certain.
func address(r *http.Request, trusted []netip.Prefix) string {
	peer, err := peerOf(r)
	if err != nil {
		return r.RemoteAddr
	}
	if !within(peer, trusted) {
		return peer.WithZone("").String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && i >= len(hops)-16; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if peer = hop.Unmap(); !within(peer, trusted) {
			break
		}
	}
	return peer.WithZone("").String()
}

// FromProxy reports whether the peer of a request is a trusted proxy.
func FromProxy(r *http.Request, trusted []netip.Prefix) bool {
	peer, err := peerOf(r)
	return err == nil && within(peer, trusted)
}

// peerOf is who the connection is with, read in one way for everything that depends on it.
func peerOf(r *http.Request) (netip.Addr, error) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr().Unmap(), err
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// longestWord of our routes is openid-configuration; what is longer was made up, such as a token in the wrong place.
const longestWord = 20

// pathOf is a path for the log: of our own routes only, without identifiers, so that a line holds neither what opens a
// journey nor what somebody made up.
func pathOf(route, p string) string {
	if route == "" || route == UnknownRoute {
		return "…"
	}
	parts := strings.Split(cut(p, 300), "/")
	for i, s := range parts {
		if len(s) > longestWord {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

// IsPlain reports whether a text from outside is valid UTF-8 without control characters: databases and logs take
// nothing else.
func IsPlain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func cut(s string, n int) string {
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}

// recorder remembers the status and the route for log and metrics.
type recorder struct {
	http.ResponseWriter
	leaves func() bool // nil: never
	status int
	route  string
	said   []slog.Attr
	room   [12]slog.Attr // for said, and what every line says

	toMachine bool // see ToMachine
}

// begin is called before the headers are sent; only the first time counts.
func (r *recorder) begin(status int) {
	if r.status != 0 {
		return
	}
	r.status = status
	addHeaders(r.Header(), r.toMachine)
	if r.leaves != nil && r.leaves() {
		endConnection(r.Header())
	}
}

func (r *recorder) WriteHeader(status int) {
	r.begin(status)
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.begin(http.StatusOK)
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// AddLogAttrs adds to the line of the request in the log: words of ours and names that are registered. Text from
// outside only where docs/operating.md says that it is there, cut, and as a value of its own.
func AddLogAttrs(w http.ResponseWriter, more ...slog.Attr) {
	if rec, ok := w.(*recorder); ok {
		rec.said = append(rec.said, more...)
	}
}

// LogRefusal says in the log that the request is refused: a code, and why, in words of ours.
func LogRefusal(w http.ResponseWriter, code, reason string) {
	AddLogAttrs(w, slog.String("error", code), slog.String("reason", reason))
}

// UnknownRoute names what is not an address of ours.
const UnknownRoute = "none"

// Route names the route of a request for metrics: few values, never a path from outside.
func Route(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rec, ok := w.(*recorder); ok {
			rec.route = name
		}
		next.ServeHTTP(w, r)
	})
}
