package op_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func (c caller) waits() (n int) {
	c.Helper()
	if err := c.DB.SQL().QueryRowContext(c.Context(), "SELECT COUNT(*) FROM requests WHERE waiting_since IS NOT NULL").Scan(&n); err != nil {
		c.Fatal(err)
	}
	return n
}

// Whoever is signed in sends requests by POST; each is answered at once, and its arrival taken back. Nothing of it
// waits, and nobody's login goes because of it.
func TestAnsweredRequestsPushNobodyOut(t *testing.T) {
	c := newCaller(t)
	anna := c.signIn(issuer)
	c.Clock.Later(time.Second)
	_, id := c.waiting()
	for range 5 {
		c.Clock.Later(time.Second)
		res := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery("web", nil), "/authorize?"), nil)
		anna.MustOpen(t, res.Header.Get("Location"))
		if anna.URL.Query().Get("code") == "" {
			t.Fatalf("at %s", anna.URL)
		}
	}
	if n := c.waits(); n != 1 {
		t.Errorf("%d requests wait, want 1", n)
	}
	if _, err := c.DB.BoundWaiting(t.Context(), 5, 10, c.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DB.Request(t.Context(), "linde", id); err != nil {
		t.Errorf("the one request that waits is gone: %v", err)
	}
}

// A node of the release before binds a request that a new node stored, and adds its journey.
func TestRequestBoundByOldNodeDoesNotWait(t *testing.T) {
	c := newCaller(t)
	res := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery("web", nil), "/authorize?"), nil)
	u, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	id := u.Query().Get("request")
	b, other := c.waiting() // its browser
	var hash []byte
	var body string
	if err := c.DB.SQL().QueryRowContext(t.Context(), "SELECT browser, body FROM requests WHERE id = $1", other).Scan(&hash, &body); err != nil {
		t.Fatal(err)
	}
	now := c.Clock.Now().UnixMilli()
	for _, q := range []string{
		"UPDATE requests SET browser = $1 WHERE id = $2",
		fmt.Sprintf(`INSERT INTO journeys (browser, id, platform, body, account, version, started_at, expires_at) VALUES ($1, $2, 'linde', '{"ask":{"purpose":"sign-in","channel":"browser","journey":"%s"},"party":"web","request":"%s"}', '', 0, %d, %d)`, id, id, now, now+3600000),
	} {
		if _, err := c.DB.SQL().ExecContext(t.Context(), q, hash, id); err != nil {
			t.Fatal(err)
		}
	}
	b.MustOpen(t, issuer+"/login/"+id)
	b.MustBeAt(t, id+"/password")
	b.MustFill(t, "Email address", "anna@example.org")
	b.MustFill(t, "Password", "wrong")
	b.MustPress(t, "Log in")
	for range 3 {
		c.Clock.Later(time.Second)
		c.waiting()
	}
	if _, err := c.DB.BoundWaiting(t.Context(), 3, 10, c.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DB.Request(t.Context(), "linde", id); err != nil {
		t.Errorf("a request whose journey was posted to is gone: %v", err)
	}
}
