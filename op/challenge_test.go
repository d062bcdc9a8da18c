package op_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// logError is an answer to a machine: status, challenge, and the error code of its body.
type logError struct {
	status    int
	challenge string
	code      string
	body      string
}

func (c caller) said(res *http.Response) logError {
	c.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}
	var body struct{ Error string }
	if err := json.Unmarshal(text, &body); err != nil {
		c.Fatalf("%d %q: %v", res.StatusCode, text, err)
	}
	return logError{res.StatusCode, res.Header.Get("WWW-Authenticate"), body.Error, string(text)}
}

// RFC 6750 section 3: every refusal of userinfo says how to ask, and an error only to whoever showed a token.
func TestUserinfoSaysHowToAsk(t *testing.T) {
	c := newCaller(t)
	c.Declare(machines)
	b := c.signIn(issuer)
	good := c.token(codeForm(c.code(b, "web", nil)), "web").Access
	machine := c.token(url.Values{"grant_type": {"client_credentials"}}, "report").Access
	get := func(authorization string) *http.Response {
		return c.send(http.MethodGet, issuer+"/userinfo", "", map[string]string{"Authorization": authorization})
	}
	post := func(body string, header map[string]string) *http.Response {
		return c.send(http.MethodPost, issuer+"/userinfo", body, header)
	}
	const bare = `Bearer realm="https://login.linde.test"`
	for says, row := range map[string]struct {
		res    *http.Response
		status int
		code   string
	}{
		"no token":                   {c.get(issuer + "/userinfo"), 401, ""},
		"no token, by POST":          {post("", nil), 401, ""},
		"no token, empty form":       {post("access_token=", nil), 401, ""},
		"another scheme":             {get("Basic d2ViOng="), 401, ""},
		"a scheme and no token":      {get("Bearer"), 401, ""},
		"no token, but a query":      {c.get(issuer + "/userinfo?schema=openid"), 401, ""},
		"no token, another content":  {post("{}", map[string]string{"Content-Type": "application/json"}), 401, ""},
		"unknown token":              {get("Bearer x"), 401, "invalid_token"},
		"unknown token, in the body": {post("access_token=x", nil), 401, "invalid_token"},
		"token about nobody":         {get("Bearer " + machine), 403, "insufficient_scope"},
		"token in the URL":           {c.get(issuer + "/userinfo?access_token=" + good), 400, "invalid_request"},
		"and a query":                {c.send(http.MethodGet, issuer+"/userinfo?schema=openid", "", map[string]string{"Authorization": "Bearer " + good}), 400, "invalid_request"},
		"token twice in the body":    {post("access_token="+good+"&access_token="+good, nil), 400, "invalid_request"},
		// RFC 6750 section 2: one way of sending a token in each request.
		"header and body":             {post("access_token="+good, map[string]string{"Authorization": "Bearer " + good}), 400, "invalid_request"},
		"header and body, lower case": {post("access_token="+good, map[string]string{"Authorization": "bearer " + good}), 400, "invalid_request"},
	} {
		got := c.said(row.res)
		want := bare
		if row.code != "" {
			want += `, error="` + row.code + `", error_description="`
		}
		if got.status != row.status || got.code != row.code || !strings.HasPrefix(got.challenge, want) || row.code == "" && (got.challenge != want || got.body != "{}") {
			t.Errorf("%s: %+v, want %d with %s", says, got, row.status, want)
		}
	}
	for says, res := range map[string]*http.Response{
		"header": get("Bearer " + good), "lower case": get("bearer " + good), "body": post("access_token="+good, nil),
		"body, with more": post("access_token="+good+"&grant_type=x", nil), "header of a POST": post("", map[string]string{"Authorization": "Bearer " + good}),
	} {
		if res.StatusCode != http.StatusOK || res.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %v", says, res.StatusCode, res.Header)
		}
	}
}

// RFC 9110 section 15.5.2, RFC 6749 section 5.2: a party that is not known, or not proven, learns how to prove itself.
func TestUnprovenPartyIsToldHow(t *testing.T) {
	c := newCaller(t)
	for says, row := range map[string]struct {
		header map[string]string
		more   string
	}{
		"Basic":                  {map[string]string{"Authorization": "Basic d2ViOng="}, ""},
		"basic":                  {map[string]string{"Authorization": "basic d2ViOng="}, ""},
		"another scheme":         {map[string]string{"Authorization": "Bearer x"}, "&client_id=web"},
		"a wrong secret, posted": {nil, "&client_id=post&client_secret=x"},
		"no secret":              {nil, "&client_id=web"},
		"nothing":                {nil, ""},
	} {
		for path, form := range map[string]string{"/token": codeForm("x").Encode(), "/revoke": "token=x", "/introspect": "token=x"} {
			got := c.said(c.send(http.MethodPost, issuer+path, form+row.more, row.header))
			if got.status != http.StatusUnauthorized || got.code != "invalid_client" || got.challenge != `Basic realm="https://login.linde.test", charset="UTF-8"` {
				t.Errorf("%s at %s: %+v", says, path, got)
			}
		}
	}
}

// RFC 6749 section 2.3: a party that names itself twice names the same one.
func TestTwoNamesOfOnePartyAgree(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	with := func(id string) url.Values {
		form := codeForm(c.code(b, "web", nil))
		form.Set("client_id", id)
		return form
	}
	for _, id := range []string{"lax", "spa", "nobody", "WEB", "web "} {
		form := with(id)
		if got := c.token(form, "web"); got.Error != "invalid_request" || got.Status != http.StatusBadRequest || got.Access != "" {
			t.Errorf("%q beside Basic of web: %d %s", id, got.Status, got.Error)
		}
		form.Set("client_id", "web")
		if got := c.token(form, "web"); got.Error != "" {
			t.Errorf("%q: the refused request spent the code: %s", id, got.Error)
		}
	}
	for _, id := range []string{"web", ""} { // an empty parameter counts as none (RFC 6749 section 3.2)
		form := with(id)
		if got := c.token(form, "web"); got.Error != "" {
			t.Errorf("%q beside Basic of web: %s", id, got.Error)
		}
		form = with(id)
		form.Set("client_secret", secretText)
		if got := c.token(form, "web"); got.Error != "" {
			t.Errorf("%q and the secret beside Basic of web: %s", id, got.Error)
		}
	}
	for _, path := range []string{"/revoke", "/introspect"} {
		for id, want := range map[string]int{"lax": http.StatusBadRequest, "web": http.StatusOK} {
			res := c.send(http.MethodPost, issuer+path, "token=x&client_id="+id, basicOf("web", secretText))
			if res.StatusCode != want {
				t.Errorf("%s as %s: %d, want %d", path, id, res.StatusCode, want)
			}
		}
	}
}
