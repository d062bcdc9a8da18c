package password

import (
	"context"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
)

// Finish says, where passwords are closed, that a manager came in by one: on the record, and to all managers. It is
// said once for a session, and each time at the emergency login.
func (s step) Finish(ctx context.Context, v *login.Visit) (authn.Change, error) {
	if !usesGlass(v) {
		return authn.Change{}, nil
	}
	managers, err := s.Store.Managers(ctx, v.Platform.ID)
	if err != nil {
		return authn.Change{}, err
	}
	who := v.Facts.Account
	change := authn.Change{Events: []audit.Event{v.Event(audit.BreakGlassUsed, audit.Success, who.ID)}}
	for i := range managers {
		v.Facts.Account = &managers[i] // whom the mail is for
		change.Messages = append(change.Messages, v.NoticeOf(breakGlass, s.Sealer, map[string]string{"person": who.Profile.Name()}))
	}
	v.Facts.Account = who
	return change, nil
}

// usesGlass reports whether a journey ends with a password where passwords are closed, in a session that had none.
func usesGlass(v *login.Visit) bool {
	gave := func(proofs []authn.Proof) bool {
		return slices.ContainsFunc(proofs, func(p authn.Proof) bool { return p.Method == Method && p.Use == account.Primary })
	}
	if v.Platform.Policy.LoginForm || !gave(v.Journey.Proofs) {
		return false
	}
	old := v.Facts.Session
	return v.Journey.BeganAtBreakGlass() || old == nil || old.Account != v.Facts.Account.ID || !gave(old.Proofs)
}
