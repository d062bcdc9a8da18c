package login

import (
	"context"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login/ui"
)

// switchStep asks which account stays when a journey proved another one than is signed in: one browser holds one
// account at a time. Nothing changes for the old session before the person chose.
type switchStep struct{}

func (switchStep) Name() string                                        { return "switch" }
func (switchStep) Meets(r authn.Requirement, _ authn.Facts) bool       { return r.Need == authn.NeedSwitch }
func (switchStep) Begin(context.Context, *Visit) (authn.Change, error) { return authn.Change{}, nil }

func (switchStep) Show(_ context.Context, v *Visit) (Page, error) {
	return Page{"switch", ui.SwitchPage{Action: v.Action, Email: v.SignedIn.Email.Address}}, nil
}

// Submit keeps the session of who is signed in, and forgets what the journey proved; or keeps what it proved, and lets
// the session be replaced at the end.
func (switchStep) Submit(_ context.Context, v *Visit) (Outcome, error) {
	if v.Do() == "other" {
		v.Journey.Switch, v.Facts.Switch = true, true
		return Outcome{}, nil
	}
	v.Journey.Account, v.Journey.Proofs, v.Journey.Ask.Choose = "", nil, false
	v.Facts.Account = v.SignedIn
	return Outcome{}, nil
}
