package federated_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
)

// Whoever finds nobody at home is told so, as often as they try, and nothing of it is kept; the address that says so says
// nothing in another journey.
func TestNothingIsKeptOfASignInThatDidNotHappen(t *testing.T) {
	h := newHouse(t, at("lindehof", federation.AboveForm, "lindehof.example"))
	h.Site("lindehof.test", http.NotFoundHandler())
	for range 3 {
		h.open()
		h.MustPress(t, "Log in with your Organisatie lindehof account")
		if !strings.HasSuffix(h.URL.Path, "/sso") || !strings.Contains(idptest.Visible(h.Doc), "did not work") {
			t.Fatalf("at %s:\n%s", h.URL, idptest.Visible(h.Doc))
		}
	}
	h.open()
	journey := strings.TrimSuffix(h.URL.String(), "/password")
	client := &http.Client{Transport: h.Server, Jar: h.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(journey + "/sso/to/lindehof")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	said := res.Header.Get("Location")
	if !strings.HasPrefix(said, journey+"/sso/back/refused.") {
		t.Fatalf("it leads to %s", said)
	}
	var kept int
	if err := h.DB.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM upstream_answers").Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d answers are kept, %v", kept, err)
	}
	other := house{t, h.Server, idptest.NewBrowser(h.Server, "en"), h.party}
	other.open()
	handle := said[strings.LastIndex(said, "/")+1:]
	other.MustOpen(t, strings.TrimSuffix(other.URL.String(), "/password")+"/sso/back/"+handle)
	if !strings.HasSuffix(other.URL.Path, "/password") {
		t.Errorf("in another journey it leads to %s", other.URL.Path)
	}
}

// A document of a connection that is not declared, or is of another kind, is not there: IT looks for the mistake in the address.
func TestDocumentsOfNoConnectionAreNotFound(t *testing.T) {
	h := newHouse(t, at("lindehof", federation.AboveForm, "lindehof.example"))
	for path, want := range map[string]int{"lindehof/jwks": 200, "lindehof/metadata": 404, "nope/jwks": 404, "nope/metadata": 404} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "https://id.test/p/linde/federation/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := h.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}
