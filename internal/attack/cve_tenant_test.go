package attack

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/platform"
)

// renamed is a browser whose cookies of one platform carry the names of the other's, too.
func (v *visitor) renamed(from, to platform.ID) *visitor {
	twin := v.visitor()
	for name, value := range v.jar {
		twin.jar[name] = value
		if rest, ok := strings.CutPrefix(name, "__Host-"+string(from)+"-"); ok {
			twin.jar["__Host-"+string(to)+"-"+rest] = value
		}
	}
	return twin
}

// GHSA-pfrf-9r5f-73f5.
func TestGHSA_pfrf_9r5f_73f5_NothingCrossesPlatforms(t *testing.T) {
	databases(t, func(s *scene) {
		there := s.foreign()
		v := s.visitor()
		got := v.given("jwt")
		opaque := v.redeem("web", v.code("web", nil))
		code := v.code("web", nil)
		before := s.dump(there.platform())
		for _, party := range []string{"web", "jwt", "other", "spa"} {
			there.refusedGrant("code", there.redeem(party, code))
			for _, token := range []string{got.Refresh, opaque.Refresh, code} {
				there.refusedGrant("refresh token", there.refresh(party, token))
			}
		}
		for what, token := range map[string]string{"JWT": got.Access, "opaque token": opaque.Access, "ID token": got.ID, "refresh token": got.Refresh} {
			if status := there.userinfo(token); status != http.StatusUnauthorized {
				s.Errorf("%s at userinfo: %d", what, status)
			}
			if there.active("web", token) || there.active("jwt", token) {
				s.Errorf("%s is active", what)
			}
			if a := there.post("/revoke", url.Values{"token": {token}}, basic("jwt")); a.Status != http.StatusOK {
				s.Errorf("revoking the %s: %d", what, a.Status)
			}
		}
		id := s.visitor().begin("web", nil)
		started := v.begin("web", set("prompt", "login"))
		posted := s.post("/authorize", query("web", nil), nil).param("request")
		twin := v.renamed(s.platform(), there.platform()).with(there)
		for _, request := range []string{id, started, posted} {
			for _, path := range []string{"/authorize/callback?request=", "/authorize/continue?request=", "/authorize/callback?denied=1&request="} {
				there.refused(path, twin.open(there.issuer+path+request))
			}
			home := there.get(there.issuer + "/").To.String()
			for _, a := range []answer{
				twin.open(there.issuer + "/login/" + request), twin.open(there.issuer + "/login/" + request + "/password"), twin.open(there.issuer + "/login/" + request + "/stop"),
				twin.prove(request, "anna@example.org"),
			} {
				if a.To.String() != home || len(a.Cookies) != 0 {
					s.Errorf("a journey of the other platform: %d %s", a.Status, a.To)
				}
			}
		}
		if who := twin.signedIn(); who != "" {
			s.Errorf("renamed cookies sign %s in", who)
		}
		if a := twin.open(there.authorize("web", set("prompt", "none", "id_token_hint", got.ID))); a.param("error") != "invalid_request" {
			s.Errorf("hint of another platform: %s", a.To)
		}
		if a := twin.open(there.issuer + "/logout?id_token_hint=" + got.ID + "&post_logout_redirect_uri=https://rp.test/bye"); strings.HasPrefix(a.To.String(), "https://rp.test/") {
			s.Errorf("logout by a hint of another platform leads to %s", a.To)
		}
		// That a page of it did not go on is on its record, and names nobody.
		const pages = "kind = 'page.refuse' AND account = '' AND session = '' AND party = ''"
		if n := len(s.rows("SELECT id FROM events WHERE " + pages + " AND platform = '" + string(there.platform()) + "'")); n == 0 {
			s.Error("a page that did not go on is not on record")
		}
		if _, err := s.DB.SQL().ExecContext(s.Context(), "DELETE FROM events WHERE "+pages); err != nil {
			s.Fatal(err)
		}
		if after := s.dump(there.platform()); after != before {
			s.Errorf("the other platform changed: got\n%s\nwant\n%s", after, before)
		}
		if s.userinfo(got.Access) != http.StatusOK || s.refresh("web", opaque.Refresh).Access == "" || s.redeem("web", code).Access == "" {
			s.Error("what belongs here was touched from there")
		}
	})
}

// dump is everything that a platform has, in order.
func (s *scene) dump(p platform.ID) string {
	s.Helper()
	var all []string
	for _, table := range []string{"accounts", "attempts", "consents", "credentials", "events", "grants", "journeys", "parties", "platforms", "requests", "sessions", "signing_keys"} {
		column := "platform"
		if table == "platforms" {
			column = "id"
		}
		for _, row := range s.rows("SELECT * FROM " + table + " WHERE " + column + " = '" + string(p) + "'") {
			all = append(all, table+": "+row)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// rows are the rows of a query, each as one text.
func (s *scene) rows(query string) (all []string) {
	s.Helper()
	rows, err := s.DB.SQL().QueryContext(s.Context(), query)
	if err != nil {
		s.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			s.Error(err)
		}
	}()
	columns, err := rows.Columns()
	if err != nil {
		s.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			s.Fatal(err)
		}
		var b strings.Builder
		for _, value := range values {
			fmt.Fprintf(&b, "%s ", value)
		}
		all = append(all, b.String())
	}
	if err := rows.Err(); err != nil {
		s.Fatal(err)
	}
	return all
}

// Identifiers of another platform, put wherever an identifier can be put. The contract of storage holds the other half:
// each of its methods, called with an identifier of another platform, finds and changes nothing
// (storage/storagetest/safety.go) (CVE-2025-64431, CVE-2025-27507).
func TestCVE_2025_64431_CVE_2025_27507_IdentifiersOfAnotherPlatform(t *testing.T) {
	databases(t, func(s *scene) {
		there := s.foreign()
		bram := there.visitor()
		got := bram.redeem("jwt", bram.signIn("jwt", "bram@example.org"))
		_, claims := parts(s.TB, got.ID)
		_, access := parts(s.TB, got.Access)
		journey := there.visitor().begin("web", nil)
		before := s.dump(there.platform())

		v := s.visitor()
		sub := v.given("web")
		for _, id := range []string{claims["sub"].(string), claims["sid"].(string), access["gid"].(string), access["jti"].(string), journey, string(there.platform())} {
			claim := `{"id_token":{"sub":{"value":"` + id + `"}}}`
			if a := v.open(s.authorize("web", set("claims", claim, "prompt", "none"))); a.param("error") != "login_required" {
				s.Errorf("sub %s is asked for: %s", id, a.To)
			}
			for _, address := range []string{"/login/" + id, "/login/" + id + "/password", "/authorize/callback?request=" + id, "/authorize/continue?request=" + id, "/logout?client_id=" + id, "/logged-out?client_id=" + id} {
				if a := v.open(s.issuer + address); a.To.Query().Has("code") || strings.Contains(a.Body, "bram@example.org") {
					s.Errorf("%s: %d %s", address, a.Status, a.To)
				}
			}
			s.refusedGrant(id, s.redeem("jwt", id))
			s.refusedGrant(id, s.refresh("jwt", id))
			s.post("/revoke", url.Values{"token": {id}}, basic("jwt"))
		}
		if after := s.dump(there.platform()); after != before {
			s.Errorf("the other platform changed: got\n%s\nwant\n%s", after, before)
		}
		if who := bram.signedIn(); who != claims["sub"] || v.signedIn() == "" || s.userinfo(sub.Access) != http.StatusOK {
			s.Errorf("afterwards %q is signed in there", who)
		}
	})
}

// CVE-2026-9094, CVE-2026-33132.
func TestCVE_2026_9094_CVE_2026_33132_ScopesOfAnotherPlatform(t *testing.T) {
	issuers(t, func(s *scene) {
		there := s.foreign()
		for _, name := range []string{string(there.platform()), "urn:zitadel:iam:org:project:id:" + string(there.platform()) + ":aud", there.issuer, "urn:zitadel:iam:org:domain:primary:wilg.test", "jobs.read", "admin", "*"} {
			v := s.visitor()
			v.signIn("web", "anna@example.org")
			got := v.redeem("web", v.code("web", set("scope", "openid "+name)))
			_, claims := parts(s.TB, got.ID)
			info := s.send(http.MethodGet, s.issuer+"/userinfo", "", bearer(got.Access))
			if !strings.Contains(got.Body, `"scope":"openid"`) || fmt.Sprint(claims["aud"]) != "web" || strings.Count(info.Body, ":") != 1 {
				s.Errorf("scope %s: %s, claims %v, userinfo %s", name, got.Body, claims, info.Body)
			}
			if got := s.token("jobs", url.Values{"grant_type": {"client_credentials"}, "scope": {name}, "audience": {there.issuer}, "resource": {there.issuer}}); name != "jobs.read" && got.Error != "invalid_scope" {
				s.Errorf("scope %s of a service: %s", name, got.Body)
			}
		}
		own := s.token("jobs", url.Values{"grant_type": {"client_credentials"}})
		if there.active("jobs", own.Access) || there.active("web", own.Access) || there.userinfo(own.Access) != http.StatusUnauthorized || !s.active("jobs", own.Access) {
			s.Error("a service's token counts at another platform, or not at its own")
		}
	})
}
