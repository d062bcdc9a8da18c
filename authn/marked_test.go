package authn_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// ownerUnproven is somebody whose two-step authentication staff reset, and who did not show since to be the owner.
func ownerUnproven(a *account.Account) *account.Account {
	a.MarkedAt = at(-60)
	return a
}

// scenes calls f for every purpose and channel that rules has, with every policy, party, session and browser that could
// make a difference, of an account that staff reset, until it returns false.
func scenes(rows map[authn.Purpose]map[authn.Channel][]authn.Need, f func(at string, ask authn.Ask, facts authn.Facts) bool) {
	for purpose, channels := range rows {
		for channel := range channels {
			for _, demand := range []platform.Demand{platform.Off, platform.Optional, platform.Required} {
				for bits := range 1 << 8 {
					set := func(i int) bool { return bits>>i&1 == 1 }
					if set(3) && channel != authn.App || set(7) && !set(6) {
						continue // nothing of an app, nothing of a session
					}
					ask := authn.Ask{Purpose: purpose, Channel: channel, Journey: "this one", PromptLogin: set(0)}
					if set(1) {
						ask.ACR = []string{string(authn.TwoFactor)}
					}
					who := person(false)
					if set(2) {
						who = withCodes() // set up in a journey that was not finished
					}
					who.ResetAt = at(-60)
					facts := authn.Facts{
						Account: ownerUnproven(who), Policy: platform.DefaultPolicy(), Methods: []string{"pretend"}, Recovery: true,
						MobileApp: set(3), Remembered: set(4), Now: noon,
					}
					facts.Policy.CodeMethods, facts.Policy.AppCode = []string{"pretend"}, set(5)
					facts.Policy.SecondFactor.Client = platform.SecondFactor{Demand: demand}
					if set(6) {
						seen := -1
						if set(7) {
							seen = -90
						}
						facts.Session = session("anna", seen, pwd(-1), link(-1), code(-1), waiver(-1))
						facts.Session.Channel = channel
					}
					if purpose == authn.Return { // chosen by the rules, of a session that was idle
						ask.Purpose = authn.SignIn
					}
					if !f(fmt.Sprintf("%s, %s, %s, %08b", purpose, channel, demand, bits), ask, facts) {
						return
					}
				}
			}
		}
	}
}

// shownSets are all sets of what a journey could have been shown.
func shownSets() (all [][]authn.Proof) {
	each := []authn.Proof{pwd(0), link(0), code(0), recovery(0), waiver(0)}
	for set := range 1 << len(each) {
		var proofs []authn.Proof
		for i, p := range each {
			if set&(1<<i) != 0 {
				proofs = append(proofs, ofThisOne(p))
			}
		}
		all = append(all, proofs)
	}
	return all
}

// everythingDone is what a journey can have done.
var everythingDone = []authn.Need{
	authn.NeedSwitch, authn.NeedEnrol, authn.NeedSaveCodes, authn.NeedConsent, authn.NeedDeviceRemoval, authn.NeedContinueAs, authn.NeedLowCodes, authn.NeedNewPassword, authn.NeedTurnOff,
}

// lessEnds looks for a journey of a marked account that ends before the password and the button of a mail were given in
// it; empty: there is none.
func lessEnds(rules authn.Rules, of map[authn.Purpose]map[authn.Channel][]authn.Need) (found string) {
	sets := shownSets()
	scenes(of, func(at string, ask authn.Ask, f authn.Facts) bool {
		f.Done = everythingDone
		for _, proofs := range sets {
			if !authn.OwnerShown(ask.Journey, proofs) && len(rules.Missing(ask, f, proofs)) == 0 {
				found = fmt.Sprintf("%s: nothing is missing with %+v", at, proofs)
			}
		}
		elsewhere := []authn.Proof{pwd(0), link(0), code(0)}
		for i := range elsewhere {
			elsewhere[i].Journey = "another one"
		}
		if len(rules.Missing(ask, f, elsewhere)) == 0 {
			found = at + ": nothing is missing with the proofs of another journey"
		}
		return found == ""
	})
	return found
}

// lessChanges looks for a journey of a marked account that asks before that for what changes the account.
func lessChanges(rules authn.Rules, of map[authn.Purpose]map[authn.Channel][]authn.Need) (found string) {
	sets, harmless := shownSets(), []authn.Need{authn.NeedPrimary, authn.NeedLink, authn.NeedSwitch}
	scenes(of, func(at string, ask authn.Ask, f authn.Facts) bool {
		for _, proofs := range sets {
			if authn.OwnerShown(ask.Journey, proofs) {
				continue
			}
			missing := rules.Missing(ask, f, proofs)
			if len(missing) == 0 {
				found = at + ": nothing is missing"
				break
			}
			first := missing[0].Need
			mailed := slices.ContainsFunc(proofs, func(p authn.Proof) bool { return p.Use == account.Link })
			if mailed && (first == authn.NeedNewPassword || first == authn.NeedSecond) {
				continue // the button of the mail for a new password
			}
			if !slices.Contains(harmless, first) {
				found = fmt.Sprintf("%s with %+v: asked first %s", at, proofs, first)
			}
		}
		return found == ""
	})
	return found
}

// No journey of a marked account ends before the password and the button of a mail were given in it, whatever it is
// for, whatever the platform asks, and whatever the session and the browser have.
func TestMarkedAccountIsNotSignedInByLess(t *testing.T) {
	if found := lessEnds(authn.Today(), authn.Today().Rows()); found != "" {
		t.Error(found)
	}
}

// Before that nothing is asked or done that changes the account: whoever knows the password sets nothing up.
func TestMarkedAccountIsNotChangedByLess(t *testing.T) {
	if found := lessChanges(authn.Today(), authn.Today().Rows()); found != "" {
		t.Error(found)
	}
}

// Each row that is about marked accounts is needed.
func TestEveryRowOfMarkedAccountsIsNeeded(t *testing.T) {
	weaker := authn.WithoutMarks()
	for _, w := range weaker {
		of := map[authn.Purpose]map[authn.Channel][]authn.Need{w.Purpose: {w.Channel: nil}}
		if lessEnds(w.Rules, of) == "" && lessChanges(w.Rules, of) == "" {
			t.Errorf("%s, %s, without %s in row %d: not noticed", w.Purpose, w.Channel, w.Need, w.Row)
		}
	}
	if len(weaker) < 20 {
		t.Errorf("%d rows", len(weaker))
	}
}

// A purpose whose rows say nothing of marked accounts asks them all the same, whatever it begins with; as it is written
// these tests would find it.
func TestAPurposeThatForgetsMarkedAccountsAsksThemAllTheSame(t *testing.T) {
	for _, needs := range [][]authn.Need{
		{authn.NeedPrimary, authn.NeedEnrol}, {authn.NeedPrimary, authn.NeedSecond, authn.NeedSaveCodes}, {authn.NeedSwitch, authn.NeedPrimary},
		{authn.NeedSecond, authn.NeedPrimary, authn.NeedTurnOff}, {authn.NeedEnrol}, {authn.NeedSwitch, authn.NeedSwitch, authn.NeedConsent},
		{authn.NeedLink, authn.NeedNewPassword, authn.NeedEnrol}, {authn.NeedLink, authn.NeedConsent}, {authn.NeedLink},
	} {
		bare, asked := authn.Pretend(needs...)
		if lessEnds(bare, bare.Rows()) == "" && lessChanges(bare, bare.Rows()) == "" {
			t.Errorf("%v as they are written: not noticed", needs)
		}
		for _, found := range []string{lessEnds(asked, asked.Rows()), lessChanges(asked, asked.Rows())} {
			if found != "" {
				t.Errorf("%v: %s", needs, found)
			}
		}
	}
}

// The button of the mail asks the password, and then what a sign-in does.
func TestAfterAReset(t *testing.T) {
	required := platform.SecondFactor{Demand: platform.Required}
	optional := platform.SecondFactor{Demand: platform.Optional}
	for _, row := range []struct {
		says    string
		ask     authn.Ask
		account *account.Account
		demand  platform.SecondFactor
		done    []authn.Need
		proofs  []authn.Proof
		want    string
	}{
		{says: "sign-in: the password first", account: person(false), want: "primary, link"},
		{says: "… then the mail", account: person(false), proofs: []authn.Proof{pwd(0)}, want: "link"},
		{says: "… before the set-up", account: person(false), demand: required, proofs: []authn.Proof{pwd(0)}, want: "link, enrol"},
		{says: "the app: the mail too", ask: authn.Ask{Channel: authn.App}, account: person(false), proofs: []authn.Proof{pwd(0)}, want: "link"},
		{says: "settings: the mail too", ask: authn.Ask{Purpose: authn.ChangePassword}, account: person(false), proofs: []authn.Proof{pwd(0)}, want: "link, new-password"},
		{says: "the button: the password", ask: authn.Ask{Purpose: authn.AfterReset}, account: person(false), proofs: []authn.Proof{link(0)}, want: "primary"},
		{says: "… required: the set-up", ask: authn.Ask{Purpose: authn.AfterReset}, account: person(false), demand: required, proofs: []authn.Proof{link(0), pwd(0)}, want: "enrol"},
		{says: "… optional: offered", ask: authn.Ask{Purpose: authn.AfterReset}, account: reset(1, person(false)), demand: optional, proofs: []authn.Proof{link(0), pwd(0)}, want: "enrol"},
		{says: "… and put off", ask: authn.Ask{Purpose: authn.AfterReset}, account: reset(1, person(false)), demand: optional, done: []authn.Need{authn.NeedEnrol}, proofs: []authn.Proof{link(0), pwd(0)}},
		{says: "… off: nothing more", ask: authn.Ask{Purpose: authn.AfterReset}, account: reset(1, person(false)), proofs: []authn.Proof{link(0), pwd(0)}},
		{says: "… codes after the set-up", ask: authn.Ask{Purpose: authn.AfterReset}, account: person(true), demand: required, done: []authn.Need{authn.NeedEnrol}, proofs: []authn.Proof{link(0), pwd(0), code(0)}, want: "save-codes"},
		{says: "… set up in a journey that was not finished: a code", ask: authn.Ask{Purpose: authn.AfterReset}, account: person(true), proofs: []authn.Proof{link(0), pwd(0)}, want: "second, save-codes"},
		{says: "a forgotten password will do", ask: authn.Ask{Purpose: authn.ResetPassword}, account: person(false), done: []authn.Need{authn.NeedNewPassword}, proofs: []authn.Proof{link(0), pwd(0)}},
	} {
		ask := row.ask
		if ask.Purpose == "" {
			ask.Purpose = authn.SignIn
		}
		if ask.Channel == "" {
			ask.Channel = authn.Browser
		}
		ask.Journey = "this one"
		for i := range row.proofs {
			row.proofs[i] = ofThisOne(row.proofs[i])
		}
		f := authn.Facts{
			Account: ownerUnproven(row.account), Policy: platform.DefaultPolicy(), Methods: []string{"pretend"}, Recovery: true, Done: row.done,
			MobileApp: ask.Channel == authn.App, Now: noon,
		}
		f.Policy.CodeMethods, f.Policy.SecondFactor.Client = []string{"pretend"}, row.demand
		if got := needs(authn.Missing(ask, f, row.proofs)); got != row.want {
			t.Errorf("%s: asked %q, want %q", row.says, got, row.want)
		}
	}
}

// Only a journey that was given both shows the owner.
func TestOwnerIsShownInOneJourney(t *testing.T) {
	other := func(p authn.Proof) authn.Proof {
		p.Journey = "another one"
		return p
	}
	for says, row := range map[string]struct {
		proofs []authn.Proof
		want   bool
	}{
		"nothing":                      {nil, false},
		"the password":                 {[]authn.Proof{ofThisOne(pwd(0))}, false},
		"the mail":                     {[]authn.Proof{ofThisOne(link(0))}, false},
		"both":                         {[]authn.Proof{ofThisOne(link(0)), ofThisOne(pwd(0))}, true},
		"the password of another one":  {[]authn.Proof{ofThisOne(link(0)), other(pwd(0))}, false},
		"the mail of another one":      {[]authn.Proof{other(link(0)), ofThisOne(pwd(0))}, false},
		"of no journey":                {[]authn.Proof{link(0), pwd(0)}, false},
		"a code instead of a password": {[]authn.Proof{ofThisOne(link(0)), ofThisOne(code(0))}, false},
	} {
		if got := authn.OwnerShown("this one", row.proofs); got != row.want {
			t.Errorf("%s: %t", says, got)
		}
	}
	if authn.OwnerShown("", []authn.Proof{link(0), pwd(0)}) {
		t.Error("no journey shows the owner")
	}
}
