package storage

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

const (
	insertPending = `
INSERT INTO pending_acts (id, platform, act, account, gives, address, email_key, asker, stated_reason, identified, asked_at, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (account, act) WHERE ended_at IS NULL DO NOTHING`

	endPending = `
UPDATE pending_acts
SET ended_at = $1, ending = $2, ended_by = $3, address = '', email_key = ''
WHERE platform = $4 AND id = $5 AND ended_at IS NULL`

	endPendingOf = `
UPDATE pending_acts
SET ended_at = $1, ending = $2, address = '', email_key = ''
WHERE platform = $3 AND account = $4 AND ended_at IS NULL`
)

// AskPending saves an act that waits, and what comes with it. fault.Taken: that act waits for that account already.
func (db *DB) AskPending(ctx context.Context, p staff.Pending, follows authn.Change, now time.Time) error {
	return fail("saving act that waits", db.issuing(ctx, func(q conn) error {
		if _, err := lockAccountFor(ctx, q, p.Platform, p.Account, false, follows.Events, now); err != nil {
			return err
		}
		added, err := exec(ctx, q, insertPending, p.ID, string(p.Platform), string(p.Act), string(p.Account), string(p.Gives), p.Address,
			p.EmailKey, string(p.Asker), string(p.Said.Reason), string(p.Said.Identified), millis(p.AskedAt), millis(p.DueAt))
		if err == nil && added == 0 {
			err = fault.Taken
		}
		if err != nil {
			return err
		}
		return saveChange(ctx, q, p.Platform, follows, now)
	}))
}

// EndPending ends an act that waits in one statement, and saves what follows: of all who would end it, whoever agrees,
// who withdraws it, its owner and every node that finds it due, one does and the others get fault.Spent. The account's
// row is locked first, as by every change of it.
func (db *DB) EndPending(ctx context.Context, p staff.Pending, end staff.PendingEnd, follows authn.Change, now time.Time) error {
	return fail("ending act that waits", db.issuing(ctx, func(q conn) error {
		if _, err := lockAccountFor(ctx, q, p.Platform, p.Account, false, follows.Events, now); err != nil {
			return err
		}
		ended, err := exec(ctx, q, endPending, millis(end.At), string(end.How), string(end.By), string(p.Platform), p.ID)
		if err == nil && ended == 0 {
			err = fault.Spent
		}
		if err != nil {
			return err
		}
		return saveChange(ctx, q, p.Platform, follows, now)
	}))
}

const (
	pendingColumns = `id, platform, act, account, gives, address, email_key, asker, stated_reason, identified, asked_at, due_at,
  ended_at, ending, ended_by`

	selectPending = `
SELECT ` + pendingColumns + `
FROM pending_acts
WHERE platform = $1 AND id = $2`

	selectPendingOn = `
SELECT ` + pendingColumns + `
FROM pending_acts
WHERE platform = $1 AND ended_at IS NULL
ORDER BY asked_at, id
LIMIT $2`

	selectPendingOf = `
SELECT ` + pendingColumns + `
FROM pending_acts
WHERE platform = $1 AND account = $2 AND ended_at IS NULL
ORDER BY asked_at, id
LIMIT $3`

	selectDue = `
SELECT ` + pendingColumns + `
FROM pending_acts
WHERE ended_at IS NULL AND COALESCE(retry_at, due_at) <= $1
ORDER BY COALESCE(retry_at, due_at), id
LIMIT $2`

	takeDue = `
UPDATE pending_acts
SET retry_at = $1
WHERE platform = $2 AND id = $3 AND ended_at IS NULL AND COALESCE(retry_at, due_at) <= $4`
)

func columnsOfPending(p *staff.Pending) []any {
	return []any{
		&p.ID, &p.Platform, &p.Act, &p.Account, &p.Gives, &p.Address, &p.EmailKey, &p.Asker, &p.Said.Reason, &p.Said.Identified,
		instant{&p.AskedAt}, instant{&p.DueAt}, instant{&p.End.At}, &p.End.How, &p.End.By,
	}
}

// Pending finds an act that waits, or that has ended in the last 30 days: of that without the addresses.
func (db *DB) Pending(ctx context.Context, p platform.ID, id string) (staff.Pending, error) {
	found, err := one(ctx, db.read, columnsOfPending, selectPending, string(p), id)
	if err != nil {
		return staff.Pending{}, fail("finding act that waits", err)
	}
	return *found, nil
}

// PendingActs lists acts that wait, the oldest first: of one account, or of all of a platform.
func (db *DB) PendingActs(ctx context.Context, p platform.ID, of account.ID, limit int) ([]staff.Pending, error) {
	text, args := selectPendingOn, []any{string(p), limit}
	if of != "" {
		text, args = selectPendingOf, []any{string(p), string(of), limit}
	}
	all, err := list(ctx, db.read, columnsOfPending, text, args...)
	return all, fail("listing acts that wait", err)
}

// DueActs lists acts of all platforms whose time has come, the oldest first. Those that a node took are left out until
// it had its time.
func (db *DB) DueActs(ctx context.Context, now time.Time, limit int) ([]staff.Pending, error) {
	all, err := list(ctx, db.batch, columnsOfPending, selectDue, millis(now), limit)
	return all, fail("finding acts that are due", err)
}

// TakeDue gives an act that is due to one node until a moment: of all who would take it one does. fault.Spent: another
// has it, or it has ended.
func (db *DB) TakeDue(ctx context.Context, p staff.Pending, until, now time.Time) error {
	taken, err := exec(ctx, db.write, takeDue, millis(until), string(p.Platform), p.ID, millis(now))
	if err == nil && taken == 0 {
		err = fault.Spent
	}
	return fail("taking act that is due", err)
}

// selectManagers names the role, so that the index of managers is used.
const selectManagers = `
SELECT id, platform, email, email_key, role, state, locale, profile
FROM accounts
WHERE platform = $1 AND role = 'manager' AND state = 'active'
ORDER BY id
LIMIT 100`

// Managers lists the active managers of a platform, without what they hold, at most 100.
func (db *DB) Managers(ctx context.Context, p platform.ID) ([]account.Account, error) {
	all, err := list(ctx, db.read, func(a *account.Account) []any {
		return []any{&a.ID, &a.Platform, &a.Email.Address, &a.Email.Key, &a.Role, &a.State, &a.Locale, document{&a.Profile}}
	}, selectManagers, string(p))
	return all, fail("listing managers", err)
}
