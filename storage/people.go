package storage

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// What people are found by is kept in the transaction of every statement that writes a name or an address: findable
// comes last in it, while the account's row is locked, so nobody else writes these rows.

const (
	selectNamed = `
SELECT email_key, profile
FROM accounts
WHERE platform = $1 AND id = $2`

	nameAccount = `
UPDATE accounts
SET sort_key = $1, worded_at = CASE WHEN updated_at > $2 THEN updated_at ELSE $2 END
WHERE platform = $3 AND id = $4`

	selectWords = `
SELECT word
FROM account_words
WHERE account = $1`

	deleteWord = `
DELETE FROM account_words
WHERE platform = $1 AND word = $2 AND account = $3`

	insertWords = `
INSERT INTO account_words (platform, account, word)
VALUES ($1, $2, $3)`
)

// findable makes an account findable by the name and address that its row has now.
func findable(ctx context.Context, q conn, p platform.ID, id account.ID, now time.Time) error {
	a, err := one(ctx, q, func(a *account.Account) []any { return []any{&a.Email.Key, document{&a.Profile}} }, selectNamed, string(p), string(id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		_, err = exec(ctx, q, nameAccount, a.SortKey(), millis(now), string(p), string(id))
	}
	if err != nil {
		return err
	}
	before, err := list(ctx, q, func(w *[]byte) []any { return []any{w} }, selectWords, string(id))
	if err != nil {
		return err
	}
	words := a.Words()
	for _, w := range before {
		if !has(words, w) {
			if _, err := exec(ctx, q, deleteWord, string(p), w, string(id)); err != nil {
				return err
			}
		}
	}
	text, args := insertWords, []any{string(p), string(id)}
	for _, w := range words {
		if has(before, w) {
			continue
		}
		if args = append(args, w); len(args) > 3 {
			text += fmt.Sprintf(", ($1, $2, $%d)", len(args))
		}
	}
	if len(args) == 2 {
		return nil
	}
	_, err = exec(ctx, q, text, args...)
	return err
}

func has(words [][]byte, word []byte) bool {
	for _, w := range words {
		if bytes.Equal(w, word) {
			return true
		}
	}
	return false
}

// findableAfter is findable for what a change writes of names and addresses.
func findableAfter(ctx context.Context, q conn, p platform.ID, c authn.Change, now time.Time) error {
	if c.Add != nil {
		if err := findable(ctx, q, p, c.Add.ID, now); err != nil {
			return err
		}
	}
	if c.Account != nil && c.Account.Email != nil {
		return findable(ctx, q, p, c.Account.ID, now)
	}
	return nil
}

const (
	selectUnworded = `
SELECT platform, id, state, email_key, profile
FROM accounts
WHERE worded_at IS NULL
ORDER BY id
LIMIT $1`

	selectOutdated = `
SELECT platform, id, state, email_key, profile
FROM accounts
WHERE worded_at < updated_at
ORDER BY id
LIMIT $1`

	// Only what was read is made findable: a name or an address that is written meanwhile, by another node, counts.
	nameUnworded = `
UPDATE accounts
SET sort_key = $1, worded_at = CASE WHEN updated_at > $2 THEN updated_at ELSE $2 END
WHERE platform = $3 AND id = $4 AND email_key = $5 AND profile = $6 AND (worded_at IS NULL OR worded_at < updated_at)`

	deleteWords = `
DELETE FROM account_words
WHERE account = $1`

	insertWordsOf = `
INSERT INTO account_words (platform, account, word)
VALUES `

	// Somebody who was invited before is as far as the newest mail came, as far as that is still known.
	invitedBefore = `
INSERT INTO invitations (account, platform, stage, at, ends_at)
SELECT a.id, a.platform,
    CASE
        WHEN EXISTS (SELECT 1 FROM letters AS l WHERE l.account = a.id AND l.kind = $1 AND l.outcome = 'sent') THEN 'sent'
        WHEN EXISTS (SELECT 1 FROM letters AS l WHERE l.account = a.id AND l.kind = $1 AND l.outcome IN ('refused', 'gave_up')) THEN 'refused'
        ELSE 'made'
    END,
    a.created_at,
    (SELECT MAX(t.expires_at) FROM tickets AS t WHERE t.account = a.id AND t.purpose = $2 AND t.voided_at IS NULL)
FROM accounts AS a
WHERE a.id = $3 AND a.platform = $4 AND a.state = 'invited'
ON CONFLICT (account) DO NOTHING`
)

// fillBatch is how many accounts are locked at once, for some milliseconds.
const fillBatch = 50

// FillPeople makes accounts findable that are not yet: those of before, and those that a node of the release before
// wrote; at most limit. It tells how many it looked at; less than limit: that were all. Each batch is a transaction: a
// node that dies leaves nothing half done, and any other one goes on.
func (db *DB) FillPeople(ctx context.Context, now time.Time, limit int) (filled int, err error) {
	for filled < limit {
		all, err := list(ctx, db.batch, (*namedRow).columns, selectUnworded, min(fillBatch, limit-filled))
		if err == nil && len(all) == 0 {
			all, err = list(ctx, db.batch, (*namedRow).columns, selectOutdated, min(fillBatch, limit-filled))
		}
		if err != nil || len(all) == 0 {
			return filled, fail("making people findable", err)
		}
		err = db.inLongTx(ctx, func(q conn) error { return fill(ctx, q, all, now) })
		if err != nil {
			return filled, fail("making people findable", err)
		}
		filled += len(all)
	}
	return filled, nil
}

// namedRow is an account that is to be made findable.
type namedRow struct {
	account.Account
	profile string // as it is stored
}

func (r *namedRow) columns() []any {
	return []any{&r.Platform, &r.ID, &r.State, &r.Email.Key, &r.profile}
}

// fill makes accounts findable that no other node did meanwhile.
func fill(ctx context.Context, q conn, all []namedRow, now time.Time) error {
	var named []namedRow
	for _, r := range sorted(all, func(r namedRow) string { return rowKey(r.Platform, r.ID) }) {
		if err := (document{&r.Profile}).Scan(r.profile); err != nil {
			return err
		}
		n, err := exec(ctx, q, nameUnworded, r.SortKey(), millis(now), string(r.Platform), string(r.ID), r.Email.Key, r.profile)
		if err != nil {
			return err
		}
		if n > 0 {
			named = append(named, r)
		}
	}
	text, args := insertWordsOf, []any{}
	for _, r := range named {
		if _, err := exec(ctx, q, deleteWords, string(r.ID)); err != nil {
			return err
		}
		for _, w := range r.Words() {
			if len(args) > 0 {
				text += ", "
			}
			text += fmt.Sprintf("($%d, $%d, $%d)", len(args)+1, len(args)+2, len(args)+3)
			args = append(args, string(r.Platform), string(r.ID), w)
		}
	}
	if len(args) > 0 {
		if _, err := exec(ctx, q, text, args...); err != nil {
			return err
		}
	}
	for _, r := range named {
		if r.State != account.Invited {
			continue
		}
		if _, err := exec(ctx, q, invitedBefore, string(outbox.Welcome), string(authn.TicketWelcome), string(r.ID), string(r.Platform)); err != nil {
			return err
		}
	}
	return nil
}

const selectFirstUnworded = `
SELECT id
FROM accounts
WHERE worded_at IS NULL
ORDER BY id
LIMIT 1`

// pending reports whether somebody may not be findable yet.
func pending(ctx context.Context, q conn) (bool, error) {
	_, err := one(ctx, q, func(id *account.ID) []any { return []any{id} }, selectFirstUnworded)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
