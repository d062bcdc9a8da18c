package password

import (
	"context"
	"net/http"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/link"
	"github.com/minddistrict/idp/ui"
)

// unblockButton is the button of the mail that the page after too many wrong passwords offers. The browser in which it
// is pressed gets tries of its own, whoever tries elsewhere: whoever reads the mailbox is the owner, or could make a
// new password just as well. All others go on waiting, so that the button gives nothing to who made the owner wait.
type unblockButton struct{ Options }

// NewUnblock makes the button that lets somebody log in before the waiting time is over.
func NewUnblock(o Options) link.Button { return unblockButton{o} }

func (unblockButton) Purpose() authn.TicketPurpose { return authn.TicketUnblock }

func (unblockButton) Show(_ context.Context, v *link.Visit) (login.Page, error) {
	return login.Page{Template: "unblock", Data: unblockPage{Action: v.Action, ForgotURL: v.Platform.URL("/forgot")}}, nil
}

// Press makes this browser known, with a count that starts again.
func (b unblockButton) Press(_ context.Context, v *link.Visit) (*authn.Change, string, error) {
	a := v.Facts.Account
	return &authn.Change{
		Fresh:  []string{b.own(&v.Visit, a.Email.Key)},
		Events: []audit.Event{v.Event(audit.AccountUnblocked, audit.Success, a.ID)},
	}, v.Action + "?" + here, nil
}

// here is asked for where the button was pressed: another browser that is known may still have to wait.
const here = "here"

// Used says, in the browser in which the button was pressed, that this is where to log in; twice is once.
func (b unblockButton) Used(v *link.Visit) (login.Page, bool, error) {
	a := v.Facts.Account
	pressed := v.Request.URL.Query().Has(here) || v.Request.Method == http.MethodPost
	pressed = pressed && a.State == account.Active && v.KnownBrowser(b.Sealer, a.Email.Key) != ""
	return login.Page{Template: "link", Data: unblocked(v.LoginURL)}, pressed, nil
}

// unblocked says that this is where to log in.
func unblocked(loginURL string) ui.LinkPage {
	return ui.LinkPage{Title: "unblock.done_title", Body: "unblock.done_body", LoginURL: loginURL, Done: true}
}
