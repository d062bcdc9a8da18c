package authn

import (
	"maps"
	"slices"
)

// ACR is how strongly someone signed in: the `acr` claim (OpenID Connect Core 1.0 section 2).
type ACR string

const (
	NoFactor  ACR = ""
	OneFactor ACR = "urn:minddistrict:acr:1fa" // one kind of factor, or several of one kind
	TwoFactor ACR = "urn:minddistrict:acr:2fa" // two kinds; a remembered browser does not count
)

// ACRs lists our values from weak to strong, as discovery publishes them.
var ACRs = []ACR{OneFactor, TwoFactor}

// ACROf is what the proofs amount to. It never counts a waiver: auditors are promised an honest `acr`.
func ACROf(proofs []Proof) ACR {
	switch all := kinds(proofs); {
	case all.Two():
		return TwoFactor
	case all != 0:
		return OneFactor
	}
	return NoFactor
}

// Satisfies reports whether a sign-in of this strength meets a wanted value. Aliases are other names of our values.
// An unknown value is not met.
func (a ACR) Satisfies(want string, aliases map[string]string) bool {
	if alias, ok := aliases[want]; ok {
		want = alias
	}
	rank := slices.Index(ACRs, ACR(want))
	return rank >= 0 && slices.Index(ACRs, a) >= rank
}

// SatisfiesAny reports whether any of the wanted values is met; an empty list is.
func (a ACR) SatisfiesAny(wants []string, aliases map[string]string) bool {
	return len(wants) == 0 || slices.ContainsFunc(wants, func(w string) bool { return a.Satisfies(w, aliases) })
}

// SatisfiedBy reports whether a sign-in of this strength meets everything that is asked of it. What the claims
// parameter wants is not weakened by acr_values, nor the other way round (OpenID Connect Core 1.0 section 5.5.1.1).
func (a Ask) SatisfiedBy(have ACR, aliases map[string]string) bool {
	met := func(wants []string) bool { return have.SatisfiesAny(wants, aliases) }
	return met(a.ACR) && !slices.ContainsFunc(a.ClaimedACR, func(wants []string) bool { return !met(wants) }) &&
		!slices.ContainsFunc(a.MinimumACR, func(least string) bool { return !have.Satisfies(least, aliases) })
}

// Alias is the asked name of a strength, for an answer in the words of the question (OpenID Connect Core 1.0 section
// 5.5.1.1); empty when it is asked by our own name, or not at all. A list of the claims parameter decides before
// acr_values: its answer must be one of its values.
func (a Ask) Alias(have ACR, aliases map[string]string) string {
	for _, wants := range append(slices.Clone(a.ClaimedACR), a.ACR) {
		if slices.Contains(wants, string(have)) {
			return ""
		}
		if i := slices.IndexFunc(wants, func(w string) bool { return aliases[w] == string(have) && have != NoFactor }); i >= 0 {
			return wants[i]
		}
	}
	return ""
}

// Published lists what can be asked: our values, then their aliases in order.
func Published(aliases map[string]string) []string {
	var values []string
	for _, a := range ACRs {
		values = append(values, string(a))
	}
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		if slices.Contains(ACRs, ACR(aliases[alias])) {
			values = append(values, alias)
		}
	}
	return values
}
