package federation_test

import (
	"fmt"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
)

// An answer counts for what a contract says of the values in it, exactly as they are spelled there, and otherwise for
// one factor.
func ExampleContract_Level() {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	contract := federation.Contract{Counts: true, Rows: []federation.ContractRow{
		{Claim: federation.ByAMR, Value: "mfa", ACR: authn.TwoFactor, AMR: []string{"mfa"}},
	}}
	for _, said := range []string{"mfa", "MFA"} {
		kinds, amr := contract.Level(federation.Answer{Claims: map[string]any{"amr": []any{said}}}, now)
		fmt.Println(said, "counts for two factors:", kinds.Two(), amr)
	}
	// Output:
	// mfa counts for two factors: true [mfa]
	// MFA counts for two factors: false []
}
