package login_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/outbox"
)

// natives is a house with a mobile app and another native party.
type natives struct {
	visit
	app, tool *idptest.Party
}

func newNatives(t *testing.T, policy string) natives {
	t.Helper()
	s, demo := idptest.NewServer(t, idptest.SQLite(t)), nativeHouse(policy, "true")
	s.Declare(demo)
	n := natives{visit{Server: s, linde: demo.Party(s, "web")}, demo.Party(s, "app"), demo.Party(s, "tool")}
	n.app.Mobile = true
	n.app.TakePhone(nil)
	return n
}

// nativeHouse is linde with a second factor of choice and two native parties: one is the platform's own mobile app, or
// is not.
func nativeHouse(policy, mobile string) idptest.Demo {
	demo := twoStepOf("optional, staff: optional", "email: bram@example.org, locale: en")
	demo.Policy += ", self_sign_up: true, " + policy
	demo.Parties = append(demo.Parties,
		"client_id: app, type: native, mobile_app: "+mobile, "client_id: tool, type: native")
	return demo
}

func (n natives) apply(policy, mobile string) { n.Declare(nativeHouse(policy, mobile)) }

// What is closed is closed to every form that anybody could send: the right password signs nobody in, and leaves
// nothing in the journey.
func TestClosedPasswordIsTakenByNoForm(t *testing.T) {
	const form, app = "login_form: false", "app_password: false"
	n := newNatives(t, "login_form: true")
	for says, row := range map[string]struct {
		policy string
		party  *idptest.Party
		known  bool // somebody is signed in there already
	}{
		"browser": {form, n.linde, false}, "browser, signed in": {form, n.linde, true},
		"tool": {form, n.tool, false}, "app": {form, n.app, false},
		"app without passwords": {app, n.app, false}, "app without passwords, signed in": {app, n.app, true},
		"both": {form + ", " + app, n.app, false},
	} {
		n.apply("login_form: true, app_password: true", "true")
		b := idptest.NewBrowser(n.Server, "en")
		if row.known {
			idptest.LogIn(t, b, row.party.Start(nil), "bram@example.org")
		}
		b.MustOpen(t, row.party.Start(url.Values{"prompt": {"login"}}))
		journey, id := journeyOf(b)
		n.apply(row.policy, "true")
		page := b.URL
		right := url.Values{"email": {"bram@example.org"}, "password": {idptest.Password}, "do": {"continue"}}
		for path, sent := range map[string]url.Values{
			"/password": right, "/new-password": {"password": {idptest.NewPassword}}, "/closed": right,
			"/forgot": {"email": {"bram@example.org"}}, "/sign-up": {"email": {"cor@example.org"}, "given_name": {"Cor"}, "family_name": {"Mol"}},
		} {
			b.URL = page
			b.MustTwice(t, sent, journey+path)
			if b.URL.String() != journey+"/closed" {
				t.Errorf("%s: a form sent to %s leads to %s", says, path, b.URL)
			}
		}
		j, err := n.DB.Journey(t.Context(), "linde", id)
		if err != nil || len(j.Proofs) > 0 || len(j.Done) > 0 || !j.EndedAt.IsZero() || j.ForgotMail != nil || j.SignUpMail != nil {
			t.Errorf("%s: the journey has %v %v %v, ended %s: %v", says, j.Proofs, j.Done, j.SignUpForm, j.EndedAt, err)
		}
		if got := silent(t, b, row.party); got != "login_required" {
			t.Errorf("%s: a silent request is answered %q", says, got)
		}
		b.MustOpen(t, ownIssuer+"/authorize/callback?request="+id)
		if b.URL.Query().Has("code") {
			t.Errorf("%s: answered by a code", says)
		}
	}
	idptest.Deliver(t, n)
	for _, mail := range n.Mails.Sent() {
		if mail.Kind != outbox.AppDevice { // of who signed in at the app before
			t.Errorf("a mail was sent: %v", mail)
		}
	}
}

// A link that does not work any more sends no other one while no password can be made.
func TestClosedLinkIsNotSentAgain(t *testing.T) {
	n := newNatives(t, "login_form: true")
	link := n.resetLink(t, "bram@example.org")
	sent := len(n.Mails.Sent())
	n.apply("login_form: false", "true")
	for _, later := range []time.Duration{0, 2 * time.Hour} {
		n.Clock.Later(later)
		b := idptest.NewBrowser(n.Server, "en")
		b.MustOpen(t, link)
		if text := idptest.Visible(b.Doc); !strings.Contains(text, "Log in with your GGZ De Linde account") || b.URL.String() != link {
			t.Errorf("after %s: at %s: %s", later, b.URL, text)
		}
		b.MustTwice(t, url.Values{"do": {"again"}}, link)
		idptest.Deliver(t, n)
		if got := len(n.Mails.Sent()); got != sent {
			t.Errorf("after %s: %d mails more", later, got-sent)
		}
	}
	// opened again, it is what it was
	n.apply("login_form: true", "true")
	b := idptest.NewBrowser(n.Server, "en")
	b.MustOpen(t, link)
	if b.Button("Send me a new email") == nil {
		t.Errorf("opened again: %s", idptest.Visible(b.Doc))
	}
}

// A session answers parties of its own channel, whatever name its cookie has. The mobile app is answered by none, and
// its own answers nobody.
func TestSessionsOfTheChannelsNeverCross(t *testing.T) {
	n := newNatives(t, "login_form: true")
	parties := map[string]*idptest.Party{"web": n.linde, "app": n.app, "tool": n.tool}
	for at, party := range parties {
		for _, email := range []string{"anna@example.org", "bram@example.org"} {
			b := idptest.NewBrowser(n.Server, "en")
			idptest.LogIn(t, b, party.Start(nil), email)
			coded := email == "anna@example.org" && at != "app"
			if coded {
				idptest.SendCode(t, b, n.code(t))
			}
			if party.Last.Error != "" || party.Last.Claims == nil {
				t.Fatalf("%s at %s: at %s, %q", email, at, b.URL, party.Last.Error)
			}
			for _, renamed := range []bool{false, true} {
				if renamed {
					web, app := cookieAt(b, "__Host-linde-session"), cookieAt(b, "__Host-linde-app")
					plant(b, "__Host-linde-session", app)
					plant(b, "__Host-linde-app", web)
				}
				for to, other := range parties {
					want := "login_required"
					if !renamed && at == to && to != "app" {
						want = ""
					}
					if got := silent(t, b, other); got != want {
						t.Errorf("%s, signed in at %s, renamed %t: %s is answered %q, want %q", email, at, renamed, to, got, want)
					}
				}
			}
			n.Clock.Later(codeStep) // a code counts once
		}
	}
}

// A party that is no longer the mobile app is asked what any other is, also for requests that it made before.
func TestMobileAppNoLongerIsAskedLikeAnyOther(t *testing.T) {
	n := newNatives(t, "login_form: true")
	b := idptest.NewBrowser(n.Server, "en")
	b.MustOpen(t, n.app.Start(nil))
	n.apply("login_form: true", "false")
	idptest.SendPassword(t, b, "anna@example.org")
	idptest.SendCode(t, b, n.code(t))
	if n.app.Last.Error != "bad_answer" { // tokens such as any party gets, which no phone expects
		t.Errorf("at %s: %q", b.URL, n.app.Last.Error)
	}
}

// Pages speak of the platform's mobile app until it is disabled (testdata/journeys/no_mobile_app.txt).
func TestPagesDoNotSpeakOfADisabledApp(t *testing.T) {
	n := newNatives(t, "login_form: true")
	b := idptest.NewBrowser(n.Server, "en")
	idptest.LogIn(t, b, n.linde.Start(nil), "anna@example.org")
	b.MustPress(t, "I cannot get a code")
	const word = "the app on your phone"
	if said := idptest.Visible(b.Doc); !strings.Contains(said, word) {
		t.Errorf("%q is missing: %s", word, said)
	}
	if changed, err := n.Tools().Acts().DisableParty(t.Context(), "linde", "app"); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if err := n.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(); err != nil {
		t.Fatal(err)
	}
	if said := idptest.Visible(b.Doc); strings.Contains(said, word) || b.Status != 200 {
		t.Errorf("%d, %q: %s", b.Status, word, said)
	}
}

// No browser is remembered at a native party, ticked or not: what it gets lives on for weeks.
func TestNoBrowserIsRememberedAtNativeParties(t *testing.T) {
	n := newNatives(t, "app_code: true")
	for name, party := range map[string]*idptest.Party{"app": n.app, "tool": n.tool} {
		b := idptest.NewBrowser(n.Server, "en")
		idptest.LogIn(t, b, party.Start(nil), "anna@example.org")
		address := b.URL.String()
		b.MustTwice(t, url.Values{"code": {n.code(t)}, "remember": {"on"}, "do": {"continue"}}, address)
		for cookie := range jarOf(b) {
			if strings.Contains(cookie, "remember") {
				t.Errorf("%s: a cookie %s", name, cookie)
			}
		}
		if party.Last.Claims == nil {
			t.Errorf("%s: at %s", name, b.URL)
		}
		n.Clock.Later(codeStep)
	}
}

// codeStep is how long an app shows one code (RFC 6238 section 5.2).
const codeStep = 30 * time.Second

// code is what Anna's app shows.
func (n natives) code(t *testing.T) string {
	t.Helper()
	return idptest.Code(t, annasKey, n.Clock.Now())
}
