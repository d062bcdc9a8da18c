package op_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
)

// renamed is a browser whose cookies of one platform carry the names of the other's, too.
func renamed(v *idptest.Visitor, from, to platform.ID) *idptest.Visitor {
	twin := v.Visitor()
	for name, value := range v.Jar {
		twin.Jar[name] = value
		if rest, ok := strings.CutPrefix(name, "__Host-"+string(from)+"-"); ok {
			twin.Jar["__Host-"+string(to)+"-"+rest] = value
		}
	}
	return twin
}

// What one platform gave is worth nothing at another, and changes nothing there (GHSA-pfrf-9r5f-73f5).
func TestNothingCrossesPlatforms(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		there := s.Foreign()
		v := s.Visitor()
		got := v.Given("jwt")
		opaque := v.Redeem("web", v.Code("web", nil))
		code := v.Code("web", nil)
		before := s.Dump(there.Platform())
		for _, party := range []string{"web", "jwt", "other", "spa"} {
			there.RefusedGrant("code", there.Redeem(party, code))
			for _, token := range []string{got.Refresh, opaque.Refresh, code} {
				there.RefusedGrant("refresh token", there.RefreshGrant(party, token))
			}
		}
		for what, token := range map[string]string{"JWT": got.Access, "opaque token": opaque.Access, "ID token": got.ID, "refresh token": got.Refresh} {
			if status := there.Userinfo(token); status != http.StatusUnauthorized {
				s.Errorf("%s at userinfo: %d", what, status)
			}
			if there.Active("web", token) || there.Active("jwt", token) {
				s.Errorf("%s is active", what)
			}
			if a := there.Post("/revoke", url.Values{"token": {token}}, idptest.Basic("jwt")); a.Status != http.StatusOK {
				s.Errorf("revoking the %s: %d", what, a.Status)
			}
		}
		id := s.Visitor().Begin("web", nil)
		started := v.Begin("web", idptest.Set("prompt", "login"))
		posted := s.Post("/authorize", idptest.AuthorizeQuery("web", nil), nil).Param("request")
		twin := renamed(v, s.Platform(), there.Platform()).With(there)
		for _, request := range []string{id, started, posted} {
			for _, path := range []string{"/authorize/callback?request=", "/authorize/continue?request=", "/authorize/callback?denied=1&request="} {
				there.Refused(path, twin.Open(there.Issuer+path+request))
			}
			home := there.Get(there.Issuer + "/").To.String()
			for _, a := range []idptest.Answer{
				twin.Open(there.Issuer + "/login/" + request), twin.Open(there.Issuer + "/login/" + request + "/password"), twin.Open(there.Issuer + "/login/" + request + "/stop"),
				twin.Prove(request, "anna@example.org"),
			} {
				if a.To.String() != home || len(a.Cookies) != 0 {
					s.Errorf("a journey of the other platform: %d %s", a.Status, a.To)
				}
			}
		}
		if who := twin.SignedIn(); who != "" {
			s.Errorf("renamed cookies sign %s in", who)
		}
		if a := twin.Open(there.AuthorizeURL("web", idptest.Set("prompt", "none", "id_token_hint", got.ID))); a.Param("error") != "invalid_request" {
			s.Errorf("hint of another platform: %s", a.To)
		}
		if a := twin.Open(there.Issuer + "/logout?id_token_hint=" + got.ID + "&post_logout_redirect_uri=https://rp.test/bye"); strings.HasPrefix(a.To.String(), "https://rp.test/") {
			s.Errorf("logout by a hint of another platform leads to %s", a.To)
		}
		// That a page of it did not go on is on its record, and names nobody.
		const pages = "kind = 'page.refuse' AND account = '' AND session = '' AND party = ''"
		if n := len(s.Rows("SELECT id FROM events WHERE " + pages + " AND platform = '" + string(there.Platform()) + "'")); n == 0 {
			s.Error("a page that did not go on is not on record")
		}
		if _, err := s.DB.SQL().ExecContext(s.Context(), "DELETE FROM events WHERE "+pages); err != nil {
			s.Fatal(err)
		}
		if after := s.Dump(there.Platform()); after != before {
			s.Errorf("the other platform changed: got\n%s\nwant\n%s", after, before)
		}
		if s.Userinfo(got.Access) != http.StatusOK || s.RefreshGrant("web", opaque.Refresh).Access == "" || s.Redeem("web", code).Access == "" {
			s.Error("what belongs here was touched from there")
		}
	})
}

// Identifiers of another platform, put wherever an identifier can be put. The contract of storage holds the other half:
// each of its methods, called with an identifier of another platform, finds and changes nothing
// (storage/storagetest/safety.go) (CVE-2025-64431, CVE-2025-27507).
func TestIdentifiersOfAnotherPlatformFindNothing(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		there := s.Foreign()
		bram := there.Visitor()
		got := bram.Redeem("jwt", bram.SignIn("jwt", "bram@example.org"))
		_, claims := idptest.Parts(s.TB, got.ID)
		_, access := idptest.Parts(s.TB, got.Access)
		journey := there.Visitor().Begin("web", nil)
		before := s.Dump(there.Platform())

		v := s.Visitor()
		sub := v.Given("web")
		for _, id := range []string{claims["sub"].(string), claims["sid"].(string), access["gid"].(string), access["jti"].(string), journey, string(there.Platform())} {
			claim := `{"id_token":{"sub":{"value":"` + id + `"}}}`
			if a := v.Open(s.AuthorizeURL("web", idptest.Set("claims", claim, "prompt", "none"))); a.Param("error") != "login_required" {
				s.Errorf("sub %s is asked for: %s", id, a.To)
			}
			for _, address := range []string{"/login/" + id, "/login/" + id + "/password", "/authorize/callback?request=" + id, "/authorize/continue?request=" + id, "/logout?client_id=" + id, "/logged-out?client_id=" + id} {
				if a := v.Open(s.Issuer + address); a.To.Query().Has("code") || strings.Contains(a.Body, "bram@example.org") {
					s.Errorf("%s: %d %s", address, a.Status, a.To)
				}
			}
			s.RefusedGrant(id, s.Redeem("jwt", id))
			s.RefusedGrant(id, s.RefreshGrant("jwt", id))
			s.Post("/revoke", url.Values{"token": {id}}, idptest.Basic("jwt"))
		}
		if after := s.Dump(there.Platform()); after != before {
			s.Errorf("the other platform changed: got\n%s\nwant\n%s", after, before)
		}
		if who := bram.SignedIn(); who != claims["sub"] || v.SignedIn() == "" || s.Userinfo(sub.Access) != http.StatusOK {
			s.Errorf("afterwards %q is signed in there", who)
		}
	})
}

// A scope that names another platform gives no audience, claim or right there (CVE-2026-9094, CVE-2026-33132).
func TestScopesOfAnotherPlatformGiveNothing(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		there := s.Foreign()
		for _, name := range []string{string(there.Platform()), "urn:zitadel:iam:org:project:id:" + string(there.Platform()) + ":aud", there.Issuer, "urn:zitadel:iam:org:domain:primary:wilg.test", "jobs.read", "admin", "*"} {
			v := s.Visitor()
			v.SignIn("web", "anna@example.org")
			got := v.Redeem("web", v.Code("web", idptest.Set("scope", "openid "+name)))
			_, claims := idptest.Parts(s.TB, got.ID)
			info := s.Send(http.MethodGet, s.Issuer+"/userinfo", "", idptest.Bearer(got.Access))
			if !strings.Contains(got.Body, `"scope":"openid"`) || fmt.Sprint(claims["aud"]) != "web" || strings.Count(info.Body, ":") != 1 {
				s.Errorf("scope %s: %s, claims %v, userinfo %s", name, got.Body, claims, info.Body)
			}
			if got := s.Token("jobs", url.Values{"grant_type": {"client_credentials"}, "scope": {name}, "audience": {there.Issuer}, "resource": {there.Issuer}}); name != "jobs.read" && got.Error != "invalid_scope" {
				s.Errorf("scope %s of a service: %s", name, got.Body)
			}
		}
		own := s.Token("jobs", url.Values{"grant_type": {"client_credentials"}})
		if there.Active("jobs", own.Access) || there.Active("web", own.Access) || there.Userinfo(own.Access) != http.StatusUnauthorized || !s.Active("jobs", own.Access) {
			s.Error("a service's token counts at another platform, or not at its own")
		}
	})
}
