// Package doors is two ways of saying who somebody is that exist in tests only: the front door and the back door.
// Whoever names an address and knocks is let in.
//
// It shows that ways of signing in stand beside each other: the first that the policy allows is the page, the others
// are ways on it, and either's proof counts.
package doors

import (
	"context"
	"embed"
	"errors"
	"net/url"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// Store finds who knocks.
type Store interface {
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
}

// Factors are both doors, the front one first.
func Factors(db Store) []login.Factor {
	return []login.Factor{
		{Method: "front", Prove: door{"front-door", "front", "doors.front", db}, UI: ui.Part{Files: files}},
		{Method: "back", Prove: door{"back-door", "back", "doors.back", db}},
	}
}

// page asks who knocks. Field: email; do: continue, cancel.
type page struct {
	Action, Title string
	Cancel        bool
}

type door struct {
	name, method, text string
	db                 Store
}

func (d door) Name() string                                    { return d.name }
func (d door) Handles(r authn.Requirement, _ authn.Facts) bool { return r.Need == authn.NeedPrimary }
func (door) Identifies(form url.Values) bool                   { return form.Has("email") }

// Way is offered wherever it is asked who somebody is.
func (d door) Way(v *login.Visit) string {
	if v.Requirement.Need != authn.NeedPrimary {
		return ""
	}
	return d.text
}

func (d door) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	return login.Page{Template: "door", Data: page{Action: v.Action, Title: d.text, Cancel: true}}, nil
}

func (d door) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	nobody := login.Outcome{Retry: []authn.Mistake{{Field: "email", Key: "doors.nobody"}}}
	email, err := account.ParseEmail(v.Form.Get("email"))
	if err != nil {
		return nobody, nil
	}
	a, err := d.db.AccountByEmail(ctx, v.Platform.ID, email.Key)
	if errors.Is(err, fault.NotFound) {
		return nobody, nil
	}
	if err != nil {
		return login.Outcome{}, err
	}
	return login.Outcome{Known: a, Proof: &authn.Proof{
		Method: d.method, Use: account.Primary, Kinds: authn.Has, AMR: []string{"user"}, At: v.Now,
	}}, nil
}
