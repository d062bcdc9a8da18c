package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// stillActing writes nothing new: it is the lock by which a change of the actor's role comes before this transaction or
// after it.
const stillActing = `
UPDATE accounts
SET state = state
WHERE platform = $1 AND id = $2 AND role = $3 AND state = 'active'`

// acting is a person who acts by a role, on a platform.
type acting struct {
	platform platform.ID
	audit.Acting
}

// lockAccountFor locks the row of an account as hold does, and those of who acts on it, as the events of the
// transaction say, in the order that all transactions have. It comes before anything else of accounts is written.
// staff.ActorChanged: one of them is not active any more, or has another role.
func lockAccountFor(
	ctx context.Context, q conn, p platform.ID, id account.ID, signedIn bool, events []audit.Event, now time.Time,
) (h lockedAccount, err error) {
	var all []acting
	for _, e := range events {
		if e.As != (audit.Acting{}) {
			all = append(all, acting{e.Platform, e.As})
		}
	}
	slices.SortFunc(all, func(a, b acting) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Role, b.Role), cmp.Compare(a.platform, b.platform))
	})
	all = slices.Compact(all)
	after, _ := slices.BinarySearchFunc(all, id, func(by acting, id account.ID) int { return cmp.Compare(by.Account, id) })
	for _, by := range all[:after] {
		if err := by.checkRoles(ctx, q); err != nil {
			return lockedAccount{}, err
		}
	}
	if h, err = lockAccount(ctx, q, p, id, signedIn, now); err != nil {
		return h, err
	}
	for _, by := range all[after:] {
		if err := by.checkRoles(ctx, q); err != nil {
			return h, err
		}
	}
	return h, nil
}

// checkRoles refuses who has another role by now.
func (by acting) checkRoles(ctx context.Context, q conn) error {
	if by.Role == "" { // nobody is known to have none
		return fmt.Errorf("actor %s without a role: %w", by.Account, fault.Invalid)
	}
	there, err := exec(ctx, q, stillActing, string(by.platform), string(by.Account), string(by.Role))
	if err == nil && there == 0 {
		err = staff.ActorChanged(by.Account)
	}
	return err
}
