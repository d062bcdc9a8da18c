package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// Behind a trusted proxy the address is one that can be parsed, without a zone, and never that of the proxy when a good
// one stands last; in front of it the header means nothing.
func FuzzForwardedAddress(f *testing.F) {
	for _, s := range []string{"", "a", "203.0.113.9", "203.0.113.9, 10.0.0.2", "fe80::1%eth0", "::ffff:1.2.3.4", ",,,", "1.1.1.1:80", "[::1]", strings.Repeat("1.1.1.1,", 20)} {
		f.Add("10.0.0.1:1", s, "")
		f.Add("192.0.2.1:1", s, s)
	}
	f.Add("[::ffff:10.0.0.1%x]:1", "1.1.1.1", "2.2.2.2")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, peer, first, second string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		plain := address(r, proxies)
		r.Header["X-Forwarded-For"] = []string{first, second}
		got := address(r, proxies)
		if FromProxy(r, proxies) {
			if a, err := netip.ParseAddr(got); err != nil || a.Zone() != "" || a.Is4In6() {
				t.Fatalf("%q behind %q: %q", peer, []string{first, second}, got)
			}
		} else if got != plain {
			t.Fatalf("%q is no proxy, and %q makes it %q", peer, []string{first, second}, got)
		}
	})
}

// Of whatever a browser sends as cookies, a value of ours is short and plain, and belongs to one platform.
func FuzzCookies(f *testing.F) {
	for _, s := range []string{"__Host-linde-session=v", "__Host-linde-session=v; __Host-wilg-session=w", "__Host-linde-session=\"v\"", "__Host-linde-session=" + strings.Repeat("x", 65), "=;=;", "__host-linde-session=v", "__Host-linde-session=a=b", ";;;", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if !httpguts.ValidHeaderFieldValue(header) {
			return // net/http refuses the request
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", header)
		value := Cookie(r, "linde", SessionCookie)
		tight := strings.NewReplacer(" ", "", "\t", "").Replace(header) // blanks around a name do not belong to it
		if len(value) > 64 || value != "" && !strings.Contains(tight, "__Host-linde-session=") || (CookieHash(r, "linde", SessionCookie) == nil) != (value == "") {
			t.Fatalf("%q gives %q", header, value)
		}
		if !strings.Contains(header, "linde-app") && Cookie(r, "linde", AppCookie) != "" {
			t.Fatalf("%q gives another cookie", header)
		}
	})
}

// A line of the log never holds a long word, a line end or broken text of a path.
func FuzzPathOfLog(f *testing.F) {
	for _, s := range []string{"/", "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/password", "/.well-known/openid-configuration", "//", "/é/\xff", strings.Repeat("/a", 500)} {
		f.Add("show", s)
		f.Add(UnknownRoute, s)
	}
	f.Fuzz(func(t *testing.T, route, path string) {
		got := pathOf(route, path)
		for word := range strings.SplitSeq(got, "/") {
			if len(word) > longestWord || len(got) > 400 || !utf8.ValidString(got) {
				t.Fatalf("%q of %q: %q", path, route, got)
			}
		}
	})
}
