package login

import (
	"context"
	"slices"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

// checkMailStep ends the way of somebody who gave the right password of an account whose two-step authentication staff
// reset: a mail has the button with which another journey begins (authn.AfterReset), here or in another browser.
// Whoever has the password and not the mailbox stays on this page
// (testdata/journeys/stolen_password_phished_helpdesk.txt).
type checkMailStep struct{ *Server }

const checkMail = "check-mail"

func (checkMailStep) Name() string { return checkMail }

func (checkMailStep) Handles(r authn.Requirement, _ authn.Facts) bool {
	return r.Need == authn.NeedLink && r.Why == authn.ForReset
}

func (checkMailStep) Show(_ context.Context, v *Visit) (Page, error) {
	return Page{"check_mail", ui.CheckMailPage{
		Action: v.Action, Email: v.Facts.Account.Email.Address, App: v.Journey.Ask.Channel == authn.App,
		Again: v.Journey.StepData[checkMail] != nil, Cancel: true,
	}}, nil
}

// Begin has the mail sent. It is a request as that of a forgotten password is, within the limits of its kind: whoever
// has the password fills no mailbox.
func (s checkMailStep) Begin(ctx context.Context, v *Visit) (authn.Change, error) {
	return authn.Change{}, s.ask(ctx, v)
}

func (s checkMailStep) Submit(ctx context.Context, v *Visit) (Outcome, error) {
	if v.Button() != "again" {
		return Outcome{}, nil
	}
	if err := s.ask(ctx, v); err != nil {
		return Outcome{}, err
	}
	v.Journey.Keep(checkMail, []byte("again")) // no secret
	return Outcome{}, nil
}

func (s checkMailStep) ask(ctx context.Context, v *Visit) error {
	c := outbox.Contents{To: v.Facts.Account.Email.Address, Party: v.Journey.Party}
	return s.Mails.Ask(v.Request.WithContext(ctx), v, outbox.AfterResetRequest, c, v.PathOf(checkMail))
}

// showOwner takes the mark of a reset away at the end of a journey that was given the password and the button of a
// mail, whichever that was, and uses the link up that such a journey began with. It is saved with the session.
func showOwner(v *Visit, change *authn.Change) {
	j, a := v.Journey, v.Facts.Account
	if use, _, ok := v.TicketOf(); ok && j.Ask.Purpose == authn.AfterReset {
		change.Spend = append(slices.Clone(change.Spend), use)
		j.Done = append(slices.Clone(j.Done), authn.NeedLink)
	}
	if a.MarkedAt.IsZero() {
		return
	}
	shown := authn.AccountChange{ID: a.ID}
	if change.Account != nil {
		shown = *change.Account
	}
	shown.OwnerShown = true
	change.Account = &shown
	change.Events = append(slices.Clone(change.Events), v.Event(audit.OwnerShown, audit.Success, a.ID))
}
