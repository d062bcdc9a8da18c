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

// keeper is the model of what keeps second factors and recovery codes: it sees what a person shows and does, and says
// when something was done that should not have been. It knows the sentences of docs/oidc.md, and nothing of the table
// of rules.
type keeper struct {
	shown    []showing
	now      int  // minutes since the journey began
	session  bool // there is a session of the account in this browser
	began    int  // … since when, in minutes, mostly negative
	settings bool // somebody went to the settings for this; otherwise it happens on the way at a sign-in or after a mail
	factor   int  // which second factor the account has now; 0: none
	made     int  // when the set of recovery codes was made
	set      bool // there is one that was confirmed
	newHere  bool // the second factor was set up in this journey
}

// showing is something that was shown: in this journey, or before it in the session.
type showing struct {
	what   string // password, code, recovery code
	at     int
	here   bool
	factor int // of a code: made with which
	made   int // of a recovery code: when its set was
}

// freshly: in this journey, or not longer than five minutes ago in this session.
func (k *keeper) freshly(s showing) bool { return s.here || k.session && k.now-s.at <= 5 }

func (k *keeper) password(counts func(showing) bool) bool {
	return slices.ContainsFunc(k.shown, func(s showing) bool { return s.what == "password" && counts(s) })
}

// second: a code of the factor that the account has, or a recovery code whose set is older than the session.
func (k *keeper) second(counts func(showing) bool) bool {
	return slices.ContainsFunc(k.shown, func(s showing) bool {
		return counts(s) && (s.what == "code" && s.factor == k.factor || s.what == "recovery code" && (!k.session || s.made < k.began))
	})
}

// objection says why something must not be done now; empty: it may.
func (k *keeper) objection(act string) string {
	here := func(s showing) bool { return s.here }
	switch {
	case act == "codes" && k.factor == 0:
		return "recovery codes of nothing"
	case act == "codes" && !k.set && k.newHere:
		return "" // the set-up was held to it
	case act == "codes" && !k.set && !k.settings:
		if !k.password(here) || !k.second(here) {
			return "a set that was never confirmed is replaced in a journey that did not give both"
		}
	case !k.password(k.freshly):
		return "no fresh password"
	case k.factor != 0 && !k.second(k.freshly):
		return "no fresh second step"
	}
	return ""
}

// draw is a source of choices that every run repeats (Park and Miller's minimal standard generator).
type draw struct{ state uint64 }

func (d *draw) n(below int) int {
	d.state = d.state * 48271 % 2147483647
	return int(d.state>>8) % below
}

func (d *draw) one(of ...int) int { return of[d.n(len(of))] }
func (d *draw) yes(in int) bool   { return d.n(in) == 0 }

// walk is one journey of one person, as the engine runs it: what is wanted first is what is done next.
type walk struct {
	*draw
	rules  authn.Rules
	ask    authn.Ask
	facts  authn.Facts
	proofs []authn.Proof
	keeper keeper
	serial int
	did    func(purpose authn.Purpose, act string)
}

func (w *walk) time() time.Time { return at(w.keeper.now) }

func (w *walk) id() account.CredentialID {
	w.serial++
	return account.CredentialID(fmt.Sprint("c", w.serial))
}

// begin draws who is where, with what.
func begin(d *draw, rules authn.Rules) *walk {
	w := &walk{draw: d, rules: rules}
	purposes := []authn.Purpose{
		authn.SignIn, authn.SignIn, authn.SignIn, authn.Welcome, authn.SignUp, authn.ResetPassword, authn.AfterReset, authn.ChangePassword, authn.TwoStep,
		authn.TwoStepPage, authn.NewCodes, authn.NewCodes, authn.TwoStepOff,
	}
	w.ask = authn.Ask{Purpose: purposes[d.n(len(purposes))], Channel: authn.Browser, Journey: "this one"}
	f := authn.Facts{Account: person(false), Policy: platform.DefaultPolicy(), Methods: []string{"pretend"}, Recovery: true, Now: noon}
	f.Policy.CodeMethods = []string{"pretend"}
	f.Policy.AppCode = d.yes(2)
	demands := []platform.Demand{platform.Off, platform.Optional, platform.Optional, platform.Required}
	f.Policy.SecondFactor.Client = platform.SecondFactor{Demand: demands[d.n(4)], OfferEvery: time.Duration(d.one(0, 1)) * time.Hour}
	if w.ask.Purpose == authn.SignIn {
		w.askOfParty(&f)
	}
	k := &w.keeper
	k.settings = slices.Contains([]authn.Purpose{authn.TwoStep, authn.NewCodes, authn.TwoStepOff}, w.ask.Purpose)
	k.session, k.began = d.n(3) > 0, d.one(-1, -30, -130)
	f.Account.Credentials = nil
	if d.n(4) > 0 {
		k.factor = 1
		f.Account.Credentials = append(f.Account.Credentials, w.factor())
		if d.n(3) > 0 {
			k.set, k.made = true, d.one(-1000, k.began-1, k.began, k.began+1, k.began+20)
			f.Account.Credentials = append(f.Account.Credentials, w.set())
		}
	}
	if k.session {
		s := session("anna", -d.one(0, 1, 20, 61))
		s.StartedAt = at(k.began)
		held := func(p authn.Proof, s showing) {
			if p.At = at(-d.n(-k.began + 1)); d.yes(3) {
				p.At = at(-d.n(min(6, -k.began+1)))
			}
			s.at = int(p.At.Sub(noon) / time.Minute)
			f.Session.Proofs, k.shown = append(f.Session.Proofs, p), append(k.shown, s)
		}
		f.Session = s
		held(pwd(0), showing{what: "password"})
		if k.factor != 0 && d.yes(2) {
			held(w.codeProof(), showing{what: "code", factor: k.factor})
		}
		if k.set && k.made < 0 && d.yes(2) {
			held(w.recoveryProof(f.Account), showing{what: "recovery code", made: k.made})
		}
		if d.yes(3) {
			s.Proofs = append(s.Proofs, waiver(k.began))
		}
	} else if d.yes(3) {
		f.Session = session("bram", -1, pwd(-1), code(-1))
	}
	f.Remembered = d.yes(3)
	if slices.Contains([]authn.Purpose{authn.Welcome, authn.SignUp, authn.ResetPassword, authn.AfterReset}, w.ask.Purpose) {
		w.proofs = append(w.proofs, ofThisOne(link(0)))
	}
	w.facts = f
	return w
}

// askOfParty draws what a party asks of a sign-in.
func (w *walk) askOfParty(f *authn.Facts) {
	switch w.n(4) {
	case 0:
		w.ask.ACR = []string{string(authn.TwoFactor)}
	case 1:
		w.ask.MinimumACR = []string{string(authn.TwoFactor)}
	}
	w.ask.PromptLogin = w.yes(4)
	if w.yes(4) {
		w.ask.MaxAge = age(time.Duration(w.one(0, 600)) * time.Second)
	}
	if w.yes(8) {
		w.ask.Channel, f.MobileApp = authn.App, w.yes(2)
	}
}

func (w *walk) factor() account.Credential {
	return account.Credential{ID: account.CredentialID(fmt.Sprint("factor", w.keeper.factor)), Method: "pretend", Use: account.Second, AddedAt: w.time(), ConfirmedAt: w.time()}
}

func (w *walk) set() account.Credential {
	made := at(w.keeper.made)
	return account.Credential{ID: w.id(), Method: "recovery", Use: account.Recovery, AddedAt: made, ConfirmedAt: made}
}

func (w *walk) codeProof() authn.Proof {
	p := code(w.keeper.now)
	p.Credential = account.CredentialID(fmt.Sprint("factor", w.keeper.factor))
	return p
}

func (w *walk) recoveryProof(a *account.Account) authn.Proof {
	p := recovery(w.keeper.now)
	c, _ := a.Credential("recovery")
	p.Credential = c.ID
	return p
}

// shows notes a proof of this journey, for the rules and for the keeper.
func (w *walk) shows(p authn.Proof, s showing) {
	s.at, s.here = w.keeper.now, true
	w.proofs = authn.Merge(w.proofs, []authn.Proof{ofThisOne(p)})
	w.keeper.shown = append(w.keeper.shown, s)
}

func (w *walk) done(n authn.Need) { w.facts.Done = append(w.facts.Done, n) }

// without drops the credentials of a use.
func (w *walk) without(uses ...account.Use) {
	next := *w.facts.Account
	next.Credentials = slices.DeleteFunc(slices.Clone(next.Credentials), func(c account.Credential) bool { return slices.Contains(uses, c.Use) })
	w.facts.Account = &next
}

// run goes on until nothing is wanted, and returns the first objection.
func (w *walk) run() string {
	var path []string
	for range 20 {
		w.proofs = slices.DeleteFunc(w.proofs, func(p authn.Proof) bool { return p.Credential != "" && !p.Stands(w.facts.Account) })
		w.facts.Now = w.time()
		missing := w.rules.Missing(w.ask, w.facts, w.proofs)
		if len(missing) == 0 {
			return ""
		}
		step := w.step(missing[0])
		path = append(path, fmt.Sprintf("%d:%s", w.keeper.now, step))
		switch {
		case step == "":
			return ""
		case step == "enrol" || step == "codes" || step == "off":
			if w.did != nil {
				w.did(w.ask.Purpose, step)
			}
			if no := w.keeper.objection(step); no != "" {
				return fmt.Sprintf("%s (%+v): %s: %s; session %t since %d, set %t of %d, shown %+v",
					w.ask.Purpose, w.ask, strings.Join(path, " "), no, w.keeper.session, w.keeper.began, w.keeper.set, w.keeper.made, w.keeper.shown)
			}
			w.change(step)
		}
		w.keeper.now += w.one(0, 0, 1, 3, 7)
		if w.yes(12) {
			path = append(path, w.elsewhere())
		}
	}
	return ""
}

// step does what is wanted, but for what changes factors or codes; empty: the person cannot go on.
func (w *walk) step(r authn.Requirement) string {
	k := &w.keeper
	switch r.Need {
	case authn.NeedPrimary:
		w.shows(pwd(k.now), showing{what: "password"})
	case authn.NeedNewPassword:
		w.shows(pwd(k.now), showing{what: "password"})
		w.done(authn.NeedNewPassword)
	case authn.NeedSecond:
		set, ok := w.facts.Account.Credential("recovery")
		switch {
		case k.factor == 0:
			return ""
		case ok && r.Accepts(set) && w.yes(2): // the page refuses others, and spends none
			w.shows(w.recoveryProof(w.facts.Account), showing{what: "recovery code", made: k.made})
			w.facts.Low = w.facts.Low || w.n(4) > 0
		default:
			w.shows(w.codeProof(), showing{what: "code", factor: k.factor})
		}
	case authn.NeedLowCodes:
		w.facts.OptIn = []authn.Need{"", authn.NeedSaveCodes, authn.NeedEnrol}[w.n(3)]
		w.done(authn.NeedLowCodes)
	case authn.NeedEnrol:
		if !authn.MustEnrol(w.facts) && r.Why != authn.ForParty && w.ask.Purpose != authn.TwoStep && w.yes(3) {
			w.done(authn.NeedEnrol)
			return "later"
		}
	case authn.NeedTurnOff:
		if !authn.MayTurnOff(w.facts) {
			return ""
		}
	case authn.NeedSwitch:
		w.facts.Switch = true
	case authn.NeedSaveCodes:
		return "codes"
	default:
		return ""
	}
	return string(r.Need)
}

// change does what the person may do.
func (w *walk) change(act string) {
	k := &w.keeper
	switch act {
	case "enrol":
		k.factor, k.newHere = k.factor+1, true
		w.without(account.Second)
		w.facts.Account = w.facts.Account.With([]account.Credential{w.factor()})
		w.shows(w.codeProof(), showing{what: "code", factor: k.factor})
		w.done(authn.NeedEnrol)
	case "codes":
		w.without(account.Recovery)
		k.set, k.made = true, k.now
		w.facts.Account = w.facts.Account.With([]account.Credential{w.set()})
		w.done(authn.NeedSaveCodes)
	case "off":
		w.without(account.Second, account.Recovery)
		k.factor, k.set = 0, false
		w.done(authn.NeedTurnOff)
	}
}

// elsewhere is what the owner does in another browser meanwhile. Another factor, or none, ends the session of this one.
func (w *walk) elsewhere() string {
	k := &w.keeper
	switch {
	case k.factor == 0:
		k.factor = 100 + k.now
		w.facts.Account = w.facts.Account.With([]account.Credential{w.factor()})
		return "elsewhere: set up"
	case w.yes(2):
		w.without(account.Recovery)
		k.set, k.made = true, k.now
		w.facts.Account = w.facts.Account.With([]account.Credential{w.set()})
		return "elsewhere: new codes"
	case w.yes(2):
		w.without(account.Second)
		k.factor, k.newHere = k.factor+100, false
		w.facts.Account = w.facts.Account.With([]account.Credential{w.factor()})
		w.signedOut()
		return "elsewhere: another factor"
	}
	w.without(account.Second, account.Recovery)
	k.factor, k.set, k.newHere = 0, false, false
	w.signedOut()
	return "elsewhere: off"
}

func (w *walk) signedOut() {
	w.facts.Session, w.facts.Remembered, w.keeper.session = nil, false, false
}

// No path removes, weakens or replaces a second factor or a set of recovery codes without a fresh password and, where a
// factor is enrolled, a fresh second step.
func TestNoPathWeakensWhatKeepsAnAccount(t *testing.T) {
	done := map[string]int{}
	d := &draw{state: 20271}
	for range 100_000 {
		w := begin(d, authn.Today())
		w.did = func(p authn.Purpose, act string) { done[string(p)+" "+act]++ }
		if no := w.run(); no != "" {
			t.Fatal(no)
		}
	}
	for _, act := range []string{
		"sign-in enrol", "sign-in codes", "welcome enrol", "welcome codes", "sign-up codes", "reset-password enrol", "reset-password codes",
		"two-step enrol", "two-step codes", "new-codes codes", "two-step-off off",
	} {
		if done[act] < 100 {
			t.Errorf("%s: happened %d times only: %v", act, done[act], done)
		}
	}
}

// Each row that keeps them, as it was or gone, is found out.
func TestModelOfWhatKeepsAnAccountFindsOldRows(t *testing.T) {
	for name, rules := range authn.WeakFactors() {
		d, no := &draw{state: 20271}, ""
		for n := 0; n < 100_000 && no == ""; n++ {
			no = begin(d, rules).run()
		}
		if no == "" {
			t.Errorf("%s: not noticed", name)
		}
		t.Log(name+":", no)
	}
}
