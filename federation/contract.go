package federation

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/authn"
)

// Contract is what an organisation and the platform agreed that the answers of a connection count for here. What it
// does not name, exactly and in its own spelling, counts for one factor.
type Contract struct {
	Preset Preset        `json:"preset,omitempty" yaml:"preset,omitempty"` // rows and requests that are added to these
	Rows   []ContractRow `json:"rows,omitempty" yaml:"rows,omitempty"`
	Counts bool          `json:"counts,omitempty" yaml:"counts,omitempty"`   // two factors there replace the code here
	MaxAge time.Duration `json:"max_age,omitempty" yaml:"max_age,omitempty"` // two factors there count for so long after they were shown; zero: as long as the sign-in does
}

// ContractRow says what one value of one claim means.
type ContractRow struct {
	Claim Strength  `json:"claim" yaml:"claim,omitempty"`
	Value string    `json:"value" yaml:"value,omitempty"`
	ACR   authn.ACR `json:"acr" yaml:"acr,omitempty"`           // authn.OneFactor or authn.TwoFactor
	AMR   []string  `json:"amr,omitempty" yaml:"amr,omitempty"` // what our `amr` says of it, in values of RFC 8176
}

// Strength is where an answer says how somebody signed in there.
type Strength string

const (
	ByAMR     Strength = "amr"                    // OpenID Connect Core 1.0 section 2: an array of strings
	ByACR     Strength = "acr"                    // … a string
	ByACRs    Strength = "acrs"                   // Entra: authentication contexts that were met
	ByContext Strength = "authncontext"           // SAML: AuthnContextClassRef
	ByMethods Strength = "authnmethodsreferences" // SAML, of Entra and AD FS: an attribute
)

var strengths = []Strength{ByAMR, ByACR, ByACRs, ByContext, ByMethods}

// Preset is the contract of a product as it comes.
type Preset string

const (
	NoPreset   Preset = ""
	EntraOIDC  Preset = "entra"      // authentication context c1, asked for by the claims parameter: v2 tokens carry no amr
	EntraSAML  Preset = "entra-saml" // multipleauthn
	ADFS       Preset = "adfs"       // authnmethodsreferences
	SURFconext Preset = "surfconext" // its levels of assurance
)

// names of what Microsoft's products say of several factors.
const (
	multipleAuthn = "http://schemas.microsoft.com/claims/multipleauthn"
	passwordThere = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"
	protected     = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
)

// presets are their rows. A level of SURFconext above 1.5 has a second factor that was shown.
var presets = map[Preset][]ContractRow{
	NoPreset:  nil,
	EntraOIDC: {{Claim: ByACRs, Value: "c1", ACR: authn.TwoFactor}},
	EntraSAML: {
		{Claim: ByMethods, Value: multipleAuthn, ACR: authn.TwoFactor}, {Claim: ByContext, Value: multipleAuthn, ACR: authn.TwoFactor},
		{Claim: ByMethods, Value: passwordThere, ACR: authn.OneFactor, AMR: []string{"pwd"}},
		{Claim: ByContext, Value: protected, ACR: authn.OneFactor, AMR: []string{"pwd"}},
	},
	ADFS: {
		{Claim: ByMethods, Value: multipleAuthn, ACR: authn.TwoFactor},
		{Claim: ByMethods, Value: passwordThere, ACR: authn.OneFactor, AMR: []string{"pwd"}},
		{Claim: ByContext, Value: protected, ACR: authn.OneFactor, AMR: []string{"pwd"}},
	},
	SURFconext: {
		{Claim: ByContext, Value: "http://surfconext.nl/assurance/loa2", ACR: authn.TwoFactor},
		{Claim: ByContext, Value: "http://surfconext.nl/assurance/loa3", ACR: authn.TwoFactor},
		{Claim: ByACR, Value: "http://surfconext.nl/assurance/loa2", ACR: authn.TwoFactor},
		{Claim: ByACR, Value: "http://surfconext.nl/assurance/loa3", ACR: authn.TwoFactor},
	},
}

// Presets are all there are, by name.
func Presets() (all []Preset) {
	for p := range presets {
		if p != NoPreset {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
}

// Rows are those that a preset adds to a contract.
func (p Preset) Rows() []ContractRow { return slices.Clone(presets[p]) }

// TwoFactorRequest is how two factors are asked of an upstream.
type TwoFactorRequest struct {
	ACRValues []string       // acr_values, or RequestedAuthnContext
	Claims    map[string]any // the claims parameter (OpenID Connect Core 1.0 section 5.5); nil: none
}

// any reports whether there is something to ask: of what an organisation says unasked, nothing can be taken out.
func (a TwoFactorRequest) any() bool { return len(a.ACRValues) > 0 || a.Claims != nil }

// Asks is how two factors are asked for: by the values that would count.
func (c Contract) Asks() TwoFactorRequest {
	var a TwoFactorRequest
	for _, row := range c.rows() {
		switch {
		case row.ACR != authn.TwoFactor:
		case row.Claim == ByACRs:
			a.Claims = map[string]any{"id_token": map[string]any{"acrs": map[string]any{"essential": true, "value": row.Value}}}
		case row.Claim == ByACR, row.Claim == ByContext:
			if !slices.Contains(a.ACRValues, row.Value) {
				a.ACRValues = append(a.ACRValues, row.Value)
			}
		}
	}
	return a
}

// Proves reports whether some answer can count for two factors here. Where none can, our own code is asked.
func (c Contract) Proves() bool {
	return c.Counts && slices.ContainsFunc(c.rows(), func(r ContractRow) bool { return r.ACR == authn.TwoFactor })
}

func (c Contract) rows() []ContractRow { return slices.Concat(c.Rows, presets[c.Preset]) }

// Level is what an answer counts for under a contract, and what our `amr` says of it. It is never more than a row says
// of a value that stands in the answer exactly; unknown and absent is one factor. Two factors count while they are not
// older than MaxAge, and replace nothing here unless Counts. A row of two factors that are not counted says nothing in
// `amr` either: a party that reads methods there and no `mfa` would count them itself.
func (c Contract) Level(a Answer, now time.Time) (kinds authn.Kinds, amr []string) {
	kinds = authn.Knows
	for _, row := range c.rows() {
		if !slices.Contains(a.strength(row.Claim), row.Value) {
			continue
		}
		if row.ACR == authn.TwoFactor {
			young := c.MaxAge == 0 || !a.AuthTime.IsZero() && now.Sub(a.AuthTime) <= c.MaxAge
			if !c.Counts || !young {
				continue
			}
			kinds = authn.Knows | authn.Has
		}
		amr = append(amr, row.AMR...)
	}
	slices.Sort(amr)
	return kinds, slices.Compact(amr)
}

// one is what our `amr` says of an answer when it counts for one factor.
func (c Contract) one(a Answer) []string {
	c.Counts = false
	_, amr := c.Level(a, a.AuthTime)
	return amr
}

func (c Contract) validate() error {
	if _, ok := presets[c.Preset]; !ok {
		return invalid("contract.preset %q: entra, entra-saml, adfs or surfconext", c.Preset)
	}
	for _, row := range c.Rows {
		switch {
		case !slices.Contains(strengths, row.Claim):
			return invalid("contract.rows: claim %q: one of %v", row.Claim, strengths)
		case row.Value == "":
			return invalid("contract.rows: a value, exactly as the upstream says it")
		case row.ACR != authn.OneFactor && row.ACR != authn.TwoFactor:
			return invalid("contract.rows: acr %q: %s or %s", row.ACR, authn.OneFactor, authn.TwoFactor)
		case slices.Contains(row.AMR, "mfa"):
			return invalid("contract.rows: amr mfa: it follows from acr")
		}
	}
	if c.MaxAge < 0 {
		return invalid("contract.max_age %s: not negative", c.MaxAge)
	}
	return nil
}
