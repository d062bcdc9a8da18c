package authn

import (
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
)

// Two factors that an organisation vouched for count as long as was agreed, and are one afterwards: for the level, for `amr`,
// and for whoever wants two. Nothing else lapses.
func TestTwoFactorsThereCountAsLongAsWasAgreed(t *testing.T) {
	noon := time.Date(2027, 1, 4, 12, 0, 0, 0, time.UTC)
	there := func(until time.Time) Proof {
		return Proof{
			Method: "federated", Use: account.Primary, Kinds: Knows | Has, AMR: []string{"hwk"}, At: noon.Add(-time.Hour),
			Upstream: &OnUpstream{Connection: "hof", TwoUntil: until, OneAMR: []string{"pwd"}},
		}
	}
	code := Proof{Method: "totp", Use: account.Second, Kinds: Has, AMR: []string{"otp"}, At: noon.Add(-time.Hour)}
	for what, row := range map[string]struct {
		proofs []Proof
		acr    ACR
		amr    []string
	}{
		"no end was agreed":         {[]Proof{there(time.Time{})}, TwoFactor, []string{"hwk", "mfa"}},
		"it is not over":            {[]Proof{there(noon)}, TwoFactor, []string{"hwk", "mfa"}},
		"it is over":                {[]Proof{there(noon.Add(-time.Second))}, OneFactor, []string{"pwd"}},
		"it is over, and a code":    {[]Proof{there(noon.Add(-time.Second)), code}, TwoFactor, []string{"mfa", "otp", "pwd"}},
		"shown to us, nothing ends": {[]Proof{{Method: Password, Use: account.Primary, Kinds: Knows, AMR: []string{"pwd"}}, code}, TwoFactor, []string{"mfa", "otp", "pwd"}},
	} {
		was := row.proofs[0].Kinds
		got := AsOf(row.proofs, noon)
		if ACROf(got) != row.acr || !slices.Equal(AMR(got), row.amr) {
			t.Errorf("%s: %s %q, want %s %q", what, ACROf(got), AMR(got), row.acr, row.amr)
		}
		if row.proofs[0].Kinds != was {
			t.Errorf("%s: what was given is another now", what)
		}
	}
}
