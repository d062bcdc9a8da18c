package notify

import (
	"context"
	"errors"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// answerTries is how often a request is answered anew because the account became another while it was looked at.
const answerTries = 3

// answer turns a request into the message that follows from it, or into none. The message, its ticket and the end of
// the request are one transaction: of two nodes with the same request one does nothing.
func (w *Worker) answer(ctx context.Context, p *platform.Platform, m outbox.Message, c outbox.Contents) error {
	for try := 1; ; try++ {
		// Refused: no such link for an account that is active, or is not, by now.
		if err := w.answerOnce(ctx, p, m, c); try == answerTries || !errors.Is(err, fault.Refused) {
			return err
		}
	}
}

func (w *Worker) answerOnce(ctx context.Context, p *platform.Platform, m outbox.Message, c outbox.Contents) error {
	email, err := account.ParseEmail(c.To)
	if err != nil {
		return w.settle(ctx, m, outbox.Refused, "address")
	}
	a, err := w.store().AccountByEmail(ctx, p.ID, email.Key)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	r := reply{platform: p, account: a, now: w.Now(), sealer: w.Sealer, to: email, locale: m.Locale, party: c.Party, asked: c.Values}
	kind := letterFor(m.Kind, p, a)
	if kind == outbox.PasswordReset && w.Organisation != nil {
		if r.organisation = w.Organisation(a, r.lang()); r.organisation != "" {
			kind = outbox.OrganisationIn
		}
	}
	follows := r.change(kind, c.Form)
	reason := "none"
	if len(follows.Messages) > 0 {
		reason = string(follows.Messages[0].Kind)
	}
	e := w.event(m, string(m.Kind)+" "+reason)
	if a != nil {
		e.Account = a.ID
	}
	follows.Events = append(follows.Events, e)
	if err := w.store().SettleMessage(ctx, m, outbox.Answered, reason, follows, w.Now()); err != nil {
		return err
	}
	w.Settled(&m, outbox.Answered)
	return nil
}

// letterFor is the message that answers a request of an account; nil: the address has none. Empty: no message. An
// account whose password is kept elsewhere does not exist yet.
func letterFor(request outbox.Kind, p *platform.Platform, a *account.Account) outbox.Kind {
	if a == nil {
		if request == outbox.SignUpRequest && p.Policy.SelfSignUp {
			return outbox.SignUpConfirm
		}
		return ""
	}
	switch {
	case request == outbox.LinkCodeRequest && authn.MayProveByMail(a):
		return outbox.LinkCode
	case request == outbox.LinkCodeRequest:
		return ""
	case a.State == account.Invited:
		return outbox.Welcome
	case a.State == account.Active && request == outbox.PasswordResetRequest:
		return outbox.PasswordReset
	case a.State == account.Active && request == outbox.SignUpRequest:
		return outbox.AccountExists
	case a.State == account.Active && request == outbox.UnblockRequest:
		return outbox.Unblock
	case a.State == account.Active && request == outbox.AfterResetRequest && !a.MarkedAt.IsZero():
		return outbox.AfterReset
	case a.State == account.Deactivated && request != outbox.UnblockRequest:
		return outbox.AccountInactive
	}
	return ""
}
