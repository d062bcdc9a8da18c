package login_test

import (
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// Staff are sent to their own helpdesk once something is proven, and no page before that tells whose account it is.
func TestStaffSeeTheirHelpdeskAfterTheFirstProof(t *testing.T) {
	for _, row := range []struct {
		role    platform.Role
		proofs  []authn.Proof
		session *authn.Session
		want    bool
	}{
		{role: platform.Professional},
		{role: platform.Professional, proofs: []authn.Proof{{Method: "password"}}, want: true},
		{role: platform.Professional, session: &authn.Session{}, want: true},
		{role: platform.Client, proofs: []authn.Proof{{Method: "password"}}, session: &authn.Session{}},
	} {
		v := login.Visit{
			Journey: &authn.Journey{Progress: authn.Progress{Proofs: row.proofs}},
			Facts:   authn.Facts{Account: &account.Account{Role: row.role}, Session: row.session},
		}
		if got := v.Look(nil).Staff; got != row.want {
			t.Errorf("%s, proofs %v, session %v: %t", row.role, row.proofs, row.session, got)
		}
	}
}
