package link

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// freezeButton is "this was not me" in two mails: of a reset of two-step authentication by staff, because who talked
// the helpdesk into it knows the password perhaps; and of a device that was signed in with the mobile app. The owner
// can stop that at once.
type freezeButton struct {
	*Server
	purpose authn.TicketPurpose
}

func (b freezeButton) Purpose() authn.TicketPurpose { return b.purpose }

func (b freezeButton) Show(_ context.Context, v *Visit) (login.Page, error) {
	return login.Page{Template: "freeze", Data: b.page(v)}, nil
}

func (b freezeButton) page(v *Visit) ui.FreezePage {
	return ui.FreezePage{Action: v.Action, Device: b.purpose == authn.TicketDevice, At: v.Ticket.IssuedAt}
}

// Press blocks the account: every session, token, device, link and remembered browser ends. Keeping it spends nothing,
// so that who pressed the wrong button can come back.
func (freezeButton) Press(_ context.Context, v *Visit) (*authn.Change, string, error) {
	if v.Button() != "freeze" {
		return nil, v.Platform.HomeURL, nil
	}
	id := v.Facts.Account.ID
	return &authn.Change{
		Account: &authn.AccountChange{ID: id, Stop: true},
		Events:  []audit.Event{v.Event(audit.AccountFrozen, audit.Success, id)},
	}, v.Action, nil
}

// Used says that the account is blocked, as long as it is.
func (b freezeButton) Used(v *Visit) (login.Page, bool, error) {
	blocked := v.Facts.Account.State == account.Deactivated
	page := b.page(v)
	page.Done = true
	return login.Page{Template: "freeze", Data: page}, blocked, nil
}
