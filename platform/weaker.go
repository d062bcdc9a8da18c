package platform

import (
	"maps"
	"slices"
	"time"
)

// ACRs are the values of `acr` from weak to strong, as authn has them. authn imports this package, so they are written
// here too; a test of grant holds the two against each other.
var ACRs = []string{"urn:minddistrict:acr:1fa", "urn:minddistrict:acr:2fa"}

// ACRRank orders minimum values of `acr`: 0 asks for nothing; a value that nobody reaches ranks above all.
func ACRRank(least string, aliases map[string]string) int {
	if alias, ok := aliases[least]; ok {
		least = alias
	}
	if least == "" {
		return 0
	}
	if i := slices.Index(ACRs, least); i >= 0 {
		return i + 1
	}
	return len(ACRs) + 1
}

// weakening is one way in which a policy can protect less than another.
type weakening struct {
	fields string                        // of Policy that it looks at, as Go names them
	keys   func(was, is Policy) []string // of the file of `idp apply`, under policy, that protect less; none: nothing does
}

// weakenings are all there are. Each field of Policy is in one of them, or in the list of those that cannot weaken
// anything, which the test has with a reason for each.
var weakenings = []weakening{
	{"SecondFactor.Demand", halves("second_factor", ".demand", factors, func(was, is SecondFactor) bool {
		return is.rank() < was.rank()
	})},
	{"SecondFactor.RequiredFrom", halves("second_factor", ".from", factors, func(was, is SecondFactor) bool {
		return was.Demand == Required && is.Demand == Required && is.RequiredFrom.After(was.RequiredFrom)
	})},
	{"Remember.Choices Remember.Fixed Remember.Decides", halves("remember", "", func(p Policy) ByGroup[Remember] { return p.Remember },
		func(was, is Remember) bool {
			more := !was.Decides && !is.Decides && len(is.spans()) > len(was.spans())
			return more || slices.Max(append(is.spans(), 0)) > slices.Max(append(was.spans(), 0))
		})},
	{"SessionEnds", halves("session_ends", "", func(p Policy) ByGroup[time.Duration] { return p.SessionEnds }, func(was, is time.Duration) bool {
		return is > was
	})},
	{"Password.MinLength", one("password.min_length", func(was, is Policy) bool { return is.Password.MinLength < was.Password.MinLength })},
	{"Password.Special", one("password.special", func(was, is Policy) bool { return is.Password.Special < was.Password.Special })},
	{"Password.MinScore", one("password.min_score", func(was, is Policy) bool { return is.Password.MinScore < was.Password.MinScore })},
	{"CodeMethods", one("code_methods", func(was, is Policy) bool {
		return slices.Contains(is.CodeMethods, "sms") && !slices.Contains(was.CodeMethods, "sms")
	})},
	{"AppCode", one("app_code", func(was, is Policy) bool { return was.AppCode && !is.AppCode })},
	{"LoginForm", one("login_form", func(was, is Policy) bool { return !was.LoginForm && is.LoginForm })},
	// Where passwords are closed, whoever is named signs in by one all the same.
	{"BreakGlass", one("break_glass", func(was, is Policy) bool {
		return !was.LoginForm && !is.LoginForm && slices.ContainsFunc(is.BreakGlass, func(key string) bool { return !was.InEmergency(key) })
	})},
	{"SelfSignUp", one("self_sign_up", func(was, is Policy) bool { return !was.SelfSignUp && is.SelfSignUp })},
	{"AppPassword", one("app_password", func(was, is Policy) bool { return !was.AppPassword && is.AppPassword })},
	{"AppQR", one("app_qr", func(was, is Policy) bool { return !was.AppQR && is.AppQR })},
	{"AppDevices", one("app_devices", func(was, is Policy) bool { return is.MaxAppDevices() > was.MaxAppDevices() })},
	{"IdleAfter", one("idle_after", func(was, is Policy) bool {
		return was.IdleAfter != 0 && (is.IdleAfter == 0 || is.IdleAfter > was.IdleAfter)
	})},
	{"MinimumACR", one("minimum_acr", func(was, is Policy) bool {
		return ACRRank(is.MinimumACR, is.ACRAliases) < ACRRank(was.MinimumACR, was.ACRAliases)
	})},
	// Who asks by another name is told by that name: one more, or one that means something else, lets a sign-in pass for
	// what it was not.
	{"ACRAliases", func(was, is Policy) (keys []string) {
		for _, alias := range slices.Sorted(maps.Keys(is.ACRAliases)) {
			if is.ACRAliases[alias] != was.ACRAliases[alias] {
				keys = append(keys, "acr_aliases."+alias)
			}
		}
		return keys
	}},
}

// WeakerThan lists the keys, as the file of `idp apply` has them under policy (break_glass beside it), in which this policy
// protects less than it did. What is stronger elsewhere does not make up for it.
func (p Policy) WeakerThan(was Policy) (keys []string) {
	for _, w := range weakenings {
		keys = append(keys, w.keys(was, p)...)
	}
	return keys
}

// For is the policy as it counts for a role: both halves are the role's. Staff whose half asks for a second factor are
// asked for it in the mobile app too.
func (p Policy) For(r Role) Policy {
	factor, remember, ends := p.SecondFactor.For(r), p.Remember.For(r), p.SessionEnds.For(r)
	p.SecondFactor = ByGroup[SecondFactor]{factor, factor}
	p.Remember = ByGroup[Remember]{remember, remember}
	p.SessionEnds = ByGroup[time.Duration]{ends, ends}
	p.AppCode = p.AppCode || r.Staff() && factor.rank() > 0
	return p
}

func one(key string, weaker func(was, is Policy) bool) func(was, is Policy) []string {
	return func(was, is Policy) []string {
		if weaker(was, is) {
			return []string{key}
		}
		return nil
	}
}

// halves looks at clients and staff apart.
func halves[T any](key, part string, of func(Policy) ByGroup[T], weaker func(was, is T) bool) func(was, is Policy) []string {
	return func(was, is Policy) (keys []string) {
		if weaker(of(was).Client, of(is).Client) {
			keys = append(keys, key+".client"+part)
		}
		if weaker(of(was).Staff, of(is).Staff) {
			keys = append(keys, key+".staff"+part)
		}
		return keys
	}
}

func factors(p Policy) ByGroup[SecondFactor] { return p.SecondFactor }

// rank orders demands from weak to strong.
func (s SecondFactor) rank() int {
	return max(0, slices.Index([]Demand{Off, Optional, Required}, s.Demand))
}

// spans are how long a browser may be remembered.
func (r Remember) spans() []time.Duration {
	if r.Decides {
		return []time.Duration{r.Fixed}
	}
	return slices.Clone(r.Choices)
}
