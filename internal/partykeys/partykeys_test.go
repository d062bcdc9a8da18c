package partykeys

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/shelf"
)

// site is a party's server, whose answer a test changes.
type site struct {
	*httptest.Server
	reads  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
}

func newSite(t *testing.T, answer http.HandlerFunc) *site {
	s := &site{}
	s.answer.Store(&answer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.reads.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) says(answer http.HandlerFunc) { s.answer.Store(&answer) }

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

// bench is a reader with a clock and a log of the test's own.
type bench struct {
	*Reader
	mu  sync.Mutex
	at  time.Time
	log bytes.Buffer
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bench) later(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func newBench(allow ...netip.Prefix) *bench {
	b := &bench{at: time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)}
	b.Reader = New(outbound.NewClient(allow), b.now, slog.New(slog.NewTextHandler(&b.log, nil)))
	return b
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func party(id, uri string) *grant.Party {
	return &grant.Party{ID: grant.PartyID(id), Platform: "linde", Auth: grant.PrivateKeyJWT, Strength: grant.Strength{JWKSURI: uri}}
}

// set is a key set of new keys with these kids.
func set(t testing.TB, kids ...string) string {
	t.Helper()
	var all jose.JSONWebKeySet
	for _, kid := range kids {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		all.Keys = append(all.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: kid})
	}
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func privateSet(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func has(keys *jose.JSONWebKeySet, kid string) bool { return keys != nil && len(keys.Key(kid)) > 0 }

// What a party may answer with, and does not get keys for. Each leaves the keys of before.
func TestAnswersThatAreNoKeys(t *testing.T) {
	big := func(bits int) string {
		n := bytes.Repeat([]byte{0xff}, bits/8)
		return `{"keys":[{"kty":"RSA","kid":"a","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(n) + `"}]}`
	}
	many := make([]string, 21)
	for i := range many {
		many[i] = fmt.Sprint("k", i)
	}
	one := set(t, "a")
	thousands := `{"keys":[` + strings.TrimSuffix(strings.Repeat(one[len(`{"keys":[`):len(one)-len(`]}`)]+",", 10_000), ",") + `]}`
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(bytes.Repeat([]byte(" "), 10<<20)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	other := newSite(t, text(one))
	for says, answer := range map[string]http.HandlerFunc{
		"302, to keys": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"302, with keys inside": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(302)
			_, _ = w.Write([]byte(one))
		},
		"204":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"404 with keys": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); _, _ = w.Write([]byte(one)) },
		"500":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"nothing":       text(""),
		"garbage":       text("<html>keys</html>"),
		"a list":        text("[]"),
		"no keys":       text(`{"keys":[]}`),
		"10 MB":         text(one + strings.Repeat(" ", 10<<20)),
		"10 MB in 10 kB": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		},
		"10,000 keys":        text(thousands),
		"21 keys":            text(set(t, many...)),
		"RSA of 16,384 bits": text(big(16_384)),
		"RSA of 1,024 bits":  text(big(1024)),
		"a private key":      text(privateSet(t)),
		"a secret":           text(`{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`),
		"a header of 1 MB": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			_, _ = w.Write([]byte(one))
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte(one))
		},
	} {
		t.Run(says, func(t *testing.T) {
			b, s := newBench(loopback), newSite(t, answer)
			begun := time.Now()
			if keys, err := b.Keys(t.Context(), party("p", s.URL), "a"); !errors.Is(err, fault.NotFound) {
				t.Errorf("%v, %v", keys, err)
			}
			if b.later(shelf.ReadEvery); s.reads.Load() != 1 || !strings.Contains(b.log.String(), "party=p") {
				t.Errorf("read %d times; log: %s", s.reads.Load(), &b.log)
			}
			s.says(text(one))
			if keys, err := b.Keys(t.Context(), party("p", s.URL), "a"); err != nil || !has(keys, "a") {
				t.Fatalf("when it is mended: %v", err)
			}
			b.later(keptFor)
			s.says(answer)
			if keys, err := b.Keys(t.Context(), party("p", s.URL), "a"); err != nil || !has(keys, "a") || s.reads.Load() != 3 {
				t.Errorf("the keys of before: %v, read %d times", err, s.reads.Load())
			}
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	if other.reads.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// Keys are read when they are wanted, and not for each request.
func TestKeysAreReadSeldom(t *testing.T) {
	b, s := newBench(loopback), newSite(t, text(set(t, "a")))
	p := party("p", s.URL)
	ask := func(kid string, want bool, reads int64) {
		t.Helper()
		keys, err := b.Keys(t.Context(), p, kid)
		if got := s.reads.Load(); err != nil || kid != "" && has(keys, kid) != want || got != reads {
			t.Fatalf("kid %q: there %t, want %t; read %d times, want %d: %v", kid, has(keys, kid), want, got, reads, err)
		}
	}
	ask("a", true, 1)
	ask("", true, 1)
	ask("b", false, 1) // within 30 seconds of a read
	b.later(29 * time.Second)
	ask("b", false, 1)
	b.later(time.Second)
	s.says(text(set(t, "a", "b"))) // rotation: the new key is found by its kid
	ask("b", true, 2)
	ask("c", false, 2)
	b.later(9*time.Minute + 59*time.Second)
	ask("a", true, 2)
	s.says(text(set(t, "b")))
	b.later(time.Second)
	ask("a", false, 3) // … and the old one goes within ten minutes
	for range 100 {
		ask("guessed", false, 3)
	}
	b.later(shelf.ReadEvery)
	ask("b", true, 3)
	ask("guessed", false, 4)
	other := party("q", s.URL)
	if _, err := b.Keys(t.Context(), other, "b"); err != nil || s.reads.Load() != 5 {
		t.Errorf("another party at that address: read %d times, %v", s.reads.Load(), err)
	}
}

// While an address cannot be read its keys count for a day, and then no more.
func TestOldKeysCountForADay(t *testing.T) {
	b, s := newBench(loopback), newSite(t, text(set(t, "a")))
	p := party("p", s.URL)
	if _, err := b.Keys(t.Context(), p, "a"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, d := range []time.Duration{keptFor, time.Second, time.Hour, 22 * time.Hour, 49*time.Minute + 58*time.Second} {
		b.later(d)
		if keys, err := b.Keys(t.Context(), p, "a"); err != nil || !has(keys, "a") {
			t.Fatalf("%s later: %v", d, err)
		}
	}
	b.later(time.Second)
	if _, err := b.Keys(t.Context(), p, "a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("after a day: %v", err)
	}
}

// A server that takes its time holds up those who ask for its party, for five seconds, with one read for all of them.
func TestSlowAnswerHoldsUpOnePartyOnly(t *testing.T) {
	stop := make(chan struct{})
	slow := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		for range 600 { // a byte now and then
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-stop:
				return
			case <-r.Context().Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() { close(stop) })
	b, quick := newBench(loopback), newSite(t, text(set(t, "a")))
	begun := time.Now()
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if _, err := b.Keys(t.Context(), party("slow", slow.URL), "a"); !errors.Is(err, fault.NotFound) {
				t.Errorf("%v", err)
			}
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	all.Go(func() {
		_, err := b.Keys(gone, party("slow", slow.URL), "a")
		if took := time.Since(begun); !errors.Is(err, fault.NotFound) || took > 3*time.Second {
			t.Errorf("whoever went was kept %s: %v", took, err)
		}
	})
	for slow.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	for i := range 100 {
		if _, err := b.Keys(t.Context(), party(fmt.Sprint("quick", i), quick.URL), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("another party's keys took %s", took)
	}
	all.Wait()
	if took := time.Since(begun); took < 4*time.Second || took > 7*time.Second || slow.reads.Load() != 1 {
		t.Errorf("took %s, read %d times", took, slow.reads.Load())
	}
}

// An address of our own network is called only where the operator allows it.
func TestPrivateAddressesAreNotRead(t *testing.T) {
	s := newSite(t, text(set(t, "a")))
	if _, err := newBench().Keys(t.Context(), party("p", s.URL), "a"); !errors.Is(err, fault.NotFound) || s.reads.Load() != 0 {
		t.Errorf("%v, read %d times", err, s.reads.Load())
	}
}

// What is remembered has an end, however many parties there are.
func TestSetsAreBounded(t *testing.T) {
	b, s := newBench(loopback), newSite(t, text(set(t, "a")))
	for i := range shelf.Most + 50 {
		b.later(time.Millisecond)
		if _, err := b.Keys(t.Context(), party(fmt.Sprint("p", i), s.URL), "a"); err != nil {
			t.Fatal(err)
		}
	}
	reads := s.reads.Load()
	for _, row := range []struct {
		i    int
		want int64
	}{{shelf.Most + 49, 0}, {50, 0}, {49, 1}} {
		before := s.reads.Load()
		if _, err := b.Keys(t.Context(), party(fmt.Sprint("p", row.i), s.URL), "a"); err != nil || s.reads.Load()-before != row.want {
			t.Errorf("party %d: read %d times, want %d: %v", row.i, s.reads.Load()-before, row.want, err)
		}
	}
	if b.sets.Len() != shelf.Most || reads != shelf.Most+50 {
		t.Errorf("%d sets, %d reads", b.sets.Len(), reads)
	}
}
