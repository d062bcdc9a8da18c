package oidc_test

import (
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/upstream/oidc"
)

const event = "http://schemas.openid.net/event/backchannel-logout"

// logout makes the provider's next token a logout token.
func (p *provider) logout() {
	p.header["typ"] = "logout+jwt"
	p.claims = map[string]any{
		"iss": p.URL, "aud": clientID, "iat": noon.Unix(), "exp": noon.Add(2 * time.Minute).Unix(), "jti": "j-1",
		"sub": "248289", "sid": "s-1",
		"events": map[string]any{event: map[string]any{}},
	}
}

func (p *provider) ended(u *oidc.Upstream, c *federation.Connection) (federation.Logout, error) {
	p.t.Helper()
	return p.posted(u, c, url.Values{"logout_token": {compact(p.t, p.header, p.claims, p.sign)}})
}

func (p *provider) posted(u *oidc.Upstream, c *federation.Connection, form url.Values) (federation.Logout, error) {
	p.t.Helper()
	r := httptest.NewRequest("POST", "https://login.linde.test/out", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return u.Ended(p.t.Context(), c, r)
}

func TestWhatALogoutTokenEnds(t *testing.T) {
	for says, row := range map[string]struct {
		change func(*provider)
		want   federation.Logout
	}{
		"a session of somebody": {func(*provider) {},
			federation.Logout{Subject: "248289", Sessions: []string{"s-1"}, ID: "j-1", Until: noon.Add(3 * time.Minute)}},
		"a session": {func(p *provider) { delete(p.claims, "sub") },
			federation.Logout{Sessions: []string{"s-1"}, ID: "j-1", Until: noon.Add(3 * time.Minute)}},
		"all of somebody": {func(p *provider) { delete(p.claims, "sid") },
			federation.Logout{Subject: "248289", ID: "j-1", Until: noon.Add(3 * time.Minute)}},
		"without exp, as before 2022": {func(p *provider) { delete(p.claims, "exp") },
			federation.Logout{Subject: "248289", Sessions: []string{"s-1"}, ID: "j-1", Until: noon.Add(11 * time.Minute)}},
		"exp next year": {func(p *provider) { p.claims["exp"] = noon.AddDate(1, 0, 0).Unix() },
			federation.Logout{Subject: "248289", Sessions: []string{"s-1"}, ID: "j-1", Until: noon.Add(11 * time.Minute)}},
		"typ JWT": {func(p *provider) { p.header["typ"] = "JWT" },
			federation.Logout{Subject: "248289", Sessions: []string{"s-1"}, ID: "j-1", Until: noon.Add(3 * time.Minute)}},
		"no typ": {func(p *provider) { delete(p.header, "typ") },
			federation.Logout{Subject: "248289", Sessions: []string{"s-1"}, ID: "j-1", Until: noon.Add(3 * time.Minute)}},
		"several audiences": {func(p *provider) { p.claims["aud"] = []any{"other", clientID} },
			federation.Logout{Subject: "248289", Sessions: []string{"s-1"}, ID: "j-1", Until: noon.Add(3 * time.Minute)}},
	} {
		p := newProvider(t)
		p.logout()
		row.change(p)
		got, err := p.ended(p.upstream(), p.connection())
		got.Until = got.Until.UTC()
		if err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %+v, %v", says, got, err)
		}
	}
}

// What is no logout token, or none for us.
func TestLogoutTokensThatEndNothing(t *testing.T) {
	claim := func(name string, value any) func(*provider) { return func(p *provider) { p.claims[name] = value } }
	without := func(name string) func(*provider) { return func(p *provider) { delete(p.claims, name) } }
	typ := func(value string) func(*provider) { return func(p *provider) { p.header["typ"] = value } }
	for says, row := range map[string]struct {
		change func(*provider)
		why    federation.Reason
		words  string
	}{
		"an ID token": {func(p *provider) {
			p.header["typ"] = "JWT"
			delete(p.claims, "events")
			p.claims["nonce"] = "n"
		}, federation.BadForm, "events"},
		"typ of an access token": {typ("at+jwt"), federation.BadForm, "at+jwt"},
		"typ of another event":   {typ("secevent+jwt"), federation.BadForm, "secevent+jwt"},
		"no events":              {without("events"), federation.BadForm, "events"},
		"another event": {claim("events", map[string]any{"https://x.test/event": map[string]any{}}),
			federation.BadForm, "events"},
		"events is a list":     {claim("events", []any{event}), federation.BadForm, "events"},
		"events is a text":     {claim("events", event), federation.BadForm, "events"},
		"the event is a text":  {claim("events", map[string]any{event: "yes"}), federation.BadForm, "events"},
		"a nonce":              {claim("nonce", "n"), federation.BadForm, "nonce"},
		"a nonce that is null": {claim("nonce", nil), federation.BadForm, "nonce"},
		"no iat":               {without("iat"), federation.BadForm, "iat"},
		"iat is a text":        {claim("iat", "1803902400"), federation.BadForm, "iat"},
		"iat ahead":            {claim("iat", noon.Add(61*time.Second).Unix()), federation.BadTime, "iat"},
		"old":                  {claim("iat", noon.Add(-11*time.Minute).Unix()), federation.BadTime, "iat"},
		"over":                 {claim("exp", noon.Add(-time.Minute).Unix()), federation.BadTime, "exp"},
		"exp is a text":        {claim("exp", "x"), federation.BadForm, "exp"},
		"no jti":               {without("jti"), federation.BadForm, "jti"},
		"jti is a number":      {claim("jti", 5), federation.BadForm, "jti"},
		"a long jti":           {claim("jti", strings.Repeat("j", 256)), federation.BadForm, "jti"},
		"wrong aud":            {claim("aud", "other"), federation.BadAudience, `aud "other"`},
		"no aud":               {without("aud"), federation.BadAudience, "aud"},
		"wrong iss":            {claim("iss", "https://evil.test"), federation.BadAudience, "evil"},
		"neither sub nor sid": {func(p *provider) { delete(p.claims, "sub"); delete(p.claims, "sid") },
			federation.BadForm, "neither"},
		"empty sub":     {claim("sub", ""), federation.BadForm, "sub"},
		"sid is a list": {claim("sid", []any{"s-1"}), federation.BadForm, "sid"},
		"alg none": {func(p *provider) {
			p.header["alg"], p.sign = "none", unsigned
		}, federation.BadSignature, "none"},
		"HS256 with the client secret": {func(p *provider) {
			p.header["alg"], p.sign = "HS256", hs256([]byte(clientSecret))
		}, federation.BadSignature, "HS256"},
		"of another key": {func(p *provider) { p.sign = rs256(foreign()) }, federation.BadSignature,
			"not signed"},
		"of another key, in the header": {func(p *provider) {
			p.sign = rs256(foreign())
			p.header["jwk"] = jwk(foreign(), "one")
		}, federation.BadSignature, ""},
	} {
		t.Run(says, func(t *testing.T) {
			p := newProvider(t)
			p.logout()
			row.change(p)
			got, err := p.ended(p.upstream(), p.connection())
			refused(t, err, row.why, row.words)
			if !reflect.DeepEqual(got, federation.Logout{}) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// It comes as a form, once; whoever posts makes us read keys at most every 30 seconds.
func TestHowALogoutTokenComes(t *testing.T) {
	p := newProvider(t)
	p.logout()
	c, u := p.connection(), p.upstream()
	token := compact(t, p.header, p.claims, p.sign)
	for says, form := range map[string]url.Values{
		"none": {}, "two": {"logout_token": {token, token}}, "a big one": {"logout_token": {strings.Repeat("a", 300<<10)}},
	} {
		if _, err := p.posted(u, c, form); federation.ReasonOf(err) != federation.BadForm {
			t.Errorf("%s: %v", says, err)
		}
	}
	r := httptest.NewRequest("GET", "https://login.linde.test/out?logout_token="+token, nil)
	_, err := u.Ended(t.Context(), c, r)
	refused(t, err, federation.BadForm, "GET")
	r = httptest.NewRequest("POST", "https://login.linde.test/out?logout_token="+token, nil)
	_, err = u.Ended(t.Context(), c, r)
	refused(t, err, federation.BadForm, "0 times")
	for _, garbage := range []string{"", "x", "a.b.c", "....", `{"payload":"x","signatures":[]}`, strings.Repeat("A",
		100<<10)} {
		_, err := p.posted(u, c, url.Values{"logout_token": {garbage}})
		refused(t, err, federation.BadSignature)
	}
	for kid := range 20 {
		p.header["kid"] = string(rune('a' + kid))
		_, err := p.ended(u, c)
		refused(t, err, federation.BadSignature)
	}
	if p.count("/keys") != 1 {
		t.Errorf("keys were read %d times", p.count("/keys"))
	}
}

// A logout token is no ID token: it says so, or has no nonce.
func TestALogoutTokenSignsNobodyIn(t *testing.T) {
	p := newProvider(t)
	p.logout()
	delete(p.header, "typ")
	c := p.connection()
	request := p.request(c, false)
	delete(p.claims, "nonce")
	_, err := p.answer(p.upstream(), c, request)
	refused(t, err, federation.BadAudience, "nonce")
}
