package saml

import (
	"testing"

	crewjam "github.com/crewjam/saml"

	"github.com/minddistrict/idp/federation"
)

// A hub's answer counts for the provider that signed the person in, whatever the request asked on its way through the
// browser.
func TestAHubSaysWhoSignedThePersonIn(t *testing.T) {
	by := func(all ...string) *crewjam.Assertion {
		s := crewjam.AuthnStatement{}
		for _, name := range all {
			s.AuthnContext.AuthenticatingAuthorities = append(s.AuthnContext.AuthenticatingAuthorities, crewjam.AuthenticatingAuthority{Value: name})
		}
		return &crewjam.Assertion{AuthnStatements: []crewjam.AuthnStatement{s}}
	}
	wanted := []string{"https://idp.linde.example"}
	for says, row := range map[string]struct {
		wanted []string
		said   *crewjam.Assertion
		why    federation.Reason
	}{
		"no hub":          {nil, by(), ""},
		"the one":         {wanted, by("https://idp.linde.example"), ""},
		"through another": {wanted, by("https://proxy.example", "https://idp.linde.example"), ""},
		"another":         {wanted, by("https://idp.wilg.example"), federation.BadAudience},
		"nobody":          {wanted, by(), federation.BadAudience},
		"a longer name":   {wanted, by("https://idp.linde.example/x"), federation.BadAudience},
	} {
		if got := federation.ReasonOf(byProvider(row.wanted, row.said)); got != row.why {
			t.Errorf("%s: %q, want %q", says, got, row.why)
		}
	}
}
