package op_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// waiting is a browser on the first page of a request, and the request.
func (c caller) waiting() (*idptest.Browser, string) {
	c.Helper()
	b := idptest.NewBrowser(c.Server, "en")
	b.MustOpen(c, issuer+authorizeQuery("web", nil))
	b.MustBeAt(c, "/password")
	return b, path.Base(path.Dir(b.URL.Path))
}

func (c caller) stored() (requests, journeys int) {
	c.Helper()
	const count = "SELECT (SELECT COUNT(*) FROM requests), (SELECT COUNT(*) FROM journeys)"
	if err := c.DB.SQL().QueryRowContext(c.Context(), count).Scan(&requests, &journeys); err != nil {
		c.Fatal(err)
	}
	return requests, journeys
}

func TestUnansweredRequestIsOneRow(t *testing.T) {
	c := newCaller(t)
	b, _ := c.waiting()
	b.MustOpen(t, b.URL.String())
	b.MustOpen(t, strings.TrimSuffix(b.URL.String(), "/password"))
	if requests, journeys := c.stored(); requests != 1 || journeys != 0 {
		t.Errorf("pages were looked at: %d requests and %d journeys", requests, journeys)
	}
	b.MustFill(t, "Email address", "anna@example.org")
	b.MustFill(t, "Password", "wrong")
	b.MustPress(t, "Log in")
	if requests, journeys := c.stored(); requests != 1 || journeys != 1 {
		t.Errorf("a form was sent: %d requests and %d journeys", requests, journeys)
	}
}

// Whoever looks at a page or sends a form of a request that cannot be answered any more is led on, as from any journey
// that is over; nothing is stored.
func TestRequestThatIsOverLeadsOn(t *testing.T) {
	for _, end := range []string{
		"DELETE FROM requests WHERE id = $1",
		"UPDATE requests SET answered_at = 1 WHERE id = $1",
		"UPDATE requests SET expires_at = 1 WHERE id = $1",
	} {
		c := newCaller(t)
		c.Site("linde.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		looks, id := c.waiting()
		sends, other := c.waiting()
		sends.MustFill(t, "Email address", "anna@example.org")
		sends.MustFill(t, "Password", idptest.Password)
		for _, id := range []string{id, other} {
			if _, err := c.DB.SQL().ExecContext(t.Context(), end, id); err != nil {
				t.Fatal(err)
			}
		}
		looks.MustOpen(t, looks.URL.String())
		sends.MustPress(t, "Log in")
		for _, b := range []*idptest.Browser{looks, sends} {
			if got := b.URL.String(); got != "https://linde.test/home" {
				t.Errorf("%s: at %s", end, got)
			}
		}
		if _, journeys := c.stored(); journeys != 0 {
			t.Errorf("%s: %d journeys", end, journeys)
		}
	}
}

// The same for whoever is overtaken by upkeep, which deletes the oldest requests when there are too many.
func TestRequestThatGoesMeanwhileLeadsOn(t *testing.T) {
	for before, send := range map[string]func(caller, *idptest.Browser){
		"INSERT INTO journeys": func(c caller, b *idptest.Browser) {
			idptest.SendPassword(c, b, "anna@example.org")
		},
		"UPDATE requests\nSET browser": func(c caller, b *idptest.Browser) {
			res := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery("web", nil), "/authorize?"), nil)
			b.MustOpen(c, res.Header.Get("Location"))
		},
	} {
		var armed atomic.Bool
		var db, held *storage.DB
		db, held = idptest.PostgresHeld(t, func(text string) {
			if strings.Contains(text, before) && armed.CompareAndSwap(true, false) {
				if _, err := db.SQL().ExecContext(t.Context(), "DELETE FROM requests"); err != nil {
					t.Error(err)
				}
			}
		})
		c := callerOn(t, held)
		c.Site("linde.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		b, _ := c.waiting()
		armed.Store(true)
		send(c, b)
		if got := b.URL.String(); got != "https://linde.test/home" || armed.Load() {
			t.Errorf("%s: at %s", before, got)
		}
		if _, journeys := c.stored(); journeys != 0 {
			t.Errorf("%s: %d journeys", before, journeys)
		}
	}
}

// A request by POST is stored before anybody looks who is signed in. What is decided then is part of its journey, too.
func TestRequestByPostBeginsAsOneByGet(t *testing.T) {
	c := newCaller(t)
	other := func(q url.Values) { q.Set("claims", `{"id_token":{"sub":{"value":"somebody else"}}}`) }
	b := c.signIn(issuer)
	b.MustOpen(t, issuer+authorizeQuery("web", other))
	want := path.Base(b.URL.Path)
	res := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery("web", other), "/authorize?"), nil)
	b.MustOpen(t, res.Header.Get("Location"))
	if got := path.Base(b.URL.Path); got != want || got == "cb" {
		t.Errorf("at %s, want /%s", b.URL, want)
	}
}
