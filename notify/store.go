package notify

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// Store is where letters wait, and where wishes look for accounts.
type Store interface {
	TakeLetters(ctx context.Context, m account.Medium, lease time.Duration, limit int, now time.Time) ([]account.Letter, error)
	PostponeLetter(ctx context.Context, l account.Letter, reason string, next time.Time) error
	SettleLetter(ctx context.Context, l account.Letter, outcome account.LetterOutcome, reason string, follows authn.Change, now time.Time) error
	Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error)
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
}

// bounded is a Store of which every call ends within storeTime. What is noted of letters, and what was taken, does not
// depend on the end of the caller's context: a letter would be sent twice, or held by nobody, otherwise.
type bounded struct{ Store }

func (w *Worker) store() bounded { return bounded{w.Store} }

func (b bounded) TakeLetters(ctx context.Context, m account.Medium, lease time.Duration, limit int, now time.Time) ([]account.Letter, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.TakeLetters(ctx, m, lease, limit, now)
}

func (b bounded) PostponeLetter(ctx context.Context, l account.Letter, reason string, next time.Time) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.PostponeLetter(ctx, l, reason, next)
}

func (b bounded) SettleLetter(ctx context.Context, l account.Letter, outcome account.LetterOutcome, reason string, follows authn.Change, now time.Time) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer done()
	return b.Store.SettleLetter(ctx, l, outcome, reason, follows, now)
}

func (b bounded) Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error) {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	return b.Store.Account(ctx, p, id)
}

func (b bounded) AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error) {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	return b.Store.AccountByEmail(ctx, p, key)
}
