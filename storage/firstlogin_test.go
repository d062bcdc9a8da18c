package storage_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/browser"
)

// firstLoginStatements is how often a first login asks PostgreSQL at most: each statement, BEGIN and COMMIT is a wait
// for an answer.
const firstLoginStatements = 13

// A first login from the party's request to its tokens, as a browser and a party make it, without a second factor.
func TestStatementsOfAFirstLogin(t *testing.T) {
	db := idptest.Postgres(t)
	s := newCounted(t, db)
	fetch(t, s, "/keys", "") // a node looks at its settings once a second, whoever comes
	var seen statements
	stop := db.WatchEach(func() func(string) { return seen.note })
	asked := &perRequest{over: s, seen: &seen}
	b := browser.New(asked, "en")
	idptest.LogIn(t, b, idptest.HostIssuer+"/authorize?"+countedRequest("opaque").Encode(), "anna@example.org")
	var got struct {
		Access string `json:"access_token"`
	}
	if post(t, asked, "/token", "opaque", codeForm(b.URL.Query().Get("code")), &got); got.Access == "" {
		t.Errorf("no access token at the end of %s", b.URL)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if asked.total > firstLoginStatements {
		t.Errorf("%d statements, want at most %d:\n%s", asked.total, firstLoginStatements, asked)
	}
	t.Logf("%d statements:\n%s", asked.total, asked)
}

// perRequest is a transport that notes what the database was asked by each request.
type perRequest struct {
	over  http.RoundTripper
	seen  *statements
	total int
	lines []string
}

func (p *perRequest) RoundTrip(r *http.Request) (*http.Response, error) {
	p.seen.reset()
	res, err := p.over.RoundTrip(r)
	p.seen.lock.Lock()
	defer p.seen.lock.Unlock()
	p.total += len(p.seen.all)
	p.lines = append(p.lines, fmt.Sprintf("%s %s: %d", r.Method, r.URL.Path, len(p.seen.all)))
	for _, text := range p.seen.all {
		p.lines = append(p.lines, "    "+strings.Join(strings.Fields(text), " "))
	}
	return res, err
}

func (p *perRequest) String() string { return strings.Join(p.lines, "\n") }
