package login_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/browser"
)

// counting counts what goes between a browser and us.
type counting struct {
	http.RoundTripper
	statements, answers, redirects, bytes int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := c.RoundTripper.RoundTrip(r)
	if err != nil || r.URL.Host != "id.test" {
		return a, err
	}
	c.answers++
	if a.StatusCode == http.StatusSeeOther {
		c.redirects++
	}
	body, err := io.ReadAll(a.Body)
	c.bytes += len(body)
	for name, values := range a.Header {
		for _, value := range values {
			c.bytes += len(name) + len(value) + len(": \r\n")
		}
	}
	a.Body = io.NopCloser(strings.NewReader(string(body)))
	return a, err
}

// What each step of a sign-in with password and app costs a phone: answers of ours, those of them that only lead on, and
// statements. A step that asks something twice, or goes by an address that shows nothing, raises a figure here. Bytes are
// logged: they are those of the pages.
func TestRoundTripsOfASignIn(t *testing.T) {
	c := &counting{}
	_, db := idptest.SQLiteHeld(t, func(text string) {
		if verb := strings.Fields(text)[0]; verb != "BEGIN" && verb != "COMMIT" && !strings.HasPrefix(text, "SAVEPOINT") {
			c.statements++
		}
	})
	s := idptest.NewServer(t, db)
	s.Declare(twoStepOf("required"))
	party := twoStepOf("required").Party(s, "web")
	c.RoundTripper = s
	b := browser.New(c, "en")
	code := idptest.Code(t, annasKey, s.Clock.Now().Add(30*time.Second))
	b.MustOpen(t, party.Start(url.Values{"prompt": {"login"}})) // what is computed once is
	for _, step := range []struct {
		name string
		want string
		do   func()
	}{
		{"begin", "2 answers, 1 lead on, 2 statements", func() { b.MustOpen(t, party.Start(nil)) }},
		{"password", "2 answers, 1 lead on, 10 statements", func() { // with the journey, which is stored now
			idptest.SendPassword(t, b, "anna@example.org")
		}},
		{"wrong code", "2 answers, 1 lead on, 8 statements", func() {
			idptest.SendCode(t, b, "000000")
		}},
		{"code", "2 answers, 2 lead on, 17 statements", func() {
			idptest.SendCode(t, b, code)
		}},
	} {
		c.statements, c.answers, c.redirects, c.bytes = 0, 0, 0, 0
		step.do()
		if got := fmt.Sprintf("%d answers, %d lead on, %d statements", c.answers, c.redirects, c.statements); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
		t.Logf("%s: %d bytes", step.name, c.bytes)
	}
	if party.Last.Error != "" || party.Last.Claims == nil {
		t.Errorf("signing in ends at %s: %q", b.URL, party.Last.Error)
	}
}
