// Package pretend is a second factor that exists in tests only: its code is always "123456".
//
// It shows what adding a factor takes: this folder, and the one line that hands Factor to the house. The engine, the
// rules, the storage and the protocol need no change, and know the factor by nothing but what it says of its proofs.
package pretend

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// Method is the factor's name in credentials, proofs and policies.
const Method = "pretend"

// Code is accepted, everything else is not.
const Code = "123456"

// Factor is the whole factor.
func Factor() login.Factor {
	return login.Factor{Method: Method, Second: true, Prove: step{"pretend", authn.NeedSecond}, Enrol: step{"pretend-setup", authn.NeedEnrol}}
}

// step asks the code; setting up asks it too, and keeps a credential.
type step struct {
	name string
	need authn.Need
}

func (s step) Name() string { return s.name }

// Meets: it is set up by whoever chose it, which the engine asks or, where nothing else is offered, knows.
func (s step) Meets(r authn.Requirement, f authn.Facts) bool {
	return r.Need == s.need && (s.need == authn.NeedSecond || f.Method == Method)
}

func (s step) Begin(_ context.Context, v *login.Visit) (authn.Change, error) {
	return authn.Change{Events: []audit.Event{v.Event("pretend.begin", audit.Success, v.Facts.Account.ID)}}, nil
}

func (s step) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	// It borrows a page with one field; a real factor brings its own.
	return login.Page{Template: "confirm_password", Data: ui.ConfirmPage{
		Action: v.Action, Email: v.Facts.Account.Email.Address, Reason: "confirm_password.body", Cancel: true,
	}}, nil
}

func (s step) Submit(_ context.Context, v *login.Visit) (login.Outcome, error) {
	if v.Form.Get("password") != Code {
		return login.Outcome{Retry: []authn.Mistake{{Field: "password", Key: "confirm_password.error_wrong"}}}, nil
	}
	out := login.Outcome{Proof: &authn.Proof{Method: Method, Use: account.Second, Kinds: authn.Has, AMR: []string{"otp"}, At: v.Now}}
	if s.need == authn.NeedEnrol {
		out.Done = authn.NeedEnrol
		out.Change.Put = []account.Credential{{
			ID: account.CredentialID(secret.ID()), Account: v.Facts.Account.ID, Method: Method, Use: account.Second,
			Sealed: []byte("nothing to keep"), AddedAt: v.Now, ConfirmedAt: v.Now,
		}}
	}
	return out, nil
}
