package recoverycode

import (
	"context"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
)

// lowCodesStep says that few codes are left, right after one was used, and offers new ones.
type lowCodesStep struct{ Options }

func (lowCodesStep) Name() string { return "recovery-low" }
func (lowCodesStep) Handles(r authn.Requirement, _ authn.Facts) bool {
	return r.Need == authn.NeedLowCodes
}

func (s lowCodesStep) Show(ctx context.Context, v *login.Visit) (login.Page, error) {
	left, err := s.Store.TicketsLeft(ctx, v.Platform.ID, v.Facts.Account.ID, authn.TicketRecoveryCode)
	if err != nil {
		return login.Page{}, err
	}
	return login.Page{Template: "recovery_low", Data: lowPage{Action: v.Action, Left: left}}, nil
}

func (lowCodesStep) Submit(_ context.Context, v *login.Visit) (login.Outcome, error) {
	switch v.Button() {
	case "create":
		v.Journey.OptIn = authn.NeedSaveCodes
	case "set-up":
		v.Journey.OptIn = authn.NeedEnrol
	}
	return login.Outcome{Done: authn.NeedLowCodes}, nil
}
