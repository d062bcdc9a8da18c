package op_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// formKinds are ways of labelling a form; true: it is one of ours.
var formKinds = map[string]bool{
	"": true, "; charset=utf-8": true, ";charset=UTF-8": true, `; charset="utf-8"`: true, "; charset=utf8": true, "; CHARSET=Utf-8": true,
	"; charset=iso-8859-1": false, "; charset=utf-16": false, "; charset=utf-7": false, "; charset=windows-1252": false, "; charset=us-ascii": false, "; charset=": false,
	"; charset=utf-8; charset=utf-16": false, "; charset=utf-16le": false, "; charset=x": false, "; charset": false,
}

// malformed labels are no media type at all.
func malformed(kind string) bool {
	return kind == "; charset" || kind == "; charset=" || strings.Count(kind, "charset") == 2
}

// RFC 6749 appendix B: forms are UTF-8. One that says or is something else is refused, in words that tell why, before
// anything of it counts.
func TestFormsAreUTF8(t *testing.T) {
	c := newCaller(t)
	held := c.token(codeForm(c.code(c.signIn(issuer), "web", nil)), "web")
	good := map[string]string{
		"/token": "grant_type=refresh_token&refresh_token=" + held.Refresh, "/revoke": "token=x", "/introspect": "token=x", "/userinfo": "access_token=" + held.Access,
	}
	for path, form := range good {
		header := basicOf("web", secretText)
		if path == "/userinfo" {
			header = map[string]string{}
		}
		for kind, ours := range formKinds {
			header["Content-Type"] = "application/x-www-form-urlencoded" + kind
			got := c.refusedOr200(c.send(http.MethodPost, issuer+path, form, header))
			if path == "/userinfo" && malformed(kind) { // there is no form, so there is no token
				if got.status != http.StatusUnauthorized {
					t.Errorf("%s as %q: %+v", path, kind, got)
				}
				continue
			}
			if ours && got.status != http.StatusOK || !ours && (got.status != http.StatusBadRequest || got.code != "invalid_request") {
				t.Errorf("%s as %q: %+v", path, kind, got)
			}
			if !ours && !malformed(kind) && !strings.Contains(got.body, "UTF-8") {
				t.Errorf("%s as %q does not say why: %s", path, kind, got.body)
			}
		}
		header["Content-Type"] = "application/x-www-form-urlencoded"
		for _, more := range []string{"&x=\xe9", "&x=%E9", "&%e9=x", "&x=%ed%a0%80", "&x=%c0%af", "&x=%ff"} {
			got := c.refusedOr200(c.send(http.MethodPost, issuer+path, form+more, header))
			if got.status != http.StatusBadRequest || got.code != "invalid_request" || !strings.Contains(got.body, "UTF-8") {
				t.Errorf("%s with %q: %+v", path, more, got)
			}
		}
		for _, more := range []string{"&x=%C3%A9", "&x=é", "&x="} {
			if got := c.refusedOr200(c.send(http.MethodPost, issuer+path, form+more, header)); got.status != http.StatusOK {
				t.Errorf("%s with %q: %+v", path, more, got)
			}
		}
		header["Content-Type"] = "multipart/form-data; boundary=x"
		if got := c.refusedOr200(c.send(http.MethodPost, issuer+path, form, header)); got.status < 400 || path != "/userinfo" && (got.status != http.StatusBadRequest || got.code != "invalid_request") {
			t.Errorf("%s, multipart: %+v", path, got)
		}
	}
	for kind, ours := range formKinds {
		query := strings.TrimPrefix(authorizeQuery("web", nil), "/authorize?")
		for path, form := range map[string]string{"/authorize": query, "/logout": "client_id=web"} {
			res := c.send(http.MethodPost, issuer+path, form, map[string]string{"Content-Type": "application/x-www-form-urlencoded" + kind})
			if ours && res.StatusCode != http.StatusSeeOther || !ours && res.StatusCode != http.StatusBadRequest {
				t.Errorf("%s as %q: %d", path, kind, res.StatusCode)
			}
		}
	}
	for _, broken := range []string{"&x=%e9", "&x=\xe9"} {
		res := c.send(http.MethodPost, issuer+"/logout", "client_id=web"+broken, map[string]string{"Accept-Language": "en"})
		if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "We cannot read this form") {
			t.Errorf("logout with %q: %d %s, %v", broken, res.StatusCode, body, err)
		}
		for client, want := range map[string]string{"web": "https://rp.test/cb?", "nobody": ""} { // a party hears of it, like of every other mistake
			res := c.send(http.MethodPost, issuer+"/authorize", strings.TrimPrefix(authorizeQuery(client, nil), "/authorize?")+broken, nil)
			to := res.Header.Get("Location")
			if want == "" && (res.StatusCode != http.StatusBadRequest || to != "") || want != "" && (!strings.HasPrefix(to, want) || !strings.Contains(to, "error=invalid_request") || !strings.Contains(to, "UTF-8") || !strings.Contains(to, "state=s+t")) {
				t.Errorf("authorize of %s with %q: %d %s", client, broken, res.StatusCode, to)
			}
		}
	}
}

// refusedOr200 is said of an answer that may be empty.
func (c caller) refusedOr200(res *http.Response) logError {
	c.Helper()
	if res.StatusCode == http.StatusOK {
		return logError{status: res.StatusCode}
	}
	return c.said(res)
}
