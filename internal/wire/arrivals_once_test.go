package wire_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/internal/wire"
)

// A request by POST is taken back once, by the answer that it gets: a page that opens the same request many times at
// once does not earn its network room for others.
func TestARequestIsTakenBackOnce(t *testing.T) {
	var meanwhile func()
	db, held := idptest.SQLiteHeld(t, func(text string) {
		if text == "BEGIN" && meanwhile != nil {
			do := meanwhile
			meanwhile = nil
			do()
		}
	})
	other := idptest.NewServer(t, db)
	other.Declare(openHouse)
	house := other.Another(func(o *wire.Options) {
		o.DB, o.Arrival = held, web.Rate{AtOnce: 2, PerSecond: 1}
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	})
	rp := idptest.NewParty(other, "rp.test", idptest.HostIssuer, "linde-web", idptest.PartySecret)
	anna := idptest.NewBrowser(other, "en")
	idptest.LogIn(t, anna, rp.Start(nil), "anna@example.org")
	var cookies []string
	for _, c := range anna.Jar.Cookies(&url.URL{Scheme: "https", Host: "login.linde.test", Path: "/"}) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	send := func(to http.Handler, method, address, body, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		r.RemoteAddr = "192.0.2.1:4711"
		r.Header = http.Header{"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"}, "Cookie": {cookie}}
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := httptest.NewRecorder()
		to.ServeHTTP(rec, r)
		return rec
	}
	_, query, _ := strings.Cut(authorizeAt, "?")
	stored := send(house, http.MethodPost, "https://login.linde.test/authorize", query, "").Header().Get("Location")
	if waits := send(house, http.MethodGet, "https://login.linde.test"+authorizeAt, "", ""); waits.Code != http.StatusSeeOther {
		t.Fatalf("the second that waits: %d", waits.Code)
	}
	first := ""
	meanwhile = func() {
		first = send(other, http.MethodGet, stored, "", strings.Join(cookies, "; ")).Header().Get("Location")
	}
	late := send(house, http.MethodGet, stored, "", strings.Join(cookies, "; ")).Header().Get("Location")
	if !strings.Contains(first, "code=") || strings.Contains(late, "code=") {
		t.Fatalf("answered %q, and the one that came too late %q", first, late)
	}
	if more := send(house, http.MethodGet, "https://login.linde.test"+authorizeAt, "", ""); more.Code != http.StatusTooManyRequests {
		t.Errorf("the one that came too late made room for another: %d", more.Code)
	}
}
