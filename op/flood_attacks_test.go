package op_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
)

// A compressed, encrypted or dotted text in every parameter that takes a token (GHSA-2c7c-3mj9-8fqh, CVE-2024-28180,
// CVE-2025-27144, CVE-2025-30204, CVE-2026-34986).
func TestTokensThatExplodeCostNothing(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	tokens := map[string]string{
		"dots": strings.Repeat(".", 1_000_000), "dots of ours": "eyJhbGciOiJSUzI1NiJ9." + strings.Repeat(".", 60_000), "p2c": b64([]byte(`{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483648,"p2s":"AAAA"}`)) + ".AAAA.AAAA.AAAA.AAAA",
		"zip bomb": b64([]byte(`{"alg":"dir","enc":"A128GCM","zip":"DEF"}`)) + "..AAAA." + strings.Repeat("A", 40_000) + ".AAAA",
		"deep":     b64([]byte(strings.Repeat(`{"a":`, 5_000))) + ".e30.AAAA", "huge header": b64([]byte(`{"alg":"RS256","kid":"`+strings.Repeat("k", 30_000)+`"}`)) + ".e30.AAAA",
		"handle": "idpat_" + strings.Repeat("A", 60_000), "handle of dots": "idpat_" + strings.Repeat(".", 60_000),
	}
	idptest.Issuers(t, func(s *idptest.Scene) {
		before := idptest.Heap()
		v := s.Visitor()
		v.SignIn("web", "anna@example.org")
		s.Hashed()
		for name, token := range tokens {
			for says, a := range map[string]idptest.Answer{
				"hint":               v.Open(s.AuthorizeURL("web", idptest.Set("id_token_hint", token, "prompt", "none"))),
				"hint by POST":       s.Post("/authorize", idptest.AuthorizeQuery("web", idptest.Set("id_token_hint", token)), nil),
				"request":            s.Get(s.AuthorizeURL("web", idptest.Set("request", token))),
				"logout":             v.Open(s.Issuer + "/logout?id_token_hint=" + token),
				"logout by POST":     s.Post("/logout", url.Values{"id_token_hint": {token}}, nil),
				"bearer":             s.Send(http.MethodGet, s.Issuer+"/userinfo", "", idptest.Bearer(token)),
				"bearer in the body": s.Post("/userinfo", url.Values{"access_token": {token}}, nil),
				"introspection":      s.Post("/introspect", url.Values{"token": {token}}, idptest.Basic("web")),
				"revocation":         s.Post("/revoke", url.Values{"token": {token}}, idptest.Basic("web")),
				"refresh":            s.Post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, idptest.Basic("web")),
				"code":               s.Post("/token", idptest.CodeForm("web", token), idptest.Basic("web")),
				"assertion":          s.Post("/token", url.Values{"grant_type": {"client_credentials"}, "client_assertion": {token}, "client_assertion_type": {"x"}, "client_id": {"jobs"}}, nil),
				"basic":              s.Post("/token", idptest.CodeForm("web", "x"), http.Header{"Authorization": {"Basic " + token}}),
			} {
				switch {
				case a.Status >= 400 && a.Status <= 499: // refused
				case a.To.Host == "rp.test" && a.To.Query().Has("error") && !a.To.Query().Has("code"): // refused to the party
				case (says == "introspection" || says == "revocation") && a.Status == http.StatusOK && !strings.Contains(a.Body, "true"): // no token
				case says == "logout" && strings.Contains(a.Body, `value="logout"`): // asks
				case says == "logout by POST" && a.Status == http.StatusSeeOther && strings.HasPrefix(a.To.String(), s.Issuer+"/logout"): // asks next
				case says == "hint by POST" && a.Status == http.StatusSeeOther && a.To.Host == "rp.test":
				default:
					s.Errorf("%s as %s: %d %.200s", name, says, a.Status, a.To)
				}
			}
		}
		if n := s.Hashed(); n != 0 {
			s.Errorf("%d passwords were hashed", n)
		}
		if grown := idptest.Heap() - before; grown > 50*idptest.MiB {
			s.Errorf("the heap grew by %d MiB", grown/idptest.MiB)
		}
	})
}

// metered is a body of any length that counts what was read of it.
type metered struct{ left, read int64 }

func (m *metered) Read(p []byte) (int, error) {
	if m.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, bytes.Repeat([]byte("a=b&"), 1+len(p)/4))
	n = int(min(int64(n), m.left))
	m.left, m.read = m.left-int64(n), m.read+int64(n)
	return n, nil
}

// A request that is too large is refused before it is read to the end or takes memory (CVE-2023-6337, CVE-2025-61726,
// CVE-2025-58186, CVE-2025-61725, CVE-2026-42499).
func TestHugeRequestsCostNothing(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		before := idptest.Heap()
		v := s.Visitor()
		id := v.Begin("web", nil)
		login := s.Issuer + "/login/" + id + "/password"
		posts := []string{s.Issuer + "/authorize", s.Issuer + "/token", s.Issuer + "/userinfo", s.Issuer + "/revoke", s.Issuer + "/introspect", s.Issuer + "/logout", login}

		for _, address := range posts {
			for _, declared := range []int64{-1, 100 * idptest.MiB} {
				body := &metered{left: 100 * idptest.MiB}
				r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, address, body)
				if err != nil {
					s.Fatal(err)
				}
				r.ContentLength = declared
				r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {v.Cookies()}, "Authorization": {idptest.Basic("web").Get("Authorization")}}
				if a := s.SendRequest(r); a.Status < 400 || a.Status > 499 || body.read > 128<<10 {
					s.Errorf("100 MiB to %s: %d, %d bytes read", address, a.Status, body.read)
				}
			}
			for says, body := range map[string]string{
				"100,000 parameters": strings.Repeat("a&", 100_000), "10,001 parameters": strings.Repeat("a&", 10_001), "1 MiB password": "email=anna@example.org&password=" + strings.Repeat("x", idptest.MiB),
				"address of brackets": "email=" + strings.Repeat("(", 100_000) + "&password=x",
			} {
				a := s.Send(http.MethodPost, address, body, http.Header{"Cookie": {v.Cookies()}, "Authorization": idptest.Basic("web")["Authorization"]})
				if a.Status < 400 || a.Status > 499 {
					s.Errorf("%s to %s: %d", says, address, a.Status)
				}
			}
		}
		// Within the limit of a body, an address that is none costs no hash, a long password one.
		for address, want := range map[string]int{strings.Repeat("(", 15_000): 0, strings.Repeat("a@", 10_000) + "b.test": 0, strings.Repeat("a.", 20_000) + "@b.test": 0, "anna@example.org\r\nBcc: x@evil.test": 0, "nobody@example.org": 1} {
			a := v.Visit(http.MethodPost, login, url.Values{"email": {address}, "password": {strings.Repeat("x", 10_000)}, "do": {"continue"}})
			if n := s.Hashed(); a.Status != http.StatusSeeOther || n != want {
				s.Errorf("address %.20q: %d, %d hashes, want %d", address, a.Status, n, want)
			}
		}
		many := strings.Repeat("a=1&", 100_000)
		for path := range methods {
			if a := s.Get(s.Issuer + path + "?" + many); a.Status >= 500 {
				s.Errorf("100,000 parameters in %s: %d", path, a.Status)
			}
			var cookies strings.Builder
			for i := range 10_000 {
				fmt.Fprintf(&cookies, "c%d=%d; ", i, i)
			}
			for _, all := range []string{cookies.String() + v.Cookies(), v.Cookies() + "; " + cookies.String(), strings.Repeat(v.Cookies()+"; ", 5_000), "__Host-linde-session=" + strings.Repeat("x", 500_000), strings.Repeat(";", 500_000), strings.Repeat("=", 500_000)} {
				if a := s.Send(http.MethodGet, s.Issuer+path, "", http.Header{"Cookie": {all}}); a.Status >= 500 || a.To.Query().Has("code") {
					s.Errorf("%.30s… at %s: %d %s", all, path, a.Status, a.To)
				}
			}
		}
		for _, name := range []string{"Accept-Language", "User-Agent", "Origin", "Referer", "If-None-Match", "X-Forwarded-For", "Range", "Accept-Encoding"} {
			for _, value := range []string{strings.Repeat("nl;q=0.1,", 100_000), strings.Repeat("-", 500_000), strings.Repeat("a-", 250_000)} {
				if a := s.Send(http.MethodGet, login, "", http.Header{"Cookie": {v.Cookies()}, name: {value}}); a.Status >= 500 || len(a.Body) > idptest.MiB {
					s.Errorf("%s of %d bytes: %d", name, len(value), a.Status)
				}
			}
		}
		if a := s.Get(s.Issuer + "/" + strings.Repeat("a/", 250_000)); a.Status != http.StatusNotFound {
			s.Errorf("a long path: %d", a.Status)
		}
		if n := s.Hashed(); n != 0 {
			s.Errorf("%d passwords were hashed", n)
		}
		if grown := idptest.Heap() - before; grown > 50*idptest.MiB {
			s.Errorf("the heap grew by %d MiB", grown/idptest.MiB)
		}
	})
}

// Logins that nobody finishes are rows for an hour and nothing after it (CVE-2021-3637).
func TestLoginsThatNobodyFinishesGo(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		const flood = 300
		for i := range flood {
			switch i % 3 {
			case 0:
				s.Post("/authorize", idptest.AuthorizeQuery("web", nil), nil)
			case 1:
				full := []string{"state", strings.Repeat("s", 2048), "nonce", strings.Repeat("n", 2048), "acr_values", strings.Repeat("a", 1024), "ui_locales", strings.Repeat("u", 1024)}
				acr, sub := strings.Repeat("c", 1024), strings.Repeat("i", 255)
				s.Get(s.AuthorizeURL("web", idptest.Set(append(full, "claims", `{"id_token":{"acr":{"value":"`+acr+`"},"sub":{"value":"`+sub+`"}}}`)...)))
				for _, claims := range []string{`{"id_token":{"acr":{"values":["x` + acr + `"]}}}`, `{"userinfo":{"sub":{"value":"x` + sub + `"}}}`, `{"x":"` + strings.Repeat("x", 8<<10) + `"}`} {
					if a := s.Get(s.AuthorizeURL("web", idptest.Set("claims", claims))); a.Param("error") != "invalid_request" {
						s.Errorf("claims of %d bytes: %d %.100s", len(claims), a.Status, a.To)
					}
				}
			default:
				v := s.Visitor()
				v.Prove(v.Begin("web", nil), "nobody@example.org")
			}
		}
		if n := s.Count("requests"); n != flood {
			s.Errorf("%d requests, want %d", n, flood)
		}
		if n := s.Count("attempts"); n != 2 {
			s.Errorf("%d counters for one address from one source", n)
		}
		for _, row := range s.Rows("SELECT body FROM requests") {
			if len(row) > 10<<10 {
				s.Fatalf("a request of %d bytes", len(row))
			}
		}
		s.Clock.Later(25 * time.Hour)
		for range 2 + flood/500 {
			if _, err := s.DB.CleanUp(s.Context(), s.Clock.Now(), 500); err != nil {
				s.Fatal(err)
			}
			s.Clock.Later(time.Minute)
		}
		for _, table := range []string{"requests", "journeys", "attempts"} {
			if n := s.Count(table); n != 0 {
				s.Errorf("%d %s a day later", n, table)
			}
		}
	})
}

// What a header says of the address changes neither who gets in nor whom the record names. What counts as the address
// is tested in internal/web/web_test.go (CVE-2024-47070, CVE-2023-36456).
func TestForwardedAddressChangesNothing(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		s.Rebuild(func(o *wire.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
		direct := idptest.NewScene(s.TB, s.Issuer, s.DB)
		for _, forwarded := range [][]string{
			{"a"}, {""}, {strings.Repeat("1", 10_000)}, {strings.Repeat("1.1.1.1,", 2_000)}, {"fe80::1%eth0"}, {"203.0.113.9, a"}, {"a, 203.0.113.9"}, {"203.0.113.9:80"}, {"[::1]"}, {"::ffff:1.2.3.4"},
			{"203.0.113.9", "198.51.100.1"}, {"unknown"}, {"_hidden"}, {"1.2.3"}, {"0x7f.1"}, {"127.0.0.1"}, {"'; DROP TABLE events; --"}, {"<script>alert(1)</script>"},
		} {
			for says, node := range map[string]*idptest.Scene{"via a proxy": s, "direct": direct} {
				other := s
				if node == s {
					other = direct
				}
				node.Clock.Later(authn.Refill) // wrong ones alone would make everybody wait
				other.Clock.Later(authn.Refill)
				v := node.Visitor()
				id := v.Begin("web", nil)
				post := func(password string) idptest.Answer {
					node.Clock.Later(time.Millisecond) // each event has a time of its own
					other.Clock.Later(time.Millisecond)
					return node.Post("/login/"+id+"/password", url.Values{"email": {"anna@example.org"}, "password": {password}, "do": {"continue"}}, http.Header{
						"X-Forwarded-For": forwarded, "X-Real-Ip": forwarded, "Forwarded": {"for=" + forwarded[0]}, "X-Forwarded-Host": {"evil.test"}, "X-Forwarded-Proto": {"http"}, "True-Client-Ip": forwarded,
						"Cookie": {v.Cookies()}, "Origin": {string(platform.Issuer(s.Issuer).Origin())},
					})
				}
				if a := post("wrong"); len(a.Cookies) != 0 || a.To.String() != s.Issuer+"/login/"+id+"/password" {
					s.Errorf("%.40q %s: a wrong password leads to %s", forwarded, says, a.To)
				}
				if a := post(idptest.Password); !strings.HasPrefix(a.To.String(), s.Issuer+"/authorize/callback?") {
					s.Errorf("%.40q %s: the right password leads to %s (%d)", forwarded, says, a.To, a.Status)
				}
				recorded := s.Rows(fmt.Sprintf("SELECT address FROM events WHERE at > %d", s.Clock.Now().Add(-2*time.Millisecond).UnixMilli()))
				if len(recorded) != 2 { // the wrong password, and the sign-in
					s.Errorf("%.40q %s: %d events", forwarded, says, len(recorded))
				}
				for _, address := range recorded {
					address = strings.TrimSpace(address)
					if _, err := netip.ParseAddr(address); err != nil || says == "direct" && address != "192.0.2.1" {
						s.Errorf("%.40q %s: recorded as %q", forwarded, says, address)
					}
				}
			}
		}
	})
}

// Another way of writing the path of an endpoint opens nothing (CVE-2025-64484, CVE-2026-40575, CVE-2026-0976).
func TestTwinsOfPathsOpenNothing(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		got := v.Given("web")
		prefix := platform.Issuer(s.Issuer).Path()
		origin := platform.Issuer(s.Issuer).Origin()
		for _, path := range []string{"/userinfo", "/token", "/authorize", "/logout", "/introspect", "/keys"} {
			rest := strings.TrimPrefix(path, "/")
			for _, twin := range []string{
				"/" + path, path + "/", path + "//", path + ";x", path + ";", "/x/.." + path, "/." + path, path + "/.", path + "/..", path + "%20", path + "%00", path + "%0a", path + "%2f", path + "%3f", path + "%23",
				"/%2e" + path, "/%2e%2e" + path, "/" + "%" + hex(rest[0]) + rest[1:], "/" + "%" + strings.ToUpper(hex(rest[0])) + rest[1:], "/%25" + hex(rest[0]) + rest[1:], "/%2f" + rest, "/%5c" + rest, `/\` + rest, path + `\`,
				strings.ToUpper(path), "/" + strings.ToUpper(rest[:1]) + rest[1:], path + ".json", path + "/x", "//" + rest, "///" + rest, path + "%25u002f", "/ｕ" + rest[1:],
			} {
				for says, address := range map[string]string{"below": s.Issuer + twin, "above": origin + twin} {
					if prefix == "" && says == "above" {
						continue
					}
					// Whatever it says, it is not the route: with a good token and cookie it gives nothing.
					a := s.Send(http.MethodGet, address+"?"+idptest.AuthorizeQuery("web", nil).Encode(), "", http.Header{"Cookie": {v.Cookies()}, "Authorization": {"Bearer " + got.Access}})
					if a.Status != http.StatusNotFound || len(a.Cookies) != 0 || a.To.String() != "" || strings.Contains(a.Body, `"sub"`) {
						s.Errorf("%s: %d %s", address, a.Status, a.To)
					}
				}
			}
			if prefix == "" {
				continue
			}
			for _, twin := range []string{
				"/p//wilg" + path, "//p/wilg" + path, "/P/wilg" + path, "/p/Wilg" + path, "/p/wilg;x" + path, "/p;x/wilg" + path, "/p/%77ilg" + path, "/p%2fwilg" + path, "/p/./wilg" + path, "/p/x/../wilg" + path, "/p/wilgx" + path,
				"/p/wilg%2f" + rest, "/p/wilg" + rest, "/p" + path,
			} {
				if a := s.Send(http.MethodGet, origin+twin+"?"+idptest.AuthorizeQuery("web", nil).Encode(), "", http.Header{"Cookie": {v.Cookies()}, "Authorization": {"Bearer " + got.Access}}); a.Status != http.StatusNotFound {
					s.Errorf("%s: %d %s", twin, a.Status, a.To)
				}
			}
		}
		// Headers that proxies in front of other programs set have no meaning here.
		smuggled := http.Header{
			"X-Forwarded-User": {"anna@example.org"}, "X-Forwarded-Email": {"anna@example.org"}, "X-Auth-Request-User": {"anna"}, "Remote-User": {"anna"}, "Remote_User": {"anna"}, "X_Forwarded_User": {"anna"},
			"X-Original-Url": {prefix + "/userinfo"}, "X-Rewrite-Url": {prefix + "/userinfo"}, "X-Http-Method-Override": {"DELETE"}, "X-Forwarded-Prefix": {"/p/linde"}, "X-Forwarded-Host": {"evil.test"}, "Forwarded": {"host=evil.test;proto=http"},
			"X-Forwarded-Proto": {"http"}, "X-Forwarded-Port": {"1"}, "X-Original-Host": {"evil.test"}, "X-Client-Cert": {"x"}, "Ssl-Client-Verify": {"SUCCESS"},
		}
		for path, want := range map[string]int{"/userinfo": 401, "/introspect?x": 405, "/unknown": 404, "/.well-known/openid-configuration": 200} {
			plain, with := s.Get(s.Issuer+path), s.Send(http.MethodGet, s.Issuer+path, "", smuggled)
			challenge := with.Header.Get("WWW-Authenticate")
			if plain.Status != want || with.Status != want || strings.Contains(with.Body+challenge, "evil.test") || challenge != plain.Header.Get("WWW-Authenticate") {
				s.Errorf("%s with identity headers: %d %s, want %d: %s", path, with.Status, challenge, want, with.Body)
			}
		}
		if a := s.Send(http.MethodGet, s.AuthorizeURL("web", idptest.Set("prompt", "none")), "", smuggled); a.Param("error") != "login_required" || a.Param("iss") != s.Issuer {
			s.Errorf("identity headers sign in: %s", a.To)
		}
	})
}
