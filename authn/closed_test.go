package authn_test

import (
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// emergency is a manager who is named, with a second factor, where passwords are closed.
func emergency() (authn.Ask, authn.Facts) {
	a := withCodes()
	a.Role, a.Email = platform.Manager, account.Email{Address: "Mia@example.org", Key: "mia@example.org"}
	f := authn.Facts{Account: a, Policy: platform.DefaultPolicy(), Methods: []string{"pretend"}, Recovery: true, Now: noon}
	f.Policy.CodeMethods = []string{"pretend"}
	f.Policy.LoginForm, f.Policy.BreakGlass = false, []string{"mia@example.org"}
	return authn.Ask{Purpose: authn.SignIn, Channel: authn.Browser, Journey: "this one"}, f
}

func TestWhoKeepsThePasswordWherePasswordsAreClosed(t *testing.T) {
	for says, row := range map[string]struct {
		change func(*authn.Facts)
		closed bool
	}{
		"named, a manager, with a second factor": {func(*authn.Facts) {}, false},
		"not named":                              {func(f *authn.Facts) { f.Policy.BreakGlass = []string{"tom@example.org"} }, true},
		"nobody is":                              {func(f *authn.Facts) { f.Policy.BreakGlass = nil }, true},
		"not at the door either":                 {func(f *authn.Facts) { f.Policy.BreakGlass, f.BreakGlass = nil, true }, true},
		"without an address":                     {func(f *authn.Facts) { f.Account.Email, f.Policy.BreakGlass = account.Email{}, []string{""} }, true},
		"a manager no more":                      {func(f *authn.Facts) { f.Account.Role = platform.Helpdesk }, true},
		"without a second factor":                {func(f *authn.Facts) { f.Account.Credentials = nil }, true},
		"with one that this build has not":       {func(f *authn.Facts) { f.Methods = nil }, true},
		"at the mobile app":                      {func(f *authn.Facts) { f.MobileApp = true }, true},
		"at the mobile app, which is closed":     {func(f *authn.Facts) { f.MobileApp, f.Policy.AppPassword = true, false }, true},
		"nobody known yet":                       {func(f *authn.Facts) { f.Account = nil }, true},
		"nobody known yet, at the door":          {func(f *authn.Facts) { f.Account, f.BreakGlass = nil, true }, false},
		"the same, of the mobile app":            {func(f *authn.Facts) { f.Account, f.BreakGlass, f.MobileApp = nil, true, true }, true},
		"passwords are open again":               {func(f *authn.Facts) { f.Policy.LoginForm, f.Policy.BreakGlass = true, nil }, false},
	} {
		_, f := emergency()
		if row.change(&f); authn.PasswordClosed(f) != row.closed {
			t.Errorf("%s: closed %t", says, !row.closed)
		}
	}
}

// The password alone never lets them in, whatever a browser was remembered for and whatever was shown before.
func TestACodeIsAlwaysAskedInAnEmergency(t *testing.T) {
	waiver := authn.Proof{Method: "remembered", Use: account.Waiver, At: at(-1), For: 12 * 3600e9}
	there := authn.Proof{
		Method: "federated", Use: account.Primary, Kinds: authn.Knows | authn.Has, At: at(-1), Issuer: "https://sso.example",
		Upstream: &authn.OnUpstream{Connection: "lindehof", Told: at(-1)},
	}
	for says, row := range map[string]struct {
		change func(*authn.Ask, *authn.Facts)
		proofs []authn.Proof
		want   string
	}{
		"the password":                          {nil, []authn.Proof{ofThisOne(pwd(0))}, "second"},
		"in a remembered browser":               {func(_ *authn.Ask, f *authn.Facts) { f.Remembered = true }, []authn.Proof{ofThisOne(pwd(0))}, "second"},
		"and a code":                            {nil, []authn.Proof{ofThisOne(pwd(0)), ofThisOne(code(0))}, ""},
		"in a session that went without a code": {func(_ *authn.Ask, f *authn.Facts) { f.Session = session("anna", -1, pwd(-20), waiver) }, nil, "second"},
		"in a session with one":                 {func(_ *authn.Ask, f *authn.Facts) { f.Session = session("anna", -1, pwd(-20), code(-20)) }, nil, ""},
		"the session of another manager": {func(_ *authn.Ask, f *authn.Facts) {
			f.Session, f.Switch = session("tom", -1, pwd(-20), code(-20)), true
		}, []authn.Proof{ofThisOne(pwd(0))}, "second"},
		"after the idle hour, remembered": {func(_ *authn.Ask, f *authn.Facts) {
			f.Session, f.Remembered = session("anna", -60, pwd(-80), code(-80)), true
		}, nil, "second"},
		"at the door, in a session with one": {func(_ *authn.Ask, f *authn.Facts) {
			f.Session, f.BreakGlass = session("anna", -1, pwd(-20), code(-20)), true
		}, nil, "primary, second"},
		"at the door, beside what an organisation said": {func(_ *authn.Ask, f *authn.Facts) {
			f.Session, f.BreakGlass = session("anna", -1, there), true
		}, []authn.Proof{ofThisOne(pwd(0))}, "second"},
		"signed in elsewhere, in a remembered browser": {func(_ *authn.Ask, f *authn.Facts) {
			f.Session, f.Remembered = session("anna", -1, there), true
		}, nil, ""},
		"two-step page, remembered": {func(a *authn.Ask, f *authn.Facts) {
			a.Purpose, f.Session, f.Remembered = authn.TwoStepPage, session("anna", -1, pwd(-20), waiver), true
		}, []authn.Proof{ofThisOne(pwd(0))}, "second"},
		"open again, remembered": {func(_ *authn.Ask, f *authn.Facts) { f.Policy.LoginForm, f.Remembered = true, true }, []authn.Proof{ofThisOne(pwd(0))}, ""},
		"open again, at what was the door": {func(_ *authn.Ask, f *authn.Facts) {
			f.Policy.LoginForm, f.BreakGlass, f.Session = true, true, session("anna", -1, pwd(-20), code(-20))
		}, nil, ""},
	} {
		ask, f := emergency()
		f.Account.Credentials = append(f.Account.Credentials, account.Credential{Method: "password", Use: account.Primary, ConfirmedAt: at(-9999)})
		if row.change != nil {
			row.change(&ask, &f)
		}
		if got := needs(authn.Missing(ask, f, row.proofs)); got != row.want {
			t.Errorf("%s: asked %q, want %q", says, got, row.want)
		}
	}
}
