package grant

import (
	"slices"

	"github.com/minddistrict/idp/platform"
)

// weakening is one way in which a party can be protected less than it was.
type weakening struct {
	field  string // of Party, as Go names it
	key    string // of the file of `idp apply`
	weaker func(was, is *Party, aliases map[string]string) bool
}

// weakenings are all there are. Each field of Party is in one of them, or in the list of those that cannot weaken
// anything, which the test has with a reason for each.
var weakenings = []weakening{
	{"Auth", "auth", func(was, is *Party, _ map[string]string) bool { return authRank(is.Auth) < authRank(was.Auth) }},
	// An address that any program can take is answered after a page only while the party is native. A type without a
	// secret has auth none.
	{"Type", "type", func(was, is *Party, _ map[string]string) bool {
		return slices.ContainsFunc(is.Redirects, func(uri string) bool { return !was.Assured(uri) && is.Assured(uri) })
	}},
	{"Secrets", "secret", func(was, is *Party, _ map[string]string) bool { return len(was.Secrets) > 0 && len(is.Secrets) == 0 }},
	{"PKCEOptional", "pkce", func(was, is *Party, _ map[string]string) bool { return !was.PKCEOptional && is.PKCEOptional }},
	{"Rotate", "rotate_refresh_tokens", func(was, is *Party, _ map[string]string) bool { return was.Rotates() && !is.Rotates() }},
	{"ThirdParty", "third_party", func(was, is *Party, _ map[string]string) bool { return was.ThirdParty && !is.ThirdParty }},
	{"MobileApp", "mobile_app", func(was, is *Party, _ map[string]string) bool { return !was.MobileApp && is.MobileApp }},
	{"Profile", "profile", func(was, is *Party, _ map[string]string) bool {
		return slices.Index(profiles, is.Profile) < slices.Index(profiles, was.Profile)
	}},
	{"PARRequired", "require_pushed_authorization_requests", func(was, is *Party, _ map[string]string) bool { return was.PARRequired && !is.PARRequired }},
	{"RequestRequired", "require_signed_request_object", func(was, is *Party, _ map[string]string) bool {
		return was.RequestRequired && !is.RequestRequired
	}},
	{"DPoPRequired", "dpop_bound_access_tokens", func(was, is *Party, _ map[string]string) bool { return was.DPoPRequired && !is.DPoPRequired }},
	{"MinimumACR", "minimum_acr", func(was, is *Party, aliases map[string]string) bool {
		return platform.ACRRank(is.MinimumACR, aliases) < platform.ACRRank(was.MinimumACR, aliases)
	}},
}

// authRank orders ways to prove oneself: nothing, a secret that both sides know, a key that never leaves the party.
func authRank(a Auth) int {
	switch a {
	case AuthNone:
		return 0
	case PrivateKeyJWT:
		return 2
	}
	return 1
}

// WeakerThan lists the keys, as the file of `idp apply` has them, in which the party is protected less than it was.
// Aliases are the platform's other names of values of `acr`.
func (p *Party) WeakerThan(was *Party, aliases map[string]string) (keys []string) {
	for _, w := range weakenings {
		if w.weaker(was, p, aliases) {
			keys = append(keys, w.key)
		}
	}
	return keys
}
