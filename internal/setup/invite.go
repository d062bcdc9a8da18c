package setup

import (
	"context"
	"fmt"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/platform"
)

// Invite queues the welcome mail of an account that has no password yet. The button of an older one stops working.
// fault.NotFound: there is no such platform or account; fault.Refused: the account has a password, or is deactivated.
func Invite(ctx context.Context, t Tools, id platform.ID, address string) error {
	attempted := fmt.Sprintf("inviting %q to %s", address, id)
	p, a, err := personOf(ctx, t, id, address)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	change, err := notify.Invite(p, a, t.Sealer, audit.Event{At: t.Now, Actor: Operator()})
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	return t.DB.SaveChange(ctx, change, t.Now)
}

// personOf finds a platform and an account on it by its address.
func personOf(ctx context.Context, t Tools, id platform.ID, address string) (*platform.Platform, *account.Account, error) {
	email, err := account.ParseEmail(address)
	if err != nil {
		return nil, nil, err
	}
	platforms, err := t.DB.Platforms(ctx)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(platforms, func(p platform.Platform) bool { return p.ID == id })
	if i < 0 {
		return nil, nil, fmt.Errorf("platform %w", fault.NotFound)
	}
	a, err := t.DB.AccountByEmail(ctx, id, email.Key)
	return &platforms[i], a, err
}
