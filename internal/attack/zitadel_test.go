package attack

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minddistrict/idp/internal/wire"
)

// Z1: redirect_uri is compared byte for byte, once decoded.
func TestZ1RedirectIsNotDecodedTwice(t *testing.T) {
	issuers(t, func(s *scene) {
		for _, twin := range []string{
			"https://rp.test/c%62", "https://rp.test/%63%62", "https://rp.test%2Fcb", "https%3A%2F%2Frp.test%2Fcb", "https://rp.test/cb%20", "https://rp%2etest/cb",
			url.QueryEscape(url.QueryEscape(redirect)),
		} {
			s.refused(twin, s.get(s.authorize("web", set("redirect_uri", twin))))
			s.refused(twin+" by POST", s.post("/authorize", query("web", set("redirect_uri", twin)), nil))
		}
		if a := s.get(s.authorize("web", nil)); a.Status != http.StatusSeeOther {
			s.Errorf("the registered one: %d", a.Status)
		}
	})
}

// Z2: of a loopback redirect only the port may differ.
func TestZ2LoopbackDiffersByPortOnly(t *testing.T) {
	issuers(t, func(s *scene) {
		for _, twin := range []string{
			"https://localhost:9999/cb", "https://127.0.0.1:1/cb", "http://127.0.0.1:9999/cb", "http://evil@127.0.0.1:5/cb", "http://evil@localhost:9999/cb", "http://[::1]:7/cb",
			"http://localhost:9999@evil.test/cb", "http://localhost.evil.test:9999/cb", "http://LOCALHOST:9999/cb", "http://localhost:9999/CB", "http://localhost:9999/cb/",
			"http://localhost:9999/cb?x=1", "http://localhost:9999/cb#x", "http://localhost:9999//cb", "http://localhost:/cb", "http://localhost:+80/cb", "http://localhost:0x50/cb",
			"http://localhost:123456/cb", "http://localhost:9999/x/../cb", "http:localhost:9999/cb", "http://localhost:9999\\@evil.test/cb",
		} {
			s.refused(twin, s.get(s.authorize("app", set("redirect_uri", twin))))
		}
		for _, same := range []string{"http://localhost:9999/cb", "http://localhost:4711/cb", "http://localhost/cb"} {
			if a := s.get(s.authorize("app", set("redirect_uri", same))); a.Status != http.StatusSeeOther {
				s.Errorf("%s: %d", same, a.Status)
			}
		}
		s.refused("a web party has no other port", s.get(s.authorize("web", set("redirect_uri", "https://rp.test:8443/cb"))))
	})
}

// Z3: PKCE: S256 only, of 43 characters, for every party.
func TestZ3PKCEIsS256(t *testing.T) {
	issuers(t, func(s *scene) {
		v := s.visitor()
		v.signIn("web", "anna@example.org")
		for _, party := range []string{"web", "spa", "app", "jwt"} {
			for says, change := range map[string]func(url.Values){
				"none":         set("code_challenge", "", "code_challenge_method", ""),
				"method only":  set("code_challenge", ""),
				"plain":        set("code_challenge", verifier, "code_challenge_method", "plain"),
				"plain unsaid": set("code_challenge_method", ""),
				"lower case":   set("code_challenge_method", "s256"),
				"42":           set("code_challenge", challenge[:42]),
				"44":           set("code_challenge", challenge+"A"),
				"padded":       set("code_challenge", challenge+"="),
				"base64":       set("code_challenge", challenge[:42]+"+"),
			} {
				if a := v.open(s.authorize(party, change)); a.param("error") != "invalid_request" || a.To.Query().Has("code") || a.param("state") == "" || a.param("iss") != s.issuer {
					s.Errorf("%s, %s: %d %s", party, says, a.Status, a.To)
				}
			}
		}
		for _, bad := range []string{"", verifier[:42], strings.Repeat("a", 129), challenge, verifier + " ", verifier[:42] + "!", verifier[:42] + "\x00"} {
			form := codeForm("web", v.code("web", nil))
			form.Set("code_verifier", bad)
			s.refusedGrant(fmt.Sprintf("verifier %.50q", bad), s.token("web", form))
		}
		if got := s.redeem("web", v.code("web", nil)); got.Access == "" {
			s.Errorf("the right verifier: %s", got.Body)
		}
	})
}

// Z4: a request id is worth nothing in another browser, and one code in its own. CVE-2022-39222, CVE-2024-28197,
// CVE-2026-7507.
func TestZ4RequestBelongsToABrowserAndGivesOneCode(t *testing.T) {
	issuers(t, func(s *scene) {
		owner, thief, none := s.visitor(), s.visitor(), s.visitor()
		id := owner.begin("web", nil)
		thief.signIn("web", "bram@example.org")
		callback := s.issuer + "/authorize/callback?request=" + id
		for says, v := range map[string]*visitor{"without cookies": none, "another browser": thief} {
			if a := v.open(callback); a.To.Query().Has("code") {
				s.Errorf("%s, before the login: %s", says, a.To)
			}
		}
		if a := owner.open(callback); a.To.Query().Has("code") {
			s.Errorf("before the login: %s", a.To)
		}
		if a := owner.prove(id, "anna@example.org"); a.To.String() != callback {
			s.Fatalf("login leads to %s (%d)", a.To, a.Status)
		}
		for says, v := range map[string]*visitor{"without cookies": none, "another browser": thief} {
			if a := v.open(callback); a.To.Query().Has("code") {
				s.Errorf("%s, after the login: %s", says, a.To)
			}
		}
		// The other way in: who is signed in elsewhere gets no code for a request of another browser, nor for one by POST twice.
		waiting := s.visitor()
		begun := waiting.begin("web", nil)
		posted := s.post("/authorize", query("web", nil), nil).To
		if a := thief.open(posted.String()); posted.Path == "" || !a.To.Query().Has("code") {
			s.Fatalf("a request that nobody took yet: %s leads to %s", posted, a.To)
		}
		for says, request := range map[string]string{"another browser's": begun, "one that was answered": posted.Query().Get("request")} {
			for who, v := range map[string]*visitor{"without cookies": none, "signed in": thief} {
				a := v.open(s.issuer + "/authorize/continue?request=" + request)
				if a.To.Query().Has("code") || !strings.HasPrefix(a.To.String(), "https://rp.test/start?") {
					s.Errorf("%s, continued %s: %d %s", says, who, a.Status, a.To)
				}
			}
		}
		if a := waiting.open(s.issuer + "/authorize/continue?request=" + begun); a.To.String() != s.issuer+"/login/"+begun {
			s.Errorf("continued in its own browser: %d %s", a.Status, a.To)
		}
		var codes atomic.Int32
		header := http.Header{"Cookie": {owner.cookies()}}
		race(16, func(int) {
			switch a := s.send(http.MethodGet, callback, "", header); {
			case a.To.Query().Has("code"):
				codes.Add(1)
			case !strings.HasPrefix(a.To.String(), "https://rp.test/start?"): // begins anew at the party
				s.Errorf("repeated: %d %s", a.Status, a.To)
			}
		})
		if codes.Load() != 1 || s.count("grants WHERE platform = '"+string(s.platform())+"'") != 3 { // two of the thief's own
			s.Errorf("%d codes from 16 calls, want 1", codes.Load())
		}
	})
}

// Z5: a repeated parameter is refused, query and body counted together.
func TestZ5RepeatedParameterIsRefused(t *testing.T) {
	issuers(t, func(s *scene) {
		for name, values := range query("web", set("prompt", "login", "max_age", "1", "ui_locales", "nl", "acr_values", "x", "login_hint", "a", "claims", "{}", "display", "page")) {
			for _, other := range []string{values[0], "https://evil.test/cb", ""} {
				second := url.Values{name: {other}}.Encode()
				rest := query("web", set(name, "")).Encode()
				first := url.Values{name: values}.Encode()
				for says, a := range map[string]answer{
					"good first":      s.get(s.issuer + "/authorize?" + rest + "&" + first + "&" + second),
					"good last":       s.get(s.issuer + "/authorize?" + second + "&" + rest + "&" + first),
					"in the body":     s.send(http.MethodPost, s.issuer+"/authorize", rest+"&"+first+"&"+second, nil),
					"query and body":  s.send(http.MethodPost, s.issuer+"/authorize?"+second, rest+"&"+first, nil),
					"encoded name":    s.get(s.issuer + "/authorize?" + rest + "&" + first + "&%" + fmt.Sprintf("%02x", name[0]) + second[1:]),
					"body, then path": s.send(http.MethodPost, s.issuer+"/authorize?"+rest+"&"+first, second, nil),
				} {
					s.refused(fmt.Sprintf("%s twice (%q), %s", name, other, says), a)
				}
			}
		}
		form := codeForm("web", "x")
		for name := range form {
			a := s.send(http.MethodPost, s.issuer+"/token", form.Encode()+"&"+name+"=y", basic("web"))
			if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "invalid_request") {
				s.Errorf("%s twice at token: %d %s", name, a.Status, a.Body)
			}
		}
		for _, path := range []string{"/introspect", "/revoke"} {
			if a := s.send(http.MethodPost, s.issuer+path, "token=a&token=b", basic("web")); a.Status != http.StatusBadRequest {
				s.Errorf("token twice at %s: %d", path, a.Status)
			}
		}
		for _, name := range []string{"post_logout_redirect_uri", "id_token_hint", "client_id", "state"} {
			s.refused(name+" twice at logout", s.get(s.issuer+"/logout?"+name+"=a&"+name+"=b"))
		}
	})
}

// methods that each route takes; everything else is 405, which names them.
var methods = map[string][]string{
	"/authorize": {"GET", "HEAD", "POST"}, "/authorize/continue": {"GET", "HEAD"}, "/authorize/callback": {"GET", "HEAD"},
	"/token": {"POST", "OPTIONS"}, "/userinfo": {"GET", "POST", "OPTIONS"}, "/revoke": {"POST", "OPTIONS"}, "/introspect": {"POST"},
	"/logout": {"GET", "HEAD", "POST"}, "/logged-out": {"GET", "HEAD"},
	"/keys": {"GET", "HEAD"}, "/.well-known/openid-configuration": {"GET", "HEAD"},
	"/": {"GET", "HEAD"}, "/login": {"GET", "HEAD"}, "/login/x": {"GET", "HEAD"}, "/login/x/password": {"GET", "HEAD", "POST"}, "/login/x/stop": {"GET", "HEAD", "POST"}, "/assets/": {"GET", "HEAD"},
}

// Z6: methods are an allow-list; no parameter of a machine endpoint in a URL.
func TestZ6MethodsAreListedAndSecretsStayOutOfURLs(t *testing.T) {
	issuers(t, func(s *scene) {
		for path, allowed := range methods {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X"} {
				a := s.send(method, s.issuer+path, "", nil)
				if slices.Contains(allowed, method) == (a.Status == http.StatusMethodNotAllowed) {
					s.Errorf("%s %s: %d", method, path, a.Status)
				}
				if named := a.Header.Get("Allow"); a.Status == http.StatusMethodNotAllowed && named != strings.Join(allowed, ", ") {
					s.Errorf("%s %s: Allow %q, want %v", method, path, named, allowed)
				}
			}
		}
		v := s.visitor()
		got := v.given("web")
		s.secretsInURLs(v, got)
		if s.userinfo(got.Access) != http.StatusOK || !s.active("web", got.Refresh) {
			s.Error("a refused request revoked the tokens")
		}
	})
}

// secretsInURLs sends requests in which nothing is wrong but where one value stands; each with a code of its own, which
// is still good afterwards.
func (s *scene) secretsInURLs(v *visitor, got tokens) {
	s.Helper()
	for _, party := range []string{"web", "post", "spa"} {
		proven := url.Values{}
		switch party {
		case "post":
			proven = url.Values{"client_id": {party}, "client_secret": {partySecret}}
		case "spa":
			proven = url.Values{"client_id": {party}}
		}
		header := http.Header{}
		if party == "web" {
			header = basic(party)
		}
		whole := func() url.Values {
			form := codeForm(party, v.code(party, nil))
			maps.Copy(form, proven)
			return form
		}
		for name := range whole() {
			form := whole()
			inURL := url.Values{name: form[name]}
			form.Del(name)
			s.refused(party+": "+name+" in the URL", s.send(http.MethodPost, s.issuer+"/token?"+inURL.Encode(), form.Encode(), header))
			form[name] = inURL[name]
			if a := s.send(http.MethodPost, s.issuer+"/token", form.Encode(), header); a.Status != http.StatusOK {
				s.Errorf("%s: the same without %s in the URL: %d %s", party, name, a.Status, a.Body)
			}
		}
		form := whole()
		s.refused(party+": all in the URL of a POST", s.send(http.MethodPost, s.issuer+"/token?"+form.Encode(), "resource=x", header))
		s.refused(party+": all in the URL of a GET", s.send(http.MethodGet, s.issuer+"/token?"+form.Encode(), "", header))
		if a := s.send(http.MethodPost, s.issuer+"/token", form.Encode(), header); a.Status != http.StatusOK {
			s.Errorf("%s: afterwards: %d %s", party, a.Status, a.Body)
		}
	}
	for says, a := range map[string]answer{
		"userinfo":               s.send(http.MethodGet, s.issuer+"/userinfo?access_token="+got.Access, "", nil),
		"userinfo by POST":       s.send(http.MethodPost, s.issuer+"/userinfo?access_token="+got.Access, "x=y", nil),
		"userinfo and header":    s.send(http.MethodGet, s.issuer+"/userinfo?access_token="+got.Access, "", bearer(got.Access)),
		"introspection":          s.send(http.MethodPost, s.issuer+"/introspect?token="+got.Access, "token_type_hint=access_token", basic("web")),
		"introspection, secret":  s.send(http.MethodPost, s.issuer+"/introspect?client_secret="+partySecret, url.Values{"client_id": {"post"}, "token": {got.Access}}.Encode(), nil),
		"revocation":             s.send(http.MethodPost, s.issuer+"/revoke?token="+got.Refresh, "token_type_hint=refresh_token", basic("web")),
		"refresh":                s.send(http.MethodPost, s.issuer+"/token?refresh_token="+got.Refresh, "grant_type=refresh_token", basic("web")),
		"client credentials":     s.send(http.MethodPost, s.issuer+"/token?grant_type=client_credentials", "scope=jobs.read", basic("jobs")),
		"a value of no endpoint": s.send(http.MethodPost, s.issuer+"/introspect?x=y", "token="+got.Access, basic("web")),
	} {
		s.refused(says, a)
	}
}

// everywhere sends something to every route, good and bad, and calls look with each answer. The routes whose answers may
// be kept are left out.
func (s *scene) everywhere(look func(what string, a answer)) {
	s.Helper()
	v := s.visitor()
	look("authorize", v.open(s.authorize("web", nil)))
	code := v.signIn("web", "anna@example.org")
	got := s.redeem("web", code)
	id := s.visitor().begin("web", nil)
	for what, a := range map[string]answer{
		"tokens": got.answer, "code again": s.redeem("web", code).answer, "code of nobody": s.redeem("web", "x").answer, "refresh": s.refresh("web", got.Refresh).answer,
		"client credentials":    s.token("jobs", url.Values{"grant_type": {"client_credentials"}}).answer,
		"token by GET":          s.get(s.issuer + "/token"),
		"userinfo":              s.send(http.MethodGet, s.issuer+"/userinfo", "", bearer(got.Access)),
		"userinfo without":      s.get(s.issuer + "/userinfo"),
		"introspection":         s.post("/introspect", url.Values{"token": {got.Access}}, basic("web")),
		"introspection refused": s.post("/introspect", url.Values{"token": {got.Access}}, nil),
		"revocation":            s.post("/revoke", url.Values{"token": {"x"}}, basic("web")),
		"preflight":             s.send(http.MethodOptions, s.issuer+"/token", "", nil),
		"authorize, answered":   v.open(s.authorize("web", nil)),
		"authorize, form_post":  v.open(s.authorize("web", set("response_mode", "form_post"))),
		"authorize, error":      s.get(s.authorize("web", set("prompt", "none"))),
		"authorize, page":       s.get(s.authorize("nobody", nil)),
		"authorize by POST":     s.post("/authorize", query("web", nil), nil),
		"continue":              s.get(s.issuer + "/authorize/continue?request=x"),
		"callback":              s.get(s.issuer + "/authorize/callback?request=" + id),
		"logout":                v.open(s.issuer + "/logout"),
		"logout by POST":        s.post("/logout", url.Values{"client_id": {"web"}}, nil),
		"logged out":            s.get(s.issuer + "/logged-out"),
		"home":                  s.get(s.issuer + "/"),
		"journey":               s.get(s.issuer + "/login/" + id),
		"journey of nobody":     s.get(s.issuer + "/login/x/password"),
		"password page":         v.open(s.issuer + "/login/" + v.begin("web", set("prompt", "login")) + "/password"),
		"language":              s.get(s.issuer + "/logged-out?lang=nl"),
		"unknown":               s.get(s.issuer + "/unknown"),
		"unknown asset":         s.get(s.issuer + "/assets/unknown.css"),
		"unknown host":          s.get("https://unknown.test/"),
		"form of another site":  s.send(http.MethodPost, s.issuer+"/login/"+id+"/password", "do=cancel", http.Header{"Origin": {"https://evil.test"}}),
	} {
		look(what, a)
	}
}

// Z7: no-store on every answer that is not a public document.
func TestZ7AnswersAreNotStored(t *testing.T) {
	issuers(t, func(s *scene) {
		s.everywhere(func(what string, a answer) {
			if !strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
				s.Errorf("%s (%d): Cache-Control %q", what, a.Status, a.Header.Get("Cache-Control"))
			}
		})
	})
}

// Z8: CORS for registered origins, never with credentials, never on pages.
func TestZ8OriginsAreListed(t *testing.T) {
	issuers(t, func(s *scene) {
		for path := range methods {
			for _, origin := range []string{"https://rp.test", "https://evil.test", "null", "https://rp.test.evil.test", "http://rp.test", "https://RP.test", "https://rp.test/"} {
				for _, method := range []string{"GET", "POST", "OPTIONS"} {
					h := s.send(method, s.issuer+path, "", http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization"}}).Header
					want := ""
					switch {
					case strings.HasPrefix(path, "/.well-known/"), path == "/keys":
						if method == "GET" {
							want = "*"
						}
					case origin == "https://rp.test" && slices.Contains([]string{"/token", "/userinfo", "/revoke"}, path) && slices.Contains(methods[path], method):
						want = origin
					}
					if got := h.Get("Access-Control-Allow-Origin"); got != want || h.Get("Access-Control-Allow-Credentials") != "" {
						s.Errorf("%s %s from %s: allowed origin %q, want %q; credentials %q", method, path, origin, got, want, h.Get("Access-Control-Allow-Credentials"))
					}
				}
			}
		}
	})
}

// Z9: bad input is never a 500.
func TestZ9BadInputIsNotAServerError(t *testing.T) {
	attack := func(s *scene) {
		long := strings.Repeat("a", 5000)
		for says, a := range map[string]answer{
			"unknown party refreshes":         s.token("nobody", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}).answer,
			"no party refreshes":              s.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, nil),
			"unknown party asks for a device": s.post("/device_authorization", url.Values{"client_id": {"nobody"}}, nil),
			"unknown party introspects":       s.post("/introspect", url.Values{"token": {"x"}}, basic("nobody")),
			"unknown party revokes":           s.post("/revoke", url.Values{"token": {"x"}}, basic("nobody")),
			"no grant type":                   s.post("/token", url.Values{}, basic("web")),
			"broken grant type":               s.send(http.MethodPost, s.issuer+"/token", "grant_type=%zz", basic("web")),
			"broken basic":                    s.post("/token", codeForm("web", "x"), http.Header{"Authorization": {"Basic !"}}),
			"broken basic escape":             s.post("/token", codeForm("web", "x"), http.Header{"Authorization": {"Basic JXp6OiV6eg=="}}), // %zz:%zz
			"zero byte as code":               s.redeem("web", "\x00").answer,
			"broken text as code":             s.redeem("web", "\xff\xfe").answer,
			"zero byte as refresh token":      s.refresh("web", "\x00\xff").answer,
			"zero byte as redirect":           s.token("web", url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {"\x00\xff"}, "code_verifier": {verifier}}).answer,
			"zero byte as bearer":             s.send(http.MethodPost, s.issuer+"/userinfo", "access_token=%00%ff", nil),
			"authorize with a broken query":   s.get(s.issuer + "/authorize?client_id=%zz"),
			"authorize with semicolons":       s.get(s.issuer + "/authorize?client_id=web;redirect_uri=x"),
			"authorize of a broken party":     s.get(s.authorize("\x00\xff", nil)),
			"callback of a broken request":    s.get(s.issuer + "/authorize/callback?request=%00%ff"),
			"callback of a long request":      s.get(s.issuer + "/authorize/callback?request=" + long),
			"continue of no request":          s.get(s.issuer + "/authorize/continue?request=" + strings.Repeat("a", 26)),
			"logout with a broken query":      s.get(s.issuer + "/logout?%zz"),
		} {
			if a.Status < 400 || a.Status > 499 {
				s.Errorf("%s: %d %s", says, a.Status, a.Body)
			}
		}
		for says, a := range map[string]answer{
			"unknown party logs out": s.get(s.issuer + "/logout?client_id=nobody&post_logout_redirect_uri=https://evil.test/"),
			"broken hint":            s.get(s.issuer + "/logout?id_token_hint=%00.%ff.x"),
			"broken journey":         s.get(s.issuer + "/login/%00%ff/password"),
			"broken hint of a login": s.get(s.authorize("web", set("login_hint", "\x00\xff"))),
			"broken everything else": s.get(s.authorize("web", set("acr_values", "\x00 \xff", "ui_locales", "\x00 \xff", "scope", "openid \x00 \xff", "claims", "{\"id_token\":{\"sub\":{\"value\":\"\\u0000\xff\"}}}"))),
		} {
			if a.Status >= 500 || strings.Contains(a.To.String(), "evil.test") {
				s.Errorf("%s: %d %s", says, a.Status, a.To)
			}
		}
		for _, name := range []string{"state", "nonce"} {
			for _, broken := range []string{"\x00\xff", "a\x00b", "\xff"} {
				for says, a := range map[string]answer{
					"by GET": s.get(s.authorize("web", set(name, broken))), "by POST": s.post("/authorize", query("web", set(name, broken)), nil),
				} {
					if a.param("error") != "invalid_request" || name == "state" && a.To.Query().Has("state") {
						s.Errorf("%s %q %s: %d %s", name, broken, says, a.Status, a.To)
					}
				}
			}
		}
	}
	t.Run("postgres", func(t *testing.T) { attack(newScene(t, hostIssuer, postgres(t))) }) // it stores no NUL
	issuers(t, attack)
}

// random cuts out identifiers and codes, in which any short word may turn up.
var random = regexp.MustCompile(`[A-Za-z0-9_-]{26,}`)

// leaks are words of databases and drivers.
var leaks = []string{"sql", "SQL", "constraint", "no such", "relation", "pgx", "database", "goroutine", ".go:", "hidden_", "driver", "dial ", "tcp", "closed"}

// Z10: what a database says stays in the log.
func TestZ10StorageErrorsStayInside(t *testing.T) {
	rowsOf := []string{"grants", "sessions", "requests", "journeys", "attempts", "accounts", "events"}
	attack := func(s *scene) {
		s.rebuild(func(o *wire.Options) { o.Log = slog.New(slog.DiscardHandler) })
		v := s.visitor()
		got := v.given("web")
		code := v.code("web", nil)
		id := s.visitor().begin("web", nil)
		for _, table := range rowsOf {
			fresh := s.visitor()
			open := fresh.begin("web", nil)
			s.run("ALTER TABLE " + table + " RENAME TO hidden_" + table)
			broken := 0
			for what, a := range map[string]answer{
				"authorize":         s.get(s.authorize("web", nil)),
				"authorize by POST": s.post("/authorize", query("web", nil), nil),
				"authorize, signed": s.send(http.MethodGet, s.authorize("web", nil), "", http.Header{"Cookie": {v.cookies()}}),
				"continue":          s.get(s.issuer + "/authorize/continue?request=" + id),
				"callback":          s.get(s.issuer + "/authorize/callback?request=" + id),
				"login":             s.send(http.MethodGet, s.issuer+"/login/"+open, "", http.Header{"Cookie": {fresh.cookies()}}),
				"password":          fresh.prove(open, "anna@example.org"),
				"token":             s.redeem("web", code).answer,
				"refresh":           s.refresh("web", got.Refresh).answer,
				"userinfo":          s.send(http.MethodGet, s.issuer+"/userinfo", "", bearer(got.Access)),
				"introspection":     s.post("/introspect", url.Values{"token": {got.Access}}, basic("web")),
				"introspection, RT": s.post("/introspect", url.Values{"token": {got.Refresh}}, basic("web")),
				"revocation":        s.post("/revoke", url.Values{"token": {"x"}}, basic("web")),
				"logout":            s.send(http.MethodGet, s.issuer+"/logout", "", http.Header{"Cookie": {v.cookies()}}),
			} {
				if a.Status >= 500 {
					broken++
				}
				visible := random.ReplaceAllString(a.Body+a.To.String(), "")
				for _, word := range leaks {
					if strings.Contains(visible, word) {
						s.Errorf("%s without table %s shows %q: %d %s %s", what, table, word, a.Status, a.To, a.Body)
					}
				}
				if a.param("code") != "" && table == "grants" {
					s.Errorf("%s gives a code without table %s", what, table)
				}
			}
			if broken == 0 {
				s.Errorf("nothing noticed that table %s is gone: the test tests nothing", table)
			}
			s.run("ALTER TABLE hidden_" + table + " RENAME TO " + table)
		}
	}
	t.Run("postgres", func(t *testing.T) { attack(newScene(t, hostIssuer, postgres(t))) })
	issuers(t, attack)
}

// Z11: of 16 parallel redemptions of a code one succeeds.
func TestZ11CodeIsSpentOnce(t *testing.T) {
	attack := func(s *scene) {
		v := s.visitor()
		v.signIn("web", "anna@example.org")
		for round := range 20 {
			code := v.code("web", nil)
			var all [16]tokens
			race(len(all), func(i int) { all[i] = s.redeem("web", code) })
			var won []tokens
			for _, got := range all {
				if got.Status == http.StatusOK {
					won = append(won, got)
				} else {
					s.refusedGrant("the others", got)
				}
			}
			if len(won) != 1 {
				s.Fatalf("round %d: %d of %d redemptions of one code succeed", round, len(won), len(all))
			}
			if s.userinfo(won[0].Access) != http.StatusUnauthorized {
				s.Errorf("round %d: its party used the code twice and what it gave still counts", round)
			}
		}
	}
	t.Run("postgres", func(t *testing.T) { attack(newScene(t, hostIssuer, postgres(t))) })
	issuers(t, attack)
}

// grantTypes that the library knows and we do not serve.
var grantTypes = []string{
	"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:device_code",
	"urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:grant-type:saml2-bearer", "password", "implicit",
}

// notServed are the errors for them: the library knows some of them, and says then that this party may not use it.
var notServed = []string{"unsupported_grant_type", "unauthorized_client"}

// discovery is what a platform says of itself.
func (s *scene) discovery() map[string]any {
	s.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s.get(s.issuer+"/.well-known/openid-configuration").Body), &m); err != nil {
		s.Fatal(err)
	}
	return m
}

// Z12: client authentication before the code, as registered; no request objects of parties without keys, implicit,
// token exchange.
func TestZ12PartyProvesItselfFirstAndAsItRegistered(t *testing.T) {
	issuers(t, func(s *scene) {
		v := s.visitor()
		code := v.signIn("web", "anna@example.org")
		form := codeForm("web", code)
		wrong := http.Header{}
		wrong.Set("Authorization", "Basic d2ViOndyb25n") // web:wrong
		asserted := codeForm("web", code)
		asserted.Set("client_id", "web")
		asserted.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		asserted.Set("client_assertion", v.redeem("web", v.code("web", nil)).ID)
		for says, a := range map[string]answer{
			"wrong secret":           s.post("/token", form, wrong),
			"unknown party":          s.redeem("nobody", code).answer,
			"no party":               s.post("/token", form, nil),
			"an assertion":           s.post("/token", asserted, nil),
			"assertion and secret":   s.post("/token", asserted, basic("web")),
			"assertion at revoke":    s.post("/revoke", asserted, nil),
			"assertion, introspects": s.post("/introspect", asserted, nil),
		} {
			if a.Status < 400 || a.Status > 401 || strings.Contains(a.Body, "invalid_grant") {
				s.Errorf("%s: %d %s", says, a.Status, a.Body)
			}
		}
		if got := s.redeem("web", code); got.Access == "" {
			s.Errorf("somebody who did not prove to be the party spent its code: %s", got.Body)
		}
		for _, kind := range grantTypes {
			got := s.token("web", url.Values{
				"grant_type": {kind}, "assertion": {"x.y.z"}, "subject_token": {"x"}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
				"device_code": {"x"}, "auth_req_id": {"x"}, "username": {"anna@example.org"}, "password": {"x"},
			})
			if got.Status != http.StatusBadRequest || !slices.Contains(notServed, got.Error) {
				s.Errorf("%s: %d %s", kind, got.Status, got.Body)
			}
		}
		for want, change := range map[string]func(url.Values){
			"request_not_supported":     set("request", "eyJhbGciOiJub25lIn0.e30."),
			"request_uri_not_supported": set("request_uri", "https://rp.test/request"),
			"unsupported_response_type": set("response_type", "id_token token"),
		} {
			if a := v.open(s.authorize("web", change)); a.param("error") != want || a.To.Fragment != "" {
				s.Errorf("%s: %s", want, a.To)
			}
		}
		m := s.discovery()
		for name, want := range map[string]string{
			"grant_types_supported": "[authorization_code refresh_token client_credentials urn:minddistrict:params:oauth:grant-type:handoff urn:minddistrict:params:oauth:grant-type:pin]", "response_types_supported": "[code]",
			"request_parameter_supported": "true", "request_uri_parameter_supported": "false", "token_endpoint_auth_methods_supported": "[client_secret_basic client_secret_post private_key_jwt none]",
		} {
			if got := fmt.Sprint(m[name]); got != want {
				s.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	})
}

// Z13: there is no device flow, and none is advertised.
func TestZ13DeviceFlowIsNotServed(t *testing.T) {
	issuers(t, func(s *scene) {
		for _, path := range []string{"/device_authorization", "/device", "/device/authorize"} {
			for _, method := range []string{"GET", "POST"} {
				if a := s.send(method, s.issuer+path, "client_id=spa&user_code=x", nil); a.Status != http.StatusNotFound {
					s.Errorf("%s %s: %d", method, path, a.Status)
				}
			}
		}
		if got := s.token("spa", url.Values{"grant_type": {grantTypes[2]}, "device_code": {"x"}}); !slices.Contains(notServed, got.Error) {
			s.Errorf("device code: %d %s", got.Status, got.Body)
		}
		for name := range s.discovery() {
			if strings.Contains(name, "device") {
				s.Errorf("discovery says %s", name)
			}
		}
	})
}

// Z14: an access token with any bit changed is no token.
func TestZ14TokensAreNotMalleable(t *testing.T) {
	issuers(t, func(s *scene) {
		got := s.visitor().given("web")
		longer := s.visitor().given("other")
		fewer := s.token("web", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "scope": {"openid"}})
		loose := map[int]bool{} // base64url has 0, 4 or 2 unused bits at its end, as the length decides: names and scopes do
		for _, token := range []string{got.Access, longer.Access, fewer.Access} {
			text := strings.TrimPrefix(token, "idpat_")
			loose[len(text)%4] = true
			s.malleable(token)
			if status := s.userinfo(token); status != http.StatusOK {
				s.Errorf("the token itself: %d", status)
			}
		}
		if len(loose) != 3 {
			s.Errorf("tokens of lengths %v modulo 4: a scope, or the name of a party, of another length is needed", loose)
		}
		if other := s.foreign().userinfo(got.Access); other != http.StatusUnauthorized {
			s.Errorf("at another platform: %d", other)
		}
		if again := s.redeem("web", s.visitor().signIn("web", "anna@example.org")); again.Access[:20] == got.Access[:20] {
			s.Error("two tokens begin alike: a nonce is used twice")
		}
		if status := s.userinfo(got.Access); status != http.StatusOK {
			s.Errorf("the token itself: %d", status)
		}
	})
}

// malleable changes each bit of an access token, and says where it is still one.
func (s *scene) malleable(token string) {
	s.Helper()
	for i := range len(token) {
		for bit := range 8 {
			b := []byte(token)
			if b[i] ^= 1 << bit; b[i] < ' ' || b[i] > '~' {
				continue // no header carries it
			}
			if status := s.userinfo(string(b)); status != http.StatusUnauthorized {
				s.Errorf("bit %d of byte %d of %d changed: %d", bit, i, len(token), status)
			}
		}
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, last := range alphabet {
		if twin := token[:len(token)-1] + string(last); twin != token && s.userinfo(twin) != http.StatusUnauthorized {
			s.Errorf("with %q for its last character: a token", last)
		}
	}
}

// Z15: logout asks, unless the hint names the very session of this browser.
func TestZ15LogoutAsksUnlessTheHintIsThisSession(t *testing.T) {
	issuers(t, func(s *scene) {
		anna, bram := s.visitor(), s.visitor()
		own, others := anna.given("web"), bram.redeem("web", bram.signIn("web", "bram@example.org"))
		sub := anna.signedIn()
		bye := url.Values{"post_logout_redirect_uri": {"https://rp.test/bye"}, "state": {"s"}}
		with := func(pairs ...string) string {
			q := url.Values{}
			for name, values := range bye {
				q[name] = values
			}
			set(pairs...)(q)
			return s.issuer + "/logout?" + q.Encode()
		}
		for says, address := range map[string]string{
			"nothing":                     s.issuer + "/logout",
			"a party":                     with("client_id", "web"),
			"a hint of somebody else":     with("id_token_hint", others.ID),
			"a hint that is not signed":   with("id_token_hint", forged(s.TB, own.ID, map[string]any{"alg": "none"}, "")),
			"an access token":             with("id_token_hint", own.Access),
			"a hint and another party":    with("id_token_hint", own.ID, "client_id", "other"),
			"a hint and an evil redirect": with("id_token_hint", own.ID, "post_logout_redirect_uri", "https://evil.test/"),
			"a confirmation in the URL":   with("do", "logout"),
		} {
			a := anna.open(address)
			if a.Status != http.StatusOK || !strings.Contains(a.Body, `value="logout"`) || a.To.String() != "" {
				s.Errorf("%s: %d %s, want the page that asks", says, a.Status, a.To)
			}
		}
		// A form of another site, with or without the cookie (it is SameSite): the page asks all the same.
		for _, header := range []http.Header{
			{"Origin": {"https://evil.test"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"null"}},
		} {
			header.Set("Cookie", anna.cookies())
			a := s.send(http.MethodPost, s.issuer+"/logout", "do=logout&client_id=web", header)
			if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.To.String(), s.issuer+"/logout") || a.To.Query().Has("do") {
				s.Errorf("form with %v: %d %s", header, a.Status, a.To)
			}
		}
		if got := anna.signedIn(); got != sub {
			s.Errorf("signed in afterwards: %q, want %q", got, sub)
		}
		if a := anna.open(with("id_token_hint", own.ID)); a.To.String() != "https://rp.test/bye?state=s" {
			s.Errorf("her own hint leads to %s (%d)", a.To, a.Status)
		}
		if got := anna.signedIn(); got != "" || s.userinfo(own.Access) != http.StatusUnauthorized {
			s.Errorf("after logging out: %q is signed in", got)
		}
		if got := bram.signedIn(); got == "" {
			s.Error("somebody else was signed out")
		}
	})
}
