package nodes_test

import (
	"net/http"
	"testing"
	"time"
)

// TestEachNodeCountsArrivalsForItself: one source begins as many logins as it may at one node, and as many again at the
// other. What a session answers does not count at either.
func TestEachNodeCountsArrivalsForItself(t *testing.T) {
	p := newPair(t, 0, nil)
	held := p.arrive(t)
	p.Env = append(p.Env, "IDP_ARRIVALS__AT_ONCE=5", "IDP_ARRIVALS__PER_SECOND=1")
	for _, n := range p.nodes {
		n.Terminate()
		n.stops()
		n.start()
		n.ready(20 * time.Second)
	}
	for i := range p.nodes {
		d := p.at(i)
		begun := time.Now()
		taken, refused := 0, 0
		for range 20 {
			a, _, err := newPerson(d, "").step(http.MethodGet, steady.authorize(p.issuer, nil), nil)
			must(t, "beginning a login", err)
			switch {
			case a.status == http.StatusSeeOther:
				taken++
			case a.status == http.StatusTooManyRequests && a.header.Get("Retry-After") != "":
				refused++
			default:
				t.Errorf("node %d: %d %.200s", i, a.status, a.body)
			}
		}
		if most := 5 + int(time.Since(begun)/time.Second) + 1; taken < 5 || taken > most || refused == 0 {
			t.Errorf("node %d: %d taken and %d refused within %s, want 5 at once and one a second", i, taken, refused, time.Since(begun))
		}
		if code, err := held.person.copied(d).ask(steady, nil); err != nil || code == "" {
			t.Errorf("node %d: who is signed in: %q %v", i, code, err)
		}
	}
}
