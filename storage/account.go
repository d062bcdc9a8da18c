package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// accountRow is one account with one of its credentials, or with an empty one when it has none.
type accountRow struct {
	account    account.Account
	credential account.Credential
}

// accountColumns are those of an account a and a credential c joined to it.
const accountColumns = `a.platform, a.id, a.email, a.email_key, a.email_verified_at, a.role, a.state, a.locale,
       a.profile, a.offered_at, a.two_step_reset_at, a.marked_at, a.remember_for, a.created_at, a.updated_at, a.cut_at,
       c.id, c.account, c.method, c.used_as, c.label, c.sealed, c.counter, c.added_at, c.confirmed_at, c.used_at,
       c.external`

func (r *accountRow) columns() []any {
	a, c := &r.account, &r.credential
	return []any{
		&a.Platform, &a.ID, &a.Email.Address, &a.Email.Key, instant{&a.EmailVerifiedAt}, &a.Role, &a.State, &a.Locale,
		document{&a.Profile}, instant{&a.OfferedAt}, instant{&a.ResetAt}, instant{&a.MarkedAt}, span{&a.RememberFor},
		instant{&a.CreatedAt}, instant{&a.UpdatedAt}, instant{&a.CutAt},
		orZero[account.CredentialID]{&c.ID}, orZero[account.ID]{&c.Account}, orZero[string]{&c.Method},
		orZero[account.Use]{&c.Use}, orZero[string]{&c.Label}, &c.Sealed, orZero[int64]{&c.Counter},
		instant{&c.AddedAt}, instant{&c.ConfirmedAt}, instant{&c.UsedAt}, orZero[string]{&c.External},
	}
}

// fold joins rows that follow each other and have the same account.
func fold(rows []accountRow) []account.Account {
	var all []account.Account
	for _, r := range rows {
		if n := len(all); n == 0 || all[n-1].ID != r.account.ID {
			all = append(all, r.account)
		}
		if r.credential.ID != "" {
			a := &all[len(all)-1]
			a.Credentials = append(a.Credentials, r.credential)
		}
	}
	return all
}

func oneAccount(ctx context.Context, q conn, text string, args ...any) (*account.Account, error) {
	rows, err := list(ctx, q, (*accountRow).columns, text, args...)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, sql.ErrNoRows
	}
	return &fold(rows)[0], nil
}

const selectAccountByEmail = `
SELECT ` + accountColumns + `
FROM accounts AS a
LEFT JOIN credentials AS c ON c.platform = a.platform AND c.account = a.id AND c.retired_at IS NULL
WHERE a.platform = $1 AND a.email_key = $2 AND a.email_key <> ''
ORDER BY c.added_at, c.id`

// AccountByEmail finds an account in whatever state by the key of its address. Credentials come oldest first,
// without retired ones.
func (db *DB) AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error) {
	a, err := oneAccount(ctx, db.read, selectAccountByEmail, string(p), key)
	return a, fail("finding account by address", err)
}

const selectAccount = `
SELECT ` + accountColumns + `
FROM accounts AS a
LEFT JOIN credentials AS c ON c.platform = a.platform AND c.account = a.id AND c.retired_at IS NULL
WHERE a.platform = $1 AND a.id = $2
ORDER BY c.added_at, c.id`

// Account finds an account in whatever state, with its credentials as AccountByEmail has them.
func (db *DB) Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error) {
	a, err := oneAccount(ctx, db.read, selectAccount, string(p), string(id))
	return a, fail("finding account", err)
}

const selectAccounts = `
SELECT ` + accountColumns + `
FROM (
    SELECT platform, id, email, email_key, email_verified_at, role, state, locale, profile, offered_at, two_step_reset_at, marked_at,
           remember_for, created_at, updated_at, cut_at
    FROM accounts
    WHERE platform = $1 AND id > $2
    ORDER BY id
    LIMIT $3
) AS a
LEFT JOIN credentials AS c ON c.platform = a.platform AND c.account = a.id AND c.retired_at IS NULL
ORDER BY a.id, c.added_at, c.id`

// Accounts lists at most limit accounts of a platform by identifier, from the one after the given one.
func (db *DB) Accounts(ctx context.Context, p platform.ID, after account.ID, limit int) ([]account.Account, error) {
	rows, err := list(ctx, db.read, (*accountRow).columns, selectAccounts, string(p), string(after), limit)
	return fold(rows), fail("listing accounts", err)
}

const setState = `
UPDATE accounts
SET state = $1
WHERE platform = $2 AND id = $3 AND state <> $1`

// SetState changes who may sign in. Deactivating ends all sessions and grants of the account, with everything that
// derives from them. A state that the account has already is no change and leaves no event.
func (db *DB) SetState(ctx context.Context, p platform.ID, id account.ID, state account.State, e audit.Event, now time.Time) error {
	return db.ApplyStateChange(ctx, p, id, staff.StateChange{State: state, Event: e}, now)
}

// ApplyStateChange is SetState with what the owner is told. fault.Refused: whoever does it may not any more;
// fault.Throttled: it would be one too many.
func (db *DB) ApplyStateChange(ctx context.Context, p platform.ID, id account.ID, to staff.StateChange, now time.Time) error {
	state := to.State
	return fail("changing state of account", db.inTx(ctx, func(q conn) error {
		h, err := lockAccountFor(ctx, q, p, id, false, []audit.Event{to.Event}, now)
		if err != nil {
			return err
		}
		changed, err := exec(ctx, q, setState, string(state), string(p), string(id))
		if err != nil {
			return err
		}
		if changed == 0 {
			_, err := oneAccount(ctx, q, selectAccount, string(p), string(id))
			return err
		}
		if state == account.Deactivated {
			if err := deactivate(ctx, q, p, h, now); err != nil {
				return err
			}
		}
		if err := countAll(ctx, q, p, to.Count, now); err != nil {
			return err
		}
		if err := stood(ctx, q, p, id, state, now); err != nil {
			return err
		}
		if err := addMessages(ctx, q, p, to.Tells); err != nil {
			return err
		}
		return addEvents(ctx, q, []audit.Event{to.Event})
	}))
}

// deactivate ends all that an account has and that is under way for it; its row is locked.
func deactivate(ctx context.Context, q conn, p platform.ID, h lockedAccount, now time.Time) error {
	acts := []authn.Act{authn.ActDeactivated}
	if err := act(ctx, q, p, h, acts, "", now); err != nil {
		return err
	}
	if err := voidBy(ctx, q, p, h, acts, now); err != nil {
		return err
	}
	return endAccess(ctx, q, p, h.id, now)
}

// activeAccount tells why a conditional statement found no row: fault.Refused when the account is not active.
func activeAccount(ctx context.Context, q conn, p platform.ID, id account.ID) error {
	a, err := oneAccount(ctx, q, selectAccount, string(p), string(id))
	if errors.Is(err, sql.ErrNoRows) || err == nil && a.State != account.Active {
		return fmt.Errorf("account that is not active: %w", fault.Refused)
	}
	return err
}

const insertAccount = `
INSERT INTO accounts (platform, id, email, email_key, email_verified_at, role, state, locale, profile, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// accountValues are those of insertAccount.
func accountValues(_ int, a *account.Account) []any {
	return []any{
		string(a.Platform), string(a.ID), a.Email.Address, a.Email.Key, millis(a.EmailVerifiedAt), string(a.Role), string(a.State),
		a.Locale, document{&a.Profile}, millis(a.CreatedAt), millis(a.UpdatedAt),
	}
}

const (
	activateAccount = `
UPDATE accounts
SET state = 'active'
WHERE platform = $1 AND id = $2 AND state = 'invited'`

	verifyAccount = `
UPDATE accounts
SET email_verified_at = $1, updated_at = $1
WHERE platform = $2 AND id = $3 AND state <> 'deactivated' AND email_verified_at IS NULL`

	readdressAccount = `
UPDATE accounts
SET email = $1, email_key = $2, email_verified_at = $3, updated_at = $3
WHERE platform = $4 AND id = $5 AND state <> 'deactivated'`

	localizeAccount = `
UPDATE accounts
SET locale = $1, updated_at = $2
WHERE platform = $3 AND id = $4 AND state <> 'deactivated'`

	offerAccount = `
UPDATE accounts
SET offered_at = $1
WHERE platform = $2 AND id = $3 AND state <> 'deactivated'`

	rememberAccount = `
UPDATE accounts
SET remember_for = $1
WHERE platform = $2 AND id = $3 AND state <> 'deactivated'`

	unmarkAccount = `
UPDATE accounts
SET marked_at = NULL
WHERE platform = $1 AND id = $2 AND state <> 'deactivated' AND marked_at IS NOT NULL`

	giveRole = `
UPDATE accounts
SET role = $1, updated_at = $2
WHERE platform = $3 AND id = $4 AND role = $5 AND state <> 'deactivated'`

	stopAccount = `
UPDATE accounts
SET state = 'deactivated'
WHERE platform = $1 AND id = $2 AND state <> 'deactivated'`
)

// changeAccounts adds the account of a change, or changes one that exists.
func changeAccounts(ctx context.Context, q conn, p platform.ID, c authn.Change, now time.Time) error {
	if a := c.Add; a != nil {
		_, err := exec(ctx, q, insertAccount, accountValues(0, a)...)
		if err == nil && c.Start != nil {
			_, err = lockAccount(ctx, q, p, a.ID, true, now)
		}
		if err != nil {
			return err
		}
	}
	if c.Account == nil {
		return nil
	}
	return changeAccount(ctx, q, p, c.Account, now)
}

// changeAccount changes an account that exists.
func changeAccount(ctx context.Context, q conn, p platform.ID, c *authn.AccountChange, now time.Time) error {
	id := string(c.ID)
	must := func(text string, args ...any) error {
		changed, err := exec(ctx, q, text, args...)
		if err == nil && changed == 0 {
			err = activeAccount(ctx, q, p, c.ID)
		}
		return err
	}
	if c.Activate {
		if err := must(activateAccount, string(p), id); err != nil {
			return err
		}
	}
	if c.Verified {
		if _, err := exec(ctx, q, verifyAccount, millis(now), string(p), id); err != nil {
			return err
		}
	}
	if e := c.Email; e != nil {
		if err := must(readdressAccount, e.Address, e.Key, millis(now), string(p), id); err != nil {
			return err
		}
	}
	if c.Locale != "" {
		if err := must(localizeAccount, c.Locale, millis(now), string(p), id); err != nil {
			return err
		}
	}
	if c.Offered {
		if err := must(offerAccount, millis(now), string(p), id); err != nil {
			return err
		}
	}
	if r := c.Remember; r != nil {
		if err := must(rememberAccount, r.Milliseconds(), string(p), id); err != nil {
			return err
		}
	}
	if c.OwnerShown {
		changed, err := exec(ctx, q, unmarkAccount, string(p), id)
		if err == nil && changed == 0 {
			err = fmt.Errorf("account that is not marked: %w", fault.Spent)
		}
		if err != nil {
			return err
		}
	}
	if r := c.Role; r != nil {
		changed, err := exec(ctx, q, giveRole, string(r.To), millis(now), string(p), id, string(r.From))
		if err == nil && changed == 0 {
			err = fmt.Errorf("role of account %s: %w", id, fault.Stale)
		}
		if err != nil {
			return err
		}
	}
	if c.Stop {
		if err := must(stopAccount, string(p), id); err != nil {
			return err
		}
		return endAccess(ctx, q, p, c.ID, now)
	}
	return nil
}

const upsertAccount = `
INSERT INTO accounts (platform, id, email, email_key, email_verified_at, role, state, locale, profile, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO UPDATE
SET email = excluded.email, email_key = excluded.email_key, email_verified_at = excluded.email_verified_at,
    role = excluded.role, state = excluded.state, locale = excluded.locale, profile = excluded.profile,
    created_at = excluded.created_at, updated_at = excluded.updated_at
WHERE accounts.platform = excluded.platform`

// declared is an account that existed before a declaration changed it.
type declared struct {
	lockedAccount
	platform platform.ID
	acts     []authn.Act
}

// declareAccounts saves accounts whole, then what that ends of what is under way for them, then their credentials, then
// what deactivation ends: in the order of locks.
func declareAccounts(ctx context.Context, q conn, all []account.Account, now time.Time) error {
	all = sorted(all, func(a account.Account) string { return rowKey(a.Platform, a.ID) })
	var known []declared
	for _, a := range all {
		d, err := declareAccount(ctx, q, a, now)
		if err != nil {
			return fmt.Errorf("account %s of platform %s: %w", a.ID, a.Platform, err)
		}
		known = append(known, d)
	}
	for _, d := range known {
		if err := act(ctx, q, d.platform, d.lockedAccount, d.acts, "", now); err != nil {
			return err
		}
	}
	for _, d := range known {
		if err := voidBy(ctx, q, d.platform, d.lockedAccount, d.acts, now); err != nil {
			return err
		}
	}
	if err := declareCredentials(ctx, q, all, now); err != nil {
		return err
	}
	for _, a := range all {
		if a.State == account.Deactivated {
			if err := endAccess(ctx, q, a.Platform, a.ID, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// declareAccount saves the row of an account, and says what that does to one that existed.
func declareAccount(ctx context.Context, q conn, a account.Account, now time.Time) (d declared, err error) {
	d.platform = a.Platform
	if d.lockedAccount, err = lockAccount(ctx, q, a.Platform, a.ID, false, now); err != nil {
		return d, err
	}
	if d.exists {
		before, err := oneAccount(ctx, q, selectAccount, string(a.Platform), string(a.ID))
		if err != nil {
			return d, err
		}
		d.acts = authn.Declared(before, &a)
	}
	changed, err := exec(ctx, q, upsertAccount, string(a.Platform), string(a.ID), a.Email.Address, a.Email.Key,
		millis(a.EmailVerifiedAt), string(a.Role), string(a.State), a.Locale, document{&a.Profile},
		millis(a.CreatedAt), millis(a.UpdatedAt))
	if err == nil && changed == 0 {
		err = fault.Taken // the identifier belongs to another platform
	}
	return d, err
}
