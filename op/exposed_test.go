package op_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
)

// A secret, a code or a token in an address is in histories and in the logs of every proxy on the way. The request is
// answered as ever, and the record says which parameter it was, where, and whose, as far as that can be told; never the
// value.
func TestSecretInAnAddressIsOnRecordWithoutIt(t *testing.T) {
	c := newCaller(t)
	log := c.logged()
	b := c.signIn(issuer)
	held := c.token(codeForm(c.code(b, "web", nil)), "web")
	basic := basicOf("web", secretText)
	const value = "vErYsEcReT0123456789abcdefghijklmnopqrstuvw"
	post := http.MethodPost
	type sent struct {
		method, path, body string
		header             map[string]string
		status             int
		want               string // party and reason; empty: nothing is on record
	}
	try := func(says string, row sent) {
		t.Helper()
		c.Clock.Later(time.Minute)
		res := c.send(row.method, issuer+row.path, row.body, row.header)
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != row.status {
			t.Errorf("%s: %d, want %d", says, res.StatusCode, row.status)
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") && strings.Contains(string(body), value) {
			t.Errorf("%s: the answer repeats it", says)
		}
		var got []string
		for _, e := range c.exposed() {
			if e.At.Equal(c.Clock.Now()) {
				got = append(got, e.Party+" "+e.Reason)
			}
		}
		var want []string
		if row.want != "" {
			want = []string{row.want}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: on record %q, want %q", says, got, want)
		}
	}
	try("userinfo, a token that tells", sent{http.MethodGet, "/userinfo?access_token=" + held.Access, "", nil, 400, "web access_token at userinfo"})
	try("userinfo by POST", sent{post, "/userinfo?access_token=" + held.Access, "", nil, 400, "web access_token at userinfo"})
	for says, row := range map[string]sent{
		"secret":                        {post, "/token?client_secret=" + value, "grant_type=authorization_code&code=x&client_id=web", nil, 400, "web client_secret at token"},
		"secret and party":              {post, "/token?client_id=post&client_secret=" + value, "", nil, 400, "post client_secret at token"},
		"secret, party by header":       {post, "/token?client_secret=" + value, "grant_type=authorization_code", basic, 400, "web client_secret at token"},
		"secret, unknown party":         {post, "/token?client_id=nobody&client_secret=" + value, "", nil, 400, " client_secret at token"},
		"secret, no party":              {post, "/token?client_secret=" + value, "", nil, 400, " client_secret at token"},
		"the gravest of several":        {post, "/token?code_verifier=" + value + "&code=" + value + "&client_secret=" + value, "client_id=web", nil, 400, "web client_secret at token"},
		"code":                          {post, "/token?grant_type=authorization_code&code=" + value, "", basic, 400, "web code at token"},
		"refresh token":                 {post, "/token?grant_type=refresh_token&refresh_token=" + value, "", basic, 400, "web refresh_token at token"},
		"verifier":                      {post, "/token?code_verifier=" + value, "", basic, 400, "web code_verifier at token"},
		"password":                      {post, "/token?grant_type=password&username=a&password=" + value, "", basic, 400, "web password at token"},
		"assertion":                     {post, "/token?assertion=" + value, "", basic, 400, "web assertion at token"},
		"client assertion":              {post, "/token?client_assertion=" + value, "", basic, 400, "web client_assertion at token"},
		"subject token":                 {post, "/token?subject_token=" + value, "", basic, 400, "web subject_token at token"},
		"actor token":                   {post, "/token?actor_token=" + value, "", basic, 400, "web actor_token at token"},
		"by GET, which is not served":   {http.MethodGet, "/token?client_id=web&client_secret=" + value + "&code=x", "", nil, 405, "web client_secret at token"},
		"by PUT":                        {http.MethodPut, "/token?client_secret=" + value, "", basic, 405, "web client_secret at token"},
		"introspection":                 {post, "/introspect?token=" + value, "", basic, 400, "web token at introspect"},
		"introspection by GET":          {http.MethodGet, "/introspect?token=" + value, "", basic, 405, "web token at introspect"},
		"revocation":                    {post, "/revoke?token=" + value, "", basic, 400, "web token at revoke"},
		"revocation by GET":             {http.MethodGet, "/revoke?client_id=spa&token=" + value, "", nil, 405, "spa token at revoke"},
		"userinfo":                      {http.MethodGet, "/userinfo?access_token=" + value, "", nil, 400, " access_token at userinfo"},
		"authorize":                     {http.MethodGet, authorizeQuery("web", nil) + "&client_secret=" + value, "", nil, 303, "web client_secret at authorize"},
		"authorize, verifier":           {http.MethodGet, authorizeQuery("spa", nil) + "&code_verifier=" + value, "", nil, 303, "spa code_verifier at authorize"},
		"authorize, unknown party":      {http.MethodGet, authorizeQuery("nobody", nil) + "&password=" + value, "", nil, 400, " password at authorize"},
		"authorize by POST":             {post, "/authorize?client_secret=" + value, "client_id=web", nil, 400, "web client_secret at authorize"},
		"authorize by PUT":              {http.MethodPut, "/authorize?client_id=web&access_token=" + value, "", nil, 405, "web access_token at authorize"},
		"logout":                        {http.MethodGet, "/logout?client_id=web&access_token=" + value, "", nil, 303, "web access_token at logout"},
		"a name in escapes":             {post, "/token?client%5Fsecret=" + value, "", basic, 400, "web client_secret at token"},
		"after a semicolon":             {post, "/token?a=b;client_secret=" + value, "", basic, 400, "web client_secret at token"},
		"a value that no form has":      {post, "/token?client_secret=" + value + "%zz", "", basic, 400, "web client_secret at token"},
		"another case":                  {post, "/token?Client_Secret=" + value, "", basic, 400, "web client_secret at token"},
		"empty":                         {post, "/token?client_secret=&code", "", basic, 400, ""},
		"in the body, where it belongs": {post, "/token", "grant_type=authorization_code&code=x&client_id=web&client_secret=" + value, nil, 401, ""},
		"another query":                 {post, "/token?grant_type=authorization_code", "", basic, 400, ""},
		"hints are for addresses":       {http.MethodGet, authorizeQuery("web", nil) + "&id_token_hint=" + held.ID, "", nil, 303, ""},
		"logging out with a hint":       {http.MethodGet, "/logout?id_token_hint=" + held.ID + "&state=x", "", nil, 303, ""},
	} {
		try(says, row)
	}
	// Once a minute for each source.
	before := len(c.exposed())
	for range 3 {
		c.send(post, issuer+"/token?client_secret="+url.QueryEscape(value), "", basic)
	}
	if n := len(c.exposed()) - before; n != 0 && n != 1 {
		t.Errorf("%d more of the same minute", n)
	}
	for what, hidden := range map[string]string{"the value": value, "an access token": held.Access, "an ID token": held.ID} {
		if strings.Contains(log.String(), hidden) {
			t.Errorf("%s is in the log", what)
		}
		if n := c.rowsWith(hidden); n > 0 {
			t.Errorf("%s is in %d events", what, n)
		}
	}
}

func (c caller) exposed() []audit.Event { return c.events(audit.SecretExposed) }

// rowsWith counts events that hold a text anywhere.
func (c caller) rowsWith(text string) (n int) {
	c.Helper()
	for _, e := range c.events() {
		if strings.Contains(strings.Join([]string{e.Actor, e.Party, e.Reason, e.Agent, e.Reference, e.Session}, " "), text) {
			n++
		}
	}
	return n
}
