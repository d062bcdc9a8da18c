package op_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A page of a registered origin may push, prove a key and read what it is told of it (RFC 9449 section 8, RFC 9126).
func TestPagesMayProve(t *testing.T) {
	c := newCaller(t)
	listed := func(res *http.Response, header string) []string { return strings.Split(res.Header.Get(header), ", ") }
	for path, proofs := range map[string]bool{"/par": true, "/token": true, "/userinfo": true, "/introspect": false, "/authorize": false} {
		ask := c.send(http.MethodOptions, issuer+path, "", map[string]string{
			"Origin": "https://spa.test", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "dpop",
		})
		if may := slices.Contains(listed(ask, "Access-Control-Allow-Headers"), "DPoP"); may != proofs {
			t.Errorf("%s: a proof may be sent: %v", path, may)
		}
		method := map[string]string{"/userinfo": http.MethodGet}[path]
		if method == "" {
			method = http.MethodPost
		}
		got := c.send(method, issuer+path, "", map[string]string{"Origin": "https://spa.test"})
		for _, header := range []string{"WWW-Authenticate", "DPoP-Nonce"} {
			if may := slices.Contains(listed(got, "Access-Control-Expose-Headers"), header); may != proofs {
				t.Errorf("%s: %s may be read: %v", path, header, may)
			}
		}
	}
	p := newProver(c)
	form := codeForm(c.code(c.signIn(issuer), "spa", nil))
	form.Set("client_id", "spa")
	form.Set("redirect_uri", "https://spa.test/cb")
	res := c.send(http.MethodPost, issuer+"/token", form.Encode(), map[string]string{"Origin": "https://spa.test", "DPoP": p.proof("POST", tokenURL, "")})
	if res.StatusCode != http.StatusOK || res.Header.Get("Access-Control-Allow-Origin") != "https://spa.test" {
		t.Errorf("a page that proves a key: %+v", c.said(res))
	}
}
