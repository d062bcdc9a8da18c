package authn

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
)

// Consent is what a person allowed a party that is not the platform's own. It is remembered until more is asked.
type Consent struct {
	Account account.ID
	Party   string
	Scopes  []string
	Journey string // in which it was given
	At      time.Time
}

// Covers reports whether nothing needs to be asked.
func (c *Consent) Covers(a Ask) bool {
	if c == nil || a.PromptConsent && c.Journey != a.Journey {
		return false
	}
	return !slices.ContainsFunc(a.Consent, func(s string) bool { return !slices.Contains(c.Scopes, s) })
}
