package op_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
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
func unregistered(s *idptest.Scene, party string, twins ...string) {
	s.Helper()
	v := s.Visitor()
	v.SignIn("web", "anna@example.org")
	for _, twin := range twins {
		for _, change := range []func(url.Values){idptest.Set("redirect_uri", twin), idptest.Set("redirect_uri", twin, "prompt", "none"), idptest.Set("redirect_uri", twin, "response_mode", "form_post")} {
			s.Refused(twin, v.Open(s.AuthorizeURL(party, change)))
		}
		if twin == "" {
			continue // a missing parameter is told as such
		}
		form := idptest.CodeForm("web", v.Code("web", nil))
		form.Set("redirect_uri", twin)
		s.RefusedGrant("code with "+twin, s.Token("web", form))
	}
}

// An address that only resembles a registered redirect URI is refused (CVE-2023-6291, CVE-2024-1132, CVE-2026-3872).
func TestTwinsOfARedirectAreRefused(t *testing.T) {
	if len(twins) < 40 {
		t.Fatalf("%d twins", len(twins))
	}
	idptest.Issuers(t, func(s *idptest.Scene) { unregistered(s, "web", twins...) })
}

// RFC 8252 section 8.6: any program on the machine can open the browser at a request of the app, with a challenge of
// its own, and wait on a port or behind the scheme. Without a person who presses a button it gets nothing.
func TestAnotherProgramGetsNoCodeWithoutAPage(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		v.SignIn("app", "anna@example.org")
		for _, to := range []string{"http://localhost:31337/cb", "net.example.app:/callback"} {
			mine := idptest.Set("redirect_uri", to)
			if a := v.Open(s.AuthorizeURL("app", idptest.Set("redirect_uri", to, "prompt", "none"))); a.Param("error") != "interaction_required" || a.Param("code") != "" {
				t.Errorf("%s, silently: %q", to, a.To)
			}
			id := v.Begin("app", mine)
			posted := s.Post("/authorize", idptest.AuthorizeQuery("app", mine), nil).To
			for _, address := range []string{
				s.Issuer + "/login/" + id, s.Issuer + "/login/" + id + "/go-on", s.Issuer + "/authorize/callback?request=" + id, s.Issuer + "/authorize/callback?outcome=done&request=" + id,
				posted.String(), s.Issuer + "/authorize/callback?" + posted.RawQuery, s.Issuer + "/authorize/callback?outcome=done&" + posted.RawQuery,
			} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					for a, hops := v.Visit(method, address, nil), 0; hops < 5; hops++ {
						if a.Param("code") != "" || !idptest.OurAddress(a.To.String()) && a.To.String() != "" {
							t.Errorf("%s: %s %s leads to %q", to, method, address, a.To)
						}
						if a.To.String() == "" {
							break
						}
						a = v.Visit(method, a.To.String(), nil)
					}
				}
			}
			header := http.Header{"Cookie": {v.Cookies()}, "Origin": {"http://localhost:31337"}, "Sec-Fetch-Site": {"cross-site"}}
			if a := s.Post("/login/"+id+"/go-on", url.Values{"do": {"continue"}, "as": {"anna@example.org"}}, header); a.Status != http.StatusForbidden {
				t.Errorf("%s: a form of another site: %d %q", to, a.Status, a.To)
			}
			if a := v.GoOn(id); a.Param("code") == "" {
				t.Errorf("%s: pressed by the person: %q", to, a.To)
			}
		}
	})
}

// A redirect URI with a user name in it, which hides where it leads, is refused (CVE-2024-8883, CVE-2026-28512).
func TestUserinfoInARedirectIsRefused(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		unregistered(s, "web", "http://localhost@evil.test/cb", "https://rp:x@evil.test/cb", "https://rp.test@evil.test/cb", `https://rp.test\@evil.test/cb`, "https://x@rp.test/cb",
			"https://rp.test:x@evil.test/cb", "https://rp.test%40evil.test/cb", "https://evil.test#@rp.test/cb", "https://evil.test?@rp.test/cb", `https://evil.test\@rp.test/cb`)
		unregistered(s, "app", "http://localhost:9999@evil.test/cb", "http://x@localhost:9999/cb", "net.example.app://evil.test/callback", "net.example.app:/callback@evil.test")
	})
}

// A redirect URI is decoded once, and compared as it then stands (CVE-2022-3782).
func TestRedirectIsDecodedOnce(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		once := url.QueryEscape(idptest.RedirectURI)
		all := []string{once, url.QueryEscape(once), url.QueryEscape(url.QueryEscape(once))}
		for i := range len(idptest.RedirectURI) {
			all = append(all, idptest.RedirectURI[:i]+"%"+strings.ToUpper(hex(idptest.RedirectURI[i]))+idptest.RedirectURI[i+1:])
		}
		unregistered(s, "web", all...)
	})
}

func hex(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// A registered redirect URI matches itself and nothing else, whatever signs of a pattern are in it (CVE-2024-52289).
func TestRegisteredRedirectIsNoPattern(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		unregistered(s, "web", "https://appXexample/cb", "https://app-example/cb", "https://app.exampleX/cb", "https://app.example/cbb")
		s.Visitor().Begin("web", idptest.Set("redirect_uri", "https://app.example/cb")) // the registered one
	})
	for _, pattern := range []string{"https://.*/", "https://*/cb", "https://*.rp.test/cb", "https://rp.test/*", `https://rp\.test/cb`, "https://rp.test/cb|https://evil.test/", "^https://rp.test/cb$", "https://.+/cb"} {
		s := idptest.NewScene(t, idptest.HostIssuer, idptest.SceneSQLite(t))
		if err := declare(s, setup.Party{ClientID: "wild", Secret: idptest.PartySecret, Redirects: []string{pattern}}); err != nil {
			continue // most cannot be registered
		}
		for _, matched := range []string{"https://evil.test/cb", "https://evil.test/", "https://x.rp.test/cb", "https://rp.test/x", "https://rp.test/cb"} {
			s.Refused(pattern+" and "+matched, s.Get(s.AuthorizeURL("wild", idptest.Set("redirect_uri", matched))))
		}
	}
}

// declare adds a party to the platform.
func declare(s *idptest.Scene, p setup.Party) error {
	s.Helper()
	_, err := setup.AddParty(s.Context(), setup.Tools{
		DB: s.DB, Sealer: s.Sealer, Pool: s.Pool, Methods: login.Methods(s.Factors), Now: s.Clock.Now(),
	}, s.Platform(), p)
	if err == nil {
		err = s.Refresh(s.Context())
	}
	return err
}

// Upper case and lower case differ in a redirect URI, and of a loopback address only the port is free (CVE-2020-15233,
// CVE-2020-15234).
func TestCaseAndLoopbackAreTakenLiterally(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		unregistered(s, "web", "https://rp.test/Cb", "https://Rp.test/cb", "hTTps://rp.test/cb", "https://rp.test/CB", "http://127.0.0.1/cb", "http://localhost/cb")
		unregistered(s, "app", "http://localhost:1/Cb", "http://LocalHost:1/cb", "http://127.0.0.1:1/cb", "http://localhost:1/cb?query=x", "http://localhost:1/other", "NET.example.app:/callback", "net.example.app:/Callback")
	})
}

// A parameter that is there twice is refused, and names that resemble ours are other parameters (CVE-2026-9689).
func TestRepeatedParameterNeverChooses(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for _, name := range []string{"redirect_uri", "client_id", "state", "scope", "response_mode", "code_challenge"} {
			good := idptest.AuthorizeQuery("web", idptest.Set("response_mode", "query")).Encode()
			for _, bad := range []string{"https://evil.test/cb", "other", "", "form_post"} {
				extra := url.Values{name: {bad}}.Encode()
				s.Refused(name+" after", s.Get(s.Issuer+"/authorize?"+good+"&"+extra))
				s.Refused(name+" before", s.Get(s.Issuer+"/authorize?"+extra+"&"+good))
				s.Refused(name+" in the query of a POST", s.Send(http.MethodPost, s.Issuer+"/authorize?"+extra, good, nil))
				s.Refused(name+" in the body of a POST", s.Send(http.MethodPost, s.Issuer+"/authorize?"+good, extra, nil))
			}
		}
		// Names that some frameworks fold into the one we read are other parameters here.
		for _, name := range []string{"redirect_uri[]", "redirect_uri[0]", "Redirect_Uri", " redirect_uri", "redirect_uri\x00", "redirect-uri", "redirect.uri"} {
			a := s.Get(s.Issuer + "/authorize?" + idptest.AuthorizeQuery("web", idptest.Set(name, "https://evil.test/cb", "prompt", "none")).Encode())
			if !strings.HasPrefix(a.To.String(), idptest.RedirectURI+"?") {
				s.Errorf("%q: %d %s", name, a.Status, a.To)
			}
		}
	})
}

// The address that browsers are led to after everything else than an authorization answer (CVE-2024-39694,
// CVE-2021-29456, CVE-2026-5467).
func TestReturnAddressesStayHere(t *testing.T) {
	evil := []string{
		"//evil.test", `/\evil.test`, `\\evil.test`, "/%09/evil.test", "/\t/evil.test", "/%5cevil.test", "https:evil.test", "https:///evil.test", "@evil.test", "https://evil.test/", "javascript:alert(1)",
		"https://rp.test/bye@evil.test", "https://rp.test/bye/../x", "https://rp.test/bye?", "https://rp.test/bye#x", "https://rp.test/Bye", "https://rp.test.evil.test/bye", " https://rp.test/bye",
	}
	idptest.Issuers(t, func(s *idptest.Scene) {
		own := func(what string, a idptest.Answer) {
			s.Helper()
			to := a.To.String()
			if a.Status >= 500 || to != "" && to != s.Issuer && !strings.HasPrefix(to, s.Issuer+"/") && !slices.Contains([]string{"https://linde.test/home", "https://wilg.test/home"}, to) {
				s.Errorf("%s: %d %s", what, a.Status, to)
			}
			s.LinksStay(what, a.Body)
		}
		for _, to := range evil {
			v := s.Visitor()
			hint := v.Given("web").ID
			escaped := url.QueryEscape(to)
			for _, name := range []string{"return_to", "next", "url", "continue", "rd", "goto", "redirect", "target_link_uri", "ReturnUrl", "RelayState"} {
				own(name, s.Get(s.Issuer+"/?"+name+"="+escaped))
				own(name, s.Get(s.Issuer+"/login?"+name+"="+escaped))
				own(name, s.Get(s.Issuer+"/logged-out?"+name+"="+escaped))
			}
			own("logged out", s.Get(s.Issuer+"/logged-out?lang=en&x="+escaped))
			own("path", s.Get(s.Issuer+"/"+url.PathEscape(to)+"?lang=en"))
			own("path, doubled", s.Get(s.Issuer+"//evil.test/%2e%2e?lang=en"))
			own("path, backslash", s.Get(s.Issuer+`/\evil.test/?lang=en`))
			own("cancelling", v.Visit(http.MethodPost, s.Issuer+"/login/"+v.Begin("web", idptest.Set("prompt", "login"))+"/password", url.Values{"do": {"continue"}, "return_to": {to}}))
			own("logout, not signed in", s.Get(s.Issuer+"/logout?client_id=web&post_logout_redirect_uri="+escaped))
			own("logout, state", s.Get(s.Issuer+"/logout?client_id=web&state="+escaped))
			own("logout, hint", v.Open(s.Issuer+"/logout?id_token_hint="+hint+"&post_logout_redirect_uri="+escaped))
			own("logout, confirmed", v.Visit(http.MethodPost, s.Issuer+"/logout", url.Values{"do": {"logout"}, "client_id": {"web"}, "post_logout_redirect_uri": {to}}))
		}
		v := s.Visitor()
		id := v.Begin("web", nil)
		s.Clock.Later(2 * time.Hour)
		if a := v.Open(s.Issuer + "/login/" + id); !strings.HasPrefix(a.To.String(), "https://rp.test/start?") {
			s.Errorf("a stale login leads to %s (%d), want where the party begins", a.To, a.Status)
		}
	})
}
