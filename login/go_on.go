package login

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/ui"
)

// goOnStep asks whether somebody who is signed in goes on in an app whose answer another program on the device could
// take: nobody is signed in there without having seen who asks and as whom (RFC 8252 section 8.6).
type goOnStep struct{}

func (goOnStep) Name() string                                  { return "go-on" }
func (goOnStep) Meets(r authn.Requirement, _ authn.Facts) bool { return r.Need == authn.NeedGoOn }
func (goOnStep) Show(_ context.Context, v *Visit) (Page, error) {
	return Page{"go_on", ui.GoOnPage{Action: v.Action, Party: v.AskedBy, Email: v.Facts.Account.Email.Address}}, nil
}

// Submit goes on as who is signed in; or with another account, proven on the next page, whose session replaces that one
// at the end. Not going on is cancelling.
func (goOnStep) Submit(_ context.Context, v *Visit) (Outcome, error) {
	if v.Do() == "other" {
		v.Forget()
		v.Journey.Switch, v.Journey.Anew = true, true
		return Outcome{}, nil
	}
	if !v.saidAs(v.Facts.Account) {
		return Outcome{}, nil // the page again, which says who it is now
	}
	return Outcome{Done: authn.NeedGoOn}, nil
}

// saidAs tells whether the page that was answered named this account: another tab may have signed somebody else in
// since.
func (v *Visit) saidAs(a *account.Account) bool { return v.Form.Get("as") == a.Email.Address }
