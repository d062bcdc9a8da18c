package totp

import (
	"context"
	"log/slog"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Method is the factor's name in credentials, proofs and policies.
const Method = "totp"

// amr is the value of RFC 8176 section 2 for a one-time password.
const amr = "otp"

// Options are what the house passes in.
type Options struct {
	Sealer login.Sealer
	Budget login.Budget
	Log    *slog.Logger
}

// Factor is the app as a way of proving.
func Factor(o Options) login.Factor {
	return login.Factor{
		Method: Method, Second: true, Prove: codeStep{o}, Enrol: appStep{o},
		Policy: func(p *platform.Policy) { p.CodeMethods = append(p.CodeMethods, Method) },
		UI:     part(), Card: func(context.Context, *login.Visit) (ui.Card, error) { return card, nil },
	}
}

// proof is what a code of a credential proves.
func proof(v *login.Visit, c account.CredentialID) *authn.Proof {
	return &authn.Proof{Method: Method, Use: account.Second, Kinds: authn.Has, AMR: []string{amr}, Credential: c, At: v.Now}
}
