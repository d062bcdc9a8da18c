package authn_test

import (
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// Where the page of the password asks, and where that of organisations does.
func TestAsksPassword(t *testing.T) {
	credential := func(method, external string) account.Credential {
		return account.Credential{Method: method, Use: account.Primary, External: external, ConfirmedAt: at(-9)}
	}
	with := func(all ...account.Credential) *account.Account {
		return &account.Account{ID: "anna", State: account.Active, Role: platform.Professional, Credentials: all}
	}
	password, linked := credential("password", ""), credential("federated", "lindehof/1")
	retired := password
	retired.RetiredAt = at(-1)
	for says, row := range map[string]struct {
		account *account.Account
		why     authn.Reason
		there   authn.FederationFacts
		closed  bool
		want    bool
	}{
		"nobody is known":                            {nil, "", authn.FederationFacts{Connected: true}, false, true},
		"nobody is known, passwords are closed":      {nil, "", authn.FederationFacts{Connected: true}, true, false},
		"somebody with a password":                   {with(password), "", authn.FederationFacts{Connected: true}, false, true},
		"… and a link":                               {with(password, linked), "", authn.FederationFacts{Connected: true}, false, true},
		"a link only":                                {with(linked), "", authn.FederationFacts{Connected: true}, false, false},
		"a link, and a password that is gone":        {with(retired, linked), "", authn.FederationFacts{Connected: true}, false, false},
		"a link only, and no organisation is open":   {with(linked), "", authn.FederationFacts{}, false, true},
		"a link only, and another account is wanted": {with(linked), authn.ForLink, authn.FederationFacts{Connected: true}, false, true},
		"neither": {with(), "", authn.FederationFacts{Connected: true}, false, true},
		"known elsewhere, and has not said whose":      {nil, authn.ForLink, authn.FederationFacts{Connected: true, Linking: true}, false, false},
		"known elsewhere, and says to have an account": {nil, authn.ForLink, authn.FederationFacts{Connected: true, Linking: true, Proving: true}, false, true},
	} {
		f := authn.Facts{Account: row.account, Policy: platform.DefaultPolicy(), Now: noon, FederationFacts: row.there}
		f.Policy.LoginForm = !row.closed
		if got := authn.AsksPassword(authn.Requirement{Need: authn.NeedPrimary, Why: row.why}, f); got != row.want {
			t.Errorf("%s: %t", says, got)
		}
		if authn.AsksPassword(authn.Requirement{Need: authn.NeedSecond, Why: row.why}, f) {
			t.Errorf("%s: for a code", says)
		}
	}
}
