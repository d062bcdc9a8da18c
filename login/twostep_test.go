package login_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/outbox"
)

// twoStep is Anna, signed in with a code in a browser that is remembered.
type twoStep struct {
	*idptest.Server
	t     *testing.T
	party *idptest.Party
	b     *idptest.Browser
}

func newTwoStep(t *testing.T, demand string) *twoStep {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(twoStepOf(demand))
	v := &twoStep{s, t, twoStepOf(demand).Party(s, "web"), idptest.NewBrowser(s, "en")}
	idptest.LogIn(t, v.b, v.party.Start(nil), "anna@example.org")
	remembered(v.b)
	idptest.SendCode(t, v.b, v.code(annasKey))
	if v.party.Last.Error != "" || v.party.Last.Claims == nil {
		t.Fatalf("signing in ends at %s: %q", v.b.URL, v.party.Last.Error)
	}
	return v
}

func (v *twoStep) code(of string) string {
	v.t.Helper()
	return idptest.Code(v.t, of, v.Clock.Now())
}

func (v *twoStep) anna() *account.Account {
	v.t.Helper()
	return idptest.Account(v.t, v.DB, "anna@example.org")
}

// mails are the kinds of those that were sent since the test began.
func (v *twoStep) mails() (kinds []outbox.Kind) {
	v.t.Helper()
	idptest.Deliver(v.t, v)
	for _, m := range v.Mails.Sent() {
		kinds = append(kinds, m.Kind)
	}
	return kinds
}

// askedAgain reports whether a new login in this browser asks a code.
func (v *twoStep) askedAgain() bool {
	v.t.Helper()
	v.b.MustOpen(v.t, v.party.Start(url.Values{"prompt": {"login"}}))
	idptest.Reauthenticate(v.t, v.b)
	return strings.HasSuffix(v.b.URL.Path, "/totp")
}

// TestANewAppTakesTheOldOnesPlace: the old one is asked first and works until the new one does; nobody is remembered.
func TestANewAppTakesTheOldOnesPlace(t *testing.T) {
	v := newTwoStep(t, "optional")
	if v.askedAgain() {
		t.Fatal("a remembered browser is asked for a code")
	}
	v.Clock.Later(6 * time.Minute)
	begin(t, v.Server, v.b, authn.TwoStep)
	v.b.MustBeAt(t, "/password")
	idptest.Reauthenticate(t, v.b)
	v.b.MustBeAt(t, "/totp")
	idptest.SendCode(t, v.b, v.code(annasKey))
	v.b.MustBeAt(t, "/set-up")
	v.b.MustPress(t, "Set up two-step authentication")
	v.b.MustBeAt(t, "/app-setup")
	key := keyOnPage(v.b)
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
	idptest.SendCode(t, v.b, v.code(annasKey))
	v.b.MustBeAt(t, "/totp")
	idptest.SendCode(t, v.b, v.code(key))
	if v.party.Last.Error != "" || v.b.URL.Path != "/callback" {
		t.Errorf("the new app's code leads to %s", v.b.URL)
	}
}

// Two-step authentication is turned off after both proofs and a confirmation, and takes every code with it
// (GHSA-hp74-gm6m-2qm5).
func TestTurningOffWantsBothProofsAndForgetsEverything(t *testing.T) {
	v := newTwoStep(t, "optional")
	v.Clock.Later(6 * time.Minute)
	begin(t, v.Server, v.b, authn.TwoStepOff)
	idptest.Reauthenticate(t, v.b)
	v.b.MustBeAt(t, "/totp")
	idptest.SendCode(t, v.b, v.code(annasKey))
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
	forgets := twoStepOf("optional")
	forgets.Policy = strings.Replace(forgets.Policy, "fixed: 12h", "fixed: 0s", 1)
	v.Declare(forgets)
	if !v.askedAgain() {
		t.Error("the browser is still remembered")
	}
}

// TestTwoStepIsSetUpWhereItExists, whatever form is sent.
func TestTwoStepIsSetUpWhereItExists(t *testing.T) {
	m := newMixed(t, "")
	m.Declare(twoStepOf("off"))
	m.b.MustOpen(t, settings)
	m.b.MustTwice(t, url.Values{"do": {"set-up"}}, settings+"/two-step")
	m.b.MustBeAt(t, "/settings")
}

// TestRequiredTwoStepStaysOn, whoever finds the address.
func TestRequiredTwoStepStaysOn(t *testing.T) {
	v := newTwoStep(t, "required")
	begin(t, v.Server, v.b, authn.TwoStepOff)
	v.b.MustBeAt(t, "/two-step-off")
	v.b.MustPress(t, "Turn off two-step authentication")
	if v.b.Status != 403 || len(v.anna().SecondMethods()) != 1 {
		t.Errorf("%d at %s: %v", v.b.Status, v.b.URL, v.anna().SecondMethods())
	}
	if v.askedAgain() {
		t.Error("the browser was forgotten for nothing")
	}
}

// A session that showed a password only cannot bring a factor of its own where there is one (CVE-2023-3597).
func TestAPasswordAloneCannotReplaceAnApp(t *testing.T) {
	v := newTwoStep(t, "optional")
	old, _ := v.anna().Credential("totp")
	v.Clock.Later(6 * time.Minute)
	begin(t, v.Server, v.b, authn.TwoStep)
	idptest.Reauthenticate(t, v.b)
	at := strings.TrimSuffix(v.b.URL.String(), "/totp")
	for _, step := range []string{"set-up", "app-setup", "two-step-off"} {
		v.b.MustOpen(t, at+"/"+step)
		v.b.MustBeAt(t, "/totp")
		v.b.MustTwice(t, url.Values{"do": {"start"}, "method": {"totp"}, "code": {"123456"}}, at+"/"+step)
		v.b.MustBeAt(t, "/totp")
	}
	if now, _ := v.anna().Credential("totp"); now.ID != old.ID || len(v.anna().SecondMethods()) != 1 {
		t.Errorf("credentials %v", v.anna().Credentials)
	}
}
