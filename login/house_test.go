package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/test/browser"
)

// What most tests of this package have: linde at a path of a host that another platform shares.
const (
	ownIssuer = "https://id.test/p/linde"
	settings  = ownIssuer + "/settings"

	annasKey = idptest.TOTPSecret
	bramsKey = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

	annaWithApp = "email: anna@example.org, locale: en, totp_secret: " + annasKey + ", recovery_codes: [K7QM-2XHP-9TRD]"
)

// What a form of a page of another site comes with, and one of ours in an old browser and in a new one.
var (
	crossSite  = map[string]string{"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
	sameOrigin = map[string]string{"Origin": "https://id.test"}
	ownPage    = map[string]string{"Sec-Fetch-Site": "same-origin"}
)

// lindeOf is linde with Anna, Bram and whoever else is named.
func lindeOf(others ...string) idptest.Demo {
	return idptest.Demo{
		Issuer: ownIssuer, Parties: []string{"client_id: web"},
		Accounts: append([]string{"email: anna@example.org", "email: bram@example.org"}, others...),
	}
}

// wilg is the other platform of the host. Anna has an account there as well.
var wilg = idptest.Demo{Name: "wilg", Parties: []string{"client_id: web"}, Accounts: []string{"email: anna@example.org"}}

// twoStepOf is linde with Anna, who has an app, and whoever else is named; it demands codes of clients, or not, and
// remembers browsers.
func twoStepOf(demand string, others ...string) idptest.Demo {
	return idptest.Demo{
		Issuer:   ownIssuer,
		Policy:   "second_factor: { client: " + demand + " }, code_methods: [totp], remember: { client: { fixed: 12h } }",
		Parties:  []string{"client_id: web"},
		Accounts: append([]string{annaWithApp}, others...),
	}
}

// visit is a house with two platforms on one host, and their relying platforms.
type visit struct {
	*idptest.Server
	linde, wilg *idptest.Party
}

func newVisit(t *testing.T) visit {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(lindeOf(), wilg)
	return visit{s, lindeOf().Party(s, "web"), wilg.Party(s, "web")}
}

// begin starts a journey of our own settings in a browser.
func begin(t *testing.T, s *idptest.Server, b *idptest.Browser, purpose authn.Purpose) {
	t.Helper()
	j := authn.Journey{
		ID: secret.ID(), Platform: "linde", ReturnTo: "/settings", StartedAt: s.Clock.Now(), ExpiresAt: s.Clock.Now().Add(time.Hour),
		Browser: secret.Hash(cookieAt(b, "__Host-linde-browser")),
	}
	j.Ask = authn.Ask{Purpose: purpose, Channel: authn.Browser, Journey: j.ID}
	if err := s.DB.StartJourney(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	b.MustOpen(t, ownIssuer+"/login/"+j.ID)
}

// journeyOf is the address of the journey whose page is open, and its identifier.
func journeyOf(b *idptest.Browser) (address, id string) {
	id, _, _ = strings.Cut(strings.TrimPrefix(b.URL.Path, "/p/linde/login/"), "/")
	return ownIssuer + "/login/" + id, id
}

// silent tells what a silent request of a browser is answered: "" is a code.
func silent(t *testing.T, b *idptest.Browser, p *idptest.Party) string {
	t.Helper()
	p.Last = idptest.Arrival{Error: "never came back"}
	b.Tab().MustOpen(t, p.Start(url.Values{"prompt": {"none"}}))
	return p.Last.Error
}

// remembered ticks the box with which somebody has this browser remembered.
func remembered(b *idptest.Browser) { b.Tick(browser.ByID(b.Doc, "remember"), true) }

// keyOnPage is the secret on the page that connects an app.
func keyOnPage(b *idptest.Browser) string {
	for n := range b.Doc.Descendants() {
		if browser.HasAttr(n, "data-copy") {
			return browser.Attr(n, "data-copy")
		}
	}
	return ""
}

// jarOf are the cookies that a browser sends to us.
func jarOf(b *idptest.Browser) map[string]string {
	jar := map[string]string{}
	for _, c := range b.Jar.Cookies(&url.URL{Scheme: "https", Host: "id.test", Path: "/"}) {
		jar[c.Name] = c.Value
	}
	return jar
}

func cookieAt(b *idptest.Browser, name string) string { return jarOf(b)[name] }

func plant(b *idptest.Browser, name, value string) {
	b.Jar.SetCookies(&url.URL{Scheme: "https", Host: "id.test", Path: "/"}, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

func at(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func sessions(t *testing.T, s *idptest.Server, email string) []authn.Session {
	t.Helper()
	all, err := s.DB.Sessions(t.Context(), "linde", idptest.Account(t, s.DB, email).ID, s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func events(t *testing.T, s *idptest.Server, email string, kind audit.Kind) (found []audit.Event) {
	t.Helper()
	all, err := s.DB.EventsOf(t.Context(), "linde", idptest.Account(t, s.DB, email).ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

func sees(t *testing.T, b *idptest.Browser, want string) {
	t.Helper()
	if text := idptest.Visible(b.Doc); !strings.Contains(text, want) {
		t.Errorf("no %q in %s", want, text)
	}
}
