package password

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/ui"
)

// unblockButton is the button of the mail that the page after too many wrong passwords offers. With it nobody has to
// wait, in any browser: whoever reads the mailbox is the owner, or could make a new password just as well.
type unblockButton struct{ Options }

// NewUnblock makes the button that lets somebody log in before the waiting time is over.
func NewUnblock(o Options) login.Button { return unblockButton{o} }

func (unblockButton) Purpose() authn.TicketPurpose { return authn.TicketUnblock }

func (unblockButton) Show(_ context.Context, v *login.LinkVisit) (login.Page, error) {
	return login.Page{Template: "unblock", Data: ui.UnblockPage{Action: v.Action, ForgotURL: v.Platform.URL("/forgot")}}, nil
}

// Press forgives the wrong passwords and leads to where the person logs in.
func (b unblockButton) Press(_ context.Context, v *login.LinkVisit) (*authn.Change, string, error) {
	a := v.Facts.Account
	return &authn.Change{
		Forgive: []string{Owner(b.Sealer, v.Platform.ID, a.Email.Key)},
		Events:  []account.Event{v.Event(account.AccountUnblocked, account.Success, a.ID)},
	}, "", nil
}
