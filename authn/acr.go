package authn

import "slices"

// ACR is how strongly someone signed in: the `acr` claim (OpenID Connect Core 1.0 section 2).
type ACR string

const (
	NoFactor  ACR = ""
	OneFactor ACR = "urn:minddistrict:acr:1fa" // one kind of factor, or several of one kind
	TwoFactor ACR = "urn:minddistrict:acr:2fa" // two kinds; a remembered browser does not count
)

// ACRs lists our values from weak to strong, as discovery publishes them.
var ACRs = []ACR{OneFactor, TwoFactor}

// ACROf is what the proofs amount to. It never counts a waiver: an honest `acr` is what the seeds promise auditors.
func ACROf(proofs []Proof) ACR {
	switch all := kinds(proofs); {
	case all.Two():
		return TwoFactor
	case all != 0:
		return OneFactor
	}
	return NoFactor
}

// Satisfies tells whether a sign-in of this strength meets a wanted value. Aliases are other names of our values.
// An unknown value is not met.
func (a ACR) Satisfies(want string, aliases map[string]string) bool {
	if alias, ok := aliases[want]; ok {
		want = alias
	}
	rank := slices.Index(ACRs, ACR(want))
	return rank >= 0 && slices.Index(ACRs, a) >= rank
}

// SatisfiesAny tells whether any of the wanted values is met; an empty list is.
func (a ACR) SatisfiesAny(wants []string, aliases map[string]string) bool {
	return len(wants) == 0 || slices.ContainsFunc(wants, func(w string) bool { return a.Satisfies(w, aliases) })
}
