package op_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// RFC 6749 section 6: a repeat of a refresh gives no more than was granted, and neither does the first try.
func TestRepeatedRefreshGivesNoMoreThanWasGranted(t *testing.T) {
	c := newCaller(t)
	form := codeForm(c.code(c.signIn(issuer), "spa", func(q url.Values) { q.Set("scope", "openid") }))
	form.Set("client_id", "spa")
	form.Set("redirect_uri", "https://spa.test/cb")
	first := c.token(form, "")
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}, "client_id": {"spa"}}
	second := c.token(refresh, "")
	if first.Refresh == "" || second.Refresh == "" || second.Refresh == first.Refresh {
		t.Fatalf("%+v, refreshed %+v", first, second)
	}
	c.Clock.Later(time.Second)
	for _, scope := range []string{"openid email profile", "email", "openid offline_access"} {
		refresh.Set("scope", scope)
		if got := c.token(refresh, ""); got.Error != "invalid_scope" || got.Access != "" || got.Refresh != "" {
			t.Errorf("repeated with scope %q: %+v", scope, got)
		}
	}
	refresh.Set("scope", "openid")
	again := c.token(refresh, "")
	if again.Refresh != second.Refresh {
		t.Fatalf("repeated with what was granted: %+v", again)
	}
	if status, claims := c.userinfo(again.Access); status != http.StatusOK || len(claims) != 1 || claims["sub"] == "" {
		t.Errorf("userinfo: %d %v", status, claims)
	}
}
