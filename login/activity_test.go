package login_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// A page of a sibling host gets our cookies along with whatever it asks for. It keeps no session from idling, neither
// through the settings nor through a request of a party; whoever goes to a page does.
func TestPagesOfOtherHostsKeepNoSessionAlive(t *testing.T) {
	v := newVisit(t)
	fetch := func(site, mode, dest string) map[string]string {
		return map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
	}
	for says, row := range map[string]struct {
		header map[string]string
		alive  bool
	}{
		"fetch of a sibling":       {fetch("same-site", "cors", "empty"), false},
		"a picture of a sibling":   {fetch("same-site", "no-cors", "image"), false},
		"a frame of a sibling":     {fetch("same-site", "navigate", "iframe"), false},
		"fetch, an old browser":    {map[string]string{"Origin": "https://x.id.test"}, false},
		"an old browser of people": {map[string]string{"Upgrade-Insecure-Requests": "1"}, true},
		"the platform's link":      {fetch("cross-site", "navigate", "document"), true},
		"a bookmark":               {fetch("none", "navigate", "document"), true},
		"a page of ours":           {fetch("same-origin", "navigate", "document"), true},
	} {
		for where, address := range map[string]func(*idptest.Browser) string{
			"settings": func(*idptest.Browser) string { return settings }, "devices": func(*idptest.Browser) string { return settings + "/devices" },
			"a party": func(*idptest.Browser) string { return authorizeAddress(t, v) },
		} {
			b := idptest.NewBrowser(v.Server, "en")
			signIn(t, b, v.linde, "anna@example.org")
			for range 4 { // 80 minutes, of which none is idle for long
				v.Clock.Later(20 * time.Minute)
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, address(b), nil)
				for name, value := range row.header {
					r.Header.Set(name, value)
				}
				for _, c := range b.Jar.Cookies(r.URL) {
					r.AddCookie(c)
				}
				if _, err := v.RoundTrip(r); err != nil {
					t.Fatal(err)
				}
			}
			got := silent(t, b, v.linde)
			if alive := got != "login_required"; alive != row.alive {
				t.Errorf("%s at %s: silently answered %q after 80 minutes, want alive %t", says, where, got, row.alive)
			}
		}
	}
}

// authorizeAddress is a fresh request of the platform's party.
func authorizeAddress(t *testing.T, v visit) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, v.linde.Start(nil), nil)
	res, err := v.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return res.Header.Get("Location")
}
