package account_test

import (
	"fmt"

	"github.com/minddistrict/idp/account"
)

// An address stays as it was typed, and is compared by its key.
func ExampleParseEmail() {
	typed, _ := account.ParseEmail("Anna.Bakker@Example.ORG")
	fmt.Println(typed.Address, typed.Key, typed.Masked())
	_, err := account.ParseEmail("anna")
	fmt.Println(err)
	// Output:
	// Anna.Bakker@Example.ORG anna.bakker@example.org A•••@Example.ORG
	// invalid: e-mail address
}
