package authn

import (
	"slices"

	"github.com/minddistrict/idp/platform"
)

// Enrolled lists the second factors that can be asked of the account.
func Enrolled(f Facts) []string {
	if f.Account == nil {
		return nil
	}
	return slices.DeleteFunc(f.Account.SecondMethods(), func(m string) bool { return !slices.Contains(f.Methods, m) })
}

// mustEnrol reports whether a second factor is required of the role and there is none. A policy that names no method
// which this build has acts as off.
func mustEnrol(_ Ask, f Facts) bool { return canEnrol(f) && demand(f) == platform.Required }

// MustEnrol reports whether the set-up cannot be put off.
func MustEnrol(f Facts) bool { return mustEnrol(Ask{}, f) }

// MayEnrol reports whether the person can have two-step authentication here.
func MayEnrol(f Facts) bool {
	return f.Account != nil && demand(f) != platform.Off && len(Offers(f)) > 0
}

// MayTurnOff reports whether two-step authentication is the person's own choice.
func MayTurnOff(f Facts) bool { return f.Account != nil && demand(f) != platform.Required }

// offered reports whether the set-up is shown with "not now": at each login before a factor is required from a date,
// and where it is optional every so often, and once after staff reset it. Somebody who is signed in already is not
// stopped for it.
func offered(_ Ask, f Facts) bool {
	if f.NoPages || !canEnrol(f) || demand(f) != platform.Optional || ownSession(f) {
		return false
	}
	s := f.Policy.SecondFactor.For(f.Account.Role)
	return s.Demand == platform.Required || f.Account.ResetAt.After(f.Account.OfferedAt) ||
		s.OfferEvery > 0 && f.Now.Sub(f.Account.OfferedAt) >= s.OfferEvery
}

// strongerNeedsEnrol reports whether the party wants an `acr` that only a second factor reaches, the role may have one,
// and there is none yet. Where it is off for the role, the party gets an error instead (op).
func strongerNeedsEnrol(a Ask, f Facts) bool {
	return canEnrol(f) && demand(f) != platform.Off && wantsTwo(a, f)
}

// canEnrol reports whether there is no second factor, here or at an organisation whose two factors count, and one could
// be set up here.
func canEnrol(f Facts) bool {
	return f.Account != nil && !f.twoFactors && len(Enrolled(f)) == 0 && len(Offers(f)) > 0
}

// Offers lists the methods of second factors that the platform offers and this build has, in the platform's order.
func Offers(f Facts) []string {
	return slices.DeleteFunc(slices.Clone(f.Policy.CodeMethods), func(m string) bool { return !slices.Contains(f.Methods, m) })
}

// Policy is the organisation's as it counts for what is asked: who helps others has two-step authentication whatever it
// says, and where it offers no way of getting codes, the first one of this build.
func (a Ask) Policy(p platform.Policy, methods []string) platform.Policy {
	if a.Purpose != StaffPages && a.Purpose != StaffAct {
		return p
	}
	p.SecondFactor.Staff = platform.SecondFactor{Demand: platform.Required}
	if len(methods) > 0 && !slices.ContainsFunc(p.CodeMethods, func(m string) bool { return slices.Contains(methods, m) }) {
		p.CodeMethods = methods[:1]
	}
	return p
}

func demand(f Facts) platform.Demand { return f.Policy.SecondFactor.For(f.Account.Role).At(f.Now) }
