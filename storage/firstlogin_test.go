package storage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	s := idptest.NewServer(t, db)
	s.Apply(countedHouse)
	s.Site("rp.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	fetch(t, s, "/keys", "") // a node looks at its settings once a second, whoever comes
	var seen statements
	stop := db.WatchEach(func() func(string) { return seen.note })
	asked := &perRequest{over: s, seen: &seen}
	b := browser.New(asked, "en")
	err := errors.Join(
		b.Open(countedIssuer+"/authorize?"+countedRequest("opaque").Encode()),
		b.Fill("Email address", "anna@example.org"), b.Fill("Password", idptest.Password), b.Press("Log in"))
	if err != nil {
		t.Fatal(err)
	}
	if access := tokenOf(t, asked, b.URL.Query().Get("code")); access == "" {
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

// tokenOf exchanges a code.
func tokenOf(t *testing.T, over http.RoundTripper, code string) string {
	t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {countedRedirect},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
	}
	r, err := http.NewRequest(http.MethodPost, countedIssuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("opaque", countedSecret)
	res, err := over.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got.Access
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
