package authn

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// RememberFor is how long this browser may be remembered from now on, as the person chose or the organisation decided;
// zero: it is not offered.
func RememberFor(f Facts) time.Duration {
	if f.Account == nil {
		return 0
	}
	r := f.Policy.Remember.For(f.Account.Role)
	if r.Decides {
		return r.Fixed
	}
	if slices.Contains(r.Choices, f.Account.RememberFor) {
		return f.Account.RememberFor
	}
	return 0
}

// enrolledAndNotRemembered reports whether a login needs a code. A session that began in a remembered browser goes on
// without a code, until it is asked to sign in again: then only what was waived for that counts. What is not allowed as
// long any more, by the organisation or by the person, is not waived any more.
func enrolledAndNotRemembered(a Ask, f Facts) bool {
	waived := ownSession(f) && slices.ContainsFunc(f.Session.Proofs, func(p Proof) bool {
		return p.Use == account.Waiver && p.allowed(RememberFor(f)) && (!a.PromptLogin || a.givenFor(p))
	})
	return len(Enrolled(f)) > 0 && (byEmergency(f) || !f.Remembered && !waived)
}

// enrolledAndForgotten reports whether a return after the idle hour needs a code: only a browser that is still
// remembered counts.
func enrolledAndForgotten(_ Ask, f Facts) bool {
	return len(Enrolled(f)) > 0 && (byEmergency(f) || !f.Remembered)
}

func enrolled(_ Ask, f Facts) bool { return len(Enrolled(f)) > 0 }

// ownerUnproven reports whether staff reset two-step authentication and nobody has shown since to be the owner. Every
// purpose asks both of such an account (asksOwner): whoever has the password and talked a helpdesk into the reset has
// not the mails.
func ownerUnproven(_ Ask, f Facts) bool { return f.Account != nil && !f.Account.MarkedAt.IsZero() }

func done(n Need) func(Ask, Facts) bool {
	return func(_ Ask, f Facts) bool { return slices.Contains(f.Done, n) }
}

// enrolledBefore reports whether who sets a new factor up has an old one to show: one that was there when the journey
// began.
func enrolledBefore(_ Ask, f Facts) bool {
	return len(Enrolled(f)) > 0 && !slices.Contains(f.Done, NeedEnrol)
}

func codeAskedOfApp(_ Ask, f Facts) bool { return f.Policy.AppCode }

// codesMissing reports whether a second factor is set up and no set of recovery codes was ever confirmed.
func codesMissing(_ Ask, f Facts) bool {
	return f.Recovery && len(Enrolled(f)) > 0 &&
		!slices.ContainsFunc(f.Account.Credentials, func(c account.Credential) bool { return c.Use == account.Recovery && c.Usable() })
}

func codesLow(_ Ask, f Facts) bool { return f.Low && !f.NoPages }

// optedIn reports whether the person chose new codes or another factor, and has not got it yet. Where two-step
// authentication was turned off meanwhile there is nothing to renew.
func optedIn(_ Ask, f Facts) bool {
	return f.OptIn != "" && !slices.Contains(f.Done, f.OptIn) && len(Enrolled(f)) > 0
}

func optedInTo(n Need) func(Ask, Facts) bool {
	return func(a Ask, f Facts) bool { return f.OptIn == n && optedIn(a, f) }
}

// codesAtLogin reports whether recovery codes are shown now: at a login, and where a factor was just set up; not
// whenever a party asks somebody who is signed in.
func codesAtLogin(a Ask, f Facts) bool {
	return codesMissing(a, f) && !f.NoPages && (!ownSession(f) || slices.Contains(f.Done, NeedEnrol))
}

// strongerAsked reports whether the party wants an `acr` that one factor does not reach, and a code would reach it.
func strongerAsked(a Ask, f Facts) bool { return len(Enrolled(f)) > 0 && wantsTwo(a, f) }

// WantsTwo reports whether two factors are wanted of somebody, as far as is known who that is: an organisation's
// sign-in is asked for them then.
func WantsTwo(a Ask, f Facts) bool {
	if wantsTwo(a, f) {
		return true
	}
	role := platform.Professional
	if f.Account != nil {
		role = f.Account.Role
	}
	return f.Policy.SecondFactor.For(role).At(f.Now) == platform.Required
}

func wantsTwo(a Ask, f Facts) bool {
	return !a.SatisfiedBy(OneFactor, f.Policy.ACRAliases) && a.SatisfiedBy(TwoFactor, f.Policy.ACRAliases)
}

// otherAccount reports whether this browser has a session of someone else, and one browser holds one account at a time.
func otherAccount(_ Ask, f Facts) bool {
	return !f.Switch && f.Account != nil && f.Session != nil && f.Session.Account != f.Account.ID
}

// choiceAsked reports whether prompt=select_account was sent and there is somebody to choose.
func choiceAsked(a Ask, f Facts) bool {
	return a.PromptSelectAccount && !f.Switch && f.Session != nil && f.Account == nil
}

// impersonable reports whether another program on the device could take the answer of a native app: it is not given
// from a session alone (RFC 8252 section 8.6).
func impersonable(a Ask, _ Facts) bool { return a.Impersonable }

func consentMissing(a Ask, f Facts) bool { return len(a.Consent) > 0 && !f.Consent.Covers(a) }

// deviceLimitReached reports whether one device more than an account may have would come of this sign-in.
func deviceLimitReached(_ Ask, f Facts) bool { return f.MobileApp && f.DeviceLimitReached }

func ownSession(f Facts) bool {
	return f.Session != nil && f.Account != nil && f.Session.Account == f.Account.ID
}

func because(why Reason) func(Ask, Facts) Reason { return func(Ask, Facts) Reason { return why } }

func idle(Ask, Facts) Reason { return ForIdle }

// byParty explains only what somebody signed in is asked again.
func byParty(_ Ask, f Facts) Reason {
	if ownSession(f) {
		return ForParty
	}
	return ForLogin
}

func not(c func(Ask, Facts) bool) func(Ask, Facts) bool {
	return func(a Ask, f Facts) bool { return !c(a, f) }
}

func either(all ...func(Ask, Facts) bool) func(Ask, Facts) bool {
	return func(a Ask, f Facts) bool {
		return slices.ContainsFunc(all, func(c func(Ask, Facts) bool) bool { return c(a, f) })
	}
}

func both(c, d func(Ask, Facts) bool) func(Ask, Facts) bool {
	return func(a Ask, f Facts) bool { return c(a, f) && d(a, f) }
}
