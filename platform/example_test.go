package platform_test

import (
	"fmt"

	"github.com/minddistrict/idp/platform"
)

// An issuer is canonical, or it is none: comparing strings compares issuers.
func ExampleParseIssuer() {
	issuer, err := platform.ParseIssuer("https://login.example.org/linde")
	fmt.Println(issuer.Host(), issuer.Path(), err)
	_, err = platform.ParseIssuer("https://login.example.org/linde/")
	fmt.Println(err)
	// Output:
	// login.example.org /linde <nil>
	// invalid: issuer "https://login.example.org/linde/": without a slash at the end
}
