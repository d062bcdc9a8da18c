package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/idptest"
)

// Guesses sent at once to one page leave one audit event each, although only one of them goes on with the journey.
func TestEveryRefusedPasswordIsRecorded(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(nil))
	const guesses = 8
	form := url.Values{"email": {"anna@example.org"}, "password": {"a wrong one"}}.Encode()
	var all sync.WaitGroup
	for range guesses {
		all.Go(func() {
			r, err := http.NewRequest(http.MethodPost, b.URL.String(), strings.NewReader(form))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://id.test")
			for _, c := range b.Jar.Cookies(b.URL) {
				r.AddCookie(c)
			}
			res, err := v.Client().Do(r)
			if err != nil || res.StatusCode != http.StatusSeeOther {
				t.Errorf("%v, %v", res, err)
			}
		})
	}
	all.Wait()
	events, err := v.DB.Events(t.Context(), "linde", 100)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if e.Kind == audit.PasswordRefused {
			n++
		}
	}
	if n != guesses {
		t.Errorf("%d events of %d wrong passwords", n, guesses)
	}
}
