package nodes_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/test/program"
)

// line is the way to the database, which a test can cut: open connections end, new ones are refused.
type line struct {
	t           *testing.T
	listen, far string // addresses
	tap         *tap   // nil: what is carried is not looked at

	mu    sync.Mutex
	open  net.Listener // nil while cut
	ends  map[net.Conn]bool
	wires sync.WaitGroup
}

// newLine opens a line to the server of a DSN and returns the DSN that leads through it.
func newLine(t *testing.T, dsn string) (*line, string) {
	t.Helper()
	return openLine(t, dsn, nil)
}

func openLine(t *testing.T, dsn string, tapped *tap) (*line, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, listen: "127.0.0.1:" + program.FreePort(t), far: u.Host, tap: tapped, ends: map[net.Conn]bool{}}
	u.Host = l.listen
	l.mend()
	t.Cleanup(l.cut)
	return l, u.String()
}

// mend accepts connections again.
func (l *line) mend() {
	l.t.Helper()
	open, err := net.Listen("tcp", l.listen)
	if err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	l.open = open
	l.mu.Unlock()
	l.wires.Go(func() {
		for {
			near, err := open.Accept()
			if err != nil {
				return // cut
			}
			l.wires.Go(func() { l.carry(near) })
		}
	})
}

// carry carries one connection until either end closes it, or the line is cut.
func (l *line) carry(near net.Conn) {
	far, err := net.DialTimeout("tcp", l.far, time.Second)
	if err != nil {
		_ = near.Close() // as if the database had
		return
	}
	l.mu.Lock()
	ok := l.open != nil
	l.ends[near], l.ends[far] = true, true
	l.mu.Unlock()
	hangUp := func() {
		_, _ = near.Close(), far.Close() // either may be closed already
	}
	if !ok {
		hangUp()
	}
	there := func() { _, _ = io.Copy(far, near) } // any error ends it
	back := func() { _, _ = io.Copy(near, far) }
	if l.tap != nil {
		there, back = l.tap.wire(near, far)
	}
	var both sync.WaitGroup
	both.Go(func() { there(); hangUp() })
	both.Go(func() { back(); hangUp() })
	both.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, near)
	delete(l.ends, far)
}

// cut ends everything, at once and without a word, as a database that dies does.
func (l *line) cut() {
	l.mu.Lock()
	if l.open != nil {
		_ = l.open.Close() // nobody is let in any more
		l.open = nil
	}
	for c := range l.ends {
		_ = c.Close() // ends its two copies
	}
	l.mu.Unlock()
	l.wires.Wait()
}

const (
	outage       = 2 * time.Second
	noticedAfter = 2 * time.Second // as the next is too: docs/operating.md
	backAfter    = 5 * time.Second
)

// beforeAnOutage lets somebody arrive, who has a code more, somebody else wait at the login page, and a crowd sign in
// until ends: the processes are the same then, and some of the crowd were refused.
func (p *pair) beforeAnOutage(t *testing.T) (
	held arrived, waiting *person, code string, ends func() (answered, refused int, slowest time.Duration),
) {
	t.Helper()
	processes := p.processes()
	held, waiting = p.arrive(t), newPerson(p.through(), "anna@example.org")
	_, err := waiting.ask(steady, nil)
	must(t, "opening the login page", err)
	code, err = held.person.ask(steady, nil)
	must(t, "asking for a code", err)
	crowd := startCrowd(p)
	return held, waiting, code, func() (answered, refused int, slowest time.Duration) {
		t.Helper()
		answered, refused, slowest = crowd.end(t)
		if refused == 0 {
			t.Error("no request met the outage: the crowd is too small to show anything")
		}
		if now := p.processes(); !slices.Equal(now, processes) {
			t.Errorf("processes %v became %v", processes, now)
		}
		return answered, refused, slowest
	}
}

// busy checks an answer while the database is gone: try again later, and nothing of ours shows.
func busy(a answer) error {
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		return fmt.Errorf("%d, Retry-After %q: %.200q", a.status, a.header.Get("Retry-After"), a.body)
	}
	for _, inside := range []string{"failed to connect", "postgres", "SQLSTATE", "127.0.0.1:", "unexpected EOF"} {
		if strings.Contains(a.body, inside) {
			return fmt.Errorf("the page shows %q", inside)
		}
	}
	return nil
}

// TestDatabaseRestartEndsIn503AndRecovery cuts the database off for two seconds while people sign in.
func TestDatabaseRestartEndsIn503AndRecovery(t *testing.T) {
	var way *line
	p := newPair(t, browsers, func(dsn string) (via string) {
		way, via = newLine(t, dsn)
		return via
	})
	held, waiting, code, ends := p.beforeAnOutage(t)

	way.cut()
	gone := time.Now()
	for i, n := range p.nodes {
		n.Soon(noticedAfter-time.Since(gone), "not ready any more", func() bool { return n.probe("/readyz") == http.StatusServiceUnavailable })
		if got := n.probe("/healthz"); got != http.StatusOK {
			t.Errorf("node %d: /healthz %d without a database", i, got)
		}
		p.away(t, i, held, waiting, code)
	}
	time.Sleep(outage - time.Since(gone)) // not at all when the checks took longer

	way.mend()
	back := time.Now()
	for _, n := range p.nodes {
		n.Soon(backAfter-time.Since(back), "ready again", func() bool { return n.probe("/readyz") == http.StatusOK })
	}
	for i := range p.nodes {
		for { // at once, or at most a few connections later
			_, err := newPerson(p.at(i), "anna@example.org").signIn(steady, nil)
			if err == nil {
				break
			}
			if time.Since(back) > backAfter {
				t.Fatalf("node %d: nobody can sign in %s after the database is back: %v", i, backAfter, err)
			}
		}
	}
	recovered := time.Since(back)
	answered, refused, slowest := ends()
	// What was acknowledged before, and what was refused meanwhile, is as it was.
	must(t, "typing the password after the outage", waiting.password())
	if code, err := waiting.code(); err != nil || code == "" {
		t.Errorf("the login page that was open: %q %v", code, err)
	}
	for party, given := range held.tokens {
		if got, err := p.through().refresh(party, given.Refresh); err != nil || got.status != http.StatusOK {
			t.Errorf("%s after the outage: %d %s %v", party.id, got.status, got.body, err)
		}
	}
	t.Logf("%s without a database: %d answers as ever, %d of 503, the slowest after %s; login works again after %s",
		outage, answered, refused, slowest.Round(time.Millisecond), recovered.Round(time.Millisecond))
}

// away checks that a node answers nothing that needs a database, each time in the right way, and goes on with the rest.
func (p *pair) away(t *testing.T, i int, held arrived, waiting *person, code string) {
	t.Helper()
	d := p.at(i)
	for what, ask := range map[string]func() (answer, error){
		"a login begun": func() (answer, error) {
			a, _, err := newPerson(d, "").step(http.MethodGet, steady.authorize(p.issuer, nil), nil)
			return a, err
		},
		"single sign-on": func() (answer, error) {
			a, _, err := held.person.copied(d).step(http.MethodGet, steady.authorize(p.issuer, nil), nil)
			return a, err
		},
		"a login page": func() (answer, error) {
			a, _, err := waiting.copied(d).step(http.MethodGet, waiting.page.String(), nil)
			return a, err
		},
		"a password": func() (answer, error) {
			v := waiting.copied(d)
			v.page, v.shown = waiting.page, waiting.shown
			_ = v.password()
			return v.shown, nil
		},
		"a refresh": func() (answer, error) {
			return d.post(rotating, "/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {held.tokens[rotating].Refresh}})
		},
		"a code": func() (answer, error) {
			return d.post(steady, "/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {steady.redirect}, "code_verifier": {verifier}})
		},
		"userinfo": func() (answer, error) {
			return d.get("/userinfo", http.Header{"Authorization": {"Bearer " + held.tokens[steady].Access}})
		},
		"introspection": func() (answer, error) {
			return d.post(steady, "/introspect", url.Values{"token": {held.tokens[steady].Access}})
		},
		"revocation": func() (answer, error) {
			return d.post(steady, "/revoke", url.Values{"token": {held.tokens[steady].Refresh}})
		},
		"logout": func() (answer, error) {
			a, _, err := held.person.copied(d).step(http.MethodGet, p.issuer+"/logout", nil)
			return a, err
		},
	} {
		a, err := ask()
		if err == nil {
			err = busy(a)
		}
		if err != nil {
			t.Errorf("node %d: %s without a database: %v", i, what, err)
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/keys"} {
		if a, err := d.get(path, nil); err != nil || a.status != http.StatusOK {
			t.Errorf("node %d: %s needs a database: %d %v", i, path, a.status, err)
		}
	}
}

// crowd is people and parties who do not care whether there is a database: every answer they get is the right one or
// 503 with Retry-After, and none is late.
type crowd struct {
	ending chan struct{}
	all    sync.WaitGroup

	mu                sync.Mutex
	answered, refused int
	slowest           time.Duration
	wrong             []error
}

func startCrowd(p *pair) *crowd {
	c := &crowd{ending: make(chan struct{})}
	for i := range browsers {
		c.all.Go(func() {
			for {
				select {
				case <-c.ending:
					return
				case <-time.After(20 * time.Millisecond): // a person, not a benchmark
				}
				c.signIn(newPerson(p.through(), email(i)), []party{steady, rotating}[i%2])
			}
		})
	}
	return c
}

// signIn goes as far as the database lets it.
func (c *crowd) signIn(v *person, p party) {
	var code string
	var given tokens
	for _, step := range []func() (answer, error){
		func() (a answer, err error) { code, err = v.ask(p, nil); return v.shown, err },
		func() (a answer, err error) {
			if err = v.password(); err == nil {
				code, err = v.code()
			}
			return v.shown, err
		},
		func() (a answer, err error) { given, err = v.redeem(p, code); return given.answer, err },
		func() (a answer, err error) { given, err = v.refresh(p, given.Refresh); return given.answer, err },
	} {
		begun := time.Now()
		a, err := step()
		if !c.note(a, err, time.Since(begun)) {
			return
		}
	}
}

// note judges an answer and reports whether to go on.
func (c *crowd) note(a answer, err error, took time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slowest = max(c.slowest, took)
	switch {
	case err == nil && a.status < 400:
		c.answered++
		return true
	case a.status == 0:
		c.wrong = append(c.wrong, errors.Join(errors.New("no answer"), err))
	case busy(a) != nil:
		c.wrong = append(c.wrong, errors.Join(busy(a), err))
	default:
		c.refused++
	}
	return false
}

func (c *crowd) end(t *testing.T) (answered, refused int, slowest time.Duration) {
	t.Helper()
	close(c.ending)
	c.all.Wait() // every request is bounded
	for _, err := range c.wrong {
		t.Error(err)
	}
	return c.answered, c.refused, c.slowest
}
