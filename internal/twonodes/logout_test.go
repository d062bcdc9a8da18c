package twonodes_test

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
	var lock sync.Mutex // guards told
	told := map[string]int{}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		told[sidOf(r.PostFormValue("logout_token"))]++
	}))
	defer receiver.Close()
	p := newPair(t, 0, nil)
	file := strings.Replace(house(p.issuer, 0), "post_logout_redirect_uris:", `backchannel_logout_uri: "`+receiver.URL+`", post_logout_redirect_uris:`, 1)
	p.idp("apply", p.file("told.yaml", file))
	time.Sleep(1500 * time.Millisecond) // settings count on all nodes within a second
	for round := range times(t, "IDP_LOGOUT_KILLS", 3) {
		n := p.nodes[round%2]
		d := p.at(round % 2)
		anna := newPerson(d, "anna@example.org")
		code, err := anna.signIn(steady, nil)
		must(t, "signing in", err)
		got, err := d.redeem(steady, code)
		must(t, "redeeming", err)
		out := url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {goodbye}}
		must(t, "signing out", anna.open(http.MethodGet, p.issuer+"/logout?"+out.Encode(), nil))
		n.kill()
		sid := sidOf(got.ID)
		p.nodes[(round+1)%2].soon(leased, "told the party", func() bool {
			lock.Lock()
			defer lock.Unlock()
			return told[sid] > 0
		})
		p.nodes[(round+1)%2].soon(leased, "noted that it told the party", func() bool {
			return p.row(t, `SELECT COUNT(*) FROM letters WHERE session = $1 AND party = 'steady' AND outcome = 'sent'`, sid) == 1
		})
		n.start()
		n.ready(soonEnough)
	}
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
