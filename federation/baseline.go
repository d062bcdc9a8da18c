package federation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
)

// Baseline is what the last confirmed test sign-in of a connection brought. What is less than that stops or weakens a
// sign-in, and whoever looks after the connection is told.
type Baseline struct {
	At     time.Time `json:"at"`
	Claims []string  `json:"claims"`           // names, sorted
	ACR    authn.ACR `json:"acr"`              // what it counted for
	Format string    `json:"format,omitempty"` // of the NameID
	Domain string    `json:"domain,omitempty"` // of the address
}

// NewBaseline is the baseline that a test sign-in makes.
func (c *Connection) NewBaseline(a Answer, now time.Time) Baseline {
	kinds, _ := c.Contract.Level(a, now)
	b := Baseline{
		At: now, Claims: slices.Sorted(maps.Keys(a.Claims)), ACR: authn.ACROf([]authn.Proof{{Kinds: kinds}}), Format: a.Format,
	}
	if email, claim := c.Mapping.email(a); claim != "" {
		b.Domain = domainOf(email)
	}
	return b
}

// Drift is one way in which an answer is less than the baseline.
type Drift struct {
	Kind   string // DriftClaim, DriftWeaker, DriftDomain or DriftFormat
	Detail string
}

const (
	DriftClaim  = "claim_gone"
	DriftWeaker = "weaker"
	DriftDomain = "domain"
	DriftFormat = "name_id_format"
)

// Drifts lists them. What differs between people, such as a middle name or groups, is not among them.
func (c *Connection) Drifts(a Answer, now time.Time) []Drift {
	b := c.Baseline
	if b == nil {
		return nil
	}
	var all []Drift
	got := c.NewBaseline(a, now)
	if b.Format != got.Format {
		all = append(all, Drift{DriftFormat, "NameID format " + quote(got.Format) + ", was " + quote(b.Format)})
	}
	if b.ACR == authn.TwoFactor && got.ACR != authn.TwoFactor {
		all = append(all, Drift{DriftWeaker, "one factor, was two"})
	}
	for _, name := range b.Claims {
		if slices.Contains(steady, name) && !slices.Contains(got.Claims, name) {
			all = append(all, Drift{DriftClaim, name + " is not in the answer any more"})
		}
	}
	if inside, _ := c.Has(emailOf(c, a)); got.Domain != b.Domain && got.Domain != "" && !inside {
		all = append(all, Drift{DriftDomain, "address of domain " + quote(got.Domain) + ", was " + quote(b.Domain)})
	}
	return all
}

// steady are claims that everybody has or nobody.
var steady = slices.Concat(
	[]string{"tid", "oid", tenantClaim, objectClaim, "amr", "acr", "acrs", "auth_time", "email_verified", "xms_edov",
		"http://schemas.microsoft.com/claims/authnmethodsreferences"},
	emailNames, familyNames, employeeNames)

// drifted are the reasons of kinds of drift that stop a sign-in.
var drifted = map[string]Reason{DriftFormat: Drifted, DriftDomain: ForeignDomain}

// Stops reports whether a kind of drift stops a sign-in by the connection, because it is another thing than what was
// confirmed. A sign-in that is only weaker goes on and is asked our own code. Where a connection declares no domains,
// the test sign-in shows one domain of several that may exist: then another one stops nobody, and Who decides about the
// address.
func (c *Connection) Stops(kind string) bool {
	return drifted[kind] != "" && (kind != DriftDomain || len(c.Domains) > 0)
}

// holds stops a sign-in by what is another thing than what was confirmed.
func (b *Baseline) holds(c *Connection, a Answer, now time.Time) error {
	for _, d := range c.Drifts(a, now) {
		if c.Stops(d.Kind) {
			return refuse(drifted[d.Kind], "%s", d.Detail)
		}
	}
	return nil
}

// WhyTooWeak says why an answer of one factor is too little to set up a second factor here; empty: it is not, or two
// factors counted. It is too little where a confirmed test brought two, and where two were asked, can be asked, and are
// wanted of the account. The question passes through the browser: whoever knows somebody's password there could take it
// out, and set up a second factor of their own. An organisation that never showed two, and was not asked, has people
// without: they may set one up here.
func (c *Connection) WhyTooWeak(i Identity, wanted bool) string {
	switch {
	case i.Proof.Kinds.Two():
		return ""
	case c.Baseline != nil && c.Baseline.ACR == authn.TwoFactor:
		return "one factor, was two"
	case wanted && i.AskedTwo && c.Contract.Proves() && c.Contract.Asks().any():
		return "one factor, two were asked"
	}
	return ""
}

func emailOf(c *Connection, a Answer) account.Email {
	email, _ := c.Mapping.email(a)
	return email
}

func domainOf(e account.Email) string {
	_, host, _ := strings.Cut(e.Key, "@")
	return host
}

func quote(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
