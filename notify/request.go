package notify

import (
	"context"
	"errors"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// answerTries is how often a wish is answered anew because the account became another while it was looked at.
const answerTries = 3

// answer turns a wish into the letter that follows from it, or into none. The letter, its ticket and the wish's end are
// one transaction: of two nodes with the same wish one does nothing.
func (w *Worker) answer(ctx context.Context, p *platform.Platform, l outbox.Message, c outbox.Contents) error {
	for try := 1; ; try++ {
		// Refused: no such link for an account that is active, or is not, by now.
		if err := w.answerOnce(ctx, p, l, c); try == answerTries || !errors.Is(err, fault.Refused) {
			return err
		}
	}
}

func (w *Worker) answerOnce(ctx context.Context, p *platform.Platform, l outbox.Message, c outbox.Contents) error {
	email, err := account.ParseEmail(c.To)
	if err != nil {
		return w.settle(ctx, l, outbox.Refused, "address")
	}
	a, err := w.store().AccountByEmail(ctx, p.ID, email.Key)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	d := draft{platform: p, account: a, now: w.Now(), sealer: w.Sealer, to: email, locale: l.Locale, party: c.Party}
	follows := d.letter(become(l.Kind, p, a), c.Form)
	reason := "none"
	if len(follows.Messages) > 0 {
		reason = string(follows.Messages[0].Kind)
	}
	e := w.event(l, string(l.Kind)+" "+reason)
	if a != nil {
		e.Account = a.ID
	}
	follows.Events = append(follows.Events, e)
	if err := w.store().SettleMessage(ctx, l, outbox.Answered, reason, follows, w.Now()); err != nil {
		return err
	}
	w.Settled(l.Recipient, outbox.Answered)
	return nil
}

// become is the letter that answers a wish of an account; nil: the address has none. Empty: no letter. An account whose
// password is kept elsewhere does not exist yet.
func become(wish outbox.Kind, p *platform.Platform, a *account.Account) outbox.Kind {
	if a == nil {
		if wish == outbox.SignUpRequest && p.Policy.SelfSignUp {
			return outbox.SignUpConfirm
		}
		return ""
	}
	switch {
	case a.State == account.Invited:
		return outbox.Welcome
	case a.State == account.Active && wish == outbox.ResetRequest:
		return outbox.Reset
	case a.State == account.Active && wish == outbox.SignUpRequest:
		return outbox.AccountExists
	case a.State == account.Active && wish == outbox.UnblockRequest:
		return outbox.Unblock
	case a.State == account.Deactivated && wish != outbox.UnblockRequest:
		return outbox.Inactive
	}
	return ""
}

// Invite is what an invitation changes: the mail with the button for the first password, and its ticket; an older one
// stops working. fault.Refused: the person has a password, or is deactivated.
func Invite(p *platform.Platform, a *account.Account, sealer Sealer, e audit.Event) (authn.Change, error) {
	if a.State != account.Invited {
		return authn.Change{}, because(fault.Refused, "account that is "+string(a.State))
	}
	d := draft{platform: p, account: a, now: e.At, sealer: sealer, to: a.Email}
	change := d.letter(outbox.Welcome, nil)
	e.Kind, e.Platform, e.Account, e.Outcome = audit.AccountInvited, p.ID, a.ID, audit.Success
	change.Events = append(change.Events, e)
	return change, nil
}

// TwoStepReset is the mail that tells the owner of an account that staff reset two-step authentication, with the ticket
// of its button.
func TwoStepReset(p *platform.Platform, a *account.Account, sealer Sealer, now time.Time) authn.Change {
	return draft{platform: p, account: a, now: now, sealer: sealer, to: a.Email}.letter(outbox.TwoStepReset, nil)
}
