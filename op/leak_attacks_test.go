package op_test

import (
	"encoding/base64"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/wire"
)

// No secret is readable in the log, the metrics or the database (CVE-2024-32967, CVE-2024-8365, GHSA-prh4-vhfh-24mj).
func TestSecretsStaySecret(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		book := &idptest.LogBook{}
		s.Rebuild(func(o *wire.Options) {
			o.Log = slog.New(slog.NewJSONHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		secrets := map[string]string{"password": idptest.Password, "party secret": idptest.PartySecret, "verifier": idptest.Verifier}
		keep := func(what, value string) string {
			s.Helper()
			if len(value) < 20 {
				s.Fatalf("%s %q is too short to look for", what, value)
			}
			secrets[what] = value
			return value
		}
		v := s.Visitor()
		id := v.Begin("jwt", nil)
		typo := keep("mistyped password", "zeven paarse regenjassen drogen?")
		v.Visit(http.MethodPost, s.Issuer+"/login/"+id+"/password", url.Values{"email": {"anna@example.org"}, "password": {typo}, "do": {"continue"}})
		a := v.Prove(id, "anna@example.org")
		code := keep("code", v.Open(a.To.String()).Param("code"))
		for name, value := range v.Jar {
			keep("cookie "+name, value)
		}
		got := s.Redeem("jwt", code)
		again := s.RefreshGrant("jwt", got.Refresh)
		opaque := s.Redeem("web", keep("second code", v.Code("web", nil)))
		for what, value := range map[string]string{
			"access JWT": got.Access, "refresh token": got.Refresh, "ID token": got.ID, "second access JWT": again.Access, "successor": again.Refresh, "opaque token": opaque.Access, "opaque refresh": opaque.Refresh,
		} {
			keep(what, value)
			s.Send(http.MethodGet, s.Issuer+"/userinfo", "", idptest.Bearer(value))
			s.Post("/introspect", url.Values{"token": {value}}, idptest.Basic("jwt"))
			s.Post("/introspect", url.Values{"token": {value}}, idptest.Basic("nobody"))
			s.Send(http.MethodGet, s.Issuer+"/userinfo?access_token="+value, "", nil)
			s.Send(http.MethodGet, s.Issuer+"/"+value, "", nil)
			s.Send(http.MethodGet, s.Issuer+"/assets/"+value, "", nil)
			s.Send(http.MethodGet, s.Issuer+"/login/"+value+"/password", "", http.Header{"Referer": {s.Issuer + "/" + value}, "X-Request-Id": {value}})
			s.RefreshGrant("other", value)
			s.Redeem("web", value)
			v.Open(s.AuthorizeURL("web", idptest.Set("id_token_hint", value, "prompt", "none")))
			v.Open(s.AuthorizeURL("web", idptest.Set("login_hint", value, "prompt", "login")))
		}
		// Secrets where they do not belong.
		s.Send(http.MethodPost, s.Issuer+"/token?client_secret="+idptest.PartySecret+"&code="+code, "code="+code, idptest.Basic("web"))
		s.Send(http.MethodPost, s.Issuer+"/token", "grant_type=authorization_code&client_secret="+idptest.PartySecret+"%zz", nil)
		v.Visit(http.MethodPost, s.Issuer+"/login/"+id+"/password?password="+url.QueryEscape(idptest.Password), url.Values{"password": {idptest.Password}})
		v.Visit(http.MethodPost, s.Issuer+"/login/"+v.Begin("web", idptest.Set("prompt", "login"))+"/password", url.Values{"email": {idptest.Password}, "password": {typo}, "do": {"continue"}})
		// A database that fails while secrets are in hand.
		mend := failUpdates(s)
		third := v.Code("web", nil)
		s.Redeem("web", keep("third code", third))
		s.RefreshGrant("jwt", again.Refresh)
		mend()
		s.Exec("ALTER TABLE grants RENAME TO hidden_grants")
		s.Redeem("web", third)
		s.Exec("ALTER TABLE hidden_grants RENAME TO grants")

		record := httptest.NewRecorder()
		s.Operator().ServeHTTP(record, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		places := map[string]string{"log": book.String(), "metrics": record.Body.String(), "database": everything(s)}
		if !strings.Contains(places["log"], `"level":"ERROR"`) || !strings.Contains(places["metrics"], "idp_requests_total") || !strings.Contains(places["database"], "anna@example.org") {
			s.Error("log, metrics or database do not hold what they must: the test looks in the wrong place")
		}
		for what, value := range secrets {
			raw, _ := base64.RawURLEncoding.DecodeString(value) // of what is base64url
			for place, text := range places {
				if what == "password" && place == "database" {
					// Typed into the field of the address, it is kept there until the login ends: as an address, by her own doing.
					continue
				}
				for form, needle := range map[string]string{"": value, "escaped ": url.QueryEscape(value), "decoded ": string(raw)} {
					if len(needle) >= 16 && strings.Contains(text, needle) {
						s.Errorf("%s%s in the %s", form, what, place)
					}
				}
			}
		}
		for what, value := range map[string]string{"address": "anna@example.org", "state": "state of the party", "nonce": "nonce of the party", "journey": id} {
			if strings.Contains(places["log"], value) || strings.Contains(places["metrics"], value) {
				s.Errorf("%s in the log or the metrics", what)
			}
		}
	})
}

// everything is all that the database holds: its rows, and on SQLite its files.
func everything(s *idptest.Scene) string {
	s.Helper()
	all := s.Dump("linde") + s.Dump("wilg")
	var seq int
	var name, file string
	if err := s.DB.SQL().QueryRowContext(s.Context(), "PRAGMA database_list").Scan(&seq, &name, &file); err != nil {
		return all // PostgreSQL
	}
	for _, path := range []string{file, file + "-wal"} {
		content, err := os.ReadFile(path)
		if err != nil {
			s.Fatal(err)
		}
		all += string(content)
	}
	return all
}

const draws = 10_000

// Whatever may not be guessed is drawn with all the bits that it has room for (CVE-2019-10754, CVE-2022-31034).
func TestRandomValuesAreLongAndDiffer(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]struct {
		draw     func() string
		alphabet string
		length   int
		bits     int
	}{
		"codes, refresh tokens, cookies": {secret.Token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 43, 256},
		"identifiers":                    {secret.ID, "abcdefghijklmnopqrstuvwxyz234567", 26, 130},
		"nonces":                         {func() string { return base64.RawURLEncoding.EncodeToString(secret.Bytes(24)) }, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 32, 192},
	} {
		seen, counts := map[string]bool{}, map[rune]int{}
		perCharacter := int(math.Log2(float64(len(kind.alphabet))))
		whole := kind.bits / perCharacter // characters that carry all their bits
		for range draws {
			text := kind.draw()
			if seen[text] {
				t.Fatalf("%s: %s came twice", name, text)
			}
			seen[text] = true
			if len(text) != kind.length || strings.Trim(text, kind.alphabet) != "" {
				t.Fatalf("%s: %q", name, text)
			}
			for _, r := range text[:whole] {
				counts[r]++
			}
		}
		// Chi-square of the characters; beyond mean plus eight deviations once in billions of runs.
		expected, sum := float64(draws*whole)/float64(len(kind.alphabet)), 0.0
		for _, r := range kind.alphabet {
			d := float64(counts[r]) - expected
			sum += d * d / expected
		}
		if free := float64(len(kind.alphabet) - 1); sum > free+8*math.Sqrt(2*free) {
			t.Errorf("%s: chi-square %.0f of %.0f", name, sum, free)
		}
	}
	// What comes over the wire is drawn there.
	s := idptest.NewScene(t, idptest.HostIssuer, idptest.SceneSQLite(t))
	seen := map[string]bool{}
	unique := func(what, text string, lengths ...int) {
		s.Helper()
		if seen[text] {
			s.Fatalf("%s %s came twice", what, text)
		}
		seen[text] = true
		for _, n := range lengths {
			if len(text) == n {
				return
			}
		}
		s.Errorf("%s of %d characters", what, len(text))
	}
	for range 50 {
		v := s.Visitor()
		unique("journey", v.Begin("web", nil), 26)
		code := v.SignIn("web", "anna@example.org")
		unique("code", code, 70)
		for _, value := range v.Jar {
			unique("cookie", value, 43, 49) // a token, or a known browser with one mark
		}
		got := s.Redeem("web", code)
		unique("refresh token", got.Refresh, 70)
		unique("access token", got.Access, len(got.Access))
		_, claims := idptest.Parts(s.TB, got.ID)
		unique("session", claims["sid"].(string), 26)
		v.Visit(http.MethodPost, s.Issuer+"/logout", url.Values{"do": {"logout"}})
	}
}

// No answer that is about somebody may be kept by a cache, however its address is written (CVE-2025-48947,
// CVE-2025-64762).
func TestNothingPersonalIsCached(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		v.Given("web")
		id := v.Begin("web", idptest.Set("prompt", "login"))
		for path, want := range map[string]int{
			"/login/x.css": 404, "/login/" + id + ".css": 404, "/login/" + id + "/password.css": 404, "/login/" + id + "/password/x.css": 404, "/login/" + id + "/": 404, "/login/x/y/z.png": 404,
			"/logout/x.css": 404, "/logout.css": 404, "/userinfo/x.js": 404, "/userinfo.json": 404, "/authorize/x.png": 404, "/authorize;x.css": 404, "/authorize%2fx.css": 404, "/authorize%3fx.css": 404, "/authorize%00.css": 404,
			"/assets/": 404, "/assets": 404, "/assets/app.css": 404, "/assets/../authorize": 404, "/assets/..%2fauthorize": 404, "/assets/%2e%2e/authorize": 404, "/assets/x/../../logout": 404, "/assets//app.css": 404,
			"/assets/logo.png": 404, "/assets/app.js/x": 404, "/assets/%61pp.css": 404, "/assets/.": 404, "/assets/app.css%00": 404, "/assets/brand-1b6a7a.css/../../logout": 404,
		} {
			a := v.Open(s.Issuer + path)
			if a.Status != want || a.Header.Get("Cache-Control") != "no-store" || len(a.Cookies) != 0 {
				s.Errorf("%s: %d, Cache-Control %q, %d cookies; want %d", path, a.Status, a.Header.Get("Cache-Control"), len(a.Cookies), want)
			}
		}
		everywhere(s, func(what string, a idptest.Answer) {
			cache := a.Header.Get("Cache-Control")
			if len(a.Cookies) > 0 && cache != "no-store" || strings.Contains(cache, "public") {
				s.Errorf("%s: Cache-Control %q with %d cookies", what, cache, len(a.Cookies))
			}
		})
		for _, path := range []string{"/keys", "/.well-known/openid-configuration", "/assets/brand-1b6a7a.css"} {
			for _, header := range []http.Header{nil, {"Cookie": {v.Cookies()}}, {"Authorization": {"Bearer x"}}} {
				if a := s.Send(http.MethodGet, s.Issuer+path, "", header); a.Status != http.StatusOK || len(a.Cookies) != 0 || !strings.Contains(a.Header.Get("Cache-Control"), "public") {
					s.Errorf("%s: %d %v", path, a.Status, a.Header)
				}
			}
		}
	})
}
