package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/upstream/oidc"
)

// away is the request that a browser is sent with.
func (p *provider) away(u *oidc.Upstream, c *federation.Connection, request federation.UpstreamRequest) url.Values {
	p.t.Helper()
	a, err := u.SignInRedirect(p.t.Context(), c, request, back)
	if err != nil {
		p.t.Fatal(err)
	}
	to, err := url.Parse(a.URL)
	if err != nil || a.Form != nil || !strings.HasPrefix(a.URL, p.URL+"/authorize?") {
		p.t.Fatalf("%+v, %v", a, err)
	}
	return to.Query()
}

func TestWhatIsAsked(t *testing.T) {
	p := newProvider(t)
	u := p.upstream()
	for _, row := range []struct {
		says   string
		change func(*federation.Connection, *federation.UpstreamRequest)
		want   map[string]string // beside what is always there; empty: it is not there
	}{
		{"nothing special", func(*federation.Connection, *federation.UpstreamRequest) {}, map[string]string{
			"scope": "openid profile email", "prompt": "", "max_age": "", "claims": "", "acr_values": "", "response_mode": "",
			"login_hint": "", "domain_hint": "", "ui_locales": "",
		}},
		{"scopes", func(c *federation.Connection, _ *federation.UpstreamRequest) {
			c.OIDC.Scopes = []string{"email", "groups"}
		},
			map[string]string{"scope": "openid email groups"}},
		{"no scopes", func(c *federation.Connection, _ *federation.UpstreamRequest) { c.OIDC.Scopes = []string{} },
			map[string]string{"scope": "openid"}},
		{"form_post", func(c *federation.Connection, _ *federation.UpstreamRequest) { c.OIDC.FormPost = true },
			map[string]string{"response_mode": "form_post"}},
		{"hints", func(_ *federation.Connection, t *federation.UpstreamRequest) {
			t.LoginHint, t.DomainHint, t.Locale = "anna+x@lindehof.test", "lindehof.test", "nl"
		}, map[string]string{"login_hint": "anna+x@lindehof.test", "domain_hint": "lindehof.test", "ui_locales": "nl"}},
		{"fresh", func(_ *federation.Connection, t *federation.UpstreamRequest) { t.Fresh = true },
			map[string]string{"prompt": "login", "max_age": "0", "claims": ""}},
		{"two factors of Entra", func(c *federation.Connection, t *federation.UpstreamRequest) {
			c.Contract.Preset, t.TwoFactors = federation.EntraOIDC, true
		},
			map[string]string{"claims": `{"id_token":{"acrs":{"essential":true,"value":"c1"}}}`, "acr_values": ""}},
		{"… that are not too old", func(c *federation.Connection, t *federation.UpstreamRequest) {
			c.Contract.Preset, c.Contract.MaxAge, t.TwoFactors = federation.EntraOIDC, time.Hour, true
		}, map[string]string{
			"claims": `{"id_token":{"acrs":{"essential":true,"value":"c1"},"auth_time":{"essential":true}}}`,
		}},
		{"… and fresh", func(c *federation.Connection, t *federation.UpstreamRequest) {
			c.Contract.Preset, c.Contract.MaxAge, t.TwoFactors, t.Fresh = federation.EntraOIDC, time.Hour, true, true
		}, map[string]string{"claims": `{"id_token":{"acrs":{"essential":true,"value":"c1"}}}`, "max_age": "0"}},
		{"two factors are not asked", func(c *federation.Connection,
			_ *federation.UpstreamRequest) {
			c.Contract.Preset = federation.EntraOIDC
		},
			map[string]string{"claims": ""}},
		{"two factors by acr_values", func(c *federation.Connection, t *federation.UpstreamRequest) {
			c.Contract.Rows = []federation.ContractRow{
				{Claim: federation.ByACR, Value: "high", ACR: authn.TwoFactor}, {Claim: federation.ByACR, Value: "low",
					ACR: authn.OneFactor},
				{Claim: federation.ByACR, Value: "higher", ACR: authn.TwoFactor},
			}
			t.TwoFactors = true
		}, map[string]string{"acr_values": "high higher", "claims": ""}},
		{"… that are not too old", func(c *federation.Connection, t *federation.UpstreamRequest) {
			c.Contract.Rows = []federation.ContractRow{{Claim: federation.ByACR, Value: "high", ACR: authn.TwoFactor}}
			c.Contract.MaxAge, t.TwoFactors = time.Hour, true
		}, map[string]string{"acr_values": "high", "claims": `{"id_token":{"auth_time":{"essential":true}}}`}},
	} {
		t.Run(row.says, func(t *testing.T) {
			c := p.connection()
			request := p.request(c, false)
			row.change(c, &request)
			got := p.away(u, c, request)
			want := map[string]string{
				"response_type": "code", "client_id": clientID, "redirect_uri": back, "state": request.State, "nonce": request.Nonce,
				"code_challenge": oauth2.S256ChallengeFromVerifier(request.Verifier), "code_challenge_method": "S256",
			}
			for name, value := range row.want {
				want[name] = value
			}
			for name, value := range want {
				if name == "claims" && value != "" {
					var a, b any
					if json.Unmarshal([]byte(got.Get(name)), &a) != nil || json.Unmarshal([]byte(value), &b) != nil ||
						!reflect.DeepEqual(a, b) {
						t.Errorf("claims %s, want %s", got.Get(name), value)
					}
				} else if got.Get(name) != value || value == "" && got.Has(name) {
					t.Errorf("%s is %q, want %q", name, got.Get(name), value)
				}
			}
			if strings.Contains(got.Encode(), request.Verifier) {
				t.Error("the verifier is in the address")
			}
		})
	}
}

// What stands in the address of an endpoint stays, and decides nothing of ours.
func TestAnEndpointMayHaveAQuery(t *testing.T) {
	p := newProvider(t)
	p.says["authorization_endpoint"] = p.URL + "/authorize?p=b2c_1&state=theirs&prompt=none"
	c := p.connection()
	request := p.request(c, true)
	if q := p.away(p.upstream(), c, request); q.Get("p") != "b2c_1" || q.Get("state") != request.State ||
		len(q["prompt"]) != 1 || q.Get("prompt") != "login" {
		t.Errorf("%v", q)
	}
}

// What discovery may not answer.
func TestDiscoveryThatIsWrong(t *testing.T) {
	says := func(name string, value any) func(*provider) { return func(p *provider) { p.says[name] = value } }
	raw := func(status int, text string) func(*provider) {
		return func(p *provider) {
			p.instead["/.well-known/openid-configuration"] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", p.URL+"/elsewhere")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(text))
			}
		}
	}
	page := func(status int) func(*provider) {
		return func(p *provider) {
			p.instead["/.well-known/openid-configuration"] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(status)
				_, _ = w.Write([]byte("<html>"))
			}
		}
	}
	for name, row := range map[string]struct {
		change func(*provider)
		why    federation.Reason
		words  string
	}{
		"another issuer": {says("issuer", "https://evil.test"), federation.Misconfigured, `issuer is "https://evil.test"`},
		"no issuer":      {says("issuer", nil), federation.Misconfigured, "issuer"},
		"ISSUER": {func(p *provider) { p.says["ISSUER"] = p.says["issuer"]; delete(p.says, "issuer") },
			federation.Misconfigured, "issuer"},
		"no token endpoint": {says("token_endpoint", nil), federation.Misconfigured, "token_endpoint"},
		"a script": {says("authorization_endpoint", "javascript:alert(1)//x"), federation.Misconfigured,
			"authorization_endpoint"},
		"no scheme":            {says("token_endpoint", "/token"), federation.Misconfigured, "token_endpoint"},
		"a file":               {says("jwks_uri", "file:///etc/passwd"), federation.Misconfigured, "jwks_uri"},
		"a password in it":     {says("jwks_uri", "https://a:b@evil.test/"), federation.Misconfigured, "jwks_uri"},
		"userinfo is a number": {says("userinfo_endpoint", "gopher://evil.test/"), federation.Misconfigured, "userinfo_endpoint"},
		"404":                  {page(404), federation.Misconfigured, "/.well-known/openid-configuration answers 404 with text/html"},
		"500":                  {raw(500, "{}"), federation.Unreachable, "500"},
		"429":                  {raw(429, "{}"), federation.Unreachable, "429"},
		"a redirect":           {raw(302, "{}"), federation.Misconfigured, "302"},
		"a page":               {page(200), federation.Misconfigured, "/.well-known/openid-configuration answers 200 with text/html, and that is no object in JSON"},
		"null":                 {raw(200, "null"), federation.Misconfigured, "JSON"},
		"two objects":          {raw(200, "{}{}"), federation.Misconfigured, "JSON"},
		"nothing":              {raw(200, ""), federation.Misconfigured, "JSON"},
		"too deep":             {raw(200, strings.Repeat(`{"a":`, 20_000)), federation.Misconfigured, "JSON"},
		"more than 256 KiB":    {raw(200, `{"a":"`+strings.Repeat("a", 256<<10)+`"}`), federation.Misconfigured, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			row.change(p)
			c, u := p.connection(), p.upstream()
			a, err := u.SignInRedirect(t.Context(), c, p.request(c, false), back)
			refused(t, err, row.why, row.words)
			_, err = p.answer(u, c, p.request(c, false))
			refused(t, err, row.why, row.words)
			if a.URL != "" || p.count("/elsewhere") != 0 || p.count("/token") != 0 {
				t.Errorf("%+v, and called on: %v", a, p.hits)
			}
		})
	}
}

// Without TLS nothing of an issuer with TLS is called.
func TestNothingIsSentInTheClear(t *testing.T) {
	for issuer, want := range map[string]bool{"https://idp.test": false, "http://localhost:1": true} {
		if got := oidc.IsEndpoint(issuer, "http://idp.test/token"); got != want {
			t.Errorf("issuer %s: %t", issuer, got)
		}
		if !oidc.IsEndpoint(issuer, "https://idp.test/token") {
			t.Errorf("issuer %s: https is refused", issuer)
		}
	}
}

// Metadata is read once an hour, whoever asks, and a failure is remembered for 30 seconds.
func TestMetadataIsReadSeldom(t *testing.T) {
	const path = "/.well-known/openid-configuration"
	p := newProvider(t)
	c, u := p.connection(), p.upstream()
	ask := func() error {
		_, err := u.SignInRedirect(t.Context(), c, federation.UpstreamRequest{State: "s"}, back)
		return err
	}
	slow := make(chan struct{})
	p.instead[path] = func(w http.ResponseWriter, _ *http.Request) { <-slow; w.WriteHeader(500) }
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := ask(); federation.ReasonOf(err) != federation.Unreachable {
				t.Error(err)
			}
		})
	}
	for p.count(path) == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // the others find it reading
	close(slow)
	all.Wait()
	if n := p.count(path); n != 1 {
		t.Fatalf("read %d times at once", n)
	}
	p.mu.Lock()
	p.instead[path] = nil
	p.mu.Unlock()
	p.later(29 * time.Second)
	refused(t, ask(), federation.Unreachable, "500")
	p.later(time.Second)
	for _, step := range []struct {
		later time.Duration
		reads int
	}{{0, 2}, {59 * time.Minute, 2}, {time.Minute, 3}} {
		p.later(step.later)
		if err := ask(); err != nil || p.count(path) != step.reads {
			t.Errorf("after %s: %v, read %d times, want %d", step.later, err, p.count(path), step.reads)
		}
	}
	// While it cannot be read, what was read counts for a day.
	p.instead[path] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	p.later(23 * time.Hour)
	if err := ask(); err != nil {
		t.Error(err)
	}
	p.later(time.Hour)
	refused(t, ask(), federation.Unreachable, "500")
}

// Whoever asks may go, and somebody else has the answer.
func TestWhoGoesHoldsUpNobody(t *testing.T) {
	p := newProvider(t)
	c, u := p.connection(), p.upstream()
	gone, cancel := contextWithCancel(t)
	cancel()
	if _, err := u.SignInRedirect(gone, c, federation.UpstreamRequest{State: "s"}, back); err != nil && !errors.As(err,
		new(*federation.Refusal)) {
		t.Error(err)
	}
	if _, err := u.SignInRedirect(t.Context(), c, federation.UpstreamRequest{State: "s"}, back); err != nil {
		t.Error(err)
	}
}
