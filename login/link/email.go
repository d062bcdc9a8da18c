package link

import (
	"context"
	"errors"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// emailButton is the button of the mail to a new address, which staff gave: the person confirms it, and from then on
// logs in with it. Until then the old address counts.
type emailButton struct{ *Server }

func (emailButton) Purpose() authn.TicketPurpose { return authn.TicketEmail }

func (b emailButton) Show(ctx context.Context, v *Visit) (login.Page, error) {
	email, err := b.address(v)
	if err != nil {
		return login.Page{}, err
	}
	taken, err := b.taken(ctx, v, email)
	if err != nil || taken {
		page := ui.EmailChangedPage{Email: email.Address, Taken: true, LoginURL: v.LoginURL}
		return login.Page{Template: "email_changed", Data: page}, err
	}
	return login.Page{Template: "email_change", Data: ui.EmailChangePage{Action: v.Action, Email: email.Address}}, nil
}

// Press gives the account its new address. Links that went to the old one stop working, the one that blocks the account
// too (authn.ActAddress): whoever reads that mailbox is perhaps somebody else. Who has no password yet goes on to make
// one.
func (b emailButton) Press(_ context.Context, v *Visit) (*authn.Change, string, error) {
	email, err := b.address(v)
	if err != nil {
		return nil, "", err
	}
	a := v.Facts.Account
	change := &authn.Change{
		Account: &authn.AccountChange{ID: a.ID, Email: &email},
		Events:  []audit.Event{v.Event(audit.EmailChanged, audit.Success, a.ID)},
	}
	if a.State != account.Invited {
		return change, v.Action, nil
	}
	token := secret.Token()
	change.Issue = []authn.Ticket{authn.NewTicket(secret.Hash(token), v.Platform.ID, authn.TicketWelcome, a.ID, v.Now)}
	return change, URL(v.Platform, token), nil
}

// Used says what was done, as long as it is so: a double click, a reload and the way back end here.
func (b emailButton) Used(v *Visit) (login.Page, bool, error) {
	email, err := b.address(v)
	if err != nil || v.Facts.Account.Email.Key != email.Key {
		return login.Page{}, false, err
	}
	page := ui.EmailChangedPage{Email: email.Address, LoginURL: v.LoginURL}
	return login.Page{Template: "email_changed", Data: page}, true, nil
}

// address is the new one.
func (b emailButton) address(v *Visit) (account.Email, error) {
	plain, err := b.Engine.Sealer.Open(v.Ticket.Sealed, v.Ticket.Binding())
	if err != nil {
		return account.Email{}, err
	}
	return account.ParseEmail(string(plain))
}

// taken reports whether another account got the address meanwhile.
func (b emailButton) taken(ctx context.Context, v *Visit, email account.Email) (bool, error) {
	other, err := b.Store.AccountByEmail(ctx, v.Platform.ID, email.Key)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil && other.ID != v.Facts.Account.ID, err
}
