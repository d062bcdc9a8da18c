package login_test

import (
	"net/http"
	"net/url"
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
			res := idptest.RequestAs(t, v, b, http.MethodPost, b.URL.String(), form, sameOrigin)
			if res.StatusCode != http.StatusSeeOther {
				t.Errorf("%v", res)
			}
		})
	}
	all.Wait()
	if n := len(events(t, v.Server, "anna@example.org", audit.PasswordRefused)); n != guesses {
		t.Errorf("%d events of %d wrong passwords", n, guesses)
	}
}
