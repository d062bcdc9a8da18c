package op_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
)

// pairs are parties that are about to be disabled, with everything that could show, and names of the same length that
// nobody ever registered.
var pairs = map[string]string{"off-web": "not-web", "off-spa": "not-spa", "off-app": "not-app", "off-job": "not-job"}

var disabledParties = idptest.Demo{Parties: []string{
	"client_id: off-web, name: Tulp, third_party: true, " + toRP + `, post_logout_redirect_uris: ["https://rp.test/bye"], ` +
		`initiate_login_uri: "https://rp.test/start", origins: ["https://off.test"], policy_uri: "https://rp.test/privacy"`,
	`client_id: off-spa, name: Roos, type: spa, redirect_uris: ["https://off.test/cb"], ` +
		`post_logout_redirect_uris: ["https://rp.test/bye"], initiate_login_uri: "https://off.test/start"`,
	`client_id: off-app, type: native, redirect_uris: ["net.example.off:/cb", "http://127.0.0.1/cb"]`,
	"client_id: off-job, type: service",
}}

// varies is what differs between two answers to the very same request.
var varies = regexp.MustCompile(`[2-9A-HJKMNP-TW-Z]{4}-[2-9A-HJKMNP-TW-Z]{4}`)

// A party that was disabled looks like one that never was: status, headers, body, and how often the database is asked.
func TestDisabledAndUnknownPartiesLookAlike(t *testing.T) {
	var mu sync.Mutex
	var statements []string
	_, held := idptest.SQLiteHeld(t, func(text string) {
		mu.Lock()
		defer mu.Unlock()
		statements = append(statements, text)
	})
	c := callerOn(t, held)
	c.Declare(disabledParties)
	for off := range pairs {
		if _, err := c.Tools().Acts().DisableParty(t.Context(), "linde", grant.PartyID(off)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := c.signIn(issuer)
	var cookies []string
	at, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.Jar.Cookies(at) {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	signedIn := strings.Join(cookies, "; ")

	// see is everything that an outsider sees of an answer, and what it cost.
	see := func(method, address, body string, header map[string]string, id string) string {
		t.Helper()
		c.Clock.Later(time.Minute) // the next minute of the record
		mu.Lock()
		statements = nil
		mu.Unlock()
		res := c.send(method, issuer+address, body, header)
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		n := len(statements)
		mu.Unlock()
		res.Header.Del("Date")
		seen := fmt.Sprintf("%d %v\n%d statements\n%s", res.StatusCode, res.Header, n, text)
		seen = varies.ReplaceAllString(strings.ReplaceAll(seen, id, "ID"), "REFERENCE")
		return strings.ReplaceAll(seen, c.Clock.Now().Format(time.DateTime), "NOW")
	}
	for off, unknown := range pairs {
		tries := map[string]func(id string) string{}
		for says, change := range map[string]func(url.Values){
			"": nil, "silently": func(q url.Values) { q.Set("prompt", "none") }, "form_post": func(q url.Values) { q.Set("response_mode", "form_post") },
			"at its app": func(q url.Values) { q.Set("redirect_uri", "net.example.off:/cb") }, "at its spa": func(q url.Values) { q.Set("redirect_uri", "https://off.test/cb") },
			"at a loopback": func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:4711/cb") }, "at a stranger": func(q url.Values) { q.Set("redirect_uri", "https://evil.test/cb") },
			"a mistake": func(q url.Values) { q.Set("response_type", "token") }, "in Dutch": func(q url.Values) { q.Set("ui_locales", "nl") },
		} {
			for who, cookie := range map[string]string{"signed in": signedIn, "nobody": ""} {
				header := map[string]string{"Cookie": cookie}
				tries["authorize "+says+" "+who] = func(id string) string { return see(http.MethodGet, authorizeQuery(id, change), "", header, id) }
				tries["authorize by POST "+says+" "+who] = func(id string) string {
					return see(http.MethodPost, "/authorize", strings.TrimPrefix(authorizeQuery(id, change), "/authorize?"), header, id)
				}
			}
		}
		for path, forms := range map[string][]string{
			"/token":  {codeForm("x").Encode(), "grant_type=refresh_token&refresh_token=x", "grant_type=client_credentials", "grant_type=password", "", "grant_type=authorization_code"},
			"/revoke": {"token=x", ""}, "/introspect": {"token=x", ""},
		} {
			for _, form := range forms {
				for _, secret := range []string{secretText, "wrong", ""} {
					tries[path+" "+form+" by header with "+secret] = func(id string) string { return see(http.MethodPost, path, form, basicOf(id, secret), id) }
					tries[path+" "+form+" by body with "+secret] = func(id string) string {
						return see(http.MethodPost, path, form+"&client_id="+id+"&client_secret="+secret, nil, id)
					}
					tries[path+" "+form+" in both with "+secret] = func(id string) string {
						return see(http.MethodPost, path, form+"&client_id="+id+"&client_secret="+secretText, basicOf(id, secret), id)
					}
				}
				tries[path+" "+form+" with an assertion"] = func(id string) string {
					return see(http.MethodPost, path, form+"&client_id="+id+"&client_assertion=x&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer", nil, id)
				}
				tries[path+" "+form+" of its page"] = func(id string) string {
					return see(http.MethodPost, path, form+"&client_id="+id, map[string]string{"Origin": "https://off.test"}, id)
				}
			}
			tries[path+" in an address"] = func(id string) string {
				return see(http.MethodPost, path+"?client_secret=x&client_id="+id, "", nil, id)
			}
		}
		for _, more := range []string{"", "&post_logout_redirect_uri=https://rp.test/bye", "&post_logout_redirect_uri=https://rp.test/bye&state=s"} {
			tries["logout"+more] = func(id string) string { return see(http.MethodGet, "/logout?client_id="+id+more, "", nil, id) }
			tries["logout by POST"+more] = func(id string) string { return see(http.MethodPost, "/logout", "client_id="+id+more, nil, id) }
			tries["logout confirmed"+more] = func(id string) string {
				return see(http.MethodPost, "/logout", "do=logout&client_id="+id+more, map[string]string{"Origin": issuer}, id)
			}
			tries["logout, signed in"+more] = func(id string) string {
				return see(http.MethodGet, "/logout?client_id="+id+more, "", map[string]string{"Cookie": signedIn}, id)
			}
			tries["logged out"+more] = func(id string) string { return see(http.MethodGet, "/logged-out?client_id="+id+more, "", nil, id) }
		}
		for _, says := range slices.Sorted(maps.Keys(tries)) {
			if disabled, never := tries[says](off), tries[says](unknown); disabled != never {
				t.Errorf("%s: %s differs from %s:\n%s\n%s", says, off, unknown, disabled, never)
			}
		}
		t.Logf("%s: %d requests", off, len(tries))
	}
}
