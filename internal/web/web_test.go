package web_test

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
)

func wrap(h http.HandlerFunc, log *strings.Builder, proxies ...netip.Prefix) http.Handler {
	return web.Wrap(h, web.Options{
		Log: slog.New(slog.NewTextHandler(log, nil)), Now: func() time.Time { return time.Unix(0, 0) }, Proxies: proxies,
		Broken: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	})
}

// CVE-2024-47070, CVE-2023-36456: what a header says of the address counts only behind a proxy that we trust.
func TestAddressIsThePeersUnlessAProxyIsTrusted(t *testing.T) {
	proxy := netip.MustParsePrefix("10.0.0.0/8")
	for _, row := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:1", "", "192.0.2.1"},
		{"192.0.2.1:1", "203.0.113.9", "192.0.2.1"},
		{"10.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1", "198.51.100.7, 203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1", "203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"10.0.0.1:1", "a", "10.0.0.1"},
		{"10.0.0.1:1", "203.0.113.9, a", "10.0.0.1"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", strings.Repeat("1.1.1.1,", 5000), "10.0.0.1"},
		{"10.0.0.1:1", "fe80::1%eth0", "fe80::1"},
		{"[::ffff:10.0.0.1]:1", "203.0.113.9", "203.0.113.9"},
		{"nonsense", "203.0.113.9", "nonsense"},
	} {
		var got string
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = row.peer
		r.Header.Set("X-Forwarded-For", row.forwarded)
		wrap(func(_ http.ResponseWriter, r *http.Request) { got = web.From(r.Context()).Address }, &strings.Builder{}, proxy).ServeHTTP(httptest.NewRecorder(), r)
		if got != row.want {
			t.Errorf("%s with %.40q: %q, want %q", row.peer, row.forwarded, got, row.want)
		}
	}
}

// One line has a whole /64: its owner is counted once.
func TestSourceIsTheAddressOrTheNetworkOfALine(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::": "2001:db8:1:2::/64", "2001:db8:1:3::": "2001:db8:1:3::/64",
		"fe80::1": "fe80::/64", "nonsense": "nonsense", "": "",
	} {
		if got := (web.Caller{Address: address}).Source(); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// What is kept with a session tells no line of a network from another.
func TestNetworkOfACallerIsShortened(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "192.0.2.1": "192.0.2.0/24", "192.0.3.1": "192.0.3.0/24", "::ffff:192.0.2.77": "192.0.2.0/24",
		"2001:db8:1:2:3:4:5:6": "2001:db8::/32", "2001:db8:1:ffff::9": "2001:db8::/32", "2001:db9::9": "2001:db9::/32", "2002:c000:24d::1": "192.0.2.0/24",
		"fe80::1%eth0": "fe80::/32", "": "", "@": "", "192.0.2.77:80": "",
	} {
		if got := (web.Caller{Address: address}).Network(); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	w := httptest.NewRecorder()
	wrap(func(http.ResponseWriter, *http.Request) {}, &strings.Builder{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	csp := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("CSP %q lacks %s", csp, want)
		}
	}
}

// An answer for a program has what a program obeys; a page has all, whatever its handler set itself, and so has the answer
// to a program whose handler panics.
func TestProgramsGetNoHeadersOfPages(t *testing.T) {
	names := func(h http.HandlerFunc) []string {
		w := httptest.NewRecorder()
		wrap(h, &strings.Builder{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return slices.Sorted(maps.Keys(w.Result().Header))
	}
	all := names(func(w http.ResponseWriter, _ *http.Request) { web.AllowOwnCalls(w.Header()) })
	for what, h := range map[string]http.HandlerFunc{
		"a status":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"nothing":          func(http.ResponseWriter, *http.Request) {},
		"its own":          func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "private") },
		"a text":           func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil; _, _ = w.Write(nil) },
		"not as a program": func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil },
	} {
		got := names(func(w http.ResponseWriter, r *http.Request) {
			if what != "not as a program" {
				web.ToMachine(w)
			}
			h(w, r)
		})
		want := []string{"Cache-Control", "X-Content-Type-Options"}
		if what == "not as a program" {
			want = all
		}
		if got = slices.DeleteFunc(got, func(name string) bool { return name == "Content-Type" }); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	if got := names(func(w http.ResponseWriter, _ *http.Request) { web.ToMachine(w); panic("boom") }); !slices.Contains(got, "Content-Security-Policy") {
		t.Errorf("after a panic: %q", got)
	}
	if len(all) != 8 {
		t.Errorf("a page has %q", all)
	}
}

func TestPanicBecomesALoggedAnswer(t *testing.T) {
	log, w := &strings.Builder{}, httptest.NewRecorder()
	wrap(func(http.ResponseWriter, *http.Request) { panic("boom") }, log).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "boom") || !strings.Contains(log.String(), "boom") {
		t.Errorf("%d %q, log %q", w.Code, w.Body, log)
	}
}

func TestLogHoldsNoSecrets(t *testing.T) {
	log := &strings.Builder{}
	r := httptest.NewRequest(http.MethodGet, "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/password?code=geheim", nil)
	wrap(func(http.ResponseWriter, *http.Request) {}, log).ServeHTTP(httptest.NewRecorder(), r)
	if strings.Contains(log.String(), "geheim") || strings.Contains(log.String(), "4xq2m7") || !strings.Contains(log.String(), "reference=") {
		t.Errorf("log %q", log)
	}
}

func TestCookiesStayWhereTheyBelong(t *testing.T) {
	w := httptest.NewRecorder()
	web.SetCookie(w, "linde", web.SessionCookie, "v")
	got := w.Header().Get("Set-Cookie")
	if got != "__Host-linde-session=v; Path=/; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("cookie %q", got)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", "__Host-linde-session=v; __Host-linde-app="+strings.Repeat("x", 65)+"; __Host-linde-known="+strings.Repeat("x", 141))
	if web.Cookie(r, "linde", web.SessionCookie) != "v" || web.Cookie(r, "wilg", web.SessionCookie) != "" || web.Cookie(r, "linde", web.AppCookie) != "" || len(web.Cookie(r, "linde", web.KnownCookie)) != 141 {
		t.Error("a cookie of another platform, or one too long, counts")
	}
}

// A browser keeps its cookie. What is no token of ours is none, so that nobody can plant a value that is easy to guess.
func TestBrowserIsTakenFromItsCookie(t *testing.T) {
	own := secret.Token()
	for value, kept := range map[string]bool{own: true, "": false, "a": false, own + own: false, own[1:]: false} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-linde-browser", Value: value})
		hash, set := web.Browser(w, r, "linde"), w.Result().Cookies()
		if kept != secret.Equal(hash, secret.Hash(own)) || kept != (len(set) == 0) {
			t.Errorf("%q: cookies set %v", value, set)
		}
		if len(set) > 0 && !secret.Equal(hash, secret.Hash(set[0].Value)) {
			t.Errorf("%q: the journey is bound to another cookie than the one that is set", value)
		}
	}
}

func TestJourneyIsBoundByOneOfItsCookies(t *testing.T) {
	value := secret.Token()
	for name, bound := range map[string]bool{
		"linde-browser": true, "linde-journey-j": true, "linde-journey-k": false, "wilg-browser": false, "linde-session": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-" + name, Value: value})
		if web.Bound(r, "linde", "j", secret.Hash(value)) != bound || web.Bound(r, "linde", "j", secret.Hash(value+"x")) {
			t.Errorf("%s: bound is %t", name, !bound)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if web.Bound(r, "linde", "j", nil) || web.Bound(r, "linde", "j", secret.Hash("")) {
		t.Error("a browser without a cookie is bound")
	}
}
