package op_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

var strangers = idptest.Demo{
	Parties: []string{
		"client_id: sleep, name: Slaapdagboek, third_party: true, scopes: [openid, profile, email]",
		"client_id: mood, name: Stemming, third_party: true, scopes: [openid, email], id_token_claims: [email]",
		"client_id: journal, name: Dagboek, third_party: true, " +
			"scopes: [openid, email, offline_access, journal.write, journal.read, mood.read], read_only_scopes: [mood.read], " +
			"scope_texts: { journal.write: { nl: Schrijven in je dagboek, en: Writing in your journal } }",
		"client_id: plain, scopes: [openid]",
	},
	Accounts: []string{`email: anna@example.org, name: { given: Anna, family: Bakker }, phone: "+31612345678", birthdate: "1980-01-02"`},
}

const (
	emailLine   = "Your email address"
	phoneLine   = "Your phone number"
	profileLine = "Your profile, such as your name, date of birth and language"
)

// asking is a request for scopes and single claims.
func asking(scope, claims string, more ...string) func(url.Values) {
	return func(q url.Values) {
		q.Set("scope", scope)
		if claims != "" {
			q.Set("claims", claims)
		}
		for i := 0; i+1 < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
	}
}

// consented lets Anna allow what the page lists.
func (c caller) consented(b *idptest.Browser, client string, change func(url.Values)) (asked string, got tokens) {
	c.Helper()
	b.MustOpen(c, issuer+authorizeQuery(client, change))
	b.MustBeAt(c, "/consent")
	asked = idptest.Visible(b.Doc)
	b.MustPress(c, "Allow")
	return asked, c.token(codeForm(b.URL.Query().Get("code")), client)
}

// OpenID Connect Core 1.0 sections 3.1.2.4 and 5.5: what is asked by name is data too.
func TestSingleClaimsAreConsentedToLikeScopes(t *testing.T) {
	c := newCaller(t)
	c.Declare(strangers)
	b := c.signIn(issuer)
	asked, got := c.consented(b, "sleep", asking("openid", `{"userinfo":{"email":null,"phone_number":null},"id_token":{"email":null,"phone_number":null}}`))
	if !strings.Contains(asked, emailLine) || strings.Contains(asked, phoneLine) || strings.Contains(asked, profileLine) {
		t.Errorf("the page: %s", asked)
	}
	_, id := claimsOf(t, got.ID)
	_, info := c.userinfo(got.Access)
	for where, claims := range map[string]map[string]any{"ID token": id, "userinfo": info} {
		if claims["email"] != "anna@example.org" || claims["phone_number"] != nil || claims["birthdate"] != nil {
			t.Errorf("%s: %v", where, claims)
		}
	}
	silently := func(claims string) url.Values {
		b.MustOpen(c, issuer+authorizeQuery("sleep", asking("openid", claims, "prompt", "none")))
		return b.URL.Query()
	}
	if q := silently(`{"id_token":{"email":null}}`); q.Get("code") == "" {
		t.Errorf("the same again: %v", q)
	}
	if q := silently(`{"userinfo":{"birthdate":null}}`); q.Get("error") != "consent_required" {
		t.Errorf("more, silently: %v", q)
	}
	if asked, _ := c.consented(b, "sleep", asking("openid", `{"userinfo":{"birthdate":null}}`)); !strings.Contains(asked, profileLine) {
		t.Errorf("more: %s", asked)
	}
}

// What is registered for the ID token goes to a third party with every sign-in, so it is on the page of the first.
func TestRegisteredClaimsOfAThirdPartyAreOnThePage(t *testing.T) {
	c := newCaller(t)
	c.Declare(strangers)
	b := c.signIn(issuer)
	asked, got := c.consented(b, "mood", asking("openid", ""))
	if _, id := claimsOf(t, got.ID); !strings.Contains(asked, emailLine) || id["email"] != "anna@example.org" {
		t.Errorf("asked %s; ID token %v", asked, id)
	}
	c.declare("client_id: mood, scopes: [openid, email, phone], id_token_claims: [email, phone_number]")
	again := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, "mood")
	if _, id := claimsOf(t, again.ID); id["email"] != "anna@example.org" || id["phone_number"] != nil {
		t.Errorf("registered since, and nobody was asked: %v", id)
	}
}

// A party of the platform's own gets no more by name than it could get by scope.
func TestSingleClaimsStayWithinRegisteredScopes(t *testing.T) {
	c := newCaller(t)
	c.Declare(strangers)
	code := c.code(c.signIn(issuer), "plain", asking("openid", `{"userinfo":{"email":null},"id_token":{"name":{"essential":true}}}`))
	got := c.token(codeForm(code), "plain")
	_, id := claimsOf(t, got.ID)
	if _, info := c.userinfo(got.Access); info["email"] != nil || id["name"] != nil {
		t.Errorf("userinfo %v, ID token %v", info, id)
	}
}

func TestConsentPageNamesEveryScope(t *testing.T) {
	c := newCaller(t)
	c.Declare(strangers)
	b := c.signIn(issuer)
	for lang, lines := range map[string][]string{
		"en": {"Dagboek", "Writing in your journal", "Something called ‘journal.read’. Ask Dagboek what that is."},
		"nl": {"Dagboek", "Schrijven in je dagboek", "Iets dat ‘journal.read’ heet. Vraag Dagboek wat dat is."},
	} {
		b.MustOpen(c, issuer+authorizeQuery("journal", asking("openid journal.write journal.read", "")))
		b.MustOpen(c, b.URL.String()+"?lang="+lang)
		seen := idptest.Visible(b.Doc)
		if missing := slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(seen, l) }); len(missing) > 0 {
			t.Errorf("%s: no %q in %s", lang, missing, seen)
		}
	}
}

// What is only looked at stands apart from what is done or changed, and whose it is stands above both. A scope of an API that
// nobody called read-only is taken for one that changes something.
func TestConsentPageGroupsReadingAndWriting(t *testing.T) {
	c := newCaller(t)
	c.Declare(strangers)
	b := c.signIn(issuer)
	b.MustOpen(t, issuer+authorizeQuery("journal", asking("openid journal.read journal.write mood.read email offline_access", "")))
	seen, at := idptest.Visible(b.Doc), 0
	for _, want := range []string{
		"You are logged in as anna@example.org.", "See", emailLine, "A number that lets Dagboek recognise you", "‘mood.read’",
		"Do or change things", "‘journal.read’", "Writing in your journal", "Dagboek can also do this when you are not logged in there.",
	} {
		next := strings.Index(seen[at:], want)
		if next < 0 {
			t.Fatalf("no %q in its place in %s", want, seen)
		}
		at += next
	}
	b.MustOpen(t, issuer+authorizeQuery("journal", asking("openid", "")))
	if seen := idptest.Visible(b.Doc); strings.Contains(seen, "Do or change things") || strings.Contains(seen, "not logged in there") {
		t.Errorf("only an identity is asked: %s", seen)
	}
}
