package notify

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Store is where messages wait, and where requests look for accounts.
type Store interface {
	TakeMessages(ctx context.Context, to outbox.Recipient, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error)
	TakeMessagesOf(ctx context.Context, of outbox.Queue, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error)
	MessageQueues(ctx context.Context, to outbox.Recipient, now time.Time) ([]outbox.Queue, error)
	PostponeMessage(ctx context.Context, m outbox.Message, reason string, next time.Time) error
	SettleMessage(ctx context.Context, m outbox.Message, outcome outbox.Outcome, reason string, follows authn.Change, now time.Time) error
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
}

// bounded is a Store of which every call ends within storeTime. What is noted of messages, and what was taken, does not
// depend on the end of the caller's context: a message would be sent twice, or held by nobody, otherwise.
type bounded struct{ Store }

func (w *Worker) store() bounded { return bounded{w.Store} }

func (b bounded) TakeMessages(ctx context.Context, to outbox.Recipient, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.TakeMessages(ctx, to, lease, limit, now)
}

func (b bounded) TakeMessagesOf(ctx context.Context, of outbox.Queue, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.TakeMessagesOf(ctx, of, lease, limit, now)
}

func (b bounded) MessageQueues(ctx context.Context, to outbox.Recipient, now time.Time) ([]outbox.Queue, error) {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	return b.Store.MessageQueues(ctx, to, now)
}

func (b bounded) PostponeMessage(ctx context.Context, m outbox.Message, reason string, next time.Time) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.PostponeMessage(ctx, m, reason, next)
}

func (b bounded) SettleMessage(ctx context.Context, m outbox.Message, outcome outbox.Outcome, reason string, follows authn.Change, now time.Time) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.SettleMessage(ctx, m, outcome, reason, follows, now)
}

func (b bounded) AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error) {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	return b.Store.AccountByEmail(ctx, p, key)
}
