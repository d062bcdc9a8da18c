package federated_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// visitor is a house with one connection, whose organisation answers, and a browser that follows no redirect by itself.
type visitor struct {
	house
	org  *idptest.Organisation
	raw  *http.Client
	back string // where the last answer was taken
}

func newVisitor(t *testing.T, jit federation.JIT, closed bool) *visitor {
	t.Helper()
	c := at("lindehof", federation.AboveForm)
	c.Access = federation.Access{JIT: jit}
	if jit == federation.JITCreate {
		c.Access.Role = platform.Professional
	}
	v := &visitor{house: newHouse(t, c)}
	v.org = idptest.NewOrganisation("https://lindehof.test", "idp", "https://id.test/p/linde/federation/lindehof/callback", v.Clock.Now)
	v.Site("lindehof.test", v.org)
	all, err := v.DB.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all[0].Secret = idptest.Sealer(t).Seal([]byte(v.org.ClientSecret), all[0].Binding("secret"))
	platforms, err := v.DB.Platforms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	platforms[0].Policy.LoginForm = !closed
	if err := v.DB.Declare(t.Context(), storage.Setup{Platforms: platforms, Connections: all}, v.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.raw = v.client()
	return v
}

func (v *visitor) client() *http.Client {
	return &http.Client{Transport: v.Server, Jar: v.Jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// step opens one address and is where it leads; empty: it is a page.
func (v *visitor) step(address string) (to string, status int, body string) {
	v.Helper()
	res, err := v.raw.Get(address)
	if err != nil {
		v.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body) // of memory
	if l, err := res.Location(); err == nil {
		to = l.String()
	}
	return to, res.StatusCode, string(text)
}

// leave goes to the organisation, and is the address there.
func (v *visitor) leave() *url.URL {
	v.Helper()
	to := v.party.Start(url.Values{"idp_hint": {"lindehof"}})
	for !strings.HasPrefix(to, "https://lindehof.test/") {
		next, status, body := v.step(to)
		if next == "" {
			v.Fatalf("%s leads nowhere: %d %s", to, status, body)
		}
		to = next
	}
	there, err := url.Parse(to)
	if err != nil {
		v.Fatal(err)
	}
	return there
}

// answers signs in at the organisation, and is the address to which it sends the browser.
func (v *visitor) answers(there *url.URL, who string) string {
	v.Helper()
	res, err := v.raw.PostForm(there.String(), url.Values{"account": {who}, "do": {"in"}})
	if err != nil {
		v.Fatal(err)
	}
	_ = res.Body.Close()
	return res.Header.Get("Location")
}

// walk follows an address as browsers do, to a page or to another site. A loop, and what is no answer of ours, is
// refused.
func (v *visitor) walk(to string) (last string, status int, body string) {
	v.Helper()
	for range 10 {
		if strings.Contains(to, "/sso/back/") {
			v.back = to
		}
		next, status, body := v.step(to)
		if status >= 500 {
			v.Fatalf("%s: %d %s", to, status, body)
		}
		if next == "" || !strings.HasPrefix(next, "https://id.test/") {
			return max(next, to), status, body
		}
		to = next
	}
	v.Fatalf("a loop at %s", to)
	return "", 0, ""
}

// count counts rows.
func (v *visitor) count(from string) (n int) {
	v.Helper()
	if err := v.DB.SQL().QueryRowContext(v.Context(), "SELECT COUNT(*) FROM "+from).Scan(&n); err != nil {
		v.Fatal(err)
	}
	return n
}

// sessions counts those that live.
func (v *visitor) sessions() int { return v.count("sessions WHERE ended_at IS NULL") }

// TestReloadOfTheAddressOfAnAnswer: the address that took an answer is in the history of browsers. Whenever it is
// opened again, it leads to where the person is by now.
func TestReloadOfTheAddressOfAnAnswer(t *testing.T) {
	for _, closed := range []bool{false, true} {
		v := newVisitor(t, federation.JITCreate, closed)
		callback := v.answers(v.leave(), "jan")
		if to, _, _ := v.walk(callback); !strings.HasPrefix(to, "https://web.linde.test/callback?") || v.sessions() != 1 {
			t.Fatalf("it leads to %s, %d sessions", to, v.sessions())
		}
		back := v.back
		for _, again := range []string{back, callback, back, strings.Replace(back, "/back/", "/back/x", 1)} {
			to, status, body := v.walk(again)
			if status >= 400 && !strings.Contains(body, "<h1") || v.sessions() != 1 {
				t.Errorf("%s again: %s %d, %d sessions\n%s", again, to, status, v.sessions(), body)
			}
		}
		if n := v.org.TokenRequests(); n != 1 {
			t.Errorf("%d codes went to the organisation", n)
		}
		v.Clock.Later(2 * time.Hour)
		if to, status, body := v.walk(back); to != "https://linde.test/home" && !strings.Contains(body, "<h1") {
			t.Errorf("hours later: %s %d\n%s", to, status, body)
		}
		v.Jar, v.raw.Jar = nil, nil
		if to, status, body := v.walk(back); to != "https://linde.test/home" && !strings.Contains(body, "<h1") {
			t.Errorf("in another browser: %s %d\n%s", to, status, body)
		}
	}
}

// TestReloadOfARefusal: who did not come in sees why, and after a reload the page from which to try again.
func TestReloadOfARefusal(t *testing.T) {
	v := newVisitor(t, federation.JITOff, false)
	callback := v.answers(v.leave(), "jan")
	_, status, first := v.walk(callback)
	if status != http.StatusOK || !strings.Contains(first, "/sso") || v.sessions() != 0 {
		t.Fatalf("%d, %d sessions\n%s", status, v.sessions(), first)
	}
	for _, again := range []string{v.back, callback, v.back} {
		if to, status, body := v.walk(again); status != http.StatusOK || !strings.Contains(body, "/sso") || v.sessions() != 0 {
			t.Errorf("%s again: %s %d\n%s", again, to, status, body)
		}
	}
	if n := v.count("events WHERE kind = 'federated.refused'"); n > 1 {
		t.Errorf("it is on record %d times", n)
	}
}

// TestAnswerThatGotLost: the node that had claimed a visit went away before it had the answer, or the browser did
// before it saw where to go. There is a page, or the way that the journey has anyhow, and another visit brings the
// person in.
func TestAnswerThatGotLost(t *testing.T) {
	for name, kept := range map[string]bool{"the node went away": false, "the browser was not told where to go": true} {
		v := newVisitor(t, federation.JITCreate, true)
		there := v.leave()
		callback := v.answers(there, "jan")
		if kept {
			v.step(callback)
		} else {
			claim := federation.StoredAnswer{State: secret.Hash(there.Query().Get("state")), Handle: secret.Hash(secret.Token())}
			if err := v.DB.ClaimAnswer(t.Context(), "linde", claim, v.Clock.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		asked := v.org.TokenRequests()
		to, status, body := v.walk(callback)
		again := to
		if !kept {
			if status != http.StatusOK || !strings.Contains(body, "duurde te lang") || !strings.Contains(body, "Probeer het opnieuw") {
				t.Fatalf("%s: %s %d\n%s", name, to, status, body)
			}
			again = to[:strings.LastIndex(to, "/")] + "/sso/to/lindehof"
			again, _, _ = v.walk(again)
		}
		if !strings.HasPrefix(again, "https://lindehof.test/authorize?") || v.org.TokenRequests() != asked {
			t.Fatalf("%s: it leads to %s, %d codes went to the organisation", name, again, v.org.TokenRequests())
		}
		next, err := url.Parse(again)
		if err != nil {
			t.Fatal(err)
		}
		if to, _, _ := v.walk(v.answers(next, "jan")); !strings.HasPrefix(to, "https://web.linde.test/callback?") || v.sessions() != 1 {
			t.Errorf("%s: the next visit leads to %s, %d sessions", name, to, v.sessions())
		}
	}
}

// TestReloadOfATest: what a test sign-in brought stays when its page is reloaded.
func TestReloadOfATest(t *testing.T) {
	v := newVisitor(t, federation.JITOff, false)
	now := v.Clock.Now()
	id := secret.ID()
	if err := v.DB.StartTest(t.Context(), "linde", "lindehof", storage.ConnectionTest{ID: id, MadeAt: now, EndsAt: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	to, _, _ := v.step("https://id.test/p/linde/federation/lindehof/test/" + id)
	there, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	callback := v.answers(there, "jan")
	if to, status, body := v.walk(callback); status != http.StatusOK {
		t.Fatalf("%s %d\n%s", to, status, body)
	}
	first, err := v.DB.Test(t.Context(), "linde", "lindehof", now)
	if err != nil {
		t.Fatal(err)
	}
	if to, status, body := v.walk(callback); status != http.StatusBadRequest || !strings.Contains(body, "<h1") {
		t.Errorf("again: %s %d\n%s", to, status, body)
	}
	second, err := v.DB.Test(t.Context(), "linde", "lindehof", now)
	if err != nil || string(second.Result) != string(first.Result) || v.org.TokenRequests() != 1 {
		t.Errorf("another result: %v; %d codes went to the organisation", err, v.org.TokenRequests())
	}
}
