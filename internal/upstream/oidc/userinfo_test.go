package oidc_test

import (
	"net/http"
	"testing"

	"github.com/minddistrict/idp/federation"
)

// The UserInfo endpoint is asked for what is missing, and changes nothing that was signed.
func TestUserInfoAddsWhatIsMissing(t *testing.T) {
	p := newProvider(t)
	p.info = map[string]any{
		"sub": "248289", "email": "b@lindehof.test", "email_verified": true, "xms_edov": true, "name": "Not Anna",
		"given_name": "Anna",
		"acr":        "high", "amr": []any{"mfa"}, "acrs": []any{"c1"}, "auth_time": 1803902400, "tid": "t", "oid": "o",
		"iss": "x",
		"sid": "other", "department": "GGZ",
	}
	c, u := p.connection(), p.upstream()
	if _, err := p.answer(u, c, p.request(c, false)); err != nil || p.count("/userinfo") != 0 {
		t.Fatalf("nothing is missing: %v, asked %d times", err, p.count("/userinfo"))
	}
	// The name is missing: what the ID token says of the address is not mixed with what is said of another.
	delete(p.claims, "name")
	delete(p.claims, "email_verified")
	delete(p.claims, "auth_time")
	delete(p.claims, "sid")
	a, err := p.answer(u, c, p.request(c, false))
	if err != nil || p.count("/userinfo") != 1 {
		t.Fatalf("%v, asked %d times", err, p.count("/userinfo"))
	}
	for name, want := range map[string]any{
		"name": "Not Anna", "given_name": "Anna", "department": "GGZ", "email": "anna@lindehof.test", "email_verified": nil,
		"xms_edov": nil,
		"acr":      nil, "amr": nil, "acrs": nil, "auth_time": nil, "tid": nil, "oid": nil, "iss": p.URL, "sid": nil,
	} {
		if got := a.Claims[name]; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if !a.AuthTime.IsZero() || a.Session != "" {
		t.Errorf("%+v", a)
	}
	// The address is missing: all that is said of it comes from there.
	p.claims["name"] = "Anna"
	delete(p.claims, "email")
	p.claims["email_verified"], p.claims["xms_edov"] = true, true
	p.info = map[string]any{"sub": "248289", "email": "b@lindehof.test"}
	a, err = p.answer(u, c, p.request(c, false))
	if err != nil || a.Claims["email"] != "b@lindehof.test" || a.Claims["email_verified"] != nil ||
		a.Claims["xms_edov"] != nil || a.Claims["name"] != "Anna" {
		t.Errorf("%v, %v", a.Claims, err)
	}
}

// What a connection reads more is asked for, too.
func TestUserInfoIsAskedForWhatIsRead(t *testing.T) {
	for says, change := range map[string]func(*federation.Connection){
		"the key": func(c *federation.Connection) {
			c.Key = federation.KeyRule{By: federation.ByAttribute, Attribute: "employee"}
		},
		"a mapping": func(c *federation.Connection) { c.Mapping.Roles = []string{"jobs", "employee"} },
	} {
		p := newProvider(t)
		p.info = map[string]any{"sub": "248289", "employee": "E 17"}
		c := p.connection()
		change(c)
		a, err := p.answer(p.upstream(), c, p.request(c, false))
		if err != nil || a.Claims["employee"] != "E 17" {
			t.Errorf("%s: %v, %v", says, a.Claims, err)
		}
	}
}

// Of another person, or not there: then nobody signs in, because a role that was not read would be taken away.
func TestUserInfoThatIsWrong(t *testing.T) {
	p := newProvider(t)
	delete(p.claims, "email")
	c, u := p.connection(), p.upstream()
	for _, sub := range []any{"248290", "", nil, 248289, []any{"248289"}} {
		p.info = map[string]any{"sub": sub, "email": "anna@lindehof.test"}
		_, err := p.answer(u, c, p.request(c, false))
		refused(t, err, federation.BadAudience, "sub")
	}
	for status, why := range map[int]federation.Reason{401: federation.Misconfigured, 403: federation.Misconfigured,
		500: federation.Unreachable} {
		p.instead["/userinfo"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
		_, err := p.answer(u, c, p.request(c, false))
		refused(t, err, why, "userinfo_endpoint")
	}
	// It has none, or gives nothing to ask with: then there is nothing more to know.
	p.answers["token_type"] = "DPoP"
	if _, err := p.answer(u, c, p.request(c, false)); err != nil {
		t.Error(err)
	}
	p.answers["token_type"] = "Bearer"
	delete(p.says, "userinfo_endpoint")
	if _, err := p.answer(p.upstream(), c, p.request(c, false)); err != nil {
		t.Error(err)
	}
}
