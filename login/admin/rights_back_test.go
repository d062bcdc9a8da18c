package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// Whoever proves who they are for an address goes on to that address, and to none that is made of it by taking escapes
// away: a browser would follow ../ to another platform of the same host.
func TestPagesOfStaffLeadBackToTheAddressThatWasSent(t *testing.T) {
	for _, issuer := range []string{idptest.HostIssuer, idptest.PathIssuer} {
		for _, path := range []string{
			"/staff/people/..%2F..%2F..%2F..%2Fp%2Fother%2Fsettings", "/staff/people/%2e%2e%2F%2e%2e%2Flogout%3Fx", "/staff/people/x%0d%0ay",
		} {
			v := idptest.NewScene(t, issuer, idptest.SceneSQLite(t)).Visitor()
			id, begun := strings.CutPrefix(v.Open(issuer+path).To.String(), issuer+"/login/")
			if !begun {
				t.Fatalf("%s begins no login", path)
			}
			a := v.Visit(http.MethodPost, issuer+"/login/"+id+"/password", url.Values{
				"email": {"anna@example.org"}, "password": {idptest.Password}, "do": {"continue"},
			})
			if got := a.Header.Get("Location"); got != issuer+path {
				t.Errorf("%s: goes on to %q (%d)", path, got, a.Status)
			}
		}
	}
}
