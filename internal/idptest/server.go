package idptest

import (
	"crypto"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/storage"
)

// Cheap are hash costs for tests about something else.
var Cheap = password.Params{Memory: 64, Passes: 1, Threads: 1}

// manyLogins find a place in the queue: tests about something else send hundreds at once.
const manyLogins = 1000

// Server is a house in process with its own clock.
type Server struct {
	*wire.House
	Clock *Clock
	Mails *notify.Memory
	t     testing.TB
	hosts map[string]http.Handler // other sites, by host
	log   *testLog

	mu     sync.Mutex
	looked time.Time // at the settings, the last time
}

// patience is what a request may take in a test. How fast the machine is, is not what is tested.
const patience = 2 * time.Minute

// Sealer is that of every house of a test. The RSA keys of its platforms are drawn once in a process (keyPool), so two
// tests may have the same ones; two platforms of one test do not.
func Sealer(t testing.TB) *keys.Sealer {
	t.Helper()
	sealer, err := keys.NewSealer([]byte("a master key of 32 bytes for tests"[:32]))
	if err != nil {
		t.Fatal(err)
	}
	return sealer.DrawingFrom(func(alg string, anew keys.Draw) (crypto.Signer, error) {
		return signingKeys.choose(t.Name(), alg, anew)
	})
}

// NewServer builds a house on a database, with optional further factors.
func NewServer(t testing.TB, db *storage.DB, factors ...login.Factor) *Server {
	t.Helper()
	clock, mails := NewClock(), &notify.Memory{}
	s := &Server{Clock: clock, Mails: mails, t: t, hosts: map[string]http.Handler{}, log: &testLog{t: t}}
	house, err := wire.Build(t.Context(), wire.Options{
		DB: db, Sealer: Sealer(t), Hash: Cheap, Workers: 2, Queue: manyLogins, Now: clock.Now, FixedClock: true, Wait: clock.Wait, Limit: patience, Factors: factors, Mailer: mails, Texts: mails, Network: wire.Network{Outbound: s.Client()},
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.House = house
	return s
}

// Apply declares platforms, parties and accounts, as `idp apply` does.
func (s *Server) Apply(file string) setup.Report {
	s.t.Helper()
	f, lines, err := setup.Parse([]byte(file))
	if err != nil {
		s.t.Fatal(err)
	}
	report, err := setup.Apply(s.t.Context(), s.Tools(), f, lines)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.Refresh(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return report
}

// Tools are those of the commands. A test may make a platform weaker than it was.
func (s *Server) Tools() setup.Tools {
	return setup.Tools{DB: s.DB, Sealer: s.Sealer, Pool: s.Pool, Methods: append(wire.Methods(), login.Methods(s.Factors)...), Policy: wire.DefaultPolicy(s.Factors...), Now: s.Clock.Now(), Weaken: true}
}

// Site answers for another host, such as a relying platform.
func (s *Server) Site(host string, h http.Handler) { s.hosts[host] = h }

// RoundTrip calls the house, or the other site of that host, in process.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	return s.At("192.0.2.1").RoundTrip(r)
}

// At calls the house from a network address.
func (s *Server) At(address string) http.RoundTripper {
	return from(func(r *http.Request) (*http.Response, error) {
		return s.roundTrip(r, net.JoinHostPort(address, "4711"))
	})
}

// from is a transport that is a function.
type from func(*http.Request) (*http.Response, error)

func (f from) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (s *Server) roundTrip(r *http.Request, peer string) (*http.Response, error) {
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	in.Header = r.Header.Clone()
	in.Host = r.URL.Host
	in.ContentLength = r.ContentLength
	in.RemoteAddr = peer
	rec := httptest.NewRecorder()
	if site, ok := s.hosts[r.URL.Host]; ok {
		site.ServeHTTP(rec, in)
	} else {
		s.ServeHTTP(rec, in)
	}
	res := rec.Result()
	res.Request = r
	return res, nil
}

// ServeHTTP answers as a node that runs: one whose settings are as they were when the clock was moved.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if now := s.Clock.Now(); now.Sub(s.looked) > time.Second {
		s.looked = now
		_ = s.Refresh(r.Context()) // a node tries again, and answers by what it has
	}
	s.mu.Unlock()
	s.House.ServeHTTP(w, r)
}

// Client is an HTTP client of this server that follows no redirects and keeps no cookies.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: s, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Logged reports whether a line of the log has a text in it.
func (s *Server) Logged(text string) bool {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.ContainsFunc(s.log.lines, func(line string) bool { return strings.Contains(line, text) })
}

// Read reads an address, as another site's server does.
func (s *Server) Read(address string) ([]byte, error) {
	res, err := s.Client().Get(address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // in memory
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", address, res.StatusCode)
	}
	return io.ReadAll(res.Body)
}

// testLog sends log lines to the test, and keeps them.
type testLog struct {
	t     testing.TB
	mu    sync.Mutex
	lines []string
}

func (l *testLog) Write(b []byte) (int, error) {
	line := strings.TrimSpace(string(b))
	l.t.Log(line)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return len(b), nil
}

var _ io.Writer = (*testLog)(nil)
