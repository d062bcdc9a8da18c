package grant

import (
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Profile is a set of rules of the OpenID Foundation that a party is held to, all of them.
type Profile string

const (
	NoProfile      Profile = ""
	FAPI2          Profile = "fapi2"                 // FAPI 2.0 Security Profile
	FAPI2Messages  Profile = "fapi2_message_signing" // FAPI 2.0 Message Signing: signed requests and answers as well
	MinRSABits             = 2048                    // of a party's key (RFC 7518 section 3.3)
	MaxRSABits             = 4096                    // bigger ones only cost time
	MaxPartyKeys           = 20                      // in a party's key set
	maxPartyKeySet         = 64 << 10                // bytes of a party's key set
)

// profiles are those that there are, the weakest first.
var profiles = []Profile{NoProfile, FAPI2, FAPI2Messages}

// PartyAlgs are the signature algorithms that a party may sign with (RFC 7518, RFC 8037).
var PartyAlgs = []string{"ES256", "EdDSA", "PS256", "RS256"}

// fapiAlgs are those of FAPI 2.0 Security Profile section 5.4.1, on both sides.
var fapiAlgs = []string{"ES256", "EdDSA", "PS256"}

// Strength is how much more than a secret and PKCE a party is held to, and the keys that it signs with. Names are those
// of the registry of RFC 7591 where it has one.
type Strength struct {
	Profile Profile `json:"profile,omitempty"`

	// JWKS is the party's key set (RFC 7517 section 5) as it was registered; JWKSURI is where it is found instead.
	JWKS       string `json:"jwks,omitempty"`
	JWKSURI    string `json:"jwks_uri,omitempty"`
	AuthAlg    string `json:"token_endpoint_auth_signing_alg,omitempty"` // of client assertions; empty: any of PartyAlgs
	RequestAlg string `json:"request_object_signing_alg,omitempty"`      // of request objects; empty: any of PartyAlgs

	PARRequired     bool `json:"require_pushed_authorization_requests,omitempty"` // RFC 9126 section 6
	RequestRequired bool `json:"require_signed_request_object,omitempty"`         // RFC 9101 section 10.5
	DPoPRequired    bool `json:"dpop_bound_access_tokens,omitempty"`              // RFC 9449 section 5.2
}

// FAPI reports whether the party is held to FAPI 2.0.
func (p *Party) FAPI() bool { return p.Profile == FAPI2 || p.Profile == FAPI2Messages }

// Pushes reports whether its authorization requests must be pushed.
func (p *Party) Pushes() bool { return p.PARRequired || p.FAPI() }

// Binds reports whether its access tokens must be bound to a key of its own.
func (p *Party) Binds() bool { return p.DPoPRequired || p.MobileApp || p.FAPI() }

// SignsRequests reports whether its authorization requests must be signed request objects.
func (p *Party) SignsRequests() bool { return p.RequestRequired || p.Profile == FAPI2Messages }

// SignsAnswers reports whether its authorization responses are signed, whatever it asks (JARM).
func (p *Party) SignsAnswers() bool { return p.Profile == FAPI2Messages }

// HasKeys reports whether the party registered keys, or where they are.
func (p *Party) HasKeys() bool { return p.JWKS != "" || p.JWKSURI != "" }

// AuthAlgs are the algorithms that its client assertions may have.
func (p *Party) AuthAlgs() []string { return p.algs(p.AuthAlg) }

// RequestAlgs are the algorithms that its request objects may have.
func (p *Party) RequestAlgs() []string { return p.algs(p.RequestAlg) }

func (p *Party) algs(registered string) []string {
	switch {
	case registered != "":
		return []string{registered}
	case p.FAPI():
		return fapiAlgs
	}
	return PartyAlgs
}

// Shortfall is a rule that a registration breaks, or keeps.
type Shortfall struct {
	Rule string // with its source
	Key  string // of the file of `idp apply`, that breaks it
	Kept bool
}

// Conformance compares a registration with its profile, rule by rule; without a profile there are none.
func (p *Party) Conformance() (rules []Shortfall) {
	if !p.FAPI() {
		return nil
	}
	const sp = "FAPI 2.0 Security Profile "
	httpsOnly := !slices.ContainsFunc(p.Redirects, func(uri string) bool { return !strings.HasPrefix(uri, "https://") })
	signs := p.canSign(p.AuthAlgs()) && (!p.SignsRequests() || p.canSign(p.RequestAlgs()))
	rules = []Shortfall{
		{sp + "5.3.2.1: only confidential clients, authenticated by private_key_jwt", "auth", p.Auth == PrivateKeyJWT},
		{sp + "5.4.1: what we sign has PS256, ES256 or EdDSA", "id_token_alg", slices.Contains(fapiAlgs, p.IDTokenAlg)},
		{sp + "5.4.1: client assertions have PS256, ES256 or EdDSA", "token_endpoint_auth_signing_alg", within(p.AuthAlgs(), fapiAlgs)},
		{sp + "5.4.1: a key that is registered can sign with an algorithm that is allowed", "jwks", signs},
		{sp + "5.3.2.2: PKCE with S256", "pkce", !p.PKCEOptional},
		{sp + "5.3.2.1: refresh tokens are not rotated", "rotate_refresh_tokens", !p.Rotates()},
		{sp + "5.3.2.2: redirect URIs have https", "redirect_uris", httpsOnly || !p.Allows(AuthorizationCode)},
		{sp + "5.4.1: request objects, if it sends any, have PS256, ES256 or EdDSA", "request_object_signing_alg", within(p.RequestAlgs(), fapiAlgs)},
	}
	return rules
}

// canSign reports whether a key that is registered here makes signatures with one of these algorithms; with any of FAPI
// 2.0 where they are others, which breaks a rule of its own. Of keys at an address nothing is known.
func (p *Party) canSign(algs []string) bool {
	if p.JWKS == "" {
		return true
	}
	if !within(algs, fapiAlgs) {
		algs = fapiAlgs
	}
	set, err := ParseKeys([]byte(p.JWKS))
	return err == nil && slices.ContainsFunc(set.Keys, func(key jose.JSONWebKey) bool {
		return slices.ContainsFunc(SignsWith(key), func(alg string) bool { return slices.Contains(algs, alg) })
	})
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// checkStrength: what a party is held to must be possible, and what contradicts its profile is refused.
func (p *Party) checkStrength(refuse func(string, ...any) error) error {
	switch {
	case !slices.Contains(profiles, p.Profile):
		return refuse("profile %q: fapi2 or fapi2_message_signing", p.Profile)
	case p.JWKS != "" && p.JWKSURI != "":
		return refuse("jwks_uri: there are jwks already (RFC 7591 section 2)")
	case p.JWKSURI != "" && checkRedirect(p.JWKSURI, Web) != nil:
		return refuse("jwks_uri %q: an https address, or http on localhost", p.JWKSURI)
	case p.Auth == PrivateKeyJWT && !p.HasKeys():
		return refuse("jwks is missing: a party with auth private_key_jwt has keys, or jwks_uri")
	case p.AuthAlg != "" && !slices.Contains(PartyAlgs, p.AuthAlg):
		return refuse("token_endpoint_auth_signing_alg %q: %s", p.AuthAlg, strings.Join(PartyAlgs, ", "))
	case p.AuthAlg != "" && p.Auth != PrivateKeyJWT:
		return refuse("token_endpoint_auth_signing_alg: only with auth private_key_jwt")
	case p.RequestAlg != "" && !slices.Contains(PartyAlgs, p.RequestAlg):
		return refuse("request_object_signing_alg %q: %s", p.RequestAlg, strings.Join(PartyAlgs, ", "))
	case (p.RequestAlg != "" || p.RequestRequired) && !p.HasKeys():
		return refuse("jwks is missing: request objects are verified with the party's keys")
	}
	if p.JWKS != "" {
		if _, err := ParseKeys([]byte(p.JWKS)); err != nil {
			return refuse("jwks: %w", err)
		}
	}
	for _, rule := range p.Conformance() {
		if !rule.Kept {
			return refuse("%s: profile %s wants otherwise (%s)", rule.Key, p.Profile, rule.Rule)
		}
	}
	return nil
}
