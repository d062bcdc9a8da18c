package op_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// Benchmarks of the protocol in process, on both databases: what handlers, signature and statements cost without a
// network, and how much they allocate. Their figures compare within one run only; `go run ./test/bench` measures the
// program from outside.

// benchCaller has a party for each algorithm and form of access token, named after them: ES256-jwt.
func benchCaller(t testing.TB, db *storage.DB) caller {
	d := idptest.Demo{Parties: []string{"client_id: web"}, Accounts: linde.Accounts}
	for _, alg := range benchAlgs {
		for _, form := range benchForms {
			d.Parties = append(d.Parties, "client_id: "+alg+"-"+form+", id_token_alg: "+alg+", access_token: "+form+", "+
				"rotate_refresh_tokens: true, grant_types: [authorization_code, refresh_token, client_credentials], "+
				"scopes: [openid, profile, email, offline_access, api]")
		}
	}
	c := caller{t, idptest.NewServer(t, db)}
	c.Declare(d)
	return c
}

var (
	benchAlgs  = []string{"RS256", "ES256", "EdDSA", "PS256"}
	benchForms = []string{"opaque", "jwt"}
)

// onBoth runs a benchmark on both databases, with somebody who is signed in.
func onBoth(b *testing.B, run func(*testing.B, caller, *idptest.Browser)) {
	for name, open := range map[string]func(testing.TB) *storage.DB{"sqlite": idptest.SQLite, "postgres": idptest.Postgres} {
		b.Run(name, func(b *testing.B) {
			c := benchCaller(b, open(b))
			run(b, c, c.signIn(issuer))
		})
	}
}

// eachParty runs a benchmark for every algorithm and form of access token.
func eachParty(b *testing.B, run func(b *testing.B, party string)) {
	for _, alg := range benchAlgs {
		for _, form := range benchForms {
			b.Run(alg+"/"+form, func(b *testing.B) {
				b.ReportAllocs()
				run(b, alg+"-"+form)
			})
		}
	}
}

// with is the same caller in another benchmark, whose loop it counts for.
func (c caller) with(b *testing.B) caller { return caller{b, c.Server} }

func (c caller) given(got tokens) tokens {
	if got.Error != "" || got.Access == "" {
		c.Fatal(got.Error)
	}
	return got
}

func BenchmarkDocuments(b *testing.B) {
	onBoth(b, func(b *testing.B, c caller, _ *idptest.Browser) {
		for _, path := range []string{"/.well-known/openid-configuration", "/keys"} {
			b.Run(path, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.with(b).get(issuer + path)
				}
			})
		}
	})
}

// BenchmarkSilentAuthorize is a silent request (prompt=none) with a live session.
func BenchmarkSilentAuthorize(b *testing.B) {
	onBoth(b, func(b *testing.B, c caller, browser *idptest.Browser) {
		b.ReportAllocs()
		for b.Loop() {
			c.with(b).code(browser, "web", func(q url.Values) { q.Set("prompt", "none") })
		}
	})
}

// BenchmarkCode is an authorization request with a live session, and its token request.
func BenchmarkCode(b *testing.B) {
	onBoth(b, func(b *testing.B, c caller, browser *idptest.Browser) {
		eachParty(b, func(b *testing.B, party string) {
			c := c.with(b)
			for b.Loop() {
				c.given(c.token(codeForm(c.code(browser, party, nil)), party))
			}
		})
	})
}

func BenchmarkRefresh(b *testing.B) {
	onBoth(b, func(b *testing.B, c caller, browser *idptest.Browser) {
		eachParty(b, func(b *testing.B, party string) {
			c := c.with(b)
			got := c.given(c.token(codeForm(c.code(browser, party, nil)), party))
			for b.Loop() {
				got = c.given(c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, party))
			}
		})
	})
}

func BenchmarkClientCredentials(b *testing.B) {
	onBoth(b, func(b *testing.B, c caller, _ *idptest.Browser) {
		eachParty(b, func(b *testing.B, party string) {
			c := c.with(b)
			for b.Loop() {
				c.given(c.token(url.Values{"grant_type": {"client_credentials"}}, party))
			}
		})
	})
}

func BenchmarkUserInfo(b *testing.B) {
	onBoth(b, func(b *testing.B, c caller, browser *idptest.Browser) {
		eachParty(b, func(b *testing.B, party string) {
			c := c.with(b)
			got := c.given(c.token(codeForm(c.code(browser, party, nil)), party))
			for b.Loop() {
				if res := c.send(http.MethodGet, issuer+"/userinfo", "", map[string]string{"Authorization": "Bearer " + got.Access}); res.StatusCode != 200 {
					b.Fatal(res.StatusCode)
				}
			}
		})
	})
}

func BenchmarkIntrospection(b *testing.B) {
	onBoth(b, func(b *testing.B, c caller, browser *idptest.Browser) {
		eachParty(b, func(b *testing.B, party string) {
			c := c.with(b)
			got := c.given(c.token(codeForm(c.code(browser, party, nil)), party))
			header := basicOf(party, secretText)
			for b.Loop() {
				if res := c.send(http.MethodPost, issuer+"/introspect", url.Values{"token": {got.Access}}.Encode(), header); res.StatusCode != 200 {
					b.Fatal(res.StatusCode)
				}
			}
		})
	})
}
