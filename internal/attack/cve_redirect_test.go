package attack

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/login"
)

// twins of a registered https://rp.test/cb that prefix matching, wildcards, normalising or decoding would let through.
var twins = []string{
	"https://rp.test/cb/", "https://rp.test/cb.evil", "https://rp.test/cb/x", "https://rp.test/cb/../x", "https://rp.test/x/../cb", "https://rp.test/./cb", "https://rp.test//cb",
	"https://rp.test/cb/..;/x", "https://rp.test/..;/cb", "https://rp.test/cb;x", "https://rp.test/cb%2f..%2fx", "https://rp.test/cb%00", "https://rp.test/cb\x00", "https://rp.test/cb\t",
	"https://rp.test/\tcb", "https://rp.test/cb ", " https://rp.test/cb", "https://rp.test/cb\r\nLocation: https://evil.test/", "https://rp.test/cb\\", "https://rp.test\\cb",
	"https://rp.test/CB", "https://RP.test/cb", "HTTPS://rp.test/cb", "http://rp.test/cb", "https:rp.test/cb", "https:///rp.test/cb", "//rp.test/cb", "/cb", "https://rp.test:443/cb",
	"https://rp.test:/cb", "https://rp.test./cb", "https://rp.test.evil.test/cb", "https://evil.test/rp.test/cb", "https://evilrp.test/cb", "https://x.rp.test/cb", "https://rp.test/cb?x=1",
	"https://rp.test/cb?", "https://rp.test/cb#", "https://rp.test/cb#f", "https://rp.test/cb#@evil.test/", "https://rp.test/cb*", "https://rp.test/*", "*", "", "javascript:alert(1)",
	"data:text/html,x", "https://rp.test/cb,https://evil.test/", "https://rp.test/cb https://evil.test/", "https://ｒｐ.test/cb", "https://rp.test/ｃｂ", "https://rp。test/cb", "https://rp.test/cb\u200b",
}

// unregistered says that no twin of a redirect URI gets an answer, neither a code nor an error, even with a session.
func (s *scene) unregistered(party string, twins ...string) {
	s.Helper()
	v := s.visitor()
	v.signIn("web", "anna@example.org")
	for _, twin := range twins {
		for _, change := range []func(url.Values){set("redirect_uri", twin), set("redirect_uri", twin, "prompt", "none"), set("redirect_uri", twin, "response_mode", "form_post")} {
			s.refused(twin, v.open(s.authorize(party, change)))
		}
		if twin == "" {
			continue // a missing parameter is told as such
		}
		form := codeForm("web", v.code("web", nil))
		form.Set("redirect_uri", twin)
		s.refusedGrant("code with "+twin, s.token("web", form))
	}
}

// CVE-2023-6291, CVE-2024-1132, CVE-2026-3872.
func TestCVE_2023_6291_CVE_2024_1132_CVE_2026_3872_RedirectTwins(t *testing.T) {
	if len(twins) < 40 {
		t.Fatalf("%d twins", len(twins))
	}
	issuers(t, func(s *scene) { s.unregistered("web", twins...) })
}

// RFC 8252 section 8.6: any program on the machine can open the browser at a request of the app, with a challenge of
// its own, and wait on a port or behind the scheme. Without a person who presses a button it gets nothing.
func TestAnotherProgramGetsNoCodeWithoutAPage(t *testing.T) {
	issuers(t, func(s *scene) {
		v := s.visitor()
		v.signIn("app", "anna@example.org")
		for _, to := range []string{"http://localhost:31337/cb", "net.example.app:/callback"} {
			mine := set("redirect_uri", to)
			if a := v.open(s.authorize("app", set("redirect_uri", to, "prompt", "none"))); a.param("error") != "interaction_required" || a.param("code") != "" {
				t.Errorf("%s, silently: %q", to, a.To)
			}
			id := v.begin("app", mine)
			posted := s.post("/authorize", query("app", mine), nil).To
			for _, address := range []string{
				s.issuer + "/login/" + id, s.issuer + "/login/" + id + "/go-on", s.issuer + "/authorize/callback?request=" + id, s.issuer + "/authorize/callback?outcome=done&request=" + id,
				posted.String(), s.issuer + "/authorize/callback?" + posted.RawQuery, s.issuer + "/authorize/callback?outcome=done&" + posted.RawQuery,
			} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					for a, hops := v.visit(method, address, nil), 0; hops < 5; hops++ {
						if a.param("code") != "" || !ours(a.To.String()) && a.To.String() != "" {
							t.Errorf("%s: %s %s leads to %q", to, method, address, a.To)
						}
						if a.To.String() == "" {
							break
						}
						a = v.visit(method, a.To.String(), nil)
					}
				}
			}
			header := http.Header{"Cookie": {v.cookies()}, "Origin": {"http://localhost:31337"}, "Sec-Fetch-Site": {"cross-site"}}
			if a := s.post("/login/"+id+"/go-on", url.Values{"do": {"continue"}, "as": {"anna@example.org"}}, header); a.Status != http.StatusForbidden {
				t.Errorf("%s: a form of another site: %d %q", to, a.Status, a.To)
			}
			if a := v.goOn(id); a.param("code") == "" {
				t.Errorf("%s: pressed by the person: %q", to, a.To)
			}
		}
	})
}

// CVE-2024-8883, CVE-2026-28512.
func TestCVE_2024_8883_CVE_2026_28512_UserinfoInRedirect(t *testing.T) {
	issuers(t, func(s *scene) {
		s.unregistered("web", "http://localhost@evil.test/cb", "https://rp:x@evil.test/cb", "https://rp.test@evil.test/cb", `https://rp.test\@evil.test/cb`, "https://x@rp.test/cb",
			"https://rp.test:x@evil.test/cb", "https://rp.test%40evil.test/cb", "https://evil.test#@rp.test/cb", "https://evil.test?@rp.test/cb", `https://evil.test\@rp.test/cb`)
		s.unregistered("app", "http://localhost:9999@evil.test/cb", "http://x@localhost:9999/cb", "net.example.app://evil.test/callback", "net.example.app:/callback@evil.test")
	})
}

// CVE-2022-3782.
func TestCVE_2022_3782_DoubleDecoding(t *testing.T) {
	issuers(t, func(s *scene) {
		once := url.QueryEscape(redirect)
		all := []string{once, url.QueryEscape(once), url.QueryEscape(url.QueryEscape(once))}
		for i := range len(redirect) {
			all = append(all, redirect[:i]+"%"+strings.ToUpper(hex(redirect[i]))+redirect[i+1:])
		}
		s.unregistered("web", all...)
	})
}

func hex(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// CVE-2024-52289.
func TestCVE_2024_52289_RegisteredURIIsNotAPattern(t *testing.T) {
	issuers(t, func(s *scene) {
		s.unregistered("web", "https://appXexample/cb", "https://app-example/cb", "https://app.exampleX/cb", "https://app.example/cbb")
		s.visitor().begin("web", set("redirect_uri", "https://app.example/cb")) // the registered one
	})
	for _, pattern := range []string{"https://.*/", "https://*/cb", "https://*.rp.test/cb", "https://rp.test/*", `https://rp\.test/cb`, "https://rp.test/cb|https://evil.test/", "^https://rp.test/cb$", "https://.+/cb"} {
		s := newScene(t, hostIssuer, sqlite(t))
		if err := s.declare(setup.Party{ClientID: "wild", Secret: partySecret, Redirects: []string{pattern}}); err != nil {
			continue // most cannot be registered
		}
		for _, matched := range []string{"https://evil.test/cb", "https://evil.test/", "https://x.rp.test/cb", "https://rp.test/x", "https://rp.test/cb"} {
			s.refused(pattern+" and "+matched, s.get(s.authorize("wild", set("redirect_uri", matched))))
		}
	}
}

// declare adds a party to the platform.
func (s *scene) declare(p setup.Party) error {
	s.Helper()
	_, err := setup.AddParty(s.Context(), setup.Tools{
		DB: s.DB, Sealer: s.Sealer, Pool: s.Pool, Methods: login.Methods(s.Factors), Now: s.Clock.Now(),
	}, s.platform(), p)
	if err == nil {
		err = s.Refresh(s.Context())
	}
	return err
}

// CVE-2020-15233, CVE-2020-15234.
func TestCVE_2020_15233_CVE_2020_15234_CaseAndLoopback(t *testing.T) {
	issuers(t, func(s *scene) {
		s.unregistered("web", "https://rp.test/Cb", "https://Rp.test/cb", "hTTps://rp.test/cb", "https://rp.test/CB", "http://127.0.0.1/cb", "http://localhost/cb")
		s.unregistered("app", "http://localhost:1/Cb", "http://LocalHost:1/cb", "http://127.0.0.1:1/cb", "http://localhost:1/cb?query=x", "http://localhost:1/other", "NET.example.app:/callback", "net.example.app:/Callback")
	})
}

// CVE-2026-9689.
func TestCVE_2026_9689_ParameterPollution(t *testing.T) {
	issuers(t, func(s *scene) {
		for _, name := range []string{"redirect_uri", "client_id", "state", "scope", "response_mode", "code_challenge"} {
			good := query("web", set("response_mode", "query")).Encode()
			for _, bad := range []string{"https://evil.test/cb", "other", "", "form_post"} {
				extra := url.Values{name: {bad}}.Encode()
				s.refused(name+" after", s.get(s.issuer+"/authorize?"+good+"&"+extra))
				s.refused(name+" before", s.get(s.issuer+"/authorize?"+extra+"&"+good))
				s.refused(name+" in the query of a POST", s.send(http.MethodPost, s.issuer+"/authorize?"+extra, good, nil))
				s.refused(name+" in the body of a POST", s.send(http.MethodPost, s.issuer+"/authorize?"+good, extra, nil))
			}
		}
		// Names that some frameworks fold into the one we read are other parameters here.
		for _, name := range []string{"redirect_uri[]", "redirect_uri[0]", "Redirect_Uri", " redirect_uri", "redirect_uri\x00", "redirect-uri", "redirect.uri"} {
			a := s.get(s.issuer + "/authorize?" + query("web", set(name, "https://evil.test/cb", "prompt", "none")).Encode())
			if !strings.HasPrefix(a.To.String(), redirect+"?") {
				s.Errorf("%q: %d %s", name, a.Status, a.To)
			}
		}
	})
}

// The address that browsers are led to after everything else than an authorization answer (CVE-2024-39694,
// CVE-2021-29456, CVE-2026-5467).
func TestCVE_2024_39694_CVE_2021_29456_CVE_2026_5467_ReturnAddresses(t *testing.T) {
	evil := []string{
		"//evil.test", `/\evil.test`, `\\evil.test`, "/%09/evil.test", "/\t/evil.test", "/%5cevil.test", "https:evil.test", "https:///evil.test", "@evil.test", "https://evil.test/", "javascript:alert(1)",
		"https://rp.test/bye@evil.test", "https://rp.test/bye/../x", "https://rp.test/bye?", "https://rp.test/bye#x", "https://rp.test/Bye", "https://rp.test.evil.test/bye", " https://rp.test/bye",
	}
	issuers(t, func(s *scene) {
		own := func(what string, a answer) {
			s.Helper()
			to := a.To.String()
			if a.Status >= 500 || to != "" && to != s.issuer && !strings.HasPrefix(to, s.issuer+"/") && !slices.Contains([]string{"https://linde.test/home", "https://wilg.test/home"}, to) {
				s.Errorf("%s: %d %s", what, a.Status, to)
			}
			s.linksStay(what, a.Body)
		}
		for _, to := range evil {
			v := s.visitor()
			hint := v.given("web").ID
			escaped := url.QueryEscape(to)
			for _, name := range []string{"return_to", "next", "url", "continue", "rd", "goto", "redirect", "target_link_uri", "ReturnUrl", "RelayState"} {
				own(name, s.get(s.issuer+"/?"+name+"="+escaped))
				own(name, s.get(s.issuer+"/login?"+name+"="+escaped))
				own(name, s.get(s.issuer+"/logged-out?"+name+"="+escaped))
			}
			own("logged out", s.get(s.issuer+"/logged-out?lang=en&x="+escaped))
			own("path", s.get(s.issuer+"/"+url.PathEscape(to)+"?lang=en"))
			own("path, doubled", s.get(s.issuer+"//evil.test/%2e%2e?lang=en"))
			own("path, backslash", s.get(s.issuer+`/\evil.test/?lang=en`))
			own("cancelling", v.visit(http.MethodPost, s.issuer+"/login/"+v.begin("web", set("prompt", "login"))+"/password", url.Values{"do": {"continue"}, "return_to": {to}}))
			own("logout, not signed in", s.get(s.issuer+"/logout?client_id=web&post_logout_redirect_uri="+escaped))
			own("logout, state", s.get(s.issuer+"/logout?client_id=web&state="+escaped))
			own("logout, hint", v.open(s.issuer+"/logout?id_token_hint="+hint+"&post_logout_redirect_uri="+escaped))
			own("logout, confirmed", v.visit(http.MethodPost, s.issuer+"/logout", url.Values{"do": {"logout"}, "client_id": {"web"}, "post_logout_redirect_uri": {to}}))
		}
		v := s.visitor()
		id := v.begin("web", nil)
		s.Clock.Later(2 * time.Hour)
		if a := v.open(s.issuer + "/login/" + id); !strings.HasPrefix(a.To.String(), "https://rp.test/start?") {
			s.Errorf("a stale login leads to %s (%d), want where the party begins", a.To, a.Status)
		}
	})
}
