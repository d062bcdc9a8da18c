package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// A counter counts what was tried before anybody verifies it, so that of any number at once no more get through than
// are allowed; what turns out to be right is taken back afterwards. It counts in two ways: in a row, until one is right
// (failures), and within a window that the first one starts (total, since since_at). Only counters of passwords, by
// CountAttempt, know a row and can be blocked; all others are windows.
//
// Transactions lock counters in the order of their keys, after CountAttempt locked the first one of a guess: a source's
// key must sort after those of addresses.

// countAttempt starts the row again at 1 when a block is over or the last attempt is forgotten, and the window when a
// day is over. The attempt that reaches a limit sets the block, the later one of two. During a block nothing is counted,
// and no row comes back.
const countAttempt = `
INSERT INTO attempts (platform, key, owner, failures, total, last_at, since_at)
VALUES ($1, $2, $3, 1, 1, $4, $4)
ON CONFLICT (key, platform) DO UPDATE
SET owner = $3,
    failures = CASE
        WHEN attempts.blocked_until IS NULL AND attempts.last_at > $5 THEN attempts.failures + 1
        ELSE 1
    END,
    total = CASE WHEN attempts.since_at > $5 THEN attempts.total + 1 ELSE 1 END,
    since_at = CASE WHEN attempts.since_at > $5 THEN attempts.since_at ELSE $4 END,
    blocked_until = CASE
        WHEN attempts.since_at > $5 AND attempts.total + 1 >= $6 AND attempts.since_at + $7 >= $9 THEN attempts.since_at + $7
        WHEN attempts.blocked_until IS NULL AND attempts.last_at > $5 AND attempts.failures + 1 >= $8 THEN CAST($9 AS BIGINT)
        WHEN attempts.since_at > $5 AND attempts.total + 1 >= $6 THEN attempts.since_at + $7
    END,
    last_at = $4
WHERE attempts.blocked_until IS NULL OR attempts.blocked_until <= $4
RETURNING failures, blocked_until`

const blockedUntil = `
SELECT blocked_until
FROM attempts
WHERE platform = $1 AND key = $2`

// CountAttempt counts a guess before it is verified, at the address and at its source, in one transaction: of any number
// at once exactly authn.BlockAt get through, and in a day authn.PerDay; the last of those has BlockedTo set already.
// Later ones get fault.Throttled, with BlockedTo, and count nowhere.
func (db *DB) CountAttempt(ctx context.Context, p platform.ID, g authn.Guess, now time.Time) (authn.Attempts, error) {
	const attempted = "counting attempt"
	var counted authn.Attempts
	err := db.inTx(ctx, func(q conn) error {
		a, err := one(ctx, q, func(a *authn.Attempts) []any { return []any{&a.Failures, instant{&a.BlockedTo}} },
			countAttempt, string(p), g.Counter, g.Owner, millis(now), millis(now.Add(-authn.ForgetAfter)),
			authn.PerDay, authn.ForgetAfter.Milliseconds(), authn.BlockAt, millis(now.Add(authn.BlockFor)))
		if errors.Is(err, sql.ErrNoRows) {
			a, err = one(ctx, q, func(a *authn.Attempts) []any { return []any{instant{&a.BlockedTo}} }, blockedUntil, string(p), g.Counter)
			if err == nil {
				counted, err = *a, fault.Throttled
			}
		}
		if err != nil {
			return err
		}
		source, err := countOne(ctx, q, p, authn.Limit{Key: g.Source, Window: authn.SourceFor}, now)
		counted = authn.Attempts{Failures: a.Failures, Source: source.N, BlockedTo: a.BlockedTo}
		return err
	})
	if errors.Is(err, fault.Throttled) {
		return counted, fmt.Errorf("%s: %w", attempted, err)
	}
	return counted, fail(attempted, err)
}

const uncountFailed = `
UPDATE attempts
SET failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END,
    total = total - 1,
    blocked_until = NULL
WHERE platform = $1 AND key = $2 AND total > 0`

// UncountAttempt takes a guess back that was counted and not verified, because we could not. A block that it set ends.
func (db *DB) UncountAttempt(ctx context.Context, p platform.ID, g authn.Guess) error {
	ctx = Urgent(ctx)
	return fail("taking attempt back", db.inTx(ctx, func(q conn) error {
		return settle(ctx, q, p, uncountFailed, g.Keys())
	}))
}

// countWithin leaves last_at where the window began: it is indexed, and a busy source would grow the index at each count.
const countWithin = `
INSERT INTO attempts (platform, key, failures, total, last_at, since_at, owner)
VALUES ($1, $2, 0, 1, $3, $3, $5)
ON CONFLICT (key, platform) DO UPDATE
SET total = CASE WHEN attempts.since_at > $4 THEN attempts.total + 1 ELSE 1 END,
    since_at = CASE WHEN attempts.since_at > $4 THEN attempts.since_at ELSE $3 END,
    last_at = CASE WHEN attempts.since_at > $4 THEN attempts.last_at ELSE $3 END
RETURNING total, since_at`

func countOne(ctx context.Context, q conn, p platform.ID, l authn.Limit, now time.Time) (authn.Counted, error) {
	var since time.Time
	c, err := one(ctx, q, func(c *authn.Counted) []any { return []any{&c.N, instant{&since}} },
		countWithin, string(p), l.Key, millis(now), millis(now.Add(-l.Window)), l.Owner)
	if err != nil {
		return authn.Counted{}, err
	}
	c.Until = since.Add(l.Window)
	return *c, nil
}

// counted counts one happening against each limit, all of them, whatever comes out, by key.
func counted(ctx context.Context, q conn, p platform.ID, limits []authn.Limit, now time.Time) (map[string]authn.Counted, error) {
	all := map[string]authn.Counted{}
	for _, l := range sorted(limits, func(l authn.Limit) string { return l.Key }) {
		var err error
		if all[l.Key], err = countOne(ctx, q, p, l, now); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// within counts, too. Until is when the last exceeded window is over; zero: none is exceeded.
func within(ctx context.Context, q conn, p platform.ID, limits []authn.Limit, now time.Time) (until time.Time, err error) {
	all, err := counted(ctx, q, p, limits, now)
	for _, l := range limits {
		if c := all[l.Key]; c.N > l.Max && c.Until.After(until) {
			until = c.Until
		}
	}
	return until, err
}

// countAll counts what a change is. It comes after uncount, so that all transactions lock counters in one order.
func countAll(ctx context.Context, q conn, p platform.ID, limits []authn.Limit, now time.Time) error {
	until, err := within(ctx, q, p, limits, now)
	if err == nil && !until.IsZero() {
		err = fault.Throttled
	}
	return err
}

const standing = `
SELECT total, since_at
FROM attempts
WHERE platform = $1 AND key = $2 AND since_at > $3`

// Standing says where each limit stands, in their order, and counts nothing. Where no window has begun, one that began
// now is told.
func (db *DB) Standing(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) ([]authn.Counted, error) {
	stand := make([]authn.Counted, len(limits))
	for i, l := range limits {
		since := now
		c, err := one(ctx, db.read, func(c *authn.Counted) []any { return []any{&c.N, instant{&since}} },
			standing, string(p), l.Key, millis(now.Add(-l.Window)))
		if errors.Is(err, sql.ErrNoRows) {
			c, err = &authn.Counted{}, nil
		}
		if err != nil {
			return nil, fail("looking at counters", err)
		}
		stand[i] = authn.Counted{N: c.N, Until: since.Add(l.Window)}
	}
	return stand, nil
}

// Count counts one happening against each limit in one transaction, and says where each stands, in their order.
func (db *DB) Count(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) ([]authn.Counted, error) {
	var stand []authn.Counted
	err := db.inTx(ctx, func(q conn) error {
		all, err := counted(ctx, q, p, limits, now)
		stand = nil // a transaction can be tried again
		for _, l := range limits {
			stand = append(stand, all[l.Key])
		}
		return err
	})
	return stand, fail("counting", err)
}

const uncountRight = `
UPDATE attempts
SET failures = 0,
    total = total - 1,
    blocked_until = NULL
WHERE platform = $1 AND key = $2 AND total > 0`

// uncount takes what turned out to be right out of the windows that counted it; a row of wrong ones ends with it.
func uncount(ctx context.Context, q conn, p platform.ID, keys []string) error {
	return settle(ctx, q, p, uncountRight, keys)
}

const (
	keysOfOwner = `
SELECT key
FROM attempts
WHERE platform = $1 AND owner = $2 AND owner <> ''`

	deleteAttempts = `
DELETE FROM attempts
WHERE platform = $1 AND key = $2`
)

// forgive lets all counters of these owners start again.
func forgive(ctx context.Context, q conn, p platform.ID, owners []string) error {
	var keys []string
	for _, owner := range owners {
		of, err := list(ctx, q, func(key *string) []any { return []any{key} }, keysOfOwner, string(p), owner)
		if err != nil {
			return err
		}
		keys = append(keys, of...)
	}
	return settle(ctx, q, p, deleteAttempts, keys)
}

// settle runs a statement for each counter, in their order.
func settle(ctx context.Context, q conn, p platform.ID, text string, keys []string) error {
	for _, key := range slices.Sorted(slices.Values(keys)) {
		if _, err := exec(ctx, q, text, string(p), key); err != nil {
			return err
		}
	}
	return nil
}
