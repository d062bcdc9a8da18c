package grant_test

import (
	"fmt"

	"github.com/minddistrict/idp/grant"
)

// A redirect URI matches byte for byte. Only the port of a native app's loopback address may differ.
func ExampleParty_RedirectMatches() {
	web := grant.Party{Type: grant.Web, Redirects: []string{"https://app.example.org/callback"}}
	fmt.Println(web.RedirectMatches("https://app.example.org/callback"))
	fmt.Println(web.RedirectMatches("https://app.example.org/callback/"))
	fmt.Println(web.RedirectMatches("https://APP.example.org/callback"))

	native := grant.Party{Type: grant.Native, Redirects: []string{"http://127.0.0.1/callback"}}
	fmt.Println(native.RedirectMatches("http://127.0.0.1:49152/callback"))
	// Output:
	// true
	// false
	// false
	// true
}
