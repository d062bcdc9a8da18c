package login

import (
	"context"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/ui"
)

// closedStep says how people sign in where e-mail address and password are closed: on the whole platform
// (policy.login_form), or at its mobile app (policy.app_password). It comes after every way of proving who somebody is,
// so another one that is open is asked instead. Its one button stops, which the party hears as access_denied.
type closedStep struct{}

func (closedStep) Name() string { return "closed" }

func (closedStep) Handles(r authn.Requirement, f authn.Facts) bool {
	return authn.PasswordClosed(f) && (r.Need == authn.NeedPrimary || r.Need == authn.NeedNewPassword)
}

func (closedStep) Show(_ context.Context, v *Visit) (Page, error) {
	if v.Platform.Policy.LoginForm {
		return Page{"app_closed", ui.AppClosedPage{Action: v.Action}}, nil
	}
	return Page{"closed", ui.ClosedPage{Action: v.Action, App: v.Facts.MobileApp, Party: v.AskedBy}}, nil
}

func (closedStep) Submit(context.Context, *Visit) (Outcome, error) { return Outcome{}, nil }
