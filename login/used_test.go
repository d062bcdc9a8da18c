package login

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// A browser keeps by which connection somebody signed in, and nothing of a sign-in without one.
func TestABrowserKeepsWhichOrganisationWasUsed(t *testing.T) {
	for want, proofs := range map[string][]authn.Proof{
		"":         {{Method: "password"}},
		"lindehof": {{Method: "federated", Upstream: &authn.OnUpstream{Connection: "lindehof", Subject: "00u1"}}, {Method: "totp"}},
	} {
		v, w := &Visit{Platform: &platform.Platform{ID: "linde"}, Journey: &authn.Journey{}}, httptest.NewRecorder()
		v.Journey.Proofs = proofs
		v.keepUsed(w)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		if got := web.Cookie(r, "linde", web.UsedCookie); got != want {
			t.Errorf("kept is %q, want %q", got, want)
		}
	}
}
