// Package account owns who can sign in on a platform and what they hold: profile, state, credentials, and the browsers
// that may go without a code for a while (Device).
//
// An account belongs to one platform and is found there by its e-mail key or its identifier; the identifier is the
// protocol's `sub`, random and never reused. For a party with pairwise subjects grant derives another one. A Credential
// is what somebody can prove with; only its factor understands what it holds. The package is pure: storage loads and
// saves these values whole, authn decides with them. It refuses addresses that could be mistaken for another account's
// (ParseEmail).
//
// A party is a relying party (OAuth client).
package account

import (
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/platform"
)

// ID identifies an account on every platform: 130 random bits, public, never reused.
type ID string

// State says whether someone can sign in.
type State string

const (
	Active      State = "active"
	Invited     State = "invited"     // no password yet: the welcome mail was sent
	Deactivated State = "deactivated" // by staff; data is kept
)

// Account is someone who can sign in on one platform.
type Account struct {
	ID              ID
	Platform        platform.ID
	Email           Email
	EmailVerifiedAt time.Time // zero: never confirmed by the person
	Role            platform.Role
	State           State
	Locale          string // BCP 47; empty: not chosen
	Profile         Profile
	Credentials     []Credential // retired ones are not loaded
	TwoStep
	CreatedAt time.Time
	UpdatedAt time.Time // last change of anything that a claim shows
	CutAt     time.Time `json:"-"` // when what was under way ended last; zero: never. It only rises, and compares, but orders nothing
}

// TwoStep is what an account keeps of two-step authentication beside its credentials.
type TwoStep struct {
	OfferedAt   time.Time     // when the set-up was last put off, or it was turned off; zero: never
	ResetAt     time.Time     // when staff last reset it; zero: never
	MarkedAt    time.Time     // when staff reset it and the owner has not shown password and mail since; zero: not marked
	RememberFor time.Duration // how long a browser may go without a code, as the person chose; zero: never
}

// Profile holds the claims of OpenID Connect Core 1.0 section 5.1 that care platforms use. Every field may be empty.
type Profile struct {
	GivenName  string  `json:"given_name,omitempty"`
	MiddleName string  `json:"middle_name,omitempty"` // Dutch tussenvoegsel, such as "van der"
	FamilyName string  `json:"family_name,omitempty"`
	Nickname   string  `json:"nickname,omitempty"`
	Username   string  `json:"preferred_username,omitempty"`
	PageURL    string  `json:"profile,omitempty"`
	PictureURL string  `json:"picture,omitempty"`
	Website    string  `json:"website,omitempty"`
	Gender     string  `json:"gender,omitempty"`
	Birthdate  string  `json:"birthdate,omitempty"`    // YYYY-MM-DD, 0000-MM-DD or YYYY
	Zoneinfo   string  `json:"zoneinfo,omitempty"`     // such as Europe/Amsterdam
	Phone      string  `json:"phone_number,omitempty"` // E.164; never the number for codes, which is a credential
	PhoneOK    bool    `json:"phone_number_verified,omitempty"`
	Address    Address `json:"address,omitzero"`
}

// Address is the claim of OpenID Connect Core 1.0 section 5.1.1.
type Address struct {
	Formatted  string `json:"formatted,omitempty" yaml:"formatted,omitempty"`
	Street     string `json:"street_address,omitempty" yaml:"street,omitempty"`
	Locality   string `json:"locality,omitempty" yaml:"locality,omitempty"`
	Region     string `json:"region,omitempty" yaml:"region,omitempty"`
	PostalCode string `json:"postal_code,omitempty" yaml:"postal_code,omitempty"`
	Country    string `json:"country,omitempty" yaml:"country,omitempty"`
}

// Name is the full name as a Dutch reader expects it: given name, tussenvoegsel, family name.
func (p Profile) Name() string {
	return strings.Join(slices.DeleteFunc([]string{p.GivenName, p.MiddleName, p.FamilyName}, func(s string) bool { return s == "" }), " ")
}

// Credential returns the newest confirmed credential of a method.
func (a *Account) Credential(method string) (Credential, bool) {
	for _, c := range slices.Backward(a.Credentials) {
		if c.Method == method && c.Usable() {
			return c, true
		}
	}
	return Credential{}, false
}

// SecondMethods lists the methods of the usable second factors, sorted, each once.
func (a *Account) SecondMethods() []string {
	var methods []string
	for _, c := range a.Credentials {
		if c.Use == Second && c.Usable() {
			methods = append(methods, c.Method)
		}
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// SecondCredentials lists what two-step authentication consists of: the second factors and what stands in for them.
func (a *Account) SecondCredentials() []CredentialID {
	var all []CredentialID
	for _, c := range a.Credentials {
		if c.Use == Second || c.Use == Recovery {
			all = append(all, c.ID)
		}
	}
	return all
}

// CanSignIn reports whether there is anything to sign in with.
func (a *Account) CanSignIn() bool {
	return slices.ContainsFunc(a.Credentials, func(c Credential) bool { return c.Use == Primary && c.Usable() })
}

// HasLink reports whether the account is linked to somebody at a connection (federation.External).
func (a *Account) HasLink(connection string) bool {
	return slices.ContainsFunc(a.Credentials, func(c Credential) bool {
		return c.Usable() && strings.HasPrefix(c.External, connection+"/")
	})
}

// With is the account as it will be when these credentials are saved.
func (a *Account) With(added []Credential) *Account {
	next := *a
	replaced := func(c Credential) bool {
		return slices.ContainsFunc(added, func(n Credential) bool { return n.ID == c.ID })
	}
	next.Credentials = append(slices.DeleteFunc(slices.Clone(a.Credentials), replaced), added...)
	return &next
}

// Without is the account as it will be when these credentials are retired.
func (a *Account) Without(retired []CredentialID) *Account {
	next := *a
	next.Credentials = slices.DeleteFunc(slices.Clone(a.Credentials), func(c Credential) bool { return slices.Contains(retired, c.ID) })
	return &next
}
