package authn_test

import (
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// A journey asks Missing again after every page, until nothing is missing.
func ExampleMissing() {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	password := authn.Proof{Method: "password", Use: account.Primary, Kinds: authn.Knows, AMR: []string{"pwd"}, At: now}
	code := authn.Proof{Method: "totp", Use: account.Second, Kinds: authn.Has, AMR: []string{"otp"}, At: now}
	facts := authn.Facts{Policy: platform.DefaultPolicy(), Methods: []string{"totp"}, Now: now}

	ask := func(proofs ...authn.Proof) {
		for _, r := range authn.Missing(authn.Ask{Purpose: authn.SignIn, Channel: authn.Browser}, facts, proofs) {
			fmt.Println("missing:", r.Need)
			return // the page of the first need is shown
		}
		fmt.Println("done:", authn.AMR(proofs), authn.ACROf(proofs))
	}
	ask()
	facts.Account = &account.Account{ID: "anna", Role: platform.Client, State: account.Active, Credentials: []account.Credential{
		{Method: "totp", Use: account.Second, ConfirmedAt: now.AddDate(0, -1, 0)},
	}}
	ask(password)
	ask(password, code)
	// Output:
	// missing: primary
	// missing: second
	// done: [mfa otp pwd] urn:minddistrict:acr:2fa
}

// A level is that of the kinds of factors that were shown. Two of one kind are one factor, and a remembered browser is
// none.
func ExampleACROf() {
	password := authn.Proof{Method: "password", Use: account.Primary, Kinds: authn.Knows}
	code := authn.Proof{Method: "totp", Use: account.Second, Kinds: authn.Has}
	remembered := authn.Proof{Method: "remembered", Use: account.Waiver}
	fmt.Println(authn.ACROf([]authn.Proof{password, password}))
	fmt.Println(authn.ACROf([]authn.Proof{password, remembered}))
	fmt.Println(authn.ACROf([]authn.Proof{password, code}))
	// Output:
	// urn:minddistrict:acr:1fa
	// urn:minddistrict:acr:1fa
	// urn:minddistrict:acr:2fa
}
