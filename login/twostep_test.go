package login_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
)

const twoStepHouse = `
platforms:
  - name: linde
    issuer: https://id.test/p/linde
    organisation: GGZ De Linde
    home_url: https://linde.test/home
    policy: { second_factor: { client: DEMAND }, code_methods: [totp], remember: { client: { fixed: 12h } } }
    parties:
      - { client_id: web, secret: s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM, redirect_uris: ["https://web.linde.test/callback"] }
    accounts:
      - { email: anna@example.org, locale: en, password: "zeven paarse regenjassen drogen!", totp_secret: JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP, recovery_codes: [K7QM-2XHP-9TRD] }
`

// twoStep is Anna, signed in with a code in a browser that is remembered.
type twoStep struct {
	*idptest.Server
	t     *testing.T
	party *idptest.Party
	b     *idptest.Browser
}

func newTwoStep(t *testing.T, demand string) *twoStep {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Apply(strings.Replace(twoStepHouse, "DEMAND", demand, 1))
	v := &twoStep{s, t, idptest.NewParty(s, "web.linde.test", "https://id.test/p/linde", "web", "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM"), idptest.NewBrowser(s, "en")}
	signIn(t, v.b, v.party, "anna@example.org")
	for n := range v.b.Doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "id" && a.Val == "remember" {
				v.b.Tick(n, true)
			}
		}
	}
	v.b.MustFill(t, "Code", v.code("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
	v.b.MustPress(t, "Continue")
	if v.party.Last.Error != "" || v.party.Last.Claims == nil {
		t.Fatalf("signing in ends at %s: %q", v.b.URL, v.party.Last.Error)
	}
	return v
}

func (v *twoStep) code(of string) string {
	v.t.Helper()
	code, err := totp.GenerateCode(of, v.Clock.Now())
	if err != nil {
		v.t.Fatal(err)
	}
	return code
}

// begin starts a journey of our own settings in Anna's browser.
func (v *twoStep) begin(purpose authn.Purpose) {
	v.t.Helper()
	at, _ := url.Parse("https://id.test/")
	j := authn.Journey{
		ID: secret.ID(), Platform: "linde", ReturnTo: "/settings", StartedAt: v.Clock.Now(), ExpiresAt: v.Clock.Now().Add(time.Hour),
	}
	j.Ask = authn.Ask{Purpose: purpose, Channel: authn.Browser, Journey: j.ID}
	for _, c := range v.b.Jar.Cookies(at) {
		if c.Name == "__Host-linde-browser" {
			j.Browser = secret.Hash(c.Value)
		}
	}
	if err := v.DB.StartJourney(v.t.Context(), j); err != nil {
		v.t.Fatal(err)
	}
	v.b.MustOpen(v.t, "https://id.test/p/linde/login/"+j.ID)
}

func (v *twoStep) anna() *account.Account {
	v.t.Helper()
	a, err := v.DB.AccountByEmail(v.t.Context(), "linde", "anna@example.org")
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

// mails are the kinds of those that were sent since the test began.
func (v *twoStep) mails() (kinds []outbox.Kind) {
	v.t.Helper()
	if err := v.Deliver(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
	for _, m := range v.Mails.Sent() {
		kinds = append(kinds, m.Kind)
	}
	return kinds
}

// askedAgain reports whether a new login in this browser asks a code.
func (v *twoStep) askedAgain() bool {
	v.t.Helper()
	v.b.MustOpen(v.t, v.party.Start(url.Values{"prompt": {"login"}}))
	v.b.MustFill(v.t, "Password", idptest.Password)
	v.b.MustPress(v.t, "Continue")
	return strings.HasSuffix(v.b.URL.Path, "/totp")
}

// TestANewAppTakesTheOldOnesPlace: the old one is asked first and works until the new one does; nobody is remembered.
func TestANewAppTakesTheOldOnesPlace(t *testing.T) {
	v := newTwoStep(t, "optional")
	if v.askedAgain() {
		t.Fatal("a remembered browser is asked for a code")
	}
	v.Clock.Later(6 * time.Minute)
	v.begin(authn.TwoStep)
	v.b.MustBeAt(t, "/password")
	v.b.MustFill(t, "Password", idptest.Password)
	v.b.MustPress(t, "Continue")
	v.b.MustBeAt(t, "/totp")
	v.b.MustFill(t, "Code", v.code("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
	v.b.MustPress(t, "Continue")
	v.b.MustBeAt(t, "/set-up")
	v.b.MustPress(t, "Set up two-step authentication")
	v.b.MustBeAt(t, "/app-setup")
	key := ""
	for n := range v.b.Doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "data-copy" {
				key = a.Val
			}
		}
	}
	old, _ := v.anna().Credential("totp")
	v.b.MustFill(t, "Code from the app", v.code(key))
	v.b.MustPress(t, "Turn on two-step authentication")
	now, ok := v.anna().Credential("totp")
	if !ok || now.ID == old.ID || len(v.anna().SecondMethods()) != 1 {
		t.Fatalf("at %s: %+v", v.b.URL, v.anna().Credentials)
	}
	if got := v.mails(); !slices.Equal(got, []outbox.Kind{outbox.MethodChanged}) {
		t.Errorf("mails %v", got)
	}
	v.Clock.Later(time.Minute)
	if !v.askedAgain() {
		t.Fatal("the browser is still remembered")
	}
	v.b.MustFill(t, "Code", v.code("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
	v.b.MustPress(t, "Continue")
	v.b.MustBeAt(t, "/totp")
	v.b.MustFill(t, "Code", v.code(key))
	v.b.MustPress(t, "Continue")
	if v.party.Last.Error != "" || v.b.URL.Path != "/callback" {
		t.Errorf("the new app's code leads to %s", v.b.URL)
	}
}

// TestTurningOffWantsBothProofsAndForgetsEverything (GHSA-hp74-gm6m-2qm5).
func TestTurningOffWantsBothProofsAndForgetsEverything(t *testing.T) {
	v := newTwoStep(t, "optional")
	v.Clock.Later(6 * time.Minute)
	v.begin(authn.TwoStepOff)
	v.b.MustFill(t, "Password", idptest.Password)
	v.b.MustPress(t, "Continue")
	v.b.MustBeAt(t, "/totp")
	v.b.MustFill(t, "Code", v.code("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
	v.b.MustPress(t, "Continue")
	v.b.MustBeAt(t, "/two-step-off")
	if len(v.anna().SecondMethods()) != 1 {
		t.Error("turned off before it was confirmed")
	}
	v.b.MustPress(t, "Turn off two-step authentication")
	for _, c := range v.anna().Credentials {
		if c.Use != account.Primary {
			t.Errorf("still there: %s", c.Method)
		}
	}
	if got := v.mails(); !slices.Equal(got, []outbox.Kind{outbox.TwoStepOff}) {
		t.Errorf("mails %v", got)
	}
	if v.askedAgain() || v.party.Last.Error != "" {
		t.Errorf("afterwards a code is asked at %s", v.b.URL)
	}
}

// TestTheOrganisationMayStopRemembering: what it decides counts for the browsers that are remembered already.
func TestTheOrganisationMayStopRemembering(t *testing.T) {
	v := newTwoStep(t, "optional")
	if v.askedAgain() {
		t.Fatal("a remembered browser is asked for a code")
	}
	v.Apply(strings.NewReplacer("DEMAND", "optional", "fixed: 12h", "fixed: 0s").Replace(twoStepHouse))
	if !v.askedAgain() {
		t.Error("the browser is still remembered")
	}
}

// TestTwoStepIsSetUpWhereItExists, whatever form is sent.
func TestTwoStepIsSetUpWhereItExists(t *testing.T) {
	m := newMixed(t, "")
	m.Apply(strings.Replace(twoStepHouse, "DEMAND", "off", 1))
	m.b.MustOpen(t, "https://id.test/p/linde/settings")
	if err := m.b.Twice(url.Values{"do": {"set-up"}}, "https://id.test/p/linde/settings/two-step"); err != nil {
		t.Fatal(err)
	}
	m.b.MustBeAt(t, "/settings")
}

// TestRequiredTwoStepStaysOn, whoever finds the address.
func TestRequiredTwoStepStaysOn(t *testing.T) {
	v := newTwoStep(t, "required")
	v.begin(authn.TwoStepOff)
	v.b.MustBeAt(t, "/two-step-off")
	v.b.MustPress(t, "Turn off two-step authentication")
	if v.b.Status != 403 || len(v.anna().SecondMethods()) != 1 {
		t.Errorf("%d at %s: %v", v.b.Status, v.b.URL, v.anna().SecondMethods())
	}
	if v.askedAgain() {
		t.Error("the browser was forgotten for nothing")
	}
}

// CVE-2023-3597: a session that showed a password only cannot bring a factor of its own
// where there is one.
func TestAPasswordAloneCannotReplaceAnApp(t *testing.T) {
	v := newTwoStep(t, "optional")
	old, _ := v.anna().Credential("totp")
	v.Clock.Later(6 * time.Minute)
	v.begin(authn.TwoStep)
	v.b.MustFill(t, "Password", idptest.Password)
	v.b.MustPress(t, "Continue")
	at := strings.TrimSuffix(v.b.URL.String(), "/totp")
	for _, step := range []string{"set-up", "app-setup", "two-step-off"} {
		v.b.MustOpen(t, at+"/"+step)
		v.b.MustBeAt(t, "/totp")
		if err := v.b.Twice(url.Values{"do": {"start"}, "method": {"totp"}, "code": {"123456"}}, at+"/"+step); err != nil {
			t.Fatal(err)
		}
		v.b.MustBeAt(t, "/totp")
	}
	if now, _ := v.anna().Credential("totp"); now.ID != old.ID || len(v.anna().SecondMethods()) != 1 {
		t.Errorf("credentials %v", v.anna().Credentials)
	}
}
