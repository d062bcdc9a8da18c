package federated

import (
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// Whoever has nothing else keeps a link: no password that counts, and no other link that leads in.
func TestTheOnlyWayInStays(t *testing.T) {
	noon := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	has := func(method, external string) account.Credential {
		return account.Credential{ID: account.CredentialID(method + external), Method: method, Use: account.Primary, External: external, ConfirmedAt: noon}
	}
	link, password := has(federation.Method, "lindehof/1"), has(authn.Password, "")
	all := []*federation.Connection{
		{Platform: "linde", ID: "lindehof"}, {Platform: "linde", ID: "iep"}, {Platform: "linde", ID: "dicht", Disabled: true},
		{Platform: "linde", ID: "zorg", Roles: []platform.Role{platform.Client}},
	}
	gone := has(authn.Password, "")
	gone.RetiredAt = noon
	for _, row := range []struct {
		says   string
		closed bool // the login form is
		more   []account.Credential
		only   bool
	}{
		{"nothing else", false, nil, true},
		{"a password", false, []account.Credential{password}, false},
		{"a password that is gone", false, []account.Credential{gone}, true},
		{"a password that does not count", true, []account.Credential{password}, true},
		{"another link", true, []account.Credential{has(federation.Method, "iep/2")}, false},
		{"another link, of a connection that is closed", false, []account.Credential{has(federation.Method, "dicht/2")}, true},
		{"another link, of one that is gone", false, []account.Credential{has(federation.Method, "weg/2")}, true},
		{"another link, of one for others", false, []account.Credential{has(federation.Method, "zorg/2")}, true},
		{"a second factor", false, []account.Credential{has("totp", "")}, true},
	} {
		l := Links{Options: Options{Connections: func(platform.ID) []*federation.Connection { return all }}}
		v := &login.Visit{}
		v.Facts.Policy.LoginForm = !row.closed
		v.Facts.Account = &account.Account{Platform: "linde", Role: platform.Professional, Credentials: append([]account.Credential{link}, row.more...)}
		if got := l.only(v, link); got != row.only {
			t.Errorf("%s: the only way in: %t", row.says, got)
		}
	}
}
