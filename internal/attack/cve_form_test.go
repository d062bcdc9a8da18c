package attack

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
func TestCVE_2025_24358_CVE_2025_47909_CVE_2025_46721_CVE_2025_47910_FormsOfOtherSites(t *testing.T) {
	issuers(t, func(s *scene) {
		origin := platform.Issuer(s.issuer).Origin()
		v := s.visitor()
		v.given("web")
		sub := v.signedIn()
		consent := v.begin("guest", nil)
		again := v.begin("web", set("prompt", "login"))
		choose := v.begin("web", set("prompt", "select_account"))
		before := s.dump(s.platform())
		for says, header := range map[string]http.Header{
			"foreign origin": {"Origin": {"https://evil.test"}}, "null origin": {"Origin": {"null"}}, "http twin": {"Origin": {strings.Replace(origin, "https:", "http:", 1)}},
			"sibling host": {"Origin": {"https://x.id.test"}, "Sec-Fetch-Site": {"same-site"}}, "another port": {"Origin": {origin + ":8443"}},
			"other platform": {"Origin": {"https://wilg.linde.test"}, "Sec-Fetch-Site": {"same-site"}}, "cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "same-site": {"Sec-Fetch-Site": {"same-site"}},
			"longer host": {"Origin": {origin + ".evil.test"}}, "cross-site from our origin": {"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}},
		} {
			if says == "cross-site from our origin" && s.issuer == pathIssuer {
				continue // browsers send no such pair; which of the two wins is tested once
			}
			for path, form := range map[string]url.Values{
				"/login/" + consent + "/consent":  {"do": {"continue"}},
				"/login/" + again + "/password":   {"password": {idptest.Password}, "do": {"continue"}},
				"/login/" + choose + "/switch":    {"do": {"stay"}, "as": {"anna@example.org"}},
				"/login/" + consent + "/password": {"email": {"bram@example.org"}, "password": {idptest.Password}, "do": {"continue"}},
			} {
				header.Set("Cookie", v.cookies())
				header.Del("Content-Type")
				if a := s.post(path, form, header); a.Status != http.StatusForbidden || len(a.Cookies) != 0 {
					s.Errorf("%s: %s: %d, %d cookies", says, path, a.Status, len(a.Cookies))
				}
			}
		}
		if after := s.dump(s.platform()); after != before {
			s.Errorf("something changed: got\n%s\nwant\n%s", after, before)
		}
		if who := v.signedIn(); who != sub {
			s.Errorf("%q is signed in, want %q", who, sub)
		}
	})
}

// A page of another site cannot sign anyone out, nor read anything: an image, a frame, a form (CVE-2020-10734).
func TestCVE_2020_10734_LogoutByAnotherSite(t *testing.T) {
	issuers(t, func(s *scene) {
		v := s.visitor()
		v.given("web")
		sub := v.signedIn()
		for _, address := range []string{"/logout", "/logout?client_id=web&post_logout_redirect_uri=https://rp.test/bye", "/logout?do=logout"} {
			a := s.send(http.MethodGet, s.issuer+address, "", http.Header{"Cookie": {v.cookies()}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"image"}})
			if a.Status != http.StatusOK || a.Header.Get("X-Frame-Options") != "DENY" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				s.Errorf("%s: %d %v", address, a.Status, a.Header)
			}
		}
		s.send(http.MethodPost, s.issuer+"/logout", "do=logout", http.Header{"Origin": {"https://evil.test"}, "Sec-Fetch-Site": {"cross-site"}, "Cookie": {v.cookies()}})
		if who := v.signedIn(); who != sub {
			s.Errorf("%q is signed in, want %q", who, sub)
		}
	})
}

// After logging out nothing of the session counts, on either node (CVE-2025-53826).
func TestCVE_2025_53826_NothingSurvivesLogout(t *testing.T) {
	databases(t, func(s *scene) {
		node := s.node()
		for _, party := range []string{"web", "spa", "jwt"} {
			v := s.visitor()
			got := v.given(party)
			code := v.code(party, nil)
			cookies := v.cookies()
			v.visit(http.MethodPost, s.issuer+"/logout", url.Values{"do": {"logout"}})
			for _, n := range []*scene{s, node} {
				a := n.send(http.MethodGet, n.authorize("web", set("prompt", "none")), "", http.Header{"Cookie": {cookies}})
				if a.param("error") != "login_required" || n.userinfo(got.Access) != http.StatusUnauthorized || n.active("web", got.Access) {
					s.Errorf("%s: after logging out: %s", party, a.To)
				}
				n.refusedGrant(party+": refresh", n.refresh(party, got.Refresh))
				n.refusedGrant(party+": code", n.redeem(party, code))
			}
		}
	})
}
