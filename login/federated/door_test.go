package federated

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What stands for an answer has us call its upstream, by OpenID Connect and by SAML, in an address and in a form. What is
// an answer itself, or says that there is none, does not: whoever stopped there and goes back can still sign in.
func TestVisitIsClaimedBeforeItsUpstreamIsCalled(t *testing.T) {
	for query, want := range map[string]bool{
		"code=x&state=s": true, "SAMLart=x&RelayState=s": true, "state=s&code=": true,
		"SAMLResponse=x&RelayState=s": false, "error=access_denied&state=s": false, "state=s": false,
	} {
		get := httptest.NewRequest("GET", "/?"+query, nil)
		post := httptest.NewRequest("POST", "/", strings.NewReader(query))
		post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, r := range []*http.Request{get, post} {
			if err := r.ParseForm(); err != nil {
				t.Fatal(err)
			}
		}
		if calls(get) != want || calls(post) != want {
			t.Errorf("%s: claimed by GET %t, by POST %t, want %t", query, calls(get), calls(post), want)
		}
	}
}
