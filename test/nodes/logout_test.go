package nodes_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// leased is how long a message that a node had taken when it died stays away, and what delivering it takes then.
const leased = 75 * time.Second

// TestLogoutIsToldByTheNodeThatStays: a node dies right after it has ended a session. What the party is to be told was
// written with that, so the other node tells it; once at least, because the first may have been telling it already.
func TestLogoutIsToldByTheNodeThatStays(t *testing.T) {
	r := newReceiver(t)
	p := r.serve(newPair(t, 0, nil))
	for round := range times(t, "IDP_LOGOUT_KILLS", 3) {
		dies, stays := p.nodes[round%2], p.nodes[(round+1)%2]
		sid := p.signOut(t, round%2)
		dies.Kill()
		r.toldBy(stays, sid)
		dies.start()
		dies.ready(soonEnough)
	}
}

// TestLogoutIsToldWhenTheNodeIsBack is the same where there is one node, on SQLite.
func TestLogoutIsToldWhenTheNodeIsBack(t *testing.T) {
	r := newReceiver(t)
	p := r.serve(newAlone(t, 0))
	for range times(t, "IDP_LOGOUT_KILLS", 2) {
		n := p.nodes[0]
		sid := p.signOut(t, 0)
		n.Kill()
		n.start()
		n.ready(soonEnough)
		r.toldBy(n, sid)
	}
}

// TestLogoutInHandOfANodeThatDiesIsTold: the node dies while the party answers, on both databases. The party knows, but
// nobody has its receipt, so it is told again.
func TestLogoutInHandOfANodeThatDiesIsTold(t *testing.T) {
	for name, serve := range map[string]func() *pair{
		"PostgreSQL": func() *pair { return newPair(t, 0, nil) }, "SQLite": func() *pair { return newAlone(t, 0) },
	} {
		r := newReceiver(t)
		p := r.serve(serve())
		r.hold(true)
		sid := p.signOut(t, 0)
		asked := func() bool { return r.times(sid) > 0 }
		for end := time.Now().Add(soonEnough); !asked(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the party was not told", name)
			}
		}
		for _, n := range p.nodes {
			n.Kill() // whichever has it in hand
		}
		r.hold(false)
		if p.row(t, `SELECT COUNT(*) FROM letters WHERE session = $1 AND outcome <> ''`, sid) != 0 {
			t.Errorf("%s: a receipt for an answer that nobody had", name)
		}
		p.change(t, `UPDATE letters SET next_at = queued_at WHERE next_at IS NOT NULL`) // the lease is over
		p.nodes[0].start()
		p.nodes[0].ready(soonEnough)
		r.toldBy(p.nodes[0], sid)
		if n := r.times(sid); n != 2 {
			t.Errorf("%s: told %d times", name, n)
		}
	}
}

// receiver is where the party steady is told.
type receiver struct {
	*httptest.Server
	lock sync.Mutex     // guards what follows
	told map[string]int // session -> how often
	wait chan struct{}  // closed: answers may go; nil: they go at once
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{told: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		sid := sidOf(q.PostFormValue("logout_token"))
		r.lock.Lock()
		r.told[sid]++
		wait := r.wait
		r.lock.Unlock()
		if wait != nil {
			select {
			case <-wait:
			case <-q.Context().Done(): // whoever asked is gone
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// hold keeps all answers back from now on, or lets them go.
func (r *receiver) hold(on bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if on {
		r.wait = make(chan struct{})
	} else {
		close(r.wait)
		r.wait = nil
	}
}

func (r *receiver) times(sid string) int {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.told[sid]
}

// serve registers the address of the party steady.
func (r *receiver) serve(p *pair) *pair {
	p.t.Helper()
	party := `client_id: steady, backchannel_logout_uri: "` + r.URL + `"`
	p.OK("apply", p.File("told.yaml", "platforms: [ { name: linde, parties: [ { "+party+" } ] } ]"))
	p.settled()
	return p
}

// toldBy waits until the party was told of a session, and that is on record.
func (r *receiver) toldBy(n *node, sid string) {
	t := n.pair.t
	t.Helper()
	n.Soon(leased, "told the party", func() bool { return r.times(sid) > 0 })
	n.Soon(leased, "noted that it told the party", func() bool {
		return n.pair.row(t, `SELECT COUNT(*) FROM letters WHERE session = $1 AND party = 'steady' AND outcome = 'sent'`, sid) == 1
	})
}

// signOut lets Anna sign in at the party steady and sign out again, at one node. It returns her session.
func (p *pair) signOut(t *testing.T, at int) (sid string) {
	t.Helper()
	d := p.at(at)
	anna := newPerson(d, "anna@example.org")
	code, err := anna.signIn(steady, nil)
	must(t, "signing in", err)
	got, err := d.redeem(steady, code)
	must(t, "redeeming", err)
	out := url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {goodbye}}
	must(t, "signing out", anna.open(http.MethodGet, p.issuer+"/logout?"+out.Encode(), nil))
	return sidOf(got.ID)
}

// sidOf is the session of a token, which is not verified here.
func sidOf(token string) string {
	var claims struct {
		Session string `json:"sid"`
	}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(payload, &claims) // no token has no session
		}
	}
	return claims.Session
}
