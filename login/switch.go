package login

import (
	"context"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/ui"
)

// switchStep asks who goes on: when a journey proved another account than is signed in, because one browser holds one
// account at a time; and when a party wants the person to choose. Nothing changes for the session before that.
type switchStep struct{}

func (switchStep) Name() string                                    { return "switch" }
func (switchStep) Handles(r authn.Requirement, _ authn.Facts) bool { return r.Need == authn.NeedSwitch }
func (switchStep) Show(_ context.Context, v *Visit) (Page, error) {
	return Page{"switch", ui.SwitchPage{Action: v.Action, Email: v.SignedIn.Email.Address}}, nil
}

// Submit keeps the session of who is signed in, and forgets what the journey proved; or goes on with another account,
// proven already or on the next page, whose session replaces that one at the end.
func (switchStep) Submit(_ context.Context, v *Visit) (Outcome, error) {
	if v.Button() == "other" {
		v.Journey.Switch = true
		return Outcome{}, nil
	}
	if !v.pageNamed(v.SignedIn) {
		return Outcome{}, nil // the page again, which says who it is now
	}
	v.Forget()
	v.Journey.IgnoreSession, v.Journey.Ask.PromptSelectAccount = false, false
	out := Outcome{Known: v.SignedIn}
	if v.Journey.Ask.Impersonable {
		out.Done = authn.NeedContinueAs // who goes on was said on this page
	}
	return out, nil
}
