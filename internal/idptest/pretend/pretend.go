// Package pretend is a second factor that exists in tests only: its code is always "123456".
//
// It shows what adding a factor takes: this folder, and the one line that hands Factor to the house. The engine, the
// rules, the storage and the protocol need no change, and know the factor by nothing but what it says of its proofs and
// of itself.
package pretend

import (
	"context"
	"embed"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

// Method is the factor's name in credentials, proofs and policies.
const Method = "pretend"

// Code is accepted, everything else is not.
const Code = "123456"

//go:embed templates texts
var files embed.FS

// Factor is the whole factor. The sealer seals its mail.
func Factor(sealer login.Sealer) login.Factor {
	return login.Factor{
		Method: Method, Second: true,
		Prove: step{"pretend", authn.NeedSecond, sealer}, Enrol: step{"pretend-setup", authn.NeedEnrol, sealer},
		UI: ui.Part{
			Files: files, Samples: samples, Messages: []outbox.KindSpec{begun},
			Choice: ui.Choice{Method: Method, Label: "pretend.choice", Hint: "pretend.choice_hint", Other: "pretend.choice_other"},
			Cards:  []ui.Card{since(time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC))},
		},
		Card: func(_ context.Context, v *login.Visit) (ui.Card, error) {
			c, _ := v.Facts.Account.Credential(Method)
			return since(c.AddedAt), nil
		},
	}
}

// since is its card in settings.
func since(at time.Time) ui.Card {
	return ui.Card{Template: "pretend_card", Data: struct{ Since time.Time }{at}}
}

// begun is the mail that tells of the set-up.
var begun = outbox.KindSpec{Kind: "mail_pretend", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_pretend.subject", Before: []string{"mail_pretend.body"},
}}

// page asks the code. Field: code; do: continue, cancel.
type page struct {
	Action string
	Cancel bool
}

func samples() map[string][]ui.Sample {
	asked := page{Action: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/pretend", Cancel: true}
	return map[string][]ui.Sample{"pretend": {
		{Name: "asked", Data: asked},
		{Name: "wrong", Data: asked, Errors: []ui.FieldError{{Field: "code", Key: "pretend.error_wrong"}}},
	}, "activity": ui.SampleActivity("activity.by_pretend")}
}

// step asks the code; setting up asks it too, and keeps a credential.
type step struct {
	name   string
	need   authn.Need
	sealer login.Sealer
}

func (s step) Name() string { return s.name }

// Handles reports whether the step is wanted: it is set up by whoever chose it, which the engine asks or, where nothing
// else is offered, knows.
func (s step) Handles(r authn.Requirement, f authn.Facts) bool {
	return r.Need == s.need && (s.need == authn.NeedSecond || f.Method == Method)
}

func (s step) Begin(_ context.Context, v *login.Visit) (authn.Change, error) {
	return authn.Change{Events: []audit.Event{v.Event("pretend.begin", audit.Success, v.Facts.Account.ID)}}, nil
}

func (s step) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	return login.Page{Template: "pretend", Data: page{Action: v.Action, Cancel: true}}, nil
}

func (s step) Submit(_ context.Context, v *login.Visit) (login.Outcome, error) {
	code, mistakes := v.TypedCode()
	if len(mistakes) == 0 && code != Code {
		mistakes = []authn.Mistake{{Field: "code", Key: "pretend.error_wrong"}}
	}
	if len(mistakes) > 0 {
		return login.Outcome{Retry: mistakes}, nil
	}
	out := login.Outcome{Proof: &authn.Proof{Method: Method, Use: account.Second, Kinds: authn.Has, AMR: []string{"otp"}, At: v.Now}}
	if s.need == authn.NeedEnrol {
		out.Done = authn.NeedEnrol
		out.Change.Put = []account.Credential{{
			ID: account.CredentialID(secret.ID()), Account: v.Facts.Account.ID, Method: Method, Use: account.Second,
			Sealed: []byte("nothing to keep"), AddedAt: v.Now, ConfirmedAt: v.Now,
		}}
		out.Change.Messages = []outbox.Message{v.NoticeOf(begun, s.sealer, nil)}
	}
	return out, nil
}
