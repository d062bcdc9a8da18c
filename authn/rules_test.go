package authn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// The second factor of these tests is called "pretend": the rules know none by name.
func pwd(minutes int) authn.Proof {
	return authn.Proof{Method: "password", Use: account.Primary, Kinds: authn.Knows, AMR: []string{"pwd"}, At: at(minutes)}
}

func code(minutes int) authn.Proof {
	return authn.Proof{Method: "pretend", Use: account.Second, Kinds: authn.Has, AMR: []string{"otp"}, At: at(minutes)}
}

func passkey(minutes int) authn.Proof {
	return authn.Proof{Method: "passkey", Use: account.Primary, Kinds: authn.Has | authn.Is, AMR: []string{"hwk", "user"}, At: at(minutes)}
}

func recovery(minutes int) authn.Proof {
	return authn.Proof{Method: "recovery", Use: account.Recovery, Kinds: authn.Has, At: at(minutes)}
}

func link(minutes int) authn.Proof {
	return authn.Proof{Method: "link", Use: account.Link, At: at(minutes)}
}

func waiver(minutes int) authn.Proof {
	return authn.Proof{Method: "remembered", Use: account.Waiver, At: at(minutes)}
}

// ofThisOne is a proof that was given for the request that is asked.
func ofThisOne(p authn.Proof) authn.Proof {
	p.Journey = "this one"
	return p
}

// putOff is somebody without a factor who said "not now" some days ago.
func putOff(days int) *account.Account {
	a := person(false)
	a.OfferedAt = noon.AddDate(0, 0, -days)
	return a
}

// reset is somebody whose two-step authentication staff reset some days ago.
func reset(days int, a *account.Account) *account.Account {
	a.ResetAt = noon.AddDate(0, 0, -days)
	return a
}

// withCodes is somebody with a factor and recovery codes.
func withCodes() *account.Account {
	a := person(true)
	a.Credentials = append(a.Credentials, account.Credential{Method: "recovery", Use: account.Recovery, ConfirmedAt: at(-9999)})
	return a
}

// person makes an account with or without the pretend factor.
func person(enrolled bool) *account.Account {
	a := &account.Account{ID: "anna", Role: platform.Client, State: account.Active, TwoStep: account.TwoStep{RememberFor: 12 * time.Hour}}
	if enrolled {
		a.Credentials = []account.Credential{{Method: "pretend", Use: account.Second, ConfirmedAt: at(-9999)}}
	}
	return a
}

func session(id account.ID, seen int, proofs ...authn.Proof) *authn.Session {
	return &authn.Session{ID: "s", Account: id, Channel: authn.Browser, Proofs: proofs, StartedAt: at(-600), SeenAt: at(seen), EndsAt: at(600)}
}

func age(d time.Duration) *time.Duration { return &d }

func TestMissing(t *testing.T) {
	required := platform.SecondFactor{Demand: platform.Required}
	from := platform.SecondFactor{Demand: platform.Required, RequiredFrom: at(60)}
	optional := platform.SecondFactor{Demand: platform.Optional}
	offered := platform.SecondFactor{Demand: platform.Optional, OfferEvery: 30 * 24 * time.Hour}
	newPassword := []authn.Need{authn.NeedNewPassword}
	for _, row := range []struct {
		says   string // what help pages and journey scripts say
		ask    authn.Ask
		facts  authn.Facts
		policy func(*platform.Policy)
		proofs []authn.Proof
		want   string // needs in order, with the reason where there is one
	}{
		{says: "at login: first your password", want: "primary"},
		{says: "at login: nobody known yet, so nothing more can be asked", facts: authn.Facts{}, want: "primary"},
		{says: "at login: password shown, no two-step authentication", facts: authn.Facts{Account: person(false)}, proofs: []authn.Proof{pwd(0)}},
		{says: "at login: a code", facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{pwd(0)}, want: "second"},
		{says: "at login: password and code", facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{pwd(0), code(0)}},
		{says: "at login: a recovery code stands in", facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{pwd(0), recovery(0)}},
		{says: "at login: a remembered browser needs no code", facts: authn.Facts{Account: person(true), Remembered: true}, proofs: []authn.Proof{pwd(0)}},
		{says: "a code alone is no login", facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{code(0)}, want: "primary"},
		{says: "one proof of two kinds is both steps", facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{passkey(0)}},
		{says: "required: set up right after login", facts: authn.Facts{Account: person(false)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = required }, proofs: []authn.Proof{pwd(0)}, want: "enrol"},
		{says: "required of staff only: not of a client", facts: authn.Facts{Account: person(false)},
			policy: func(p *platform.Policy) { p.SecondFactor.Staff = required }, proofs: []authn.Proof{pwd(0)}},
		{says: "required from a date: offered before it", facts: authn.Facts{Account: person(false)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = from }, proofs: []authn.Proof{pwd(0)}, want: "enrol"},
		{says: "required from a date: put off before it", facts: authn.Facts{Account: person(false), Done: []authn.Need{authn.NeedEnrol}},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = from }, proofs: []authn.Proof{pwd(0)}},
		{says: "required from a date: who is signed in is not stopped for the offer", facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = from }},
		{says: "required: the password is asked again for it, unless it was just given", facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-6))},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = required }, want: "primary two_step, enrol"},
		{says: "optional: not asked", facts: authn.Facts{Account: person(false)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = optional }, proofs: []authn.Proof{pwd(0)}},
		{says: "optional and offered every 30 days, never before", facts: authn.Facts{Account: person(false)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = offered }, proofs: []authn.Proof{pwd(0)}, want: "enrol"},
		{says: "optional and offered every 30 days, 29 days ago", facts: authn.Facts{Account: putOff(29)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = offered }, proofs: []authn.Proof{pwd(0)}},
		{says: "optional and offered every 30 days, 30 days ago", facts: authn.Facts{Account: putOff(30)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = offered }, proofs: []authn.Proof{pwd(0)}, want: "enrol"},
		{says: "optional, and staff reset it: offered, though nobody is offered it otherwise", facts: authn.Facts{Account: reset(1, person(false))},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = optional }, proofs: []authn.Proof{pwd(0)}, want: "enrol"},
		{says: "… also to who put it off before", facts: authn.Facts{Account: reset(1, putOff(2))},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = offered }, proofs: []authn.Proof{pwd(0)}, want: "enrol"},
		{says: "… once: not to who put it off since", facts: authn.Facts{Account: reset(2, putOff(1))},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = optional }, proofs: []authn.Proof{pwd(0)}},
		{says: "… not to who has a factor again", facts: authn.Facts{Account: reset(1, person(true))},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = optional }, proofs: []authn.Proof{pwd(0), code(0)}},
		{says: "… not to who is signed in", facts: authn.Facts{Account: reset(1, person(false)), Session: session("anna", -1, pwd(-1))},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = optional }},
		{says: "… not where it is off", facts: authn.Facts{Account: reset(1, person(false))}, proofs: []authn.Proof{pwd(0)}},
		{says: "a set of recovery codes that was never confirmed: a new one at the next login", facts: authn.Facts{Account: person(true), Recovery: true}, proofs: []authn.Proof{pwd(0), code(0)}, want: "save-codes"},
		{says: "… a remembered browser shows a code first", facts: authn.Facts{Account: person(true), Recovery: true, Remembered: true}, proofs: []authn.Proof{pwd(0)}, want: "second codes, save-codes"},
		{says: "… who is signed in is not stopped for it", facts: authn.Facts{Account: person(true), Recovery: true, Session: session("anna", -1, pwd(-1), code(-1))}},
		{says: "right after the set-up: recovery codes", facts: authn.Facts{Account: person(true), Recovery: true, Done: []authn.Need{authn.NeedEnrol}, Session: session("anna", -1, pwd(-1))}, proofs: []authn.Proof{code(0)}, want: "save-codes"},
		{says: "recovery codes that were kept are not shown again", facts: authn.Facts{Account: withCodes(), Recovery: true}, proofs: []authn.Proof{pwd(0), code(0)}},

		{says: "few recovery codes left: said right after one was used", facts: authn.Facts{Account: withCodes(), Recovery: true, Low: true}, proofs: []authn.Proof{pwd(0), recovery(0)}, want: "low-codes"},
		{says: "… put off", facts: authn.Facts{Account: withCodes(), Recovery: true, Low: true, Done: []authn.Need{authn.NeedLowCodes}}, proofs: []authn.Proof{pwd(0), recovery(0)}},
		{says: "… new ones, on the way", facts: authn.Facts{Account: withCodes(), Recovery: true, Low: true, OptIn: authn.NeedSaveCodes, Done: []authn.Need{authn.NeedLowCodes}}, proofs: []authn.Proof{pwd(0), recovery(0)}, want: "save-codes"},
		{says: "… another phone, on the way", facts: authn.Facts{Account: withCodes(), Recovery: true, Low: true, OptIn: authn.NeedEnrol, Done: []authn.Need{authn.NeedLowCodes}}, proofs: []authn.Proof{pwd(0), recovery(0)}, want: "enrol two_step"},
		{says: "… after the idle hour the password first", facts: authn.Facts{Account: withCodes(), Recovery: true, Low: true, OptIn: authn.NeedSaveCodes, Done: []authn.Need{authn.NeedLowCodes}, Session: session("anna", -60, pwd(-60), code(-60))}, proofs: []authn.Proof{recovery(0)}, want: "primary two_step, save-codes"},
		{says: "welcome mail: choose a password", ask: authn.Ask{Purpose: authn.Welcome}, facts: authn.Facts{Account: person(false)}, proofs: []authn.Proof{link(0)}, want: "new-password"},
		{says: "welcome mail: signed in at once", ask: authn.Ask{Purpose: authn.Welcome}, facts: authn.Facts{Account: person(false), Done: newPassword}, proofs: []authn.Proof{link(0), pwd(0)}},
		{says: "welcome mail, required: set up right after", ask: authn.Ask{Purpose: authn.Welcome}, facts: authn.Facts{Account: person(false), Done: newPassword},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = required }, proofs: []authn.Proof{link(0), pwd(0)}, want: "enrol"},
		{says: "without the mail's button nothing", ask: authn.Ask{Purpose: authn.Welcome}, facts: authn.Facts{Account: person(false)}, want: "link, new-password"},
		{says: "sign-up mail: choose a password", ask: authn.Ask{Purpose: authn.SignUp}, facts: authn.Facts{Account: person(false)}, proofs: []authn.Proof{link(0)}, want: "new-password"},
		{says: "forgotten password: a new one", ask: authn.Ask{Purpose: authn.ResetPassword}, facts: authn.Facts{Account: person(false)}, proofs: []authn.Proof{link(0)}, want: "new-password"},
		{says: "forgotten password: a code too", ask: authn.Ask{Purpose: authn.ResetPassword}, facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{link(0)}, want: "second forgot, new-password"},
		{says: "forgotten password: a code, remembered or not", ask: authn.Ask{Purpose: authn.ResetPassword}, facts: authn.Facts{Account: person(true), Remembered: true}, proofs: []authn.Proof{link(0)}, want: "second forgot, new-password"},
		{says: "… and not that of a session beside", ask: authn.Ask{Purpose: authn.ResetPassword}, facts: authn.Facts{Account: person(true), Session: session("anna", -1, pwd(-1), code(-1))}, proofs: []authn.Proof{link(0)}, want: "second forgot, new-password"},
		{says: "a mail's button is no second step", facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{pwd(0), link(0)}, want: "second"},
		{says: "changing the password: password and code", ask: authn.Ask{Purpose: authn.ChangePassword}, facts: authn.Facts{Account: person(true), Session: session("anna", -6, pwd(-6), code(-6))}, want: "primary change, second change, new-password"},
		{says: "within 5 minutes not asked twice", ask: authn.Ask{Purpose: authn.ChangePassword}, facts: authn.Facts{Account: person(true), Session: session("anna", -5, pwd(-5), code(-5))}, want: "new-password"},
		{says: "changing the password, no two-step: the password", ask: authn.Ask{Purpose: authn.ChangePassword}, facts: authn.Facts{Account: person(false), Session: session("anna", -6, pwd(-6))}, want: "primary change, new-password"},
		{says: "changing the password, remembered: a code all the same", ask: authn.Ask{Purpose: authn.ChangePassword}, facts: authn.Facts{Account: person(true), Remembered: true, Session: session("anna", -1, pwd(-1))}, want: "second change, new-password"},
		{says: "two-step settings: the password", ask: authn.Ask{Purpose: authn.TwoStepPage}, facts: authn.Facts{Account: person(true), Session: session("anna", -6, pwd(-6), code(-6))}, want: "primary two_step"},
		{says: "two-step settings: who signs in on the way shows a code", ask: authn.Ask{Purpose: authn.TwoStepPage}, facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{pwd(0)}, want: "second two_step"},
		{says: "… but not in a remembered browser", ask: authn.Ask{Purpose: authn.TwoStepPage}, facts: authn.Facts{Account: person(true), Session: session("anna", -1, pwd(-1), waiver(-1))}},
		{says: "what is asked for a purpose that nobody knows is met by nothing", ask: authn.Ask{Purpose: "of a later release"}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))}, proofs: []authn.Proof{pwd(0)}, want: "unknown"},
		{says: "turning it on: the password, the set-up", ask: authn.Ask{Purpose: authn.TwoStep}, facts: authn.Facts{Account: person(false), Recovery: true, Session: session("anna", -6, pwd(-6))}, want: "primary two_step, enrol two_step"},
		{says: "… and then the recovery codes", ask: authn.Ask{Purpose: authn.TwoStep}, facts: authn.Facts{Account: person(true), Recovery: true, Done: []authn.Need{authn.NeedEnrol}, Session: session("anna", -1, pwd(-1))}, proofs: []authn.Proof{code(0)}, want: "save-codes"},
		{says: "changing the method asks the old one", ask: authn.Ask{Purpose: authn.TwoStep}, facts: authn.Facts{Account: withCodes(), Recovery: true, Session: session("anna", -6, pwd(-6), code(-6))}, want: "primary two_step, second two_step, enrol two_step"},
		{says: "new recovery codes: the password", ask: authn.Ask{Purpose: authn.NewCodes}, facts: authn.Facts{Account: withCodes(), Recovery: true, Session: session("anna", -6, pwd(-6), code(-60))}, want: "primary codes, second codes, save-codes"},
		{says: "… both just shown", ask: authn.Ask{Purpose: authn.NewCodes}, facts: authn.Facts{Account: withCodes(), Recovery: true, Session: session("anna", -5, pwd(-5), code(-5))}, want: "save-codes"},
		{says: "new recovery codes, remembered: a code too", ask: authn.Ask{Purpose: authn.NewCodes}, facts: authn.Facts{Account: withCodes(), Recovery: true, Remembered: true, Session: session("anna", -1, pwd(-1))}, want: "second codes, save-codes"},
		{says: "turning it off: code and password", ask: authn.Ask{Purpose: authn.TwoStepOff}, facts: authn.Facts{Account: person(true), Session: session("anna", -6, pwd(-6), code(-6))}, want: "primary off, second off, off"},
		{says: "turning it off: it is off", ask: authn.Ask{Purpose: authn.TwoStepOff}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))}},
		{says: "a QR code for a phone: the password and a code", ask: authn.Ask{Purpose: authn.ShowQR}, facts: authn.Facts{Account: person(true), Session: session("anna", -6, pwd(-6), code(-6))}, want: "primary qr, second qr"},
		{says: "… both just shown", ask: authn.Ask{Purpose: authn.ShowQR}, facts: authn.Facts{Account: person(true), Session: session("anna", -5, pwd(-5), code(-5))}},
		{says: "… in a remembered browser a code all the same", ask: authn.Ask{Purpose: authn.ShowQR}, facts: authn.Facts{Account: person(true), Remembered: true, Session: session("anna", -1, pwd(-1), waiver(-1))}, want: "second qr"},
		{says: "… without two-step authentication the password", ask: authn.Ask{Purpose: authn.ShowQR}, facts: authn.Facts{Account: person(false), Session: session("anna", -6, pwd(-6))}, want: "primary qr"},
		{says: "a policy naming only methods that do not exist acts as off", facts: authn.Facts{Account: person(false)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client, p.CodeMethods = required, []string{"pigeon"} }, proofs: []authn.Proof{pwd(0)}},
		{says: "the app: no code", ask: authn.Ask{Channel: authn.App}, facts: authn.Facts{Account: person(true), MobileApp: true}, proofs: []authn.Proof{pwd(0)}},
		{says: "another app than the platform's own: a code", ask: authn.Ask{Channel: authn.App}, facts: authn.Facts{Account: person(true)}, proofs: []authn.Proof{pwd(0)}, want: "second"},
		{says: "the app, where the platform asks it", ask: authn.Ask{Channel: authn.App}, facts: authn.Facts{Account: person(true), MobileApp: true},
			policy: func(p *platform.Policy) { p.AppCode = true }, proofs: []authn.Proof{pwd(0)}, want: "second"},

		{says: "a live session is enough", facts: authn.Facts{Account: person(true), Session: session("anna", -59, pwd(-500), code(-500))}},
		{says: "a session of a remembered browser goes on without a code", facts: authn.Facts{Account: person(true), Session: session("anna", -1, pwd(-1), waiver(-1))}},
		{says: "… not when the platform asks to sign in again", ask: authn.Ask{PromptLogin: true}, facts: authn.Facts{Account: person(true), Session: session("anna", -1, pwd(-1), waiver(-1))}, want: "primary platform, second platform"},
		{says: "… but what was waived for that counts", ask: authn.Ask{PromptLogin: true}, facts: authn.Facts{Account: person(true), Session: session("anna", 0, ofThisOne(pwd(0)), ofThisOne(waiver(0)))}},
		{says: "… and not after one idle hour, when it is forgotten meanwhile", facts: authn.Facts{Account: person(true), Session: session("anna", -60, pwd(-60), waiver(-60))}, want: "second idle"},
		{says: "9470: … and it raises nothing", ask: authn.Ask{ACR: []string{string(authn.TwoFactor)}}, facts: authn.Facts{Account: person(true), Remembered: true, Session: session("anna", -1, pwd(-1), waiver(-1))}, want: "second platform"},
		{says: "after one idle hour: a code", facts: authn.Facts{Account: person(true), Session: session("anna", -60, pwd(-500), code(-500))}, want: "second idle"},
		{says: "after one idle hour: the code was given", facts: authn.Facts{Account: person(true), Session: session("anna", -60, pwd(-500), code(-500))}, proofs: []authn.Proof{code(0)}},
		{says: "after one idle hour, remembered: the password", facts: authn.Facts{Account: person(true), Remembered: true, Session: session("anna", -60, pwd(-500))}, want: "primary idle"},
		{says: "after one idle hour, no two-step: the password", facts: authn.Facts{Account: person(false), Session: session("anna", -60, pwd(-500))}, want: "primary idle"},
		{says: "the password was given", facts: authn.Facts{Account: person(false), Session: session("anna", -60, pwd(-500))}, proofs: []authn.Proof{pwd(0)}},
		{says: "only proofs after the last activity count", facts: authn.Facts{Account: person(false), Session: session("anna", -60, pwd(-60))}, want: "primary idle"},
		{says: "idle in the app: the password, no code", ask: authn.Ask{Channel: authn.App}, facts: authn.Facts{Account: person(true), MobileApp: true, Session: session("anna", -60, pwd(-500))}, want: "primary idle"},
		{says: "policy: an idle hour that is off never asks", facts: authn.Facts{Account: person(false), Session: session("anna", -599, pwd(-599))},
			policy: func(p *platform.Policy) { p.IdleAfter = 0 }},

		{says: "core: prompt=login asks the whole sign-in again", ask: authn.Ask{PromptLogin: true}, facts: authn.Facts{Account: person(true), Session: session("anna", -1, pwd(-1), code(-1))}, want: "primary platform, second platform"},
		{says: "core: prompt=login, answered", ask: authn.Ask{PromptLogin: true}, facts: authn.Facts{Account: person(true), Session: session("anna", -1, pwd(-1), code(-1))}, proofs: []authn.Proof{pwd(0), code(0)}},
		{says: "core: prompt=login, answered in another tab", ask: authn.Ask{PromptLogin: true}, facts: authn.Facts{Account: person(false), Session: session("anna", 5, pwd(5))}, want: "primary platform"},
		{says: "core: max_age is kept", ask: authn.Ask{MaxAge: age(2 * time.Minute)}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))}},
		{says: "core: max_age is over", ask: authn.Ask{MaxAge: age(30 * time.Second)}, facts: authn.Facts{Account: person(true), Session: session("anna", -1, pwd(-1), code(-1))}, want: "primary platform"},
		{says: "core: max_age is over; a slow journey still counts", ask: authn.Ask{MaxAge: age(time.Second)}, facts: authn.Facts{Account: person(false), Session: session("anna", -9, pwd(-9))}, proofs: []authn.Proof{pwd(-4)}},
		{says: "core: max_age=0 is prompt=login for the password", ask: authn.Ask{MaxAge: age(0)}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))}, want: "primary platform"},

		{says: "9470: a stronger login is asked, a code reaches it", ask: authn.Ask{ACR: []string{string(authn.TwoFactor)}}, facts: authn.Facts{Account: person(true), Remembered: true, Session: session("anna", -1, pwd(-1))}, want: "second platform"},
		{says: "core: what claims wants is not weakened by acr_values", ask: authn.Ask{ACR: []string{string(authn.OneFactor)}, ClaimedACR: [][]string{{string(authn.OneFactor)}, {"urn:x", string(authn.TwoFactor)}}}, facts: authn.Facts{Account: person(true), Remembered: true}, proofs: []authn.Proof{pwd(0)}, want: "second"},
		{says: "9470: by an alias", ask: authn.Ask{ACR: []string{"https://refeds.org/profile/mfa"}}, facts: authn.Facts{Account: person(true), Remembered: true}, proofs: []authn.Proof{pwd(0)}, want: "second"},
		{says: "9470: one factor is asked", ask: authn.Ask{ACR: []string{string(authn.OneFactor)}}, facts: authn.Facts{Account: person(true), Remembered: true}, proofs: []authn.Proof{pwd(0)}},
		{says: "9470: no factor yet, the role may have one: set it up", ask: authn.Ask{ACR: []string{string(authn.TwoFactor)}}, facts: authn.Facts{Account: person(false), Session: session("anna", -6, pwd(-6))},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = optional }, want: "primary two_step, enrol platform"},
		{says: "9470: … at a login, and not to be put off where it is also offered", ask: authn.Ask{ACR: []string{string(authn.TwoFactor)}}, facts: authn.Facts{Account: person(false)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = offered }, proofs: []authn.Proof{pwd(0)}, want: "enrol platform"},
		{says: "a minimum of party or platform asks a code, remembered or not", ask: authn.Ask{MinimumACR: []string{string(authn.TwoFactor)}}, facts: authn.Facts{Account: person(true), Remembered: true}, proofs: []authn.Proof{pwd(0)}, want: "second"},
		{says: "… whatever else is asked", ask: authn.Ask{ACR: []string{string(authn.OneFactor)}, MinimumACR: []string{string(authn.OneFactor), string(authn.TwoFactor)}}, facts: authn.Facts{Account: person(true), Remembered: true}, proofs: []authn.Proof{pwd(0)}, want: "second"},
		{says: "… no factor yet, the role may have one: set it up", ask: authn.Ask{MinimumACR: []string{string(authn.TwoFactor)}}, facts: authn.Facts{Account: person(false)},
			policy: func(p *platform.Policy) { p.SecondFactor.Client = optional }, proofs: []authn.Proof{pwd(0)}, want: "enrol platform"},
		{says: "… that nothing reaches is not asked", ask: authn.Ask{MinimumACR: []string{"urn:unknown"}}, facts: authn.Facts{Account: person(true), Remembered: true}, proofs: []authn.Proof{pwd(0)}},
		{says: "9470: cannot be met by asking, so is not asked", ask: authn.Ask{ACR: []string{string(authn.TwoFactor)}}, facts: authn.Facts{Account: person(false)}, proofs: []authn.Proof{pwd(0)}},

		{says: "core: prompt=select_account asks who goes on", ask: authn.Ask{PromptSelectAccount: true}, facts: authn.Facts{Session: session("anna", -1, pwd(-1))}, want: "switch, primary"},
		{says: "core: prompt=select_account, nobody to choose", ask: authn.Ask{PromptSelectAccount: true}, want: "primary"},
		{says: "core: prompt=select_account, stays", facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))}},
		{says: "consent of a party that is not the platform's own", ask: authn.Ask{Consent: []string{"email"}}, facts: authn.Facts{Account: person(false)}, proofs: []authn.Proof{pwd(0)}, want: "consent"},
		{says: "consent is remembered", ask: authn.Ask{Consent: []string{"email"}}, facts: authn.Facts{Account: person(false), Consent: &authn.Consent{Scopes: []string{"email", "openid"}, Journey: "old"}}, proofs: []authn.Proof{pwd(0)}},
		{says: "consent is asked when more is asked", ask: authn.Ask{Consent: []string{"email", "phone"}}, facts: authn.Facts{Account: person(false), Consent: &authn.Consent{Scopes: []string{"email"}}}, proofs: []authn.Proof{pwd(0)}, want: "consent"},
		{says: "core: prompt=consent asks again", ask: authn.Ask{Consent: []string{"email"}, PromptConsent: true}, facts: authn.Facts{Account: person(false), Consent: &authn.Consent{Scopes: []string{"email"}, Journey: "old"}}, proofs: []authn.Proof{pwd(0)}, want: "consent"},
		{says: "core: prompt=consent, answered", ask: authn.Ask{Consent: []string{"email"}, PromptConsent: true}, facts: authn.Facts{Account: person(false), Consent: &authn.Consent{Scopes: []string{"email"}, Journey: "this one"}}, proofs: []authn.Proof{pwd(0)}},

		{says: "as many other devices as there may be: one makes room", ask: authn.Ask{Channel: authn.App}, facts: authn.Facts{Account: person(false), MobileApp: true, DeviceLimitReached: true}, proofs: []authn.Proof{pwd(0)}, want: "room"},
		{says: "… before the form of another app, which it is", ask: authn.Ask{Channel: authn.App, Impersonable: true}, facts: authn.Facts{Account: person(false), MobileApp: true, DeviceLimitReached: true, Session: session("anna", -1, pwd(-1))}, want: "room"},
		{says: "… behind everything else, and not before it is known who it is", ask: authn.Ask{Channel: authn.App}, facts: authn.Facts{Account: person(false), MobileApp: true, DeviceLimitReached: true}, want: "primary, room"},
		{says: "… at a party that is no mobile app never", ask: authn.Ask{Channel: authn.App}, facts: authn.Facts{Account: person(false), DeviceLimitReached: true}, proofs: []authn.Proof{pwd(0)}},
		{says: "… back after the idle hour, too", ask: authn.Ask{Channel: authn.App}, facts: authn.Facts{Account: person(false), MobileApp: true, DeviceLimitReached: true, Session: session("anna", -60, pwd(-500))}, proofs: []authn.Proof{pwd(0)}, want: "room"},

		{says: "8252: a session alone does not answer an app that another program could stand in for", ask: authn.Ask{Channel: authn.App, Impersonable: true}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))}, want: "go-on"},
		{says: "8252: … whatever channel it has", ask: authn.Ask{Impersonable: true}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))}, want: "go-on"},
		{says: "8252: … once it was answered it does", ask: authn.Ask{Channel: authn.App, Impersonable: true}, facts: authn.Facts{Account: person(false), Done: []authn.Need{authn.NeedContinueAs}, Session: session("anna", -1, pwd(-1))}},
		{says: "8252: any form of this request will do: what was shown", ask: authn.Ask{Channel: authn.App, Impersonable: true}, facts: authn.Facts{Account: person(false), Session: session("anna", 0, ofThisOne(pwd(0)))}},
		{says: "8252: … what was allowed", ask: authn.Ask{Channel: authn.App, Impersonable: true, Consent: []string{"email"}}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1)), Consent: &authn.Consent{Scopes: []string{"email"}, Journey: "this one"}}},
		{says: "8252: … not what was allowed before", ask: authn.Ask{Channel: authn.App, Impersonable: true, Consent: []string{"email"}}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1)), Consent: &authn.Consent{Scopes: []string{"email"}, Journey: "old"}}, want: "go-on"},
		{says: "8252: … not that a browser is remembered", ask: authn.Ask{Impersonable: true}, facts: authn.Facts{Account: person(true), Session: session("anna", 0, pwd(-1), ofThisOne(waiver(0)))}, want: "go-on"},
		{says: "8252: nothing is asked twice: at a login", ask: authn.Ask{Channel: authn.App, Impersonable: true}, want: "primary"},
		{says: "8252: … after one idle hour", ask: authn.Ask{Channel: authn.App, Impersonable: true}, facts: authn.Facts{Account: person(false), Session: session("anna", -60, pwd(-60))}, want: "primary idle"},
		{says: "8252: … where consent is asked", ask: authn.Ask{Channel: authn.App, Impersonable: true, Consent: []string{"email"}}, facts: authn.Facts{Account: person(false), Session: session("anna", -1, pwd(-1))}, want: "consent"},

		{says: "another account is signed in here", facts: authn.Facts{Account: person(false), Session: session("bram", -1, pwd(-1))}, proofs: []authn.Proof{pwd(0)}, want: "switch"},
		{says: "the session of another proves nothing", facts: authn.Facts{Account: person(false), Session: session("bram", -1, pwd(-1))}, want: "primary, switch"},
		{says: "the person chose", facts: authn.Facts{Account: person(false), Switch: true, Session: session("bram", -1, pwd(-1))}, proofs: []authn.Proof{pwd(0)}},
	} {
		t.Run(row.says, func(t *testing.T) {
			ask, facts := row.ask, row.facts
			if ask.Purpose == "" {
				ask.Purpose = authn.SignIn
			}
			if ask.Channel == "" {
				ask.Channel = authn.Browser
			}
			ask.Journey = "this one"
			for i := range row.proofs {
				row.proofs[i].Journey = "this one"
			}
			facts.Now, facts.Methods, facts.Policy = noon, []string{"pretend"}, platform.DefaultPolicy()
			facts.Policy.CodeMethods = []string{"pretend"}
			if row.policy != nil {
				row.policy(&facts.Policy)
			}
			var got []string
			for _, r := range authn.Missing(ask, facts, row.proofs) {
				got = append(got, strings.TrimSpace(string(r.Need)+" "+string(r.Why)))
			}
			if strings.Join(got, ", ") != row.want {
				t.Errorf("missing %q, want %q", got, row.want)
			}
		})
	}
}

func TestTokensSayWhatWasProven(t *testing.T) {
	for _, row := range []struct {
		proofs []authn.Proof
		amr    string
		acr    authn.ACR
		time   time.Time
	}{
		{nil, "", authn.NoFactor, time.Time{}},
		{[]authn.Proof{pwd(0)}, "pwd", authn.OneFactor, at(0)},
		{[]authn.Proof{pwd(0), code(5)}, "mfa otp pwd", authn.TwoFactor, at(0)}, // a code alone does not move auth_time
		{[]authn.Proof{pwd(0), recovery(5)}, "mfa pwd", authn.TwoFactor, at(0)},
		{[]authn.Proof{passkey(3)}, "hwk mfa user", authn.TwoFactor, at(3)},
		{[]authn.Proof{code(3)}, "otp", authn.OneFactor, time.Time{}},
		{authn.Merge([]authn.Proof{pwd(0), code(0)}, []authn.Proof{pwd(7)}), "mfa otp pwd", authn.TwoFactor, at(7)},
	} {
		if got := strings.Join(authn.AMR(row.proofs), " "); got != row.amr {
			t.Errorf("amr of %v: %q, want %q", row.proofs, got, row.amr)
		}
		if got := authn.ACROf(row.proofs); got != row.acr {
			t.Errorf("acr of %v: %q, want %q", row.proofs, got, row.acr)
		}
		if got := authn.AuthTime(row.proofs); !got.Equal(row.time) {
			t.Errorf("auth_time of %v: %v, want %v", row.proofs, got, row.time)
		}
	}
}

func TestACRIsMetByItselfOrAStrongerOne(t *testing.T) {
	aliases := map[string]string{"mfa": string(authn.TwoFactor)}
	for _, row := range []struct {
		have authn.ACR
		want string
		ok   bool
	}{
		{authn.OneFactor, string(authn.OneFactor), true},
		{authn.TwoFactor, string(authn.OneFactor), true},
		{authn.OneFactor, string(authn.TwoFactor), false},
		{authn.TwoFactor, "mfa", true},
		{authn.OneFactor, "mfa", false},
		{authn.TwoFactor, "urn:unknown", false},
		{authn.NoFactor, string(authn.OneFactor), false},
		{authn.NoFactor, "", false},
	} {
		if got := row.have.Satisfies(row.want, aliases); got != row.ok {
			t.Errorf("%q satisfies %q: %t, want %t", row.have, row.want, got, row.ok)
		}
	}
}

// OpenID Connect Core 1.0 section 5.5.1.1: who asks by another name is answered by that name.
func TestACRIsCalledWhatItWasAskedAs(t *testing.T) {
	aliases := map[string]string{"sfa": string(authn.OneFactor), "mfa": string(authn.TwoFactor), "odd": "urn:x"}
	own := string(authn.OneFactor)
	for _, row := range []struct {
		says string
		ask  authn.Ask
		want string
	}{
		{"nothing asked", authn.Ask{}, ""},
		{"an alias", authn.Ask{ACR: []string{"mfa", "sfa"}}, "sfa"},
		{"our own name too", authn.Ask{ACR: []string{"sfa", own}}, ""},
		{"only stronger names, and unknown ones", authn.Ask{ACR: []string{"mfa", "odd", "urn:unknown"}}, ""},
		{"claims decide", authn.Ask{ACR: []string{own}, ClaimedACR: [][]string{{"sfa"}}}, "sfa"},
		{"claims decide for our own name", authn.Ask{ACR: []string{"sfa"}, ClaimedACR: [][]string{{own}}}, ""},
	} {
		if got := row.ask.Alias(authn.OneFactor, aliases); got != row.want {
			t.Errorf("%s: %q, want %q", row.says, got, row.want)
		}
	}
	if got := (authn.Ask{ACR: []string{"unknown"}}).Alias(authn.NoFactor, aliases); got != "" {
		t.Errorf("no factor is called %q", got)
	}
	if got := strings.Join(authn.Published(aliases), " "); got != own+" "+string(authn.TwoFactor)+" mfa sfa" {
		t.Errorf("published: %s", got)
	}
}

func TestWrongPasswordsAreSlowedFromTheFifth(t *testing.T) {
	want := []time.Duration{0, 0, 0, 0, 1, 2, 4, 8, 8, 8, 8}
	for i, w := range want {
		if got := (authn.Attempts{Failures: i + 1, Source: authn.SourceMax}).Delay(); got != w*time.Second {
			t.Errorf("attempt %d is held back %s, want %s", i+1, got, w*time.Second)
		}
	}
	if got := (authn.Attempts{Failures: 1, Source: authn.SourceMax + 1}).Delay(); got != 8*time.Second {
		t.Errorf("the first one of a busy source is held back %s", got)
	}
}

func TestSessionEndsAndIdles(t *testing.T) {
	p := platform.DefaultPolicy()
	s := authn.NewSession("s", person(false), authn.Browser, []authn.Proof{pwd(0)}, p, noon)
	if !s.Live(noon.Add(24*time.Hour-1)) || s.Live(noon.Add(24*time.Hour)) {
		t.Error("the session of a client ends after 24 hours")
	}
	if s.Idle(p, noon.Add(time.Hour-1)) || !s.Idle(p, noon.Add(time.Hour)) {
		t.Error("a session is idle after one hour")
	}
	raised := s.Raised([]authn.Proof{code(5)}, at(5))
	if len(raised.Proofs) != 2 || !raised.SeenAt.Equal(at(5)) || !raised.EndsAt.Equal(s.EndsAt) || len(s.Proofs) != 1 {
		t.Errorf("raised to %+v", raised)
	}
	if (*authn.Session)(nil).Live(noon) {
		t.Error("no session lives")
	}
}
