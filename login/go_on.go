package login

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/ui"
)

// continueAsStep asks whether somebody who is signed in goes on in an app whose answer another program on the device
// could take: nobody is signed in there without having seen who asks and as whom (RFC 8252 section 8.6).
type continueAsStep struct{}

func (continueAsStep) Name() string { return "go-on" }
func (continueAsStep) Handles(r authn.Requirement, _ authn.Facts) bool {
	return r.Need == authn.NeedContinueAs
}
func (continueAsStep) Show(_ context.Context, v *Visit) (Page, error) {
	return Page{"go_on", ui.ContinueAsPage{Action: v.Action, Party: v.AskedBy, Email: v.Facts.Account.Email.Address}}, nil
}

// Submit goes on as who is signed in; or with another account, proven on the next page, whose session replaces that one
// at the end. Not going on is cancelling.
func (continueAsStep) Submit(_ context.Context, v *Visit) (Outcome, error) {
	if v.Button() == "other" {
		v.Forget()
		v.Journey.Switch, v.Journey.IgnoreSession = true, true
		return Outcome{}, nil
	}
	if !v.pageNamed(v.Facts.Account) {
		return Outcome{}, nil // the page again, which says who it is now
	}
	return Outcome{Done: authn.NeedContinueAs}, nil
}

// pageNamed reports whether the page that was answered named this account: another tab may have signed somebody else in
// since.
func (v *Visit) pageNamed(a *account.Account) bool { return v.Form.Get("as") == a.Email.Address }
