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

// request is a sign-in that a party asks for while somebody with a password and a second factor is signed in, in the
// words of OpenID Connect Core 1.0 section 3.1.2.1 and of docs/oidc.md. Nothing here knows the table of rules.
type request struct {
	fresh string // prompt=login, max_age=0, both, max_age=600, none
	level string // by what two factors are demanded; nothing, or one: no level above the password
	place string // where, and what that waives
	// What the person showed for this request, and how long ago, in minutes, what the session holds was shown; never: not
	// at all.
	passwordHere, codeHere bool
	password, code         int
}

const never = -1

var (
	freshness = []string{"prompt=login", "max_age=0", "both", "max_age=600", "none"}
	levels    = []string{"acr_values", "claims acr", "party minimum", "platform minimum", "an alias", "one factor", "nothing"}
	// waived: the session began without a code, in a browser that is remembered; forgotten: … that is not any more.
	places = []string{
		"browser", "remembered browser", "waived", "forgotten", "idle", "idle, remembered", "app", "app, idle", "app with code", "app with code, idle",
		"another native party", "another native party, idle",
	}
)

func (r request) String() string {
	return fmt.Sprintf("%s, %s, %s: here password %t code %t, session %d %d", r.fresh, r.level, r.place, r.passwordHere, r.codeHere, r.password, r.code)
}

// wanted is the model: whether the password, and whether a code, must be shown before the request is answered.
func (r request) wanted() (password, code bool) {
	two := r.level != "nothing" && r.level != "one factor"
	idle := strings.Contains(r.place, "idle")
	app := strings.HasPrefix(r.place, "app")
	remembered := r.place == "remembered browser" || r.place == "waived" || r.place == "idle, remembered"

	// How old what is shown may be for a sign-in that is asked to be fresh.
	recent := func(age int) bool {
		switch r.fresh {
		case "prompt=login", "max_age=0", "both":
			return false // only what is shown for this request
		case "max_age=600":
			return age != never && age <= 10
		}
		return age != never
	}
	passwordDone := r.passwordHere || recent(r.password)
	codeDone := r.codeHere || recent(r.code)

	// A level of two factors wants every factor of it as fresh as was asked. Below that max_age is about the password.
	if two {
		password, code = !passwordDone, !codeDone
	} else {
		password = !passwordDone
		asked := !app || strings.HasPrefix(r.place, "app with code") // of a sign-in here, as the organisation decided
		again := r.fresh == "prompt=login" || r.fresh == "both"
		switch {
		case !asked || remembered || r.place == "forgotten" && !again:
		case again:
			code = !r.codeHere
		default:
			code = !r.codeHere && r.code == never
		}
	}
	// After the idle hour something is shown again, and what was shown before it does not count.
	switch {
	case idle && app:
		password = password || !r.passwordHere
		code = code || r.place == "app with code, idle" && !r.codeHere
	case idle && remembered:
		password = password || !r.passwordHere
	case idle:
		code = code || !r.codeHere
	}
	return password, code
}

// asked is the same request for the rules.
func (r request) asked(recoveryCode bool) (authn.Ask, authn.Facts, []authn.Proof) {
	const two, one = string(authn.TwoFactor), string(authn.OneFactor)
	ask := authn.Ask{Purpose: authn.SignIn, Channel: authn.Browser, Journey: "this one"}
	f := authn.Facts{Account: withCodes(), Recovery: true, Now: noon, Methods: []string{"pretend"}, Policy: platform.DefaultPolicy()}
	f.Policy.CodeMethods = []string{"pretend"}
	ask.PromptLogin = r.fresh == "prompt=login" || r.fresh == "both"
	switch r.fresh {
	case "max_age=0", "both":
		ask.MaxAge = age(0)
	case "max_age=600":
		ask.MaxAge = age(600 * time.Second)
	}
	switch r.level {
	case "acr_values":
		ask.ACR = []string{two}
	case "claims acr":
		ask.ACR, ask.ClaimedACR = []string{one}, [][]string{{"urn:x", two}}
	case "party minimum":
		ask.MinimumACR = []string{two}
	case "platform minimum":
		ask.MinimumACR = []string{one, two}
	case "an alias":
		ask.ACR = []string{"https://refeds.org/profile/mfa"}
	case "one factor":
		ask.ACR = []string{one}
	}
	seen := -1
	if strings.Contains(r.place, "idle") {
		seen = -61
	}
	f.Session = session("anna", seen)
	if r.password != never {
		f.Session.Proofs = append(f.Session.Proofs, pwd(-r.password))
	}
	if r.code != never {
		f.Session.Proofs = append(f.Session.Proofs, code(-r.code))
	}
	switch r.place {
	case "remembered browser", "idle, remembered":
		f.Remembered = true
	case "waived":
		f.Remembered = true
		f.Session.Proofs = append(f.Session.Proofs, waiver(-r.password))
	case "forgotten":
		f.Session.Proofs = append(f.Session.Proofs, waiver(-r.password))
	case "app", "app, idle":
		ask.Channel, f.MobileApp = authn.App, true
	case "app with code", "app with code, idle":
		ask.Channel, f.MobileApp, f.Policy.AppCode = authn.App, true, true
	case "another native party", "another native party, idle": // a browser is the model
		ask.Channel = authn.App
	}
	var here []authn.Proof
	if r.passwordHere {
		here = append(here, ofThisOne(pwd(-2)))
	}
	if r.codeHere && recoveryCode {
		here = append(here, ofThisOne(recovery(-2)))
	} else if r.codeHere {
		here = append(here, ofThisOne(code(-2)))
	}
	return ask, f, here
}

// requests is the whole product.
func requests(try func(request)) {
	truth := []bool{false, true}
	for _, fresh := range freshness {
		for _, level := range levels {
			for _, place := range places {
				for _, password := range []int{5, 100} {
					for _, code := range []int{never, 5, 100} {
						if strings.Contains(place, "idle") && (password == 5 || code == 5) || (place == "waived" || place == "forgotten") && code != never {
							continue // nobody showed something in an idle hour; who went without a code gave none
						}
						for _, passwordHere := range truth {
							for _, codeHere := range truth {
								try(request{fresh, level, place, passwordHere, codeHere, password, code})
							}
						}
					}
				}
			}
		}
	}
}

// differ compares rules with the model for one request; empty: they agree.
func differ(rules authn.Rules, r request, recoveryCode bool) string {
	var want, got []string
	password, second := r.wanted()
	if password {
		want = append(want, "primary")
	}
	if second {
		want = append(want, "second")
	}
	ask, f, here := r.asked(recoveryCode)
	for _, m := range rules.Missing(ask, f, here) {
		got = append(got, string(m.Need))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Sprintf("%s (recovery code: %t): asks %q, want %q", r, recoveryCode, got, want)
	}
	if len(got) > 0 {
		return ""
	}
	counted := ask.Counted(authn.Merge(f.Session.Proofs, here), f.Now)
	if acr := authn.ACROf(counted); !ask.SatisfiedBy(acr, f.Policy.ACRAliases) {
		return fmt.Sprintf("%s: nothing is asked, and the party is told that %q is too weak", r, acr)
	}
	return ""
}

// Who asks for a fresh sign-in at a level gets every factor of that level fresh.
func TestFreshSignInAtALevel(t *testing.T) {
	cells := 0
	requests(func(r request) {
		for _, recoveryCode := range []bool{false, true} {
			cells++
			if d := differ(authn.Today(), r, recoveryCode); d != "" {
				t.Error(d)
			}
		}
	})
	if cells < 5000 {
		t.Errorf("only %d cells", cells)
	}
}

// Some cells in full, so that the model is held against something too.
func TestModelOfAFreshSignIn(t *testing.T) {
	for _, row := range []struct {
		request
		want string
	}{
		{request{"prompt=login", "acr_values", "remembered browser", true, false, 40, 40}, "code"},
		{request{"prompt=login", "acr_values", "remembered browser", true, true, 40, 40}, ""},
		{request{"prompt=login", "acr_values", "remembered browser", false, false, 40, 40}, "password code"},
		{request{"prompt=login", "platform minimum", "app", true, false, 40, 40}, "code"},
		{request{"max_age=0", "claims acr", "browser", true, false, 100, 100}, "code"},
		{request{"max_age=0", "nothing", "browser", true, false, 100, 100}, ""},
		{request{"max_age=600", "party minimum", "browser", false, false, 5, 100}, "code"},
		{request{"max_age=600", "party minimum", "browser", false, false, 100, 5}, "password"},
		{request{"max_age=600", "nothing", "browser", false, false, 5, 100}, ""},
		{request{"both", "an alias", "idle, remembered", false, false, 100, 100}, "password code"},
		{request{"none", "acr_values", "idle, remembered", true, false, 100, 100}, ""},
		{request{"none", "acr_values", "app", false, false, 100, never}, "code"},
		{request{"prompt=login", "nothing", "remembered browser", true, false, 100, 100}, ""},
		{request{"prompt=login", "one factor", "browser", true, false, 100, 100}, "code"},
		{request{"prompt=login", "nothing", "app", true, false, 100, never}, ""},
		{request{"prompt=login", "nothing", "app with code", true, false, 100, 100}, "code"},
		{request{"none", "nothing", "waived", false, false, 100, never}, ""},
		{request{"none", "nothing", "idle", true, false, 100, 100}, "code"},
	} {
		var got []string
		password, code := row.wanted()
		if password {
			got = append(got, "password")
		}
		if code {
			got = append(got, "code")
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: %q, want %q", row.request, got, row.want)
		}
		if d := differ(authn.Today(), row.request, true); d != "" {
			t.Error(d)
		}
	}
}

// Each row as it was, put back by itself, is found out.
func TestModelOfAFreshSignInFindsOldRows(t *testing.T) {
	for name, rules := range authn.WeakFresh() {
		found := 0
		requests(func(r request) {
			if differ(rules, r, false) != "" {
				found++
			}
		})
		if found == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// A session that went without a code goes on so only while what it was granted for is allowed.
func TestWaiverEndsWhenLessIsAllowed(t *testing.T) {
	const half, three, week = 12 * time.Hour, 72 * time.Hour, 168 * time.Hour
	for _, row := range []struct {
		says    string
		remains bool
		granted time.Duration // what browsers were remembered for when the session began
		chosen  time.Duration // by the person, now
		policy  platform.Remember
	}{
		{"as it was", true, three, three, platform.Remember{Choices: []time.Duration{half, three, week}}},
		{"the person chose longer", true, half, three, platform.Remember{Choices: []time.Duration{half, three, week}}},
		{"the person chose shorter", false, three, half, platform.Remember{Choices: []time.Duration{half, three, week}}},
		{"the person chose never", false, three, 0, platform.Remember{Choices: []time.Duration{half, three, week}}},
		{"other choices were taken away", true, half, half, platform.Remember{Choices: []time.Duration{half}}},
		{"the choice was taken away", false, three, three, platform.Remember{Choices: []time.Duration{half}}},
		{"all choices were taken away", false, half, half, platform.Remember{}},
		{"the organisation decides: the same", true, half, 0, platform.Remember{Decides: true, Fixed: half}},
		{"the organisation decides: longer", true, half, 0, platform.Remember{Decides: true, Fixed: week}},
		{"the organisation decides: shorter", false, week, week, platform.Remember{Decides: true, Fixed: half}},
		{"the organisation decides: never", false, half, half, platform.Remember{Decides: true}},
		{"of before it was noted, still allowed", true, 0, half, platform.Remember{Choices: []time.Duration{half}}},
		{"of before it was noted, not any more", false, 0, 0, platform.Remember{Choices: []time.Duration{half}}},
	} {
		for _, role := range []platform.Role{platform.Client, platform.Professional} {
			f := authn.Facts{Account: person(true), Policy: platform.DefaultPolicy(), Methods: []string{"pretend"}, Now: noon}
			f.Account.RememberFor, f.Account.Role = row.chosen, role
			f.Policy.Remember = platform.ByGroup[platform.Remember]{Client: row.policy, Staff: row.policy}
			given := waiver(-1)
			given.For = row.granted
			f.Session = session("anna", -1, pwd(-1), given)
			missing := authn.Missing(authn.Ask{Purpose: authn.SignIn, Channel: authn.Browser, Journey: "this one"}, f, nil)
			if got := len(missing) == 0; got != row.remains {
				t.Errorf("%s, %s: goes on without a code: %t, want %t", row.says, role, got, row.remains)
			}
		}
	}
}

// A set of recovery codes that was made in the session proves nothing that the session did not have.
func TestRecoveryCodesOfThisSessionDoNotCount(t *testing.T) {
	for _, row := range []struct {
		says    string
		made    int // minutes; the session began at -600
		session bool
		counts  bool
	}{
		{"made before the session", -601, true, true},
		{"made with it", -600, true, false},
		{"made in it", -599, true, false},
		{"no session yet", -10, false, true},
	} {
		for _, purpose := range []authn.Purpose{authn.NewCodes, authn.TwoStep, authn.TwoStepOff, authn.ShowQR, authn.SignIn, authn.ChangePassword} {
			a := person(true)
			a.Credentials = append(a.Credentials, account.Credential{ID: "set", Method: "recovery", Use: account.Recovery, AddedAt: at(row.made), ConfirmedAt: at(row.made)})
			f := authn.Facts{Account: a, Policy: platform.DefaultPolicy(), Methods: []string{"pretend"}, Recovery: true, Now: noon}
			if row.session {
				f.Session = session("anna", -1, pwd(-1))
			}
			if purpose == authn.SignIn {
				f.Low, f.OptIn, f.Done = true, authn.NeedEnrol, []authn.Need{authn.NeedLowCodes}
			}
			used := ofThisOne(recovery(0))
			used.Credential = "set"
			missing := authn.Missing(authn.Ask{Purpose: purpose, Channel: authn.Browser, Journey: "this one"}, f, []authn.Proof{ofThisOne(pwd(0)), used})
			counts := row.counts || purpose == authn.ChangePassword
			if got := !slices.ContainsFunc(missing, func(r authn.Requirement) bool { return r.Need == authn.NeedSecond }); got != counts {
				t.Errorf("%s, %s: counts: %t, want %t", row.says, purpose, got, counts)
			}
		}
	}
}

// What a phone is signed in with is what was shown just now, and shown by its owner.
func TestFreshProofs(t *testing.T) {
	a := withCodes()
	a.Credentials = append(a.Credentials, account.Credential{ID: "new", Method: "recovery", Use: account.Recovery, ConfirmedAt: at(-2)})
	made, before := recovery(-1), recovery(-1)
	made.Credential, before.Credential = "new", a.Credentials[len(a.Credentials)-2].ID
	for name, row := range map[string]struct {
		proofs []authn.Proof
		want   int
	}{
		"password and code":           {[]authn.Proof{pwd(-5), code(-5)}, 2},
		"an old code":                 {[]authn.Proof{pwd(-1), code(-6)}, 1},
		"a waiver":                    {[]authn.Proof{pwd(-1), waiver(-1)}, 1},
		"a set of before the session": {[]authn.Proof{pwd(-1), before}, 2},
		"a set that was just made":    {[]authn.Proof{pwd(-1), made}, 1},
		"nothing fresh":               {[]authn.Proof{pwd(-6)}, 0},
	} {
		f := authn.Facts{Account: a, Policy: platform.DefaultPolicy(), Session: session("anna", -1, row.proofs...), Now: noon}
		if got := authn.FreshProofs(f); len(got) != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := authn.FreshProofs(authn.Facts{Now: noon}); got != nil {
		t.Errorf("no session: %v", got)
	}
}
