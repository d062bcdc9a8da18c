package op_test

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

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
)

// Z1: redirect_uri is compared byte for byte, once decoded.
func TestRedirectIsNotDecodedTwice(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for _, twin := range []string{
			"https://rp.test/c%62", "https://rp.test/%63%62", "https://rp.test%2Fcb", "https%3A%2F%2Frp.test%2Fcb", "https://rp.test/cb%20", "https://rp%2etest/cb",
			url.QueryEscape(url.QueryEscape(idptest.RedirectURI)),
		} {
			s.Refused(twin, s.Get(s.AuthorizeURL("web", idptest.Set("redirect_uri", twin))))
			s.Refused(twin+" by POST", s.Post("/authorize", idptest.AuthorizeQuery("web", idptest.Set("redirect_uri", twin)), nil))
		}
		if a := s.Get(s.AuthorizeURL("web", nil)); a.Status != http.StatusSeeOther {
			s.Errorf("the registered one: %d", a.Status)
		}
	})
}

// Z2: of a loopback redirect only the port may differ.
func TestLoopbackDiffersByPortOnly(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for _, twin := range []string{
			"https://localhost:9999/cb", "https://127.0.0.1:1/cb", "http://127.0.0.1:9999/cb", "http://evil@127.0.0.1:5/cb", "http://evil@localhost:9999/cb", "http://[::1]:7/cb",
			"http://localhost:9999@evil.test/cb", "http://localhost.evil.test:9999/cb", "http://LOCALHOST:9999/cb", "http://localhost:9999/CB", "http://localhost:9999/cb/",
			"http://localhost:9999/cb?x=1", "http://localhost:9999/cb#x", "http://localhost:9999//cb", "http://localhost:/cb", "http://localhost:+80/cb", "http://localhost:0x50/cb",
			"http://localhost:123456/cb", "http://localhost:9999/x/../cb", "http:localhost:9999/cb", "http://localhost:9999\\@evil.test/cb",
		} {
			s.Refused(twin, s.Get(s.AuthorizeURL("app", idptest.Set("redirect_uri", twin))))
		}
		for _, same := range []string{"http://localhost:9999/cb", "http://localhost:4711/cb", "http://localhost/cb"} {
			if a := s.Get(s.AuthorizeURL("app", idptest.Set("redirect_uri", same))); a.Status != http.StatusSeeOther {
				s.Errorf("%s: %d", same, a.Status)
			}
		}
		s.Refused("a web party has no other port", s.Get(s.AuthorizeURL("web", idptest.Set("redirect_uri", "https://rp.test:8443/cb"))))
	})
}

// Z3: PKCE: S256 only, of 43 characters, for every party.
func TestPKCEIsS256(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		v.SignIn("web", "anna@example.org")
		for _, party := range []string{"web", "spa", "app", "jwt"} {
			for says, change := range map[string]func(url.Values){
				"none":         idptest.Set("code_challenge", "", "code_challenge_method", ""),
				"method only":  idptest.Set("code_challenge", ""),
				"plain":        idptest.Set("code_challenge", idptest.Verifier, "code_challenge_method", "plain"),
				"plain unsaid": idptest.Set("code_challenge_method", ""),
				"lower case":   idptest.Set("code_challenge_method", "s256"),
				"42":           idptest.Set("code_challenge", idptest.Challenge[:42]),
				"44":           idptest.Set("code_challenge", idptest.Challenge+"A"),
				"padded":       idptest.Set("code_challenge", idptest.Challenge+"="),
				"base64":       idptest.Set("code_challenge", idptest.Challenge[:42]+"+"),
			} {
				if a := v.Open(s.AuthorizeURL(party, change)); a.Param("error") != "invalid_request" || a.To.Query().Has("code") || a.Param("state") == "" || a.Param("iss") != s.Issuer {
					s.Errorf("%s, %s: %d %s", party, says, a.Status, a.To)
				}
			}
		}
		for _, bad := range []string{"", idptest.Verifier[:42], strings.Repeat("a", 129), idptest.Challenge, idptest.Verifier + " ", idptest.Verifier[:42] + "!", idptest.Verifier[:42] + "\x00"} {
			form := idptest.CodeForm("web", v.Code("web", nil))
			form.Set("code_verifier", bad)
			s.RefusedGrant(fmt.Sprintf("verifier %.50q", bad), s.Token("web", form))
		}
		if got := s.Redeem("web", v.Code("web", nil)); got.Access == "" {
			s.Errorf("the right verifier: %s", got.Body)
		}
	})
}

// Z4: a request id is worth nothing in another browser, and one code in its own. CVE-2022-39222, CVE-2024-28197,
// CVE-2026-7507: a request belongs to the browser that began it.
func TestRequestBelongsToABrowserAndGivesOneCode(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		owner, thief, none := s.Visitor(), s.Visitor(), s.Visitor()
		id := owner.Begin("web", nil)
		thief.SignIn("web", "bram@example.org")
		callback := s.Issuer + "/authorize/callback?request=" + id
		for says, v := range map[string]*idptest.Visitor{"without cookies": none, "another browser": thief} {
			if a := v.Open(callback); a.To.Query().Has("code") {
				s.Errorf("%s, before the login: %s", says, a.To)
			}
		}
		if a := owner.Open(callback); a.To.Query().Has("code") {
			s.Errorf("before the login: %s", a.To)
		}
		if a := owner.Prove(id, "anna@example.org"); a.To.String() != callback {
			s.Fatalf("login leads to %s (%d)", a.To, a.Status)
		}
		for says, v := range map[string]*idptest.Visitor{"without cookies": none, "another browser": thief} {
			if a := v.Open(callback); a.To.Query().Has("code") {
				s.Errorf("%s, after the login: %s", says, a.To)
			}
		}
		// The other way in: who is signed in elsewhere gets no code for a request of another browser, nor for one by POST twice.
		waiting := s.Visitor()
		begun := waiting.Begin("web", nil)
		posted := s.Post("/authorize", idptest.AuthorizeQuery("web", nil), nil).To
		if a := thief.Open(posted.String()); posted.Path == "" || !a.To.Query().Has("code") {
			s.Fatalf("a request that nobody took yet: %s leads to %s", posted, a.To)
		}
		for says, request := range map[string]string{"another browser's": begun, "one that was answered": posted.Query().Get("request")} {
			for who, v := range map[string]*idptest.Visitor{"without cookies": none, "signed in": thief} {
				a := v.Open(s.Issuer + "/authorize/continue?request=" + request)
				if a.To.Query().Has("code") || !strings.HasPrefix(a.To.String(), "https://rp.test/start?") {
					s.Errorf("%s, continued %s: %d %s", says, who, a.Status, a.To)
				}
			}
		}
		if a := waiting.Open(s.Issuer + "/authorize/continue?request=" + begun); a.To.String() != s.Issuer+"/login/"+begun {
			s.Errorf("continued in its own browser: %d %s", a.Status, a.To)
		}
		var codes atomic.Int32
		header := http.Header{"Cookie": {owner.Cookies()}}
		idptest.AtOnce(16, func(int) {
			switch a := s.Send(http.MethodGet, callback, "", header); {
			case a.To.Query().Has("code"):
				codes.Add(1)
			case !strings.HasPrefix(a.To.String(), "https://rp.test/start?"): // begins anew at the party
				s.Errorf("repeated: %d %s", a.Status, a.To)
			}
		})
		if codes.Load() != 1 || s.Count("grants WHERE platform = '"+string(s.Platform())+"'") != 3 { // two of the thief's own
			s.Errorf("%d codes from 16 calls, want 1", codes.Load())
		}
	})
}

// Z5: a repeated parameter is refused, query and body counted together.
func TestRepeatedParameterIsRefused(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for name, values := range idptest.AuthorizeQuery("web", idptest.Set("prompt", "login", "max_age", "1", "ui_locales", "nl", "acr_values", "x", "login_hint", "a", "claims", "{}", "display", "page")) {
			for _, other := range []string{values[0], "https://evil.test/cb", ""} {
				second := url.Values{name: {other}}.Encode()
				rest := idptest.AuthorizeQuery("web", idptest.Set(name, "")).Encode()
				first := url.Values{name: values}.Encode()
				for says, a := range map[string]idptest.Answer{
					"good first":      s.Get(s.Issuer + "/authorize?" + rest + "&" + first + "&" + second),
					"good last":       s.Get(s.Issuer + "/authorize?" + second + "&" + rest + "&" + first),
					"in the body":     s.Send(http.MethodPost, s.Issuer+"/authorize", rest+"&"+first+"&"+second, nil),
					"query and body":  s.Send(http.MethodPost, s.Issuer+"/authorize?"+second, rest+"&"+first, nil),
					"encoded name":    s.Get(s.Issuer + "/authorize?" + rest + "&" + first + "&%" + fmt.Sprintf("%02x", name[0]) + second[1:]),
					"body, then path": s.Send(http.MethodPost, s.Issuer+"/authorize?"+rest+"&"+first, second, nil),
				} {
					s.Refused(fmt.Sprintf("%s twice (%q), %s", name, other, says), a)
				}
			}
		}
		form := idptest.CodeForm("web", "x")
		for name := range form {
			a := s.Send(http.MethodPost, s.Issuer+"/token", form.Encode()+"&"+name+"=y", idptest.Basic("web"))
			if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "invalid_request") {
				s.Errorf("%s twice at token: %d %s", name, a.Status, a.Body)
			}
		}
		for _, path := range []string{"/introspect", "/revoke"} {
			if a := s.Send(http.MethodPost, s.Issuer+path, "token=a&token=b", idptest.Basic("web")); a.Status != http.StatusBadRequest {
				s.Errorf("token twice at %s: %d", path, a.Status)
			}
		}
		for _, name := range []string{"post_logout_redirect_uri", "id_token_hint", "client_id", "state"} {
			s.Refused(name+" twice at logout", s.Get(s.Issuer+"/logout?"+name+"=a&"+name+"=b"))
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
func TestMethodsAreListedAndSecretsStayOutOfURLs(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for path, allowed := range methods {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X"} {
				a := s.Send(method, s.Issuer+path, "", nil)
				if slices.Contains(allowed, method) == (a.Status == http.StatusMethodNotAllowed) {
					s.Errorf("%s %s: %d", method, path, a.Status)
				}
				if named := a.Header.Get("Allow"); a.Status == http.StatusMethodNotAllowed && named != strings.Join(allowed, ", ") {
					s.Errorf("%s %s: Allow %q, want %v", method, path, named, allowed)
				}
			}
		}
		v := s.Visitor()
		got := v.Given("web")
		secretsInURLs(s, v, got)
		if s.Userinfo(got.Access) != http.StatusOK || !s.Active("web", got.Refresh) {
			s.Error("a refused request revoked the tokens")
		}
	})
}

// secretsInURLs sends requests in which nothing is wrong but where one value stands; each with a code of its own, which
// is still good afterwards.
func secretsInURLs(s *idptest.Scene, v *idptest.Visitor, got idptest.Tokens) {
	s.Helper()
	for _, party := range []string{"web", "post", "spa"} {
		proven := url.Values{}
		switch party {
		case "post":
			proven = url.Values{"client_id": {party}, "client_secret": {idptest.PartySecret}}
		case "spa":
			proven = url.Values{"client_id": {party}}
		}
		header := http.Header{}
		if party == "web" {
			header = idptest.Basic(party)
		}
		whole := func() url.Values {
			form := idptest.CodeForm(party, v.Code(party, nil))
			maps.Copy(form, proven)
			return form
		}
		for name := range whole() {
			form := whole()
			inURL := url.Values{name: form[name]}
			form.Del(name)
			s.Refused(party+": "+name+" in the URL", s.Send(http.MethodPost, s.Issuer+"/token?"+inURL.Encode(), form.Encode(), header))
			form[name] = inURL[name]
			if a := s.Send(http.MethodPost, s.Issuer+"/token", form.Encode(), header); a.Status != http.StatusOK {
				s.Errorf("%s: the same without %s in the URL: %d %s", party, name, a.Status, a.Body)
			}
		}
		form := whole()
		s.Refused(party+": all in the URL of a POST", s.Send(http.MethodPost, s.Issuer+"/token?"+form.Encode(), "resource=x", header))
		s.Refused(party+": all in the URL of a GET", s.Send(http.MethodGet, s.Issuer+"/token?"+form.Encode(), "", header))
		if a := s.Send(http.MethodPost, s.Issuer+"/token", form.Encode(), header); a.Status != http.StatusOK {
			s.Errorf("%s: afterwards: %d %s", party, a.Status, a.Body)
		}
	}
	for says, a := range map[string]idptest.Answer{
		"userinfo":               s.Send(http.MethodGet, s.Issuer+"/userinfo?access_token="+got.Access, "", nil),
		"userinfo by POST":       s.Send(http.MethodPost, s.Issuer+"/userinfo?access_token="+got.Access, "x=y", nil),
		"userinfo and header":    s.Send(http.MethodGet, s.Issuer+"/userinfo?access_token="+got.Access, "", idptest.Bearer(got.Access)),
		"introspection":          s.Send(http.MethodPost, s.Issuer+"/introspect?token="+got.Access, "token_type_hint=access_token", idptest.Basic("web")),
		"introspection, secret":  s.Send(http.MethodPost, s.Issuer+"/introspect?client_secret="+idptest.PartySecret, url.Values{"client_id": {"post"}, "token": {got.Access}}.Encode(), nil),
		"revocation":             s.Send(http.MethodPost, s.Issuer+"/revoke?token="+got.Refresh, "token_type_hint=refresh_token", idptest.Basic("web")),
		"refresh":                s.Send(http.MethodPost, s.Issuer+"/token?refresh_token="+got.Refresh, "grant_type=refresh_token", idptest.Basic("web")),
		"client credentials":     s.Send(http.MethodPost, s.Issuer+"/token?grant_type=client_credentials", "scope=jobs.read", idptest.Basic("jobs")),
		"a value of no endpoint": s.Send(http.MethodPost, s.Issuer+"/introspect?x=y", "token="+got.Access, idptest.Basic("web")),
	} {
		s.Refused(says, a)
	}
}

// everywhere sends something to every route, good and bad, and calls look with each answer. The routes whose answers may
// be kept are left out.
func everywhere(s *idptest.Scene, look func(what string, a idptest.Answer)) {
	s.Helper()
	v := s.Visitor()
	look("authorize", v.Open(s.AuthorizeURL("web", nil)))
	code := v.SignIn("web", "anna@example.org")
	got := s.Redeem("web", code)
	id := s.Visitor().Begin("web", nil)
	for what, a := range map[string]idptest.Answer{
		"tokens": got.Answer, "code again": s.Redeem("web", code).Answer, "code of nobody": s.Redeem("web", "x").Answer, "refresh": s.RefreshGrant("web", got.Refresh).Answer,
		"client credentials":    s.Token("jobs", url.Values{"grant_type": {"client_credentials"}}).Answer,
		"token by GET":          s.Get(s.Issuer + "/token"),
		"userinfo":              s.Send(http.MethodGet, s.Issuer+"/userinfo", "", idptest.Bearer(got.Access)),
		"userinfo without":      s.Get(s.Issuer + "/userinfo"),
		"introspection":         s.Post("/introspect", url.Values{"token": {got.Access}}, idptest.Basic("web")),
		"introspection refused": s.Post("/introspect", url.Values{"token": {got.Access}}, nil),
		"revocation":            s.Post("/revoke", url.Values{"token": {"x"}}, idptest.Basic("web")),
		"preflight":             s.Send(http.MethodOptions, s.Issuer+"/token", "", nil),
		"authorize, answered":   v.Open(s.AuthorizeURL("web", nil)),
		"authorize, form_post":  v.Open(s.AuthorizeURL("web", idptest.Set("response_mode", "form_post"))),
		"authorize, error":      s.Get(s.AuthorizeURL("web", idptest.Set("prompt", "none"))),
		"authorize, page":       s.Get(s.AuthorizeURL("nobody", nil)),
		"authorize by POST":     s.Post("/authorize", idptest.AuthorizeQuery("web", nil), nil),
		"continue":              s.Get(s.Issuer + "/authorize/continue?request=x"),
		"callback":              s.Get(s.Issuer + "/authorize/callback?request=" + id),
		"logout":                v.Open(s.Issuer + "/logout"),
		"logout by POST":        s.Post("/logout", url.Values{"client_id": {"web"}}, nil),
		"logged out":            s.Get(s.Issuer + "/logged-out"),
		"home":                  s.Get(s.Issuer + "/"),
		"journey":               s.Get(s.Issuer + "/login/" + id),
		"journey of nobody":     s.Get(s.Issuer + "/login/x/password"),
		"password page":         v.Open(s.Issuer + "/login/" + v.Begin("web", idptest.Set("prompt", "login")) + "/password"),
		"language":              s.Get(s.Issuer + "/logged-out?lang=nl"),
		"unknown":               s.Get(s.Issuer + "/unknown"),
		"unknown asset":         s.Get(s.Issuer + "/assets/unknown.css"),
		"unknown host":          s.Get("https://unknown.test/"),
		"form of another site":  s.Send(http.MethodPost, s.Issuer+"/login/"+id+"/password", "do=cancel", http.Header{"Origin": {"https://evil.test"}}),
	} {
		look(what, a)
	}
}

// Z7: no-store on every answer that is not a public document.
func TestAnswersAreNotStored(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		everywhere(s, func(what string, a idptest.Answer) {
			if !strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
				s.Errorf("%s (%d): Cache-Control %q", what, a.Status, a.Header.Get("Cache-Control"))
			}
		})
	})
}

// Z8: CORS for registered origins, never with credentials, never on pages.
func TestOriginsAreListed(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for path := range methods {
			for _, origin := range []string{"https://rp.test", "https://evil.test", "null", "https://rp.test.evil.test", "http://rp.test", "https://RP.test", "https://rp.test/"} {
				for _, method := range []string{"GET", "POST", "OPTIONS"} {
					h := s.Send(method, s.Issuer+path, "", http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization"}}).Header
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
func TestBadInputIsNotAServerError(t *testing.T) {
	attack := func(s *idptest.Scene) {
		long := strings.Repeat("a", 5000)
		for says, a := range map[string]idptest.Answer{
			"unknown party refreshes":         s.Token("nobody", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}).Answer,
			"no party refreshes":              s.Post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, nil),
			"unknown party asks for a device": s.Post("/device_authorization", url.Values{"client_id": {"nobody"}}, nil),
			"unknown party introspects":       s.Post("/introspect", url.Values{"token": {"x"}}, idptest.Basic("nobody")),
			"unknown party revokes":           s.Post("/revoke", url.Values{"token": {"x"}}, idptest.Basic("nobody")),
			"no grant type":                   s.Post("/token", url.Values{}, idptest.Basic("web")),
			"broken grant type":               s.Send(http.MethodPost, s.Issuer+"/token", "grant_type=%zz", idptest.Basic("web")),
			"broken basic":                    s.Post("/token", idptest.CodeForm("web", "x"), http.Header{"Authorization": {"Basic !"}}),
			"broken basic escape":             s.Post("/token", idptest.CodeForm("web", "x"), http.Header{"Authorization": {"Basic JXp6OiV6eg=="}}), // %zz:%zz
			"zero byte as code":               s.Redeem("web", "\x00").Answer,
			"broken text as code":             s.Redeem("web", "\xff\xfe").Answer,
			"zero byte as refresh token":      s.RefreshGrant("web", "\x00\xff").Answer,
			"zero byte as redirect":           s.Token("web", url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {"\x00\xff"}, "code_verifier": {idptest.Verifier}}).Answer,
			"zero byte as bearer":             s.Send(http.MethodPost, s.Issuer+"/userinfo", "access_token=%00%ff", nil),
			"authorize with a broken query":   s.Get(s.Issuer + "/authorize?client_id=%zz"),
			"authorize with semicolons":       s.Get(s.Issuer + "/authorize?client_id=web;redirect_uri=x"),
			"authorize of a broken party":     s.Get(s.AuthorizeURL("\x00\xff", nil)),
			"callback of a broken request":    s.Get(s.Issuer + "/authorize/callback?request=%00%ff"),
			"callback of a long request":      s.Get(s.Issuer + "/authorize/callback?request=" + long),
			"continue of no request":          s.Get(s.Issuer + "/authorize/continue?request=" + strings.Repeat("a", 26)),
			"logout with a broken query":      s.Get(s.Issuer + "/logout?%zz"),
		} {
			if a.Status < 400 || a.Status > 499 {
				s.Errorf("%s: %d %s", says, a.Status, a.Body)
			}
		}
		for says, a := range map[string]idptest.Answer{
			"unknown party logs out": s.Get(s.Issuer + "/logout?client_id=nobody&post_logout_redirect_uri=https://evil.test/"),
			"broken hint":            s.Get(s.Issuer + "/logout?id_token_hint=%00.%ff.x"),
			"broken journey":         s.Get(s.Issuer + "/login/%00%ff/password"),
			"broken hint of a login": s.Get(s.AuthorizeURL("web", idptest.Set("login_hint", "\x00\xff"))),
			"broken everything else": s.Get(s.AuthorizeURL("web", idptest.Set("acr_values", "\x00 \xff", "ui_locales", "\x00 \xff", "scope", "openid \x00 \xff", "claims", "{\"id_token\":{\"sub\":{\"value\":\"\\u0000\xff\"}}}"))),
		} {
			if a.Status >= 500 || strings.Contains(a.To.String(), "evil.test") {
				s.Errorf("%s: %d %s", says, a.Status, a.To)
			}
		}
		for _, name := range []string{"state", "nonce"} {
			for _, broken := range []string{"\x00\xff", "a\x00b", "\xff"} {
				for says, a := range map[string]idptest.Answer{
					"by GET": s.Get(s.AuthorizeURL("web", idptest.Set(name, broken))), "by POST": s.Post("/authorize", idptest.AuthorizeQuery("web", idptest.Set(name, broken)), nil),
				} {
					if a.Param("error") != "invalid_request" || name == "state" && a.To.Query().Has("state") {
						s.Errorf("%s %q %s: %d %s", name, broken, says, a.Status, a.To)
					}
				}
			}
		}
	}
	t.Run("postgres", func(t *testing.T) { attack(idptest.NewScene(t, idptest.HostIssuer, idptest.ScenePostgres(t))) }) // it stores no NUL
	idptest.Issuers(t, attack)
}

// random cuts out identifiers and codes, in which any short word may turn up.
var random = regexp.MustCompile(`[A-Za-z0-9_-]{26,}`)

// leaks are words of databases and drivers.
var leaks = []string{"sql", "SQL", "constraint", "no such", "relation", "pgx", "database", "goroutine", ".go:", "hidden_", "driver", "dial ", "tcp", "closed"}

// Z10: what a database says stays in the log.
func TestStorageErrorsStayInside(t *testing.T) {
	rowsOf := []string{"grants", "sessions", "requests", "journeys", "attempts", "accounts", "events"}
	attack := func(s *idptest.Scene) {
		s.Rebuild(func(o *wire.Options) { o.Log = slog.New(slog.DiscardHandler) })
		v := s.Visitor()
		got := v.Given("web")
		code := v.Code("web", nil)
		id := s.Visitor().Begin("web", nil)
		for _, table := range rowsOf {
			fresh := s.Visitor()
			open := fresh.Begin("web", nil)
			s.Exec("ALTER TABLE " + table + " RENAME TO hidden_" + table)
			broken := 0
			for what, a := range map[string]idptest.Answer{
				"authorize":         s.Get(s.AuthorizeURL("web", nil)),
				"authorize by POST": s.Post("/authorize", idptest.AuthorizeQuery("web", nil), nil),
				"authorize, signed": s.Send(http.MethodGet, s.AuthorizeURL("web", nil), "", http.Header{"Cookie": {v.Cookies()}}),
				"continue":          s.Get(s.Issuer + "/authorize/continue?request=" + id),
				"callback":          s.Get(s.Issuer + "/authorize/callback?request=" + id),
				"login":             s.Send(http.MethodGet, s.Issuer+"/login/"+open, "", http.Header{"Cookie": {fresh.Cookies()}}),
				"password":          fresh.Prove(open, "anna@example.org"),
				"token":             s.Redeem("web", code).Answer,
				"refresh":           s.RefreshGrant("web", got.Refresh).Answer,
				"userinfo":          s.Send(http.MethodGet, s.Issuer+"/userinfo", "", idptest.Bearer(got.Access)),
				"introspection":     s.Post("/introspect", url.Values{"token": {got.Access}}, idptest.Basic("web")),
				"introspection, RT": s.Post("/introspect", url.Values{"token": {got.Refresh}}, idptest.Basic("web")),
				"revocation":        s.Post("/revoke", url.Values{"token": {"x"}}, idptest.Basic("web")),
				"logout":            s.Send(http.MethodGet, s.Issuer+"/logout", "", http.Header{"Cookie": {v.Cookies()}}),
			} {
				if a.Status >= 500 {
					broken++
					if asked := a.Header.Get("WWW-Authenticate"); asked != "" {
						s.Errorf("%s without table %s: %d asks for another token: %s", what, table, a.Status, asked)
					}
				}
				visible := random.ReplaceAllString(a.Body+a.To.String(), "")
				for _, word := range leaks {
					if strings.Contains(visible, word) {
						s.Errorf("%s without table %s shows %q: %d %s %s", what, table, word, a.Status, a.To, a.Body)
					}
				}
				if a.Param("code") != "" && table == "grants" {
					s.Errorf("%s gives a code without table %s", what, table)
				}
			}
			if broken == 0 {
				s.Errorf("nothing noticed that table %s is gone: the test tests nothing", table)
			}
			s.Exec("ALTER TABLE hidden_" + table + " RENAME TO " + table)
		}
	}
	t.Run("postgres", func(t *testing.T) { attack(idptest.NewScene(t, idptest.HostIssuer, idptest.ScenePostgres(t))) })
	idptest.Issuers(t, attack)
}

// Z11: of 16 parallel redemptions of a code one succeeds.
func TestCodeIsSpentOnce(t *testing.T) {
	attack := func(s *idptest.Scene) {
		v := s.Visitor()
		v.SignIn("web", "anna@example.org")
		for round := range 20 {
			code := v.Code("web", nil)
			var all [16]idptest.Tokens
			idptest.AtOnce(len(all), func(i int) { all[i] = s.Redeem("web", code) })
			var won []idptest.Tokens
			for _, got := range all {
				if got.Status == http.StatusOK {
					won = append(won, got)
				} else {
					s.RefusedGrant("the others", got)
				}
			}
			if len(won) != 1 {
				s.Fatalf("round %d: %d of %d redemptions of one code succeed", round, len(won), len(all))
			}
			if s.Userinfo(won[0].Access) != http.StatusUnauthorized {
				s.Errorf("round %d: its party used the code twice and what it gave still counts", round)
			}
		}
	}
	t.Run("postgres", func(t *testing.T) { attack(idptest.NewScene(t, idptest.HostIssuer, idptest.ScenePostgres(t))) })
	idptest.Issuers(t, attack)
}

// notServed are the errors for grant types that are not served: the library knows some of them, and says then that this party may not use it.
var notServed = []string{"unsupported_grant_type", "unauthorized_client"}

// discovery is what a platform says of itself.
func discovery(s *idptest.Scene) map[string]any {
	s.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s.Get(s.Issuer+"/.well-known/openid-configuration").Body), &m); err != nil {
		s.Fatal(err)
	}
	return m
}

// Z12: client authentication before the code, as registered; no request objects of parties without keys, implicit,
// token exchange.
func TestPartyProvesItselfFirstAndAsItRegistered(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		code := v.SignIn("web", "anna@example.org")
		form := idptest.CodeForm("web", code)
		wrong := http.Header{}
		wrong.Set("Authorization", "Basic d2ViOndyb25n") // web:wrong
		asserted := idptest.CodeForm("web", code)
		asserted.Set("client_id", "web")
		asserted.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		asserted.Set("client_assertion", v.Redeem("web", v.Code("web", nil)).ID)
		for says, a := range map[string]idptest.Answer{
			"wrong secret":           s.Post("/token", form, wrong),
			"unknown party":          s.Redeem("nobody", code).Answer,
			"no party":               s.Post("/token", form, nil),
			"an assertion":           s.Post("/token", asserted, nil),
			"assertion and secret":   s.Post("/token", asserted, idptest.Basic("web")),
			"assertion at revoke":    s.Post("/revoke", asserted, nil),
			"assertion, introspects": s.Post("/introspect", asserted, nil),
		} {
			if a.Status < 400 || a.Status > 401 || strings.Contains(a.Body, "invalid_grant") {
				s.Errorf("%s: %d %s", says, a.Status, a.Body)
			}
		}
		if got := s.Redeem("web", code); got.Access == "" {
			s.Errorf("somebody who did not prove to be the party spent its code: %s", got.Body)
		}
		for _, kind := range idptest.GrantTypesNotServed {
			got := s.Token("web", url.Values{
				"grant_type": {kind}, "assertion": {"x.y.z"}, "subject_token": {"x"}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
				"device_code": {"x"}, "auth_req_id": {"x"}, "username": {"anna@example.org"}, "password": {"x"},
			})
			if got.Status != http.StatusBadRequest || !slices.Contains(notServed, got.Error) {
				s.Errorf("%s: %d %s", kind, got.Status, got.Body)
			}
		}
		for want, change := range map[string]func(url.Values){
			"request_not_supported":     idptest.Set("request", "eyJhbGciOiJub25lIn0.e30."),
			"request_uri_not_supported": idptest.Set("request_uri", "https://rp.test/request"),
			"unsupported_response_type": idptest.Set("response_type", "id_token token"),
		} {
			if a := v.Open(s.AuthorizeURL("web", change)); a.Param("error") != want || a.To.Fragment != "" {
				s.Errorf("%s: %s", want, a.To)
			}
		}
		m := discovery(s)
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
func TestDeviceFlowIsNotServed(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for _, path := range []string{"/device_authorization", "/device", "/device/authorize"} {
			for _, method := range []string{"GET", "POST"} {
				if a := s.Send(method, s.Issuer+path, "client_id=spa&user_code=x", nil); a.Status != http.StatusNotFound {
					s.Errorf("%s %s: %d", method, path, a.Status)
				}
			}
		}
		if got := s.Token("spa", url.Values{"grant_type": {idptest.GrantTypesNotServed[2]}, "device_code": {"x"}}); !slices.Contains(notServed, got.Error) {
			s.Errorf("device code: %d %s", got.Status, got.Body)
		}
		for name := range discovery(s) {
			if strings.Contains(name, "device") {
				s.Errorf("discovery says %s", name)
			}
		}
	})
}

// Z14: an access token with any bit changed is no token.
func TestTokensAreNotMalleable(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		got := s.Visitor().Given("web")
		longer := s.Visitor().Given("other")
		fewer := s.Token("web", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "scope": {"openid"}})
		loose := map[int]bool{} // base64url has 0, 4 or 2 unused bits at its end, as the length decides: names and scopes do
		for _, token := range []string{got.Access, longer.Access, fewer.Access} {
			text := strings.TrimPrefix(token, "idpat_")
			loose[len(text)%4] = true
			malleable(s, token)
			if status := s.Userinfo(token); status != http.StatusOK {
				s.Errorf("the token itself: %d", status)
			}
		}
		if len(loose) != 3 {
			s.Errorf("tokens of lengths %v modulo 4: a scope, or the name of a party, of another length is needed", loose)
		}
		if other := s.Foreign().Userinfo(got.Access); other != http.StatusUnauthorized {
			s.Errorf("at another platform: %d", other)
		}
		if again := s.Redeem("web", s.Visitor().SignIn("web", "anna@example.org")); again.Access[:20] == got.Access[:20] {
			s.Error("two tokens begin alike: a nonce is used twice")
		}
		if status := s.Userinfo(got.Access); status != http.StatusOK {
			s.Errorf("the token itself: %d", status)
		}
	})
}

// malleable changes each bit of an access token, and says where it is still one.
func malleable(s *idptest.Scene, token string) {
	s.Helper()
	for i := range len(token) {
		for bit := range 8 {
			b := []byte(token)
			if b[i] ^= 1 << bit; b[i] < ' ' || b[i] > '~' {
				continue // no header carries it
			}
			if status := s.Userinfo(string(b)); status != http.StatusUnauthorized {
				s.Errorf("bit %d of byte %d of %d changed: %d", bit, i, len(token), status)
			}
		}
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, last := range alphabet {
		if twin := token[:len(token)-1] + string(last); twin != token && s.Userinfo(twin) != http.StatusUnauthorized {
			s.Errorf("with %q for its last character: a token", last)
		}
	}
}

// Z15: logout asks, unless the hint names the very session of this browser.
func TestLogoutAsksUnlessTheHintIsThisSession(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		anna, bram := s.Visitor(), s.Visitor()
		own, others := anna.Given("web"), bram.Redeem("web", bram.SignIn("web", "bram@example.org"))
		sub := anna.SignedIn()
		bye := url.Values{"post_logout_redirect_uri": {"https://rp.test/bye"}, "state": {"s"}}
		with := func(pairs ...string) string {
			q := url.Values{}
			for name, values := range bye {
				q[name] = values
			}
			idptest.Set(pairs...)(q)
			return s.Issuer + "/logout?" + q.Encode()
		}
		for says, address := range map[string]string{
			"nothing":                     s.Issuer + "/logout",
			"a party":                     with("client_id", "web"),
			"a hint of somebody else":     with("id_token_hint", others.ID),
			"a hint that is not signed":   with("id_token_hint", forged(s.TB, own.ID, map[string]any{"alg": "none"}, "")),
			"an access token":             with("id_token_hint", own.Access),
			"a hint and another party":    with("id_token_hint", own.ID, "client_id", "other"),
			"a hint and an evil redirect": with("id_token_hint", own.ID, "post_logout_redirect_uri", "https://evil.test/"),
			"a confirmation in the URL":   with("do", "logout"),
		} {
			a := anna.Open(address)
			if a.Status != http.StatusOK || !strings.Contains(a.Body, `value="logout"`) || a.To.String() != "" {
				s.Errorf("%s: %d %s, want the page that asks", says, a.Status, a.To)
			}
		}
		// A form of another site, with or without the cookie (it is SameSite): the page asks all the same.
		for _, header := range []http.Header{
			{"Origin": {"https://evil.test"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"null"}},
		} {
			header.Set("Cookie", anna.Cookies())
			a := s.Send(http.MethodPost, s.Issuer+"/logout", "do=logout&client_id=web", header)
			if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.To.String(), s.Issuer+"/logout") || a.To.Query().Has("do") {
				s.Errorf("form with %v: %d %s", header, a.Status, a.To)
			}
		}
		if got := anna.SignedIn(); got != sub {
			s.Errorf("signed in afterwards: %q, want %q", got, sub)
		}
		if a := anna.Open(with("id_token_hint", own.ID)); a.To.String() != "https://rp.test/bye?state=s" {
			s.Errorf("her own hint leads to %s (%d)", a.To, a.Status)
		}
		if got := anna.SignedIn(); got != "" || s.Userinfo(own.Access) != http.StatusUnauthorized {
			s.Errorf("after logging out: %q is signed in", got)
		}
		if got := bram.SignedIn(); got == "" {
			s.Error("somebody else was signed out")
		}
	})
}
