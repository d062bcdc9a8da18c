package federation

import (
	"testing"

	"github.com/minddistrict/idp/account"
)

// Every account elsewhere is called something: pages and mails speak of it. Keycloak, as it is installed, sends neither an
// address nor a name by SAML.
func TestEveryAccountElsewhereIsCalledSomething(t *testing.T) {
	email, _ := account.ParseEmail("jan@lindehof.example")
	for _, row := range []struct {
		is            Identity
		label, masked string
	}{
		{Identity{Key: "!G-345cf560", Email: email, Profile: account.Profile{GivenName: "Jan"}}, "jan@lindehof.example", email.Masked()},
		{Identity{Key: "!G-345cf560", Profile: account.Profile{GivenName: "Jan", FamilyName: "Jansen"}}, "Jan Jansen", "Jan Jansen"},
		{Identity{Key: "!G-345cf560"}, "…5cf560", "…5cf560"},
		{Identity{Key: "é1"}, "…é1", "…é1"},
	} {
		if row.is.Label() != row.label || row.is.Masked() != row.masked {
			t.Errorf("%+v: %q and %q, want %q and %q", row.is, row.is.Label(), row.is.Masked(), row.label, row.masked)
		}
	}
}
