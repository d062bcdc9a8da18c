package authn_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// kindOf is what kind of party asks.
type kindOf string

const (
	web    kindOf = "web"
	mobile kindOf = "mobile_app"
	native kindOf = "another native party"
)

// moment is when it asks: what was shown by then.
type moment string

const (
	atLogin  moment = "the password was just given"
	withPwd  moment = "in a session of the password alone"
	withCode moment = "in a session of password and code"
	idlePwd  moment = "after the idle hour of a session of the password alone"
	idleCode moment = "after the idle hour of a session of password and code"
)

// expected is the model, written from the help pages and apart from the table: a code is for the browser, so people in
// care are not asked one in the mobile app unless the platform wants it there. Everybody else is asked what a browser
// asks.
func expected(k kindOf, role platform.Role, appCode bool, demand platform.Demand, enrolled bool, m moment) string {
	inCare := k == mobile && !role.Staff()
	coded := !inCare || appCode
	code, setUp := coded && enrolled, coded && !enrolled && demand == platform.Required
	var all []string
	switch m {
	case atLogin:
		if code {
			all = append(all, "second")
		}
	case withPwd, withCode:
		if code && m == withPwd {
			all = append(all, "second")
		}
		if setUp {
			all = append(all, "primary") // a password of now for it
		}
	case idlePwd, idleCode:
		if inCare || !enrolled {
			all = append(all, "primary")
		}
		if code {
			all = append(all, "second")
		}
	}
	if setUp {
		all = append(all, "enrol")
	}
	return strings.Join(all, ", ")
}

// onceEach calls f for every combination of the table.
func onceEach(f func(k kindOf, role platform.Role, appCode bool, demand platform.Demand, enrolled bool, m moment)) {
	for _, k := range []kindOf{web, mobile, native} {
		for _, role := range platform.Roles {
			for _, appCode := range []bool{false, true} {
				for _, demand := range []platform.Demand{platform.Off, platform.Optional, platform.Required} {
					for _, enrolled := range []bool{false, true} {
						for _, m := range []moment{atLogin, withPwd, withCode, idlePwd, idleCode} {
							if enrolled || m != withCode && m != idleCode {
								f(k, role, appCode, demand, enrolled, m)
							}
						}
					}
				}
			}
		}
	}
}

// scene returns a request, its facts and the proofs that the journey has, at one moment.
func scene(k kindOf, role platform.Role, enrolled bool, m moment) (authn.Ask, authn.Facts, []authn.Proof) {
	ask := authn.Ask{Purpose: authn.SignIn, Channel: authn.App, Journey: "this one"}
	if k == web {
		ask.Channel = authn.Browser
	}
	a := person(false)
	if enrolled {
		a = withCodes()
	}
	a.Role = role
	f := authn.Facts{
		Account: a, Policy: platform.DefaultPolicy(), Methods: []string{"pretend"}, Recovery: true, MobileApp: k == mobile, Now: noon,
	}
	f.Policy.CodeMethods = []string{"pretend"}
	switch m {
	case atLogin:
		return ask, f, []authn.Proof{ofThisOne(pwd(0))}
	case withPwd:
		f.Session = session("anna", -1, pwd(-20))
	case withCode:
		f.Session = session("anna", -1, pwd(-20), code(-20))
	case idlePwd:
		f.Session = session("anna", -60, pwd(-80))
	case idleCode:
		f.Session = session("anna", -60, pwd(-80), code(-80))
	}
	f.Session.Channel = ask.Channel
	return ask, f, nil
}

func needs(missing []authn.Requirement) string {
	var all []string
	for _, r := range missing {
		all = append(all, string(r.Need))
	}
	return strings.Join(all, ", ")
}

// What a session of the mobile app has, another native party of the same channel does not take for more.
func TestWhoIsAskedACodeAtWhichParty(t *testing.T) {
	rows := 0
	onceEach(func(k kindOf, role platform.Role, appCode bool, demand platform.Demand, enrolled bool, m moment) {
		rows++
		ask, f, proofs := scene(k, role, enrolled, m)
		f.Policy.AppCode = appCode
		f.Policy.SecondFactor = platform.ByGroup[platform.SecondFactor]{Client: platform.SecondFactor{Demand: demand}, Staff: platform.SecondFactor{Demand: demand}}
		if got, want := needs(authn.Missing(ask, f, proofs)), expected(k, role, appCode, demand, enrolled, m); got != want {
			t.Errorf("%s, %s, app_code %t, second factor %s, enrolled %t, %s: asked %q, want %q", k, role, appCode, demand, enrolled, m, got, want)
		}
	})
	if rows != 3*5*2*3*8 {
		t.Errorf("%d rows", rows)
	}
}

// A role that is not known yet, or never heard of, is asked more rather than less.
func TestOnlyPeopleInCareAreSparedTheCode(t *testing.T) {
	ask, f, proofs := scene(mobile, "volunteer", true, atLogin)
	if got := needs(authn.Missing(ask, f, proofs)); got != "second" {
		t.Errorf("an unknown role is asked %q", got)
	}
	f.Account = nil
	if got := needs(authn.Missing(ask, f, nil)); got != "primary" {
		t.Errorf("nobody known yet is asked %q", got)
	}
	// a party that wants two factors gets them in the app as well
	ask, f, proofs = scene(mobile, platform.Client, true, atLogin)
	for _, wants := range []func(){
		func() { ask.ACR = []string{string(authn.TwoFactor)} }, func() { ask.ACR, ask.MinimumACR = nil, []string{string(authn.TwoFactor)} },
	} {
		if wants(); needs(authn.Missing(ask, f, proofs)) != "second" {
			t.Errorf("two factors are wanted, asked %q", needs(authn.Missing(ask, f, proofs)))
		}
	}
}

// The set-up at the app, where a code is asked there, ends with recovery codes as anywhere else.
func TestSetUpAtTheAppKeepsRecoveryCodes(t *testing.T) {
	for _, m := range []moment{atLogin, withPwd} {
		ask, f, _ := scene(mobile, platform.Client, true, m)
		f.Policy.AppCode, f.Account, f.Done = true, person(true), []authn.Need{authn.NeedEnrol}
		got := needs(authn.Missing(ask, f, []authn.Proof{ofThisOne(pwd(0)), ofThisOne(code(0))}))
		if got != "save-codes" {
			t.Errorf("%s: asked %q", m, got)
		}
	}
}

// A closed password counts for nothing, whether it was shown now, in the session, or for another party.
func TestClosedPasswordProvesNothing(t *testing.T) {
	onceEach(func(k kindOf, role platform.Role, appCode bool, _ platform.Demand, enrolled bool, m moment) {
		for _, form := range []bool{true, false} {
			for _, app := range []bool{true, false} {
				ask, f, proofs := scene(k, role, enrolled, m)
				f.Policy.AppCode, f.Policy.LoginForm, f.Policy.AppPassword = appCode, form, app
				closed := !form || k == mobile && !app
				all := authn.Missing(ask, f, proofs)
				asked := slices.ContainsFunc(all, func(r authn.Requirement) bool { return r.Need == authn.NeedPrimary })
				if at := fmt.Sprintf("%s, %s, login_form %t, app_password %t, %s", k, role, form, app, m); closed && !asked {
					t.Errorf("%s: asked %q", at, needs(all))
				} else if !closed && m == atLogin && asked {
					t.Errorf("%s: the password is asked again", at)
				}
				if authn.PasswordClosed(f) != closed {
					t.Errorf("%s, login_form %t, app_password %t: closed %t", k, form, app, !closed)
				}
			}
		}
	})
	// Another primary factor still works.
	ask, f, _ := scene(mobile, platform.Client, false, atLogin)
	f.Policy.AppPassword, f.Policy.LoginForm = false, false
	upstream := ofThisOne(authn.Proof{Method: "organisation", Use: account.Primary, Kinds: authn.Knows, At: noon})
	if got := needs(authn.Missing(ask, f, []authn.Proof{upstream})); got != "" {
		t.Errorf("signed in at the organisation, asked %q", got)
	}
}

// Another native party gets what a browser gets, for every account. The mobile app gets it for staff.
func TestNativePartiesAreAskedWhatABrowserAsks(t *testing.T) {
	changes := []func(*authn.Ask, *authn.Facts){
		func(a *authn.Ask, _ *authn.Facts) { a.PromptLogin = true },
		func(a *authn.Ask, _ *authn.Facts) { a.MaxAge = age(0) },
		func(a *authn.Ask, _ *authn.Facts) { a.ACR = []string{string(authn.TwoFactor)} },
		func(a *authn.Ask, _ *authn.Facts) { a.PromptSelectAccount = true },
		func(a *authn.Ask, _ *authn.Facts) { a.Consent = []string{"email"} },
		func(_ *authn.Ask, f *authn.Facts) { f.Account = putOff(31); f.Account.Role = platform.Manager },
		func(_ *authn.Ask, f *authn.Facts) { f.Account = person(true); f.Account.Role = platform.Manager },
		func(_ *authn.Ask, f *authn.Facts) { f.Account = nil },
		func(_ *authn.Ask, f *authn.Facts) { f.Low, f.OptIn = true, authn.NeedSaveCodes },
		func(_ *authn.Ask, f *authn.Facts) { f.Policy.LoginForm = false },
		func(_ *authn.Ask, f *authn.Facts) { f.Policy.AppCode = true },
	}
	asked := 0
	for _, m := range []moment{atLogin, withPwd, withCode, idlePwd, idleCode} {
		for _, demand := range []platform.Demand{platform.Off, platform.Optional, platform.Required} {
			for set := range 1 << len(changes) {
				for _, k := range []kindOf{native, mobile} {
					ask, f, proofs := scene(k, platform.Manager, true, m)
					f.Policy.SecondFactor.Staff = platform.SecondFactor{Demand: demand, OfferEvery: time.Hour}
					for i, change := range changes {
						if set&(1<<i) != 0 {
							change(&ask, &f)
						}
					}
					got := authn.Missing(ask, f, proofs)
					ask.Channel, f.MobileApp = authn.Browser, false
					want := authn.Missing(ask, f, proofs)
					if !slices.Equal(got, want) {
						t.Fatalf("%s, %s, second factor %s, changes %b: asked %v, a browser %v", k, m, demand, set, got, want)
					}
					asked += len(want)
				}
			}
		}
	}
	if asked == 0 {
		t.Error("nothing was ever asked")
	}
}
