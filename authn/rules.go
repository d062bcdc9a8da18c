package authn

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// Purpose is why someone is on a journey.
type Purpose string

const (
	SignIn Purpose = "sign-in" // for a party, or for our own settings pages
	Return Purpose = "return"  // back after the idle hour (platform.Policy.IdleAfter); chosen by Missing, never asked for

	Welcome        Purpose = "welcome"         // the button of the welcome mail
	SignUp         Purpose = "sign-up"         // the button of the confirmation mail
	ResetPassword  Purpose = "reset-password"  // the button of the reset mail
	AfterReset     Purpose = "after-reset"     // the button of the mail after staff reset two-step authentication
	ChangePassword Purpose = "change-password" // in settings
	TwoStep        Purpose = "two-step"        // in settings: turn two-step authentication on, or change it
	NewCodes       Purpose = "new-codes"       // in settings: new recovery codes
	TwoStepPage    Purpose = "two-step-page"   // in settings: see them, change how long a browser is remembered
	TwoStepOff     Purpose = "two-step-off"    // in settings: turn it off
	ShowQR         Purpose = "show-qr"         // in settings: a QR code that signs in on a phone

	Connect   Purpose = "connect" // in settings: sign in with the account of one's organisation from now on
	LinksPage Purpose = "links"   // in settings: not any more

	StaffPages Purpose = "staff-pages" // who helps others sees the pages of staff
	StaffAct   Purpose = "staff-act"   // ... and does there what wants a fresh sign-in
)

// Need is something that a journey still wants.
type Need string

const (
	NeedPrimary       Need = "primary" // who are you: a password or another first factor
	NeedSecond        Need = "second"  // a code, or whatever stands in for it
	NeedEnrol         Need = "enrol"   // set a second factor up
	NeedSwitch        Need = "switch"  // someone is signed in here already: who goes on?
	NeedConsent       Need = "consent" // may this party have these data?
	NeedDeviceRemoval Need = "room"    // which device does the mobile app leave, so that it may have this one?
	NeedContinueAs    Need = "go-on"   // as this person, in this app?

	NeedLink        Need = "link"         // the button of a mail
	NeedNewPassword Need = "new-password" // choose one
	NeedSaveCodes   Need = "save-codes"   // see and keep recovery codes
	NeedLowCodes    Need = "low-codes"    // see that few recovery codes are left
	NeedTurnOff     Need = "off"          // confirm that two-step authentication is turned off

	NeedConnect Need = "connect" // show who one is at one's organisation

	needUnknown Need = "unknown" // of a purpose without rules, such as one of a later release: nothing meets it
)

// Reason says why something is wanted; pages explain it in one sentence.
type Reason string

const (
	ForLogin Reason = ""         // an ordinary sign-in needs no explanation
	ForIdle  Reason = "idle"     // no activity for as long as the policy allows
	ForParty Reason = "platform" // the party asks for it now: prompt=login, max_age, acr_values

	ForChange  Reason = "change"   // of the password
	ForForgot  Reason = "forgot"   // a forgotten password
	ForTwoStep Reason = "two_step" // the settings of two-step authentication
	ForCodes   Reason = "codes"    // new recovery codes
	ForOff     Reason = "off"      // turning two-step authentication off
	ForQR      Reason = "qr"       // a QR code that signs in on a phone
	ForStaff   Reason = "staff"    // pages on which others are helped

	ForLink    Reason = "link"    // who somebody is elsewhere is to be this account
	ForConnect Reason = "connect" // in settings

	ForReset Reason = "reset" // staff reset two-step authentication, and nobody has shown since to be the owner
)

// Requirement is one thing wanted. Only proofs given at or after After count, and those of the journey that asks:
// nodes whose clocks differ would otherwise disagree on what came first.
type Requirement struct {
	Need   Need
	Why    Reason
	After  time.Time
	Before time.Time // a recovery code counts only if its set was made before; zero: of any set
}

// Accepts reports whether codes of a set of recovery codes count.
func (r Requirement) Accepts(set account.Credential) bool {
	return r.Before.IsZero() || set.ConfirmedAt.Before(r.Before)
}

// Ask is what was asked for: by a party in an authorization request, or by one of our own pages.
type Ask struct {
	Purpose             Purpose        `json:"purpose"`
	Channel             Channel        `json:"channel"`
	Journey             string         `json:"journey"`            // a proof given in this journey is fresh, whatever else is asked
	PromptLogin         bool           `json:"again,omitempty"`    // prompt=login: sign in again, whatever the session holds
	PromptSelectAccount bool           `json:"choose,omitempty"`   // prompt=select_account: ask who goes on, when someone is signed in
	Consent             []string       `json:"consent,omitempty"`  // scopes that the person must have allowed; empty: nothing to allow
	PromptConsent       bool           `json:"renew,omitempty"`    // prompt=consent: allowed in this journey, not just before
	MaxAge              *time.Duration `json:"max_age,omitempty"`  // the newest primary proof, and each factor of a demanded level, may be this old; nil: any age
	ACR                 []string       `json:"acr,omitempty"`      // acr_values: any one of these, or stronger; empty: any
	ClaimedACR          [][]string     `json:"claimed,omitempty"`  // `acr` in the claims parameter: and any one of each of these, or stronger
	MinimumACR          []string       `json:"least,omitempty"`    // and each of these, or stronger: what party and platform want of every sign-in
	IDPHint             string         `json:"provider,omitempty"` // idp_hint: the connection where the person signs in; empty: none was named
	DomainHint          string         `json:"domain,omitempty"`   // domain_hint: of the organisation where the person signs in
	JKT                 string         `json:"key,omitempty"`      // thumbprint of the key of the device that asks (RFC 9449 section 10); empty: none was named
	Impersonable        bool           `json:"unsure,omitempty"`   // another program could take the answer: never without a form (RFC 8252 section 8.6)
}

// Facts is what is known at the moment of asking.
type Facts struct {
	Account            *account.Account // nil until known
	Policy             platform.Policy
	Methods            []string // second factors that this build can ask for; a policy or a credential naming others is ignored
	Recovery           bool     // this build has recovery codes
	Session            *Session // the live session of this browser or app; nil: none
	Remembered         bool     // this browser may go without a code at sign-in
	Switch             bool     // the person chose to sign in with another account than the one signed in here
	MobileApp          bool     // the party that asks is the platform's own mobile app now; false is the stricter
	DeviceLimitReached bool     // the account has as many other devices with this mobile app as it may, and none of them was chosen to be removed
	Consent            *Consent // what the person allowed this party before; nil: nothing
	Method             string   // the way of getting codes that was chosen in this journey, to be set up
	Low                bool     // a recovery code was used in this journey, and few are left
	NoPages            bool     // nobody can be shown anything: what is only offered, or can wait until the next login, is left out
	OptIn              Need     // what the person wants to do beside what is asked: new codes, another factor; empty: nothing
	Done               []Need   // what this journey did already
	Now                time.Time
	FederationFacts
}

// FederationFacts is what is known of the sign-ins of organisations.
type FederationFacts struct {
	Connected  bool // one is open here
	Proving    bool // … and the person says that there is one, and shows it
	Linking    bool // who somebody is there is known, and whose account that is, not
	BreakGlass bool // the journey began at the emergency login
	twoFactors bool // one showed two factors that count here, as new as a code would have to be; known where proofs are
	password   bool // a password is among the proofs; known where they are
}

// FollowJourney makes the facts those of a journey as it is now.
func (f *Facts) FollowJourney(j *Journey) {
	f.Switch, f.Done, f.Method, f.Low, f.OptIn = j.Switch, j.Done, j.Method, j.LowCodes, j.OptIn
	f.Linking, f.BreakGlass = j.Pending(), j.BeganAtBreakGlass()
	f.Proving = f.Linking && j.Federation.Proving
}

// rule is one row of the table: a need, the reason shown, since when a proof counts, and before when the set of a
// recovery code was made. A nil condition is "always".
type rule struct {
	need   Need
	when   func(Ask, Facts) bool
	why    func(Ask, Facts) Reason
	after  func(Ask, Facts) time.Time
	before func(Ask, Facts) time.Time
}

// ruleTable is what is wanted, by purpose and channel.
type ruleTable map[Purpose]map[Channel][]rule

// rules lists when what is asked, in the order in which the person is asked. The help page "wanneer wordt er om een
// authenticatiecode gevraagd?" tells people the same. everywhere.go adds two sets of rows: asksOwner those of an account
// that staff reset, to every purpose, and asksProof those of somebody who is known at an organisation and not here, to
// SignIn and Return. No other place decides this. docs/oidc.md has one sentence for each row, the added ones included.
var rules = asksOwner(asksProof(ruleTable{
	SignIn: {
		Browser: {
			{need: NeedSwitch, when: choiceAsked},
			{need: NeedPrimary, why: byParty, after: askedSince},
			{need: NeedSecond, when: enrolledAndNotRemembered, why: byParty, after: askedAgain},
			{need: NeedSecond, when: strongerAsked, why: byParty, after: askedSince},
			{need: NeedLowCodes, when: codesLow},
			{need: NeedPrimary, when: either(mustEnrol, strongerNeedsEnrol, optedIn), why: because(ForTwoStep), after: fresh},
			{need: NeedSecond, when: optedIn, why: because(ForTwoStep), after: fresh, before: sessionStart},
			{need: NeedEnrol, when: optedInTo(NeedEnrol), why: because(ForTwoStep)},
			{need: NeedEnrol, when: strongerNeedsEnrol, why: because(ForParty)},
			{need: NeedEnrol, when: either(mustEnrol, offered)},
			{need: NeedSecond, when: codesAtLogin, why: because(ForCodes), after: sinceJourney},
			{need: NeedSaveCodes, when: either(codesAtLogin, optedInTo(NeedSaveCodes))},
			{need: NeedSwitch, when: otherAccount},
			{need: NeedConsent, when: consentMissing},
			{need: NeedDeviceRemoval, when: deviceLimitReached},
			{need: NeedContinueAs, when: impersonable},
		},
		App: {
			{need: NeedSwitch, when: choiceAsked},
			{need: NeedPrimary, why: byParty, after: askedSince},
			{need: NeedSecond, when: both(codeAskedOfApp, enrolledAndNotRemembered), why: byParty, after: askedAgain},
			{need: NeedSecond, when: strongerAsked, why: byParty, after: askedSince},
			{need: NeedPrimary, when: both(codeAskedOfApp, mustEnrol), why: because(ForTwoStep), after: fresh},
			{need: NeedEnrol, when: both(codeAskedOfApp, mustEnrol)},
			{need: NeedSecond, when: both(codeAskedOfApp, codesAtLogin), why: because(ForCodes), after: sinceJourney},
			{need: NeedSaveCodes, when: both(codeAskedOfApp, codesAtLogin)},
			{need: NeedSwitch, when: otherAccount},
			{need: NeedConsent, when: consentMissing},
			{need: NeedDeviceRemoval, when: deviceLimitReached},
			{need: NeedContinueAs, when: impersonable},
		},
	},
	Return: {
		Browser: {
			{need: NeedSecond, when: enrolledAndForgotten, why: idle, after: seenAndAskedAgain},
			{need: NeedPrimary, when: not(enrolledAndForgotten), why: idle, after: sinceLastSeen},
			{need: NeedPrimary, why: byParty, after: askedSince},
			{need: NeedSecond, when: strongerAsked, why: byParty, after: askedSince},
			{need: NeedLowCodes, when: codesLow},
			{need: NeedPrimary, when: either(mustEnrol, strongerNeedsEnrol, optedIn), why: because(ForTwoStep), after: fresh},
			{need: NeedSecond, when: optedIn, why: because(ForTwoStep), after: fresh, before: sessionStart},
			{need: NeedEnrol, when: optedInTo(NeedEnrol), why: because(ForTwoStep)},
			{need: NeedEnrol, when: strongerNeedsEnrol, why: because(ForParty)},
			{need: NeedEnrol, when: mustEnrol},
			{need: NeedSecond, when: codesAtLogin, why: because(ForCodes), after: sinceJourney},
			{need: NeedSaveCodes, when: either(codesAtLogin, optedInTo(NeedSaveCodes))},
			{need: NeedSwitch, when: otherAccount},
			{need: NeedConsent, when: consentMissing},
			{need: NeedDeviceRemoval, when: deviceLimitReached},
			{need: NeedContinueAs, when: impersonable},
		},
		App: {
			{need: NeedPrimary, why: idle, after: sinceLastSeen},
			{need: NeedPrimary, why: byParty, after: askedSince},
			{need: NeedSecond, when: both(codeAskedOfApp, enrolledAndForgotten), why: idle, after: seenAndAskedAgain},
			{need: NeedSecond, when: strongerAsked, why: byParty, after: askedSince},
			{need: NeedPrimary, when: both(codeAskedOfApp, mustEnrol), why: because(ForTwoStep), after: fresh},
			{need: NeedEnrol, when: both(codeAskedOfApp, mustEnrol)},
			{need: NeedSecond, when: both(codeAskedOfApp, codesAtLogin), why: because(ForCodes), after: sinceJourney},
			{need: NeedSaveCodes, when: both(codeAskedOfApp, codesAtLogin)},
			{need: NeedSwitch, when: otherAccount},
			{need: NeedConsent, when: consentMissing},
			{need: NeedDeviceRemoval, when: deviceLimitReached},
			{need: NeedContinueAs, when: impersonable},
		},
	},
	Welcome: {
		Browser: {
			{need: NeedLink, after: sinceJourney},
			{need: NeedNewPassword},
			{need: NeedSecond, when: enrolled, after: sinceJourney},
			{need: NeedEnrol, when: either(mustEnrol, offered)},
			{need: NeedSaveCodes, when: codesMissing},
		},
	},
	SignUp: {
		Browser: {
			{need: NeedLink, after: sinceJourney},
			{need: NeedNewPassword},
			{need: NeedSecond, when: enrolled, after: sinceJourney},
			{need: NeedEnrol, when: either(mustEnrol, offered)},
			{need: NeedSaveCodes, when: codesMissing},
		},
	},
	ResetPassword: {
		Browser: {
			{need: NeedLink, after: sinceJourney},
			{need: NeedSecond, when: enrolled, why: because(ForForgot), after: sinceJourney},
			{need: NeedNewPassword},
			{need: NeedEnrol, when: mustEnrol},
			{need: NeedSaveCodes, when: codesMissing},
		},
	},
	AfterReset: {
		Browser: {
			{need: NeedLink, after: sinceJourney},
			{need: NeedPrimary, why: because(ForReset), after: sinceJourney},
			{need: NeedSecond, when: enrolled, after: sinceJourney},
			{need: NeedEnrol, when: either(mustEnrol, offered)},
			{need: NeedSaveCodes, when: codesMissing},
		},
	},
	ChangePassword: {
		Browser: {
			{need: NeedPrimary, why: because(ForChange), after: fresh},
			{need: NeedSecond, when: enrolled, why: because(ForChange), after: fresh},
			{need: NeedNewPassword},
		},
	},
	TwoStep: {
		Browser: {
			{need: NeedPrimary, why: because(ForTwoStep), after: fresh},
			{need: NeedSecond, when: enrolledBefore, why: because(ForTwoStep), after: fresh, before: sessionStart},
			{need: NeedEnrol, why: because(ForTwoStep)},
			{need: NeedSecond, when: codesMissing, why: because(ForCodes), after: sinceJourney}, // another factor came meanwhile
			{need: NeedSaveCodes, when: codesMissing},
		},
	},
	TwoStepPage: {
		Browser: {
			{need: NeedPrimary, why: because(ForTwoStep), after: fresh},
			{need: NeedSecond, when: enrolledAndNotRemembered, why: because(ForTwoStep)}, // of who signs in on the way
		},
	},
	NewCodes: {
		Browser: {
			{need: NeedPrimary, why: because(ForCodes), after: fresh},
			{need: NeedSecond, when: both(enrolled, not(done(NeedSaveCodes))), why: because(ForCodes), after: fresh, before: sessionStart},
			{need: NeedSaveCodes, when: enrolled},
		},
	},
	TwoStepOff: {
		Browser: {
			{need: NeedPrimary, why: because(ForOff), after: fresh},
			{need: NeedSecond, when: enrolled, why: because(ForOff), after: fresh, before: sessionStart},
			{need: NeedTurnOff, when: enrolled},
		},
	},
	Connect: {
		Browser: {
			{need: NeedPrimary, why: because(ForConnect), after: fresh},
			{need: NeedSecond, when: enrolled, why: because(ForConnect), after: fresh, before: sessionStart},
			{need: NeedConnect},
		},
	},
	LinksPage: {
		Browser: {
			{need: NeedPrimary, why: because(ForConnect), after: fresh},
			{need: NeedSecond, when: enrolled, why: because(ForConnect), after: fresh, before: sessionStart},
		},
	},
	ShowQR: {
		Browser: {
			{need: NeedPrimary, why: because(ForQR), after: fresh},
			{need: NeedSecond, when: enrolled, why: because(ForQR), after: fresh, before: sessionStart},
		},
	},
	StaffPages: {
		Browser: {
			{need: NeedPrimary, why: because(ForStaff), after: sincePause},
			{need: NeedSecond, when: enrolledBefore, why: because(ForStaff), after: sincePause},
			{need: NeedPrimary, when: mustEnrol, why: because(ForTwoStep), after: fresh},
			{need: NeedEnrol, when: mustEnrol},
			{need: NeedSecond, when: codesMissing, why: because(ForCodes), after: sinceJourney},
			{need: NeedSaveCodes, when: codesMissing},
		},
	},
	StaffAct: {
		Browser: {
			{need: NeedPrimary, why: because(ForStaff), after: fresh},
			{need: NeedSecond, when: enrolledBefore, why: because(ForStaff), after: fresh, before: sessionStart},
			{need: NeedEnrol, when: mustEnrol},
			{need: NeedSecond, when: codesMissing, why: because(ForCodes), after: sinceJourney},
			{need: NeedSaveCodes, when: codesMissing},
		},
	},
}))

// Missing says what is still wanted, in the order in which the person is asked; nothing means: done. The proofs of
// the session count unless the requirement is newer than they are. It is pure: same facts, same answer.
func Missing(ask Ask, f Facts, proofs []Proof) []Requirement { return rules.missing(ask, f, proofs) }

func (t ruleTable) missing(ask Ask, f Facts, proofs []Proof) []Requirement {
	all := proofs
	if f.Session != nil && f.Account != nil && f.Session.Account == f.Account.ID {
		all = Merge(f.Session.Proofs, proofs)
	}
	all = AsOf(all, f.Now)
	why := purpose(ask, f)
	f.twoFactors = slices.ContainsFunc(all, func(p Proof) bool { return vouchedTwo(why, ask, f, p) })
	f.password = slices.ContainsFunc(all, func(p Proof) bool { return p.Method == Password && p.Use == account.Primary })
	asked, known := rowsOf(t[why], ask, f)
	if !known {
		return []Requirement{{Need: needUnknown}}
	}
	var missing []Requirement
	for _, w := range asked {
		if w.when != nil && !w.when(ask, f) {
			continue
		}
		r := Requirement{Need: w.need}
		if w.after != nil {
			r.After = w.after(ask, f)
		}
		if w.before != nil {
			r.Before = w.before(ask, f)
		}
		if w.why != nil {
			r.Why = w.why(ask, f)
		}
		if r.Need == NeedContinueAs && len(missing) > 0 {
			continue // the form of whatever else is wanted will do
		}
		if !slices.Contains(f.Done, r.Need) && !satisfied(r, ask, f, all) && !slices.ContainsFunc(missing, func(m Requirement) bool { return m.Need == r.Need }) {
			missing = append(missing, r)
		}
	}
	return missing
}

// purpose turns a sign-in into a return when the session has been idle.
func purpose(ask Ask, f Facts) Purpose {
	if ask.Purpose == SignIn && ownSession(f) && f.Session.Idle(f.Policy, f.Now) {
		return Return
	}
	return ask.Purpose
}

// rowsOf returns the rows of the table that count for a request and an account. The app's rows count only for clients
// and relatives at the platform's own mobile app. Staff there, and everybody at another native party, get the browser's
// rows.
func rowsOf(channels map[Channel][]rule, a Ask, f Facts) (rows []rule, known bool) {
	rows, known = channels[a.Channel]
	if known && a.Channel == App && !inCareAtMobileApp(f) {
		rows, known = channels[Browser]
	}
	return rows, known
}

// inCareAtMobileApp reports whether a client or a relative signs in at the platform's own mobile app. Before the
// account is known it is false.
func inCareAtMobileApp(f Facts) bool {
	return f.MobileApp && f.Account != nil && (f.Account.Role == platform.Client || f.Account.Role == platform.Relative)
}

// givenFor reports whether a proof was given for this request.
func (a Ask) givenFor(p Proof) bool { return p.Journey != "" && p.Journey == a.Journey }

// answered reports whether the person answered a form of this request: something was shown, allowed or done for it.
func (a Ask) answered(f Facts, proofs []Proof) bool {
	return len(f.Done) > 0 || f.Consent != nil && f.Consent.Journey != "" && f.Consent.Journey == a.Journey ||
		slices.ContainsFunc(proofs, func(p Proof) bool { return p.Use != account.Waiver && a.givenFor(p) })
}

// inTime reports whether a proof is as new as a requirement wants.
func (r Requirement) inTime(a Ask, p Proof) bool {
	return a.givenFor(p) || !p.At.Before(r.After) || r.Why == ForIdle && p.stillKnown(r.After)
}

func satisfied(r Requirement, a Ask, f Facts, proofs []Proof) bool {
	shown := func(fits func(Proof) bool) bool {
		return slices.ContainsFunc(proofs, func(p Proof) bool {
			return fits(p) && r.inTime(a, p)
		})
	}
	switch r.Need {
	case NeedPrimary:
		return f.Account != nil && shown(func(p Proof) bool {
			return r.byMail(a, f, p) || p.Use == account.Primary && !(p.Method == Password && PasswordClosed(f)) && !(r.Why == ForLink && p.Upstream != nil)
		})
	case NeedSecond:
		return shown(func(p Proof) bool { return p.second() && r.countsOf(p, f.Account) })
	case NeedLink:
		return shown(Proof.button)
	case NeedContinueAs:
		return a.answered(f, proofs)
	case NeedEnrol, NeedSwitch, NeedConsent, NeedDeviceRemoval, NeedNewPassword, NeedSaveCodes, NeedLowCodes, NeedTurnOff, NeedConnect:
		return false // the condition of the row says it all, or that it was done
	}
	return false
}

// countsOf reports whether a second step of somebody counts here: what was shown beside a recovery code always does; of
// a set that was replaced meanwhile it is not known any more when it was made.
func (r Requirement) countsOf(p Proof, a *account.Account) bool {
	if p.Use != account.Recovery || r.Before.IsZero() {
		return true
	}
	return a != nil && slices.ContainsFunc(a.Credentials, func(c account.Credential) bool { return c.ID == p.Credential && r.Accepts(c) })
}
