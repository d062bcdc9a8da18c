package password_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/platform"
)

// fill takes every place that is left, and returns what gives them back.
func (h house) fill() (empty func()) {
	h.t.Helper()
	var held []func()
	for {
		_, leave, err := h.Pool.Enter(h.t.Context())
		if errors.Is(err, fault.Busy) {
			return func() {
				for _, leave := range held {
					leave()
				}
			}
		}
		if err != nil {
			h.t.Fatal(err)
		}
		held = append(held, leave)
	}
}

// answerOf is the status of a form, and its page without what differs each time.
func (h house) answerOf(form *http.Request, email string) (status int, page string) {
	h.t.Helper()
	res, err := h.RoundTrip(form)
	if err != nil {
		h.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	page = fmt.Sprint(res.Header["Retry-After"], res.Header["Content-Language"], string(body))
	for _, own := range append(strings.Split(form.URL.Path, "/"), email) {
		if len(own) > 20 || own == email {
			page = strings.ReplaceAll(page, own, "OWN")
		}
	}
	before, after, _ := strings.Cut(page, "<dt>reference</dt><dd>")
	reference, _, _ := strings.Cut(after, "<")
	if reference == "" {
		h.t.Fatalf("no reference on the page: %s", before)
	}
	return res.StatusCode, strings.ReplaceAll(page, reference, "REFERENCE")
}

// With a full queue a login ends before anything is looked up: the database may be gone. Known or not, everybody is told
// the same, in their language, and no attempt counts.
func TestFullQueueIsToldBeforeTheDatabaseIsAsked(t *testing.T) {
	h := newHouse(t)
	emails := []string{"anna@example.org", "nina@example.org", "bram@example.org"} // one is unknown, one has no password
	var forms []*http.Request
	for _, email := range emails {
		forms = append(forms, h.guess(h.browser(), email, wrong))
	}
	later := h.guess(h.browser(), "anna@example.org", idptest.Password)
	empty := h.fill()
	before, answered := h.Pool.Shed(), h.DB.Answered()
	var first string
	for i, form := range forms {
		status, page := h.answerOf(form, emails[i])
		if status != http.StatusServiceUnavailable || !strings.HasPrefix(page, "[5] [en]") {
			t.Errorf("%s: %d %s", emails[i], status, page)
		}
		if first == "" {
			first = page
		}
		if page != first {
			t.Errorf("%s is told something else:\n%s\n%s", emails[i], page, first)
		}
	}
	if shed, asked := h.Pool.Shed()-before, h.DB.Answered()-answered; shed != uint64(len(forms)) || asked != 0 {
		t.Errorf("%d turned away, want %d; the database was asked %d times", shed, len(forms), asked)
	}
	var counters int
	if err := h.DB.SQL().QueryRow("SELECT COUNT(*) FROM attempts").Scan(&counters); err != nil || counters != 0 {
		t.Errorf("%d counters: %v", counters, err)
	}
	empty()
	if res, err := h.RoundTrip(later); err != nil || res.StatusCode != http.StatusSeeOther {
		t.Errorf("afterwards: %v %v", res, err)
	}
	if n := h.Pool.Waiting(); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}

// A form that costs no hash needs no place: somebody else, and giving up.
func TestFullQueueStopsNoOtherForm(t *testing.T) {
	h := newHouse(t)
	for do, form := range map[string]*http.Request{
		"cancel": h.guess(h.browser(), "anna@example.org", wrong),
		"":       h.guess(h.browser(), "anna@example.org", ""),
	} {
		if do != "" {
			body := url.Values{"email": {"anna@example.org"}, "password": {wrong}, "do": {do}}.Encode()
			form.Body, form.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		}
		empty := h.fill()
		if res, err := h.RoundTrip(form); err != nil || res.StatusCode != http.StatusSeeOther {
			t.Errorf("%q: %v %v", do, res, err)
		}
		empty()
	}
}

// Whatever becomes of a login, its place is free afterwards.
func TestPlaceIsGivenBackOnEveryPath(t *testing.T) {
	h := newHouse(t)
	gone, end := context.WithCancel(t.Context())
	end()
	other := h.guess(h.browser(), "anna@example.org", wrong)
	other.Header.Del("Cookie")
	forms := map[string]*http.Request{
		"right":            h.guess(h.browser(), "anna@example.org", idptest.Password),
		"wrong":            h.guess(h.browser(), "anna@example.org", wrong),
		"unknown":          h.guess(h.browser(), "nina@example.org", wrong),
		"no address":       h.guess(h.browser(), "no address", wrong),
		"another browser":  other,
		"the caller went":  h.guess(h.browser(), "anna@example.org", wrong).WithContext(gone),
		"too many of them": h.guess(h.browser(), "cor@example.org", wrong),
	}
	for range authn.BlockAt {
		h.signIn(h.browser(), "cor@example.org", wrong)
	}
	database := h.guess(h.browser(), "anna@example.org", wrong)
	for what, form := range forms {
		if _, err := h.RoundTrip(form); err != nil || h.Pool.Waiting() != 0 {
			t.Errorf("%s: %d places are still taken: %v", what, h.Pool.Waiting(), err)
		}
	}
	if err := h.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if res, err := h.RoundTrip(database); err != nil || res.StatusCode < 500 || h.Pool.Waiting() != 0 {
		t.Errorf("no database: %d places are still taken: %v %v", h.Pool.Waiting(), res, err)
	}
}

// Whoever is held back after many wrong passwords waits without a place: sixty guesses at a time would shut everybody out.
// If the queue is full afterwards, the attempt was none.
func TestWhoIsHeldBackTakesNoPlace(t *testing.T) {
	h := newHouse(t)
	pool := password.NewPool(1, 0, idptest.Cheap)
	var held []int
	o := password.Options{Store: h.DB, Sealer: h.Sealer, Pool: pool, Wait: func(_ context.Context, d time.Duration) {
		if d > 0 {
			held = append(held, pool.Waiting())
			if len(held) > 1 { // somebody else is faster
				if _, _, err := pool.Enter(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	}}
	step := password.Factor(o).Prove
	submit := func() error {
		form := url.Values{"email": {"anna@example.org"}, "password": {wrong}}
		ctx, leave, err := step.(login.Bounded).Enter(t.Context(), form)
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
		out, err := step.Submit(ctx, &login.Visit{
			Platform: &platform.Platform{ID: "linde"}, Journey: &authn.Journey{Platform: "linde"}, Now: h.Clock.Now(),
			Request: httptest.NewRequest(http.MethodPost, "/", nil), Form: form,
		})
		if err != nil { // the engine takes back what the step says
			return errors.Join(err, h.DB.Uncount(t.Context(), "linde", out.Change.Uncount))
		}
		return nil
	}
	for len(held) == 0 {
		if err := submit(); err != nil {
			t.Fatal(err)
		}
	}
	if n := pool.Waiting(); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
	failures := func() (n int) {
		if err := h.DB.SQL().QueryRow("SELECT MAX(failures) FROM attempts").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := failures()
	if err := submit(); !errors.Is(err, fault.Busy) {
		t.Errorf("with a queue that is full afterwards: %v", err)
	}
	if held[0] != 0 || held[1] != 0 || failures() != before {
		t.Errorf("places taken while held back: %v; %d failures, %d before", held, failures(), before)
	}
}
