package hostile_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/storage"
)

// TestHostileRequests sends what nobody should send to every route of both issuers: requests drawn from a grammar and
// then broken, with cookies, journeys, codes and tokens that are, or were, good. 20,000 on PostgreSQL, and on SQLite as
// many as its race detector allows in a minute (onSQLite). The large run, on both databases:
//
//	eval "$(go run ./test/postgres/run)" && IDP_HOSTILE=200000 go test -count=1 -v -timeout 60m -run TestHostileRequests ./test/hostile
//
// IDP_HOSTILE_SEED=n draws the requests of the run that printed n; the tokens in them are new each time.
func TestHostileRequests(t *testing.T) {
	seed := uint64(idptest.Number(t, "IDP_HOSTILE_SEED", 20270301))
	t.Run("postgres", func(t *testing.T) {
		hostile(t, idptest.ScenePostgres(t), seed, idptest.Number(t, "IDP_HOSTILE", 20_000))
	})
	t.Run("sqlite", func(t *testing.T) {
		hostile(t, idptest.SceneSQLite(t), seed, idptest.Number(t, "IDP_HOSTILE", onSQLite))
	})
}

const workers = 4

// assault is one run.
type assault struct {
	*idptest.Scene
	seed     uint64
	problems atomic.Int32
	moving   sync.RWMutex // held while time is moved: not under a request, which a node would find its settings too old for
	mu       sync.Mutex
	statuses map[string]int // by route and class of status
}

func hostile(t *testing.T, db *storage.DB, seed uint64, n int) {
	started := time.Now()
	s := idptest.NewScene(t, idptest.HostIssuer, db)
	s.Rebuild(func(o *wire.Options) { o.Log = slog.New(slog.DiscardHandler) })
	s.Apply(crowd())
	run := &assault{Scene: s, seed: seed, statuses: map[string]int{}}
	all := make([]*loot, workers)
	for w := range all {
		all[w] = &loot{issuer: []string{idptest.HostIssuer, idptest.PathIssuer}[w%2], email: fmt.Sprintf("worker%d@example.org", w)}
		run.restock(all[w])
	}
	run.drain()
	before, base := idptest.Heap(), runtime.NumGoroutine()

	idptest.AtOnce(workers, func(w int) {
		for i := w; i < n && run.problems.Load() < 10; i += workers {
			run.one(uint64(i), all[w])
		}
	})

	run.drain()
	if grown := idptest.Heap() - before; grown > 50*idptest.MiB {
		t.Errorf("the heap grew by %d MiB", grown/idptest.MiB)
	} else {
		t.Logf("heap grew by %d KiB", grown>>10)
	}
	for range 500 { // connections and timers that are about to end
		if runtime.NumGoroutine() <= base {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > base+2 { // a pool may open a connection more than before
		t.Errorf("%d goroutines, %d before", now, base)
	}
	run.report(all, n, time.Since(started))
}

// crowd gives each worker somebody of its own on each platform, so that its wrong passwords block nobody else.
func crowd() string {
	var b strings.Builder
	b.WriteString("platforms:\n")
	for _, p := range []string{
		"{ name: linde, issuer: \"https://login.linde.test\", organisation: GGZ De Linde, home_url: \"https://linde.test/home\", accounts: *a }",
		"{ name: wilg, issuer: \"https://id.test/p/wilg\", organisation: Praktijk De Wilg, home_url: \"https://wilg.test/home\", accounts: *a }",
	} {
		if strings.Contains(p, "linde") {
			var accounts []string
			for w := range workers {
				accounts = append(accounts, fmt.Sprintf("{ email: worker%d@example.org, password: %q }", w, idptest.Password))
			}
			p = strings.Replace(p, "*a", "&a [ "+strings.Join(accounts, ", ")+" ]", 1)
		}
		b.WriteString("  - " + p + "\n")
	}
	return b.String()
}

// drain closes what idles in the pools, so that memory and goroutines can be compared.
func (a *assault) drain() {
	a.DB.SQL().SetMaxIdleConns(0)
	a.DB.SQL().SetMaxIdleConns(8)
}

// restock signs in as an honest person and party would, so that the loot has something that is good.
func (a *assault) restock(l *loot) {
	at := a.AtIssuer(l.issuer)
	v := at.Visitor()
	id, ok := strings.CutPrefix(v.Open(at.AuthorizeURL("web", nil)).To.String(), l.issuer+"/login/")
	if !ok {
		return
	}
	id, _, _ = strings.Cut(id, "/")
	l.journeys = keepLast(l.journeys, id)
	to := v.Prove(id, l.email).To.String()
	if !strings.HasPrefix(to, l.issuer+"/authorize/callback") {
		return // blocked for some minutes by what the attacker typed
	}
	code := v.Open(to).Param("code")
	l.signedIn++
	l.cookies = keepLast(l.cookies, v.Cookies())
	l.codes = keepLast(l.codes, code)
	l.take(at.Redeem("web", code))
	if again := v.Open(at.AuthorizeURL("jwt", nil)).Param("code"); again != "" {
		l.take(at.Redeem("jwt", again))
	}
	for range 3 {
		l.codes = keepLast(l.codes, v.Open(at.AuthorizeURL("web", nil)).Param("code"))
	}
	fresh := at.Visitor()
	if id, ok := strings.CutPrefix(fresh.Open(at.AuthorizeURL("web", nil)).To.String(), l.issuer+"/login/"); ok {
		id, _, _ = strings.Cut(id, "/")
		l.journeys = keepLast(l.journeys, id)
		l.cookies = keepLast(l.cookies, fresh.Cookies())
	}
	l.journeys = keepLast(l.journeys, at.Post("/authorize", idptest.AuthorizeQuery("web", nil), nil).Param("request"))
}

func (l *loot) take(t idptest.Tokens) {
	l.accesses, l.refreshes, l.ids = keepLast(l.accesses, t.Access), keepLast(l.refreshes, t.Refresh), keepLast(l.ids, t.ID)
}

// one sends the request of this number.
func (a *assault) one(i uint64, l *loot) {
	d := newDice(a.seed, i)
	restock := d.In(100)
	if d.In(20) {
		a.moving.Lock()
		a.Clock.Later(time.Duration(d.N(4000)) * time.Millisecond)
		a.moving.Unlock()
	}
	a.moving.RLock()
	defer a.moving.RUnlock()
	if restock {
		a.restock(l)
	}
	q := d.draft(l)
	text := q.text()
	l.requests++
	r, err := parse(text)
	if err != nil {
		l.refusedByGo++
		return
	}
	if d.In(50) {
		r.TLS = nil
	}
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, r)
	a.check(i, text, r, rec)
	a.loot(l, rec)
}

// parse reads a request as net/http does before it calls us. What it refuses never comes this far.
func parse(text string) (*http.Request, error) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return nil, err
	}
	if !httpguts.ValidHostHeader(r.Host) || r.Host == "" {
		return nil, fmt.Errorf("host %q", r.Host)
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) || slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return nil, fmt.Errorf("header %q", name)
		}
	}
	r.RemoteAddr, r.TLS = "192.0.2.1:4711", &tls.ConnectionState{}
	return r, nil
}

// wordsInside never leave the house.
var wordsInside = []string{"SQLSTATE", "SQL logic", "sqlite:", "goroutine 1", "runtime error", ".go:", "no such table", "constraint failed"}

// check says what must hold of every answer.
func (a *assault) check(i uint64, text string, r *http.Request, rec *httptest.ResponseRecorder) {
	body, h := rec.Body.String(), rec.Header()
	problem := func(format string, args ...any) {
		a.problems.Add(1)
		a.Errorf("seed %d, request %d: %s\nrequest %.3000q\nanswer %d %v %.500q", a.seed, i, fmt.Sprintf(format, args...), text, rec.Code, h, body)
	}
	if rec.Code >= 500 || rec.Code < 200 {
		problem("status %d", rec.Code)
	}
	if len(body) > idptest.MiB {
		problem("a body of %d bytes", len(body))
	}
	if location := h.Get("Location"); location != "" && !idptest.BelowIssuer(location) && !idptest.Declared(location) {
		problem("it leads to %q", location)
	}
	if len(h.Values("Location")) > 1 {
		problem("two Locations")
	}
	if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		if strings.Contains(body, marker) {
			problem("markup of the request is in the page")
		}
		for _, link := range idptest.Links(body) {
			if !idptest.OurAddress(link) && !idptest.Declared(link) {
				problem("the page leads to %q", link)
			}
		}
	}
	for _, word := range wordsInside {
		if strings.Contains(body, word) || strings.Contains(h.Get("Location"), word) {
			problem("it shows %q", word)
		}
	}
	// net/http drops the header when it refuses a range of a static file.
	cookies := rec.Result().Cookies()
	if h.Get("Cache-Control") == "" && rec.Code != http.StatusRequestedRangeNotSatisfiable || h.Get("X-Content-Type-Options") != "nosniff" || len(cookies) > 0 && h.Get("Cache-Control") != "no-store" {
		problem("headers")
	}
	for _, c := range cookies {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			problem("cookie %s", c.Raw)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.statuses[r.Method+" "+strconv.Itoa(rec.Code)]++
}

// loot takes what an answer gives.
func (a *assault) loot(l *loot, rec *httptest.ResponseRecorder) {
	if rec.Code >= 400 {
		l.refusedByUs++
		return
	}
	to, err := rec.Result().Location()
	if err == nil {
		l.codes = keepLast(l.codes, to.Query().Get("code"))
		if id, ok := strings.CutPrefix(to.String(), l.issuer+"/login/"); ok {
			id, _, _ = strings.Cut(id, "/")
			l.journeys = keepLast(l.journeys, id)
		}
	}
	var t struct {
		idptest.Tokens
		Pushed string `json:"request_uri"`
	}
	if json.NewDecoder(io.LimitReader(rec.Body, idptest.MiB)).Decode(&t) == nil && t.Access != "" {
		l.redeemed++
		l.take(t.Tokens)
	}
	l.pushed = keepLast(l.pushed, t.Pushed)
	var cookies []string
	for _, c := range rec.Result().Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if len(cookies) > 0 {
		last := ""
		if len(l.cookies) > 0 {
			last = "; " + l.cookies[len(l.cookies)-1]
		}
		if joined := strings.Join(cookies, "; ") + last; len(joined) < 1000 {
			l.cookies = keepLast(l.cookies, joined)
		}
	}
}

// report prints the figures of a run, so that a run that tested nothing is noticed; it also insists on that.
func (a *assault) report(all []*loot, n int, took time.Duration) {
	var sum loot
	for _, l := range all {
		sum.requests += l.requests
		sum.redeemed += l.redeemed
		sum.signedIn += l.signedIn
		sum.refusedByUs += l.refusedByUs
		sum.refusedByGo += l.refusedByGo
	}
	a.Logf("seed %d: %d requests in %s: %d never reach us (net/http refuses them), %d refused, %d tokens given, %d honest logins",
		a.seed, sum.requests, took.Round(time.Millisecond), sum.refusedByGo, sum.refusedByUs, sum.redeemed, sum.signedIn)
	lines := make([]string, 0, len(a.statuses))
	for what, count := range a.statuses {
		lines = append(lines, fmt.Sprintf("%s %d", what, count))
	}
	slices.Sort(lines)
	a.Logf("%s", strings.Join(lines, ", "))
	if a.problems.Load() == 0 && (sum.requests != n || sum.refusedByGo > n/4 || sum.redeemed < n/1000 || sum.signedIn < n/1000) {
		a.Errorf("the run hardly tests anything")
	}
}
