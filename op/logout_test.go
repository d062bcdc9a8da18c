package op_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

var sectors = idptest.Demo{Parties: []string{
	"client_id: one, subject_type: pairwise, sector: one.test, " + toRP + `, post_logout_redirect_uris: ["https://rp.test/bye"]`,
	"client_id: again, subject_type: pairwise, sector: one.test",
	"client_id: two, subject_type: pairwise, sector: two.test, " + toRP + `, post_logout_redirect_uris: ["https://two.test/bye"]`,
}}

// logout opens the logout address; the browser stays on our page that asks, or is signed out.
func (c caller) logout(b *idptest.Browser, pairs ...string) (asked bool) {
	c.Helper()
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	b.MustOpen(c, issuer+"/logout?"+q.Encode())
	return strings.Contains(b.Body, `value="logout"`)
}

// signedIn reports whether a silent request gets a code.
func (c caller) signedIn(b *idptest.Browser) bool {
	c.Helper()
	b.MustOpen(c, issuer+authorizeQuery("web", func(q url.Values) { q.Set("prompt", "none") }))
	return b.URL.Query().Get("code") != ""
}

// OpenID Connect Core 1.0 section 17.3: what parties of two sectors see of one session tells them nothing together.
func TestSessionIdentifierDiffersBySector(t *testing.T) {
	c := newCaller(t)
	c.Declare(sectors)
	b := c.signIn(issuer)
	sids := map[string]any{}
	for _, party := range []string{"web", "lax", "one", "again", "two"} {
		got := c.token(codeForm(c.code(b, party, nil)), party)
		_, id := claimsOf(t, got.ID)
		if a := c.introspect(party, got.Access); id["sid"] != a["sid"] || a["sid"] == nil {
			t.Errorf("%s: ID token %v, introspection %v", party, id["sid"], a["sid"])
		}
		sids[party] = id["sid"]
	}
	if sids["web"] != sids["lax"] || sids["one"] != sids["again"] {
		t.Errorf("parties of one sector see one session: %v", sids)
	}
	if sids["one"] == sids["web"] || sids["two"] == sids["web"] || sids["one"] == sids["two"] {
		t.Errorf("parties of several sectors see the same: %v", sids)
	}
	var session, event string
	if err := c.DB.SQL().QueryRow("SELECT session FROM grants WHERE party = 'two'").Scan(&session); err != nil || session != sids["web"] {
		t.Errorf("stored in the grant: %q %v, want %v", session, err, sids["web"])
	}
	if c.logout(b, "id_token_hint", c.token(codeForm(c.code(b, "two", nil)), "two").ID) {
		t.Fatal("its own hint, and the person is asked")
	}
	if err := c.DB.SQL().QueryRow("SELECT session FROM events WHERE kind = 'session.end'").Scan(&event); err != nil || event != session {
		t.Errorf("on record: %q %v, want %s", event, err, session)
	}
}

// RP-Initiated Logout 1.0 section 2, with a `sid` of the party's sector: the very session and no other.
func TestLogoutComparesTheSessionOfTheSector(t *testing.T) {
	c := newCaller(t)
	c.Declare(sectors)
	anna, elsewhere := c.signIn(issuer), c.signIn(issuer)
	hint := c.token(codeForm(c.code(anna, "one", nil)), "one").ID
	if !c.logout(elsewhere, "id_token_hint", hint) || !c.signedIn(elsewhere) {
		t.Error("another session of the same person ends without asking")
	}
	if c.logout(anna, "id_token_hint", hint, "post_logout_redirect_uri", "https://rp.test/bye") || anna.URL.Host != "rp.test" || c.signedIn(anna) {
		t.Errorf("its own session: at %s", anna.URL)
	}
}

// RP-Initiated Logout 1.0 sections 2 and 4: a hint and a client_id that name different parties count for nothing.
func TestLogoutHintBesideAnotherPartyAsks(t *testing.T) {
	c := newCaller(t)
	c.Declare(sectors)
	b := c.signIn(issuer)
	hint := c.token(codeForm(c.code(b, "web", nil)), "web").ID
	for says, pairs := range map[string][]string{
		"no address":          {"id_token_hint", hint, "client_id", "lax"},
		"no such party":       {"id_token_hint", hint, "client_id", "nobody"},
		"address of the hint": {"id_token_hint", hint, "client_id", "two", "post_logout_redirect_uri", "https://rp.test/bye"},
		"address of the id":   {"id_token_hint", hint, "client_id", "two", "post_logout_redirect_uri", "https://two.test/bye"},
	} {
		if !c.logout(b, pairs...) || !c.signedIn(b) {
			t.Errorf("%s: signed out without asking, at %s", says, b.URL)
		}
	}
	c.logout(b, "id_token_hint", hint, "client_id", "two", "post_logout_redirect_uri", "https://two.test/bye")
	b.MustPress(c, "Yes, log out")
	if b.URL.Path != "/logged-out" || c.signedIn(b) {
		t.Errorf("confirmed: at %s", b.URL)
	}
	b = c.signIn(issuer)
	hint = c.token(codeForm(c.code(b, "web", nil)), "web").ID
	if c.logout(b, "id_token_hint", hint, "client_id", "web", "post_logout_redirect_uri", "https://rp.test/bye") || b.URL.Host != "rp.test" {
		t.Errorf("both of one party: at %s", b.URL)
	}
}

// The page at the end waits two seconds for receipts, and looks again by itself twice, each time later, while some are
// missing. It does neither for somebody who had no session there, whatever session they name.
func TestLoggedOutPageWaitsForReceiptsAndNoLonger(t *testing.T) {
	c := newCaller(t)
	c.Declare(sectors)
	c.declare(`client_id: one, post_logout_redirect_uris: null, backchannel_logout_uri: "https://rp.test/out"`)
	b := c.signIn(issuer)
	_, claims := claimsOf(t, c.token(codeForm(c.code(b, "one", nil)), "one").ID)
	c.logout(b)
	begun := time.Now()
	b.MustPress(c, "Yes, log out")
	if took := time.Since(begun); took < 1900*time.Millisecond || took > 4*time.Second {
		t.Errorf("shown after %s", took)
	}
	says := idptest.Text("en", "logout.telling")
	_, says, _ = strings.Cut(says, "}")
	at := b.URL.String()
	for i, want := range []string{"4; url=" + issuer + "/logged-out?again=1", "4; url=" + issuer + "/logged-out?again=2", ""} {
		got := b.Header.Get("Refresh")
		if got != want || !strings.Contains(b.Body, says) {
			t.Errorf("look %d: Refresh %q, want %q", i, got, want)
		}
		if want != "" {
			b.MustOpen(t, strings.TrimPrefix(want, "4; url="))
		}
	}
	for says, cookie := range map[string]string{"nobody": "", "whoever knows the session's name": claims["sid"].(string)} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Host-linde-ended", Value: cookie})
		}
		begun := time.Now()
		res, err := c.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.Header.Get("Refresh") != "" || time.Since(begun) > time.Second {
			t.Errorf("%s waits for %s, Refresh %q", says, time.Since(begun), res.Header.Get("Refresh"))
		}
	}
}
