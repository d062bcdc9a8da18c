package notify

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Store is where letters wait, and where wishes look for accounts.
type Store interface {
	TakeMessages(ctx context.Context, m outbox.Recipient, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error)
	PostponeMessage(ctx context.Context, l outbox.Message, reason string, next time.Time) error
	SettleMessage(ctx context.Context, l outbox.Message, outcome outbox.Outcome, reason string, follows authn.Change, now time.Time) error
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
}

// bounded is a Store of which every call ends within storeTime. What is noted of letters, and what was taken, does not
// depend on the end of the caller's context: a letter would be sent twice, or held by nobody, otherwise.
type bounded struct{ Store }

func (w *Worker) store() bounded { return bounded{w.Store} }

func (b bounded) TakeMessages(ctx context.Context, m outbox.Recipient, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.TakeMessages(ctx, m, lease, limit, now)
}

func (b bounded) PostponeMessage(ctx context.Context, l outbox.Message, reason string, next time.Time) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.PostponeMessage(ctx, l, reason, next)
}

func (b bounded) SettleMessage(ctx context.Context, l outbox.Message, outcome outbox.Outcome, reason string, follows authn.Change, now time.Time) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.SettleMessage(ctx, l, outcome, reason, follows, now)
}

func (b bounded) AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error) {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	return b.Store.AccountByEmail(ctx, p, key)
}
