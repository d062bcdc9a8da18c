package recoverycode

import (
	"context"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
)

// lowStep says that few codes are left, right after one was used, and offers new ones.
type lowStep struct{ Options }

func (lowStep) Name() string                                  { return "recovery-low" }
func (lowStep) Meets(r authn.Requirement, _ authn.Facts) bool { return r.Need == authn.NeedLow }

func (s lowStep) Show(ctx context.Context, v *login.Visit) (login.Page, error) {
	left, err := s.Store.TicketsLeft(ctx, v.Platform.ID, v.Facts.Account.ID, authn.TicketRecoveryCode)
	if err != nil {
		return login.Page{}, err
	}
	return login.Page{Template: "recovery_low", Data: lowPage{Action: v.Action, Left: left}}, nil
}

func (lowStep) Submit(_ context.Context, v *login.Visit) (login.Outcome, error) {
	switch v.Do() {
	case "create":
		v.Journey.Wish = authn.NeedCodes
	case "set-up":
		v.Journey.Wish = authn.NeedEnrol
	}
	return login.Outcome{Done: authn.NeedLow}, nil
}
