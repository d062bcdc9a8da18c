package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
)

// Forms that change something, sent by another site with the cookies of the person: none is taken. The login page
// itself is attacked in login/login_test.go (CVE-2025-24358, CVE-2025-47909, CVE-2025-46721, CVE-2025-47910).
func TestFormsOfOtherSitesAreNotTaken(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		origin := platform.Issuer(s.Issuer).Origin()
		v := s.Visitor()
		v.Given("web")
		sub := v.SignedIn()
		consent := v.Begin("guest", nil)
		again := v.Begin("web", idptest.Set("prompt", "login"))
		choose := v.Begin("web", idptest.Set("prompt", "select_account"))
		before := s.Dump(s.Platform())
		for says, header := range map[string]http.Header{
			"foreign origin": {"Origin": {"https://evil.test"}}, "null origin": {"Origin": {"null"}}, "http twin": {"Origin": {strings.Replace(origin, "https:", "http:", 1)}},
			"sibling host": {"Origin": {"https://x.id.test"}, "Sec-Fetch-Site": {"same-site"}}, "another port": {"Origin": {origin + ":8443"}},
			"other platform": {"Origin": {"https://wilg.linde.test"}, "Sec-Fetch-Site": {"same-site"}}, "cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "same-site": {"Sec-Fetch-Site": {"same-site"}},
			"longer host": {"Origin": {origin + ".evil.test"}}, "cross-site from our origin": {"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}},
		} {
			if says == "cross-site from our origin" && s.Issuer == idptest.PathIssuer {
				continue // browsers send no such pair; which of the two wins is tested once
			}
			for path, form := range map[string]url.Values{
				"/login/" + consent + "/consent":  {"do": {"continue"}},
				"/login/" + again + "/password":   {"password": {idptest.Password}, "do": {"continue"}},
				"/login/" + choose + "/switch":    {"do": {"stay"}, "as": {"anna@example.org"}},
				"/login/" + consent + "/password": {"email": {"bram@example.org"}, "password": {idptest.Password}, "do": {"continue"}},
			} {
				header.Set("Cookie", v.Cookies())
				header.Del("Content-Type")
				if a := s.Post(path, form, header); a.Status != http.StatusForbidden || len(a.Cookies) != 0 {
					s.Errorf("%s: %s: %d, %d cookies", says, path, a.Status, len(a.Cookies))
				}
			}
		}
		if after := s.Dump(s.Platform()); after != before {
			s.Errorf("something changed: got\n%s\nwant\n%s", after, before)
		}
		if who := v.SignedIn(); who != sub {
			s.Errorf("%q is signed in, want %q", who, sub)
		}
	})
}

// A page of another site cannot sign anyone out, nor read anything: an image, a frame, a form (CVE-2020-10734).
func TestAnotherSiteSignsNobodyOut(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		v.Given("web")
		sub := v.SignedIn()
		for _, address := range []string{"/logout", "/logout?client_id=web&post_logout_redirect_uri=https://rp.test/bye", "/logout?do=logout"} {
			a := s.Send(http.MethodGet, s.Issuer+address, "", http.Header{"Cookie": {v.Cookies()}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"image"}})
			if a.Status != http.StatusOK || a.Header.Get("X-Frame-Options") != "DENY" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				s.Errorf("%s: %d %v", address, a.Status, a.Header)
			}
		}
		s.Send(http.MethodPost, s.Issuer+"/logout", "do=logout", http.Header{"Origin": {"https://evil.test"}, "Sec-Fetch-Site": {"cross-site"}, "Cookie": {v.Cookies()}})
		if who := v.SignedIn(); who != sub {
			s.Errorf("%q is signed in, want %q", who, sub)
		}
	})
}

// After logging out nothing of the session counts, on either node (CVE-2025-53826).
func TestNothingSurvivesLogout(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		node := s.Node()
		for _, party := range []string{"web", "spa", "jwt"} {
			v := s.Visitor()
			got := v.Given(party)
			code := v.Code(party, nil)
			cookies := v.Cookies()
			v.Visit(http.MethodPost, s.Issuer+"/logout", url.Values{"do": {"logout"}})
			for _, n := range []*idptest.Scene{s, node} {
				a := n.Send(http.MethodGet, n.AuthorizeURL("web", idptest.Set("prompt", "none")), "", http.Header{"Cookie": {cookies}})
				if a.Param("error") != "login_required" || n.Userinfo(got.Access) != http.StatusUnauthorized || n.Active("web", got.Access) {
					s.Errorf("%s: after logging out: %s", party, a.To)
				}
				n.RefusedGrant(party+": refresh", n.RefreshGrant(party, got.Refresh))
				n.RefusedGrant(party+": code", n.Redeem(party, code))
			}
		}
	})
}
