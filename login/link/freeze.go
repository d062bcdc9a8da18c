package link

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// freezeButton is "I did not ask for this" in the mail that tells of a reset of two-step authentication by staff: who
// talked the helpdesk into it knows the password perhaps, and the owner can stop that at once.
type freezeButton struct{ *Server }

func (freezeButton) Purpose() authn.TicketPurpose { return authn.TicketFreeze }

func (freezeButton) Show(_ context.Context, v *Visit) (login.Page, error) {
	return login.Page{Template: "freeze", Data: ui.FreezePage{Action: v.Action, At: v.Ticket.IssuedAt}}, nil
}

// Press blocks the account: every session, token, link and remembered browser ends. Keeping it spends nothing, so that
// who pressed the wrong button can come back.
func (freezeButton) Press(_ context.Context, v *Visit) (*authn.Change, string, error) {
	if v.Do() != "freeze" {
		return nil, v.Platform.HomeURL, nil
	}
	id := v.Facts.Account.ID
	return &authn.Change{
		Account: &authn.AccountChange{ID: id, Stop: true},
		Events:  []audit.Event{v.Event(audit.AccountFrozen, audit.Success, id)},
	}, v.Action, nil
}

// Used says that the account is blocked, as long as it is.
func (freezeButton) Used(v *Visit) (login.Page, bool, error) {
	blocked := v.Facts.Account.State == account.Deactivated
	page := ui.FreezePage{Action: v.Action, At: v.Ticket.IssuedAt, Done: true}
	return login.Page{Template: "freeze", Data: page}, blocked, nil
}
