package authn

import (
	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// Password is the method of e-mail address and password, the way of signing in that a policy can close.
const Password = "password"

// PIN is the method of the five digits of a mobile app. It has a name here because what was forgotten of it proves
// nothing to who chooses another one.
const PIN = "pin"

// PasswordClosed reports whether e-mail address and password are closed here: on the whole platform, whose people sign
// in with an account of their organisation, or at its own mobile app. A password then proves nothing to who asks, given
// now or earlier in the same session, and none can be made. The managers that the platform names for an emergency keep
// theirs, in a browser; before it is known who somebody is, at the emergency login only.
func PasswordClosed(f Facts) bool {
	switch {
	case f.MobileApp && !f.Policy.AppPassword:
		return true
	case f.Policy.LoginForm:
		return false
	case f.MobileApp:
		return true
	case f.Account == nil:
		return !f.BreakGlass
	}
	return !inEmergency(f)
}

// inEmergency reports whether the account is one of the managers who keep their password for an emergency: named, a
// manager still, and with a second factor, because the password alone never lets them in.
func inEmergency(f Facts) bool {
	a := f.Account
	return a != nil && f.Policy.InEmergency(a.Email.Key) && a.Role == platform.Manager && len(Enrolled(f)) > 0
}

// byEmergency reports whether a password where passwords are closed is what somebody came in by: then a code is asked
// in every browser.
func byEmergency(f Facts) bool {
	return !f.Policy.LoginForm && !f.MobileApp && f.password && inEmergency(f)
}

// LacksCode reports whether somebody is named for an emergency and has no second factor, which is why the password is
// closed.
func LacksCode(f Facts) bool {
	a := f.Account
	return a != nil && f.Policy.InEmergency(a.Email.Key) && a.Role == platform.Manager && len(Enrolled(f)) == 0
}

// AsksPassword reports whether a first factor is asked on the page of the password. It is not where passwords are
// closed, where somebody who is known elsewhere has still to say whether there is an account here, nor of whoever signs
// in elsewhere and has no password.
func AsksPassword(r Requirement, f Facts) bool {
	switch {
	case r.Need != NeedPrimary || PasswordClosed(f) || f.Linking && !f.Proving:
		return false
	case f.Account == nil || !f.Connected || r.Why == ForLink:
		return true
	}
	elsewhere := false
	for _, c := range f.Account.Credentials {
		if c.Use == account.Primary && c.Usable() {
			if c.Method == Password {
				return true
			}
			elsewhere = elsewhere || c.External != ""
		}
	}
	return !elsewhere
}
