package link

import (
	"context"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// stopButton is "stop this" in the mail that tells of a reset of two-step authentication that staff asked for and that
// waits: whoever talked the helpdesk into it knows the password perhaps, and the owner has a day to say no.
type stopButton struct{ *Server }

func (stopButton) Purpose() authn.TicketPurpose { return authn.TicketStop }

func (stopButton) Show(_ context.Context, v *Visit) (login.Page, error) {
	return login.Page{Template: "stop", Data: ui.StopPage{Action: v.Action, At: v.Ticket.IssuedAt}}, nil
}

// Press ends what staff asked for the account and what waits (authn.ActStopped). Letting it be spends nothing, so that
// who pressed the wrong button can come back.
func (stopButton) Press(_ context.Context, v *Visit) (*authn.Change, string, error) {
	if v.Button() != "stop" {
		return nil, v.Platform.HomeURL, nil
	}
	id := v.Facts.Account.ID
	return &authn.Change{
		Cut:    &authn.Cut{Account: id, By: authn.ActStopped},
		Events: []audit.Event{v.Event(audit.ActStopped, audit.Success, id)},
	}, v.Action, nil
}

// Used says that it was stopped.
func (stopButton) Used(v *Visit) (login.Page, bool, error) {
	return login.Page{Template: "stop", Data: ui.StopPage{Action: v.Action, At: v.Ticket.IssuedAt, Done: true}}, true, nil
}
