//go:build !race

package op_test

import (
	"net/http"
	"net/url"
	"path"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// What each endpoint may allocate per request, on SQLite and on PostgreSQL: objects, those of the request's making in the
// test among them, with ES256. Collecting them is a sixth of the CPU of a token. Unlike time this does not
// depend on the machine; the race detector allocates too, so this file is built without it. A budget is what was counted,
// and may be exceeded by a twentieth: another version of Go or of a driver is not at fault. Who makes an endpoint cheaper
// lowers its row.
var allocationBudgets = []struct {
	what             string
	sqlite, postgres float64
	prepare          func(caller, *idptest.Browser) func()
}{
	{"discovery", 34, 34, getting("/.well-known/openid-configuration", nil)},
	{"keys", 34, 34, getting("/keys", nil)},
	{"token, client credentials, opaque", 111, 111, machineToken("ES256-opaque")},
	{"token, client credentials, JWT", 174, 174, machineToken("ES256-jwt")},
	{"token, code, opaque", 342, 305, eachOf((*drawn).redeem)},
	{"token, refresh, opaque", 338, 302, refreshing("ES256-opaque")},
	{"token, refresh, JWT", 400, 364, refreshing("ES256-jwt")},
	{"revoke, refresh token", 319, 285, eachOf((*drawn).revoke)},
	{"par", 150, 144, pushing},
	{"userinfo, opaque", 227, 174, withToken("ES256-opaque", http.MethodGet, "/userinfo")},
	{"userinfo, JWT", 355, 302, withToken("ES256-jwt", http.MethodGet, "/userinfo")},
	{"introspect, opaque", 191, 166, withToken("ES256-opaque", http.MethodPost, "/introspect")},
	{"introspect, JWT", 321, 296, withToken("ES256-jwt", http.MethodPost, "/introspect")},
}

// allocationRuns is how often each request is sent to count; once more before, to fill caches and pools.
const allocationRuns = 20

func TestEndpointsKeepToTheirAllocations(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		c := benchCaller(t, db)
		browser := c.signIn(issuer)
		for _, row := range allocationBudgets {
			budget := row.sqlite
			if path.Base(t.Name()) == "postgres" {
				budget = row.postgres
			}
			got := testing.AllocsPerRun(allocationRuns, row.prepare(c, browser))
			if got > budget+budget/20 {
				t.Errorf("%s: %.0f objects, and %.0f are its budget", row.what, got, budget)
			}
		}
	})
}

func (c caller) must(status int, res *http.Response) {
	if res.StatusCode != status {
		c.Helper()
		c.Fatalf("%s: %d", res.Header, res.StatusCode)
	}
}

func getting(path string, header map[string]string) func(caller, *idptest.Browser) func() {
	return func(c caller, _ *idptest.Browser) func() {
		return func() { c.must(http.StatusOK, c.send(http.MethodGet, issuer+path, "", header)) }
	}
}

func machineToken(party string) func(caller, *idptest.Browser) func() {
	return func(c caller, _ *idptest.Browser) func() {
		return func() { c.given(c.token(url.Values{"grant_type": {"client_credentials"}}, party)) }
	}
}

func refreshing(party string) func(caller, *idptest.Browser) func() {
	return func(c caller, b *idptest.Browser) func() {
		got := c.given(c.token(codeForm(c.code(b, party, nil)), party))
		return func() {
			got = c.given(c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, party))
		}
	}
}

func withToken(party, method, path string) func(caller, *idptest.Browser) func() {
	return func(c caller, b *idptest.Browser) func() {
		got := c.given(c.token(codeForm(c.code(b, party, nil)), party))
		header, body := map[string]string{"Authorization": "Bearer " + got.Access}, ""
		if method == http.MethodPost {
			header, body = basicOf(party, secretText), url.Values{"token": {got.Access}}.Encode()
		}
		return func() { c.must(http.StatusOK, c.send(method, issuer+path, body, header)) }
	}
}

func pushing(c caller, _ *idptest.Browser) func() {
	body, header := authorizeQuery("ES256-opaque", nil)[len("/authorize?"):], basicOf("ES256-opaque", secretText)
	return func() { c.must(http.StatusCreated, c.send(http.MethodPost, issuer+"/par", body, header)) }
}

// drawn are codes that were given ahead, for requests that use one up.
type drawn struct {
	caller
	codes []string
	given []tokens
}

func eachOf(use func(*drawn, int)) func(caller, *idptest.Browser) func() {
	return func(c caller, b *idptest.Browser) func() {
		d, n := &drawn{caller: c}, 0
		for range allocationRuns + 1 {
			d.codes = append(d.codes, c.code(b, "ES256-opaque", nil))
			got := c.given(c.token(codeForm(c.code(b, "ES256-opaque", nil)), "ES256-opaque"))
			d.given = append(d.given, got)
		}
		return func() {
			use(d, n)
			n++
		}
	}
}

func (d *drawn) redeem(n int) { d.caller.given(d.token(codeForm(d.codes[n]), "ES256-opaque")) }

func (d *drawn) revoke(n int) {
	form := url.Values{"token": {d.given[n].Refresh}}
	d.must(http.StatusOK, d.send(http.MethodPost, issuer+"/revoke", form.Encode(), basicOf("ES256-opaque", secretText)))
}
