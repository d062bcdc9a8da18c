package nodes_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

const (
	revoked    = 2 // devices at once, each of an account of its own
	refreshers = 4 // that each of them refreshes at once
)

// TestRevokedDeviceRefreshesNoMore: devices refresh at both nodes without a pause while they are removed in the settings.
// No refresh that is asked for after that was answered gives tokens, and a second later none of those that were given
// before is good at either node.
func TestRevokedDeviceRefreshesNoMore(t *testing.T) {
	for name, serve := range onBoth {
		t.Run(name, func(t *testing.T) {
			p := serve(t).withPhones(revoked)
			t.Run("at once", func(t *testing.T) { // is over when all of them are
				for i := range revoked {
					t.Run(email(i), func(t *testing.T) {
						t.Parallel()
						p.revokeOften(t, i)
					})
				}
			})
		})
	}
}

func (p *pair) revokeOften(t *testing.T, i int) {
	h, doors := newHandset(t, p.issuer), p.twice(i)
	owner := inSettings(t, doors[0], email(i), "/settings/devices")
	rounds, given := times(t, "IDP_REVOKES", 3), 0
	for round := range rounds {
		must(t, "signing in on a phone", h.signIn(doors[1], email(i), idptest.Password))
		h.choose(t, doors[1])
		device := "/settings/devices/app/" + p.device(t, h)
		r := p.startRefreshing(h)
		r.goesOn(t, refreshers)
		time.Sleep(moment(0, 20*time.Millisecond))
		must(t, "removing the device", owner.open(http.MethodPost, p.issuer+device, url.Values{"do": {"continue"}}))
		since := time.Now()
		time.Sleep(100 * time.Millisecond) // of refreshing, which gives nothing any more
		all := r.end(t, since)
		given += len(all)
		time.Sleep(time.Until(since.Add(atMost)))
		for node, d := range doors {
			for _, a := range all[max(0, len(all)-2*refreshers):] { // the last ones: each of them may have met it
				p.worthless(t, fmt.Sprintf("round %d, node %d", round, node), d, h, a)
			}
			if a, err := h.pin(d, idptest.PhonePIN); err != nil || !a.gone() {
				t.Errorf("round %d, node %d: the PIN: %d %s %v", round, node, a.status, a.body, err)
			}
		}
	}
	t.Logf("%d times, %d refreshes before it", rounds, given)
}

// worthless fails the test if any of what a refresh gave is good.
func (p *pair) worthless(t *testing.T, where string, d door, h *handset, a told) {
	t.Helper()
	if got, err := h.userinfo(d, a.Access); err != nil || got != http.StatusUnauthorized {
		t.Errorf("%s: userinfo: %d %v", where, got, err)
	}
	if is, err := active(d, a.Access); err != nil || is {
		t.Errorf("%s: introspection: %t %v", where, is, err)
	}
	if got, err := h.renew(d, a.Refresh); err != nil || !got.is("invalid_grant") {
		t.Errorf("%s: refreshing: %d %s %v", where, got.status, got.body, err)
	}
}

// refreshing is a device that refreshes at both nodes at once, each time with the newest token that it has.
type refreshing struct {
	ending chan struct{}
	over   chan struct{} // closed when nothing is asked any more

	mu    sync.Mutex
	given []told
	asked []time.Time // of each
	wrong []error
}

func (p *pair) startRefreshing(h *handset) *refreshing {
	r := &refreshing{ending: make(chan struct{}), over: make(chan struct{})}
	go func() {
		defer close(r.over)
		for token := h.refresh; ; {
			select {
			case <-r.ending:
				return
			default:
			}
			var all sync.WaitGroup
			for i := range refreshers { // the same one: an older one would be a replay, and end it all
				all.Go(func() { r.refresh(p.twice(i)[0], h, token) })
			}
			all.Wait()
			r.mu.Lock()
			if n := len(r.given); n > 0 {
				token = r.given[n-1].Refresh
			}
			r.mu.Unlock()
		}
	}()
	return r
}

func (r *refreshing) refresh(d door, h *handset, token string) {
	asked := time.Now()
	a, err := h.renew(d, token)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil && a.status == http.StatusOK && a.Access != "" && a.Refresh != "":
		r.given, r.asked = append(r.given, a), append(r.asked, asked)
	case err != nil || !a.is("invalid_grant"):
		r.wrong = append(r.wrong, fmt.Errorf("refreshing: %d %s %w", a.status, a.body, err))
	}
}

// goesOn waits until as many refreshes were answered.
func (r *refreshing) goesOn(t *testing.T, least int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		n := len(r.given)
		r.mu.Unlock()
		if n >= least {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d refreshes within %s", n, patience)
		}
	}
}

// end stops refreshing and returns what was given. Nothing was that was asked for later than since.
func (r *refreshing) end(t *testing.T, since time.Time) []told {
	t.Helper()
	close(r.ending)
	<-r.over // every request is bounded
	for _, err := range r.wrong {
		t.Error(err)
	}
	for _, at := range r.asked {
		if at.After(since) {
			t.Errorf("a refresh gave tokens that was asked for %s after the device was removed", at.Sub(since))
		}
	}
	return r.given
}
