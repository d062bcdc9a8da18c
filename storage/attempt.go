package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// countAttempt starts again at 1 when a block is over or the last attempt is forgotten; the attempt that reaches the
// limit sets the block; during a block the count goes on rising, which is how a blocked attempt is told from it.
const countAttempt = `
INSERT INTO attempts (platform, key, failures, last_at)
VALUES ($1, $2, 1, $3)
ON CONFLICT (key, platform) DO UPDATE
SET failures = CASE
        WHEN attempts.blocked_until <= $3 OR attempts.last_at <= $4 THEN 1
        ELSE attempts.failures + 1
    END,
    blocked_until = CASE
        WHEN attempts.blocked_until <= $3 OR attempts.last_at <= $4 THEN NULL
        WHEN attempts.failures + 1 = $5 THEN CAST($6 AS BIGINT)
        ELSE attempts.blocked_until
    END,
    last_at = $3
RETURNING failures, blocked_until`

// CountAttempt counts an attempt before it is verified, in one statement, so that of any number at once exactly
// authn.BlockAt get through; the last of those has BlockedTo set already. Later ones get fault.Throttled, with
// BlockedTo.
func (db *DB) CountAttempt(ctx context.Context, p platform.ID, key string, now time.Time) (authn.Attempts, error) {
	const attempted = "counting attempt"
	a, err := one(ctx, db.write, func(a *authn.Attempts) []any { return []any{&a.Failures, instant{&a.BlockedTo}} },
		countAttempt, string(p), key, millis(now), millis(now.Add(-authn.ForgetAfter)), authn.BlockAt, millis(now.Add(authn.BlockFor)))
	if err != nil {
		return authn.Attempts{}, fail(attempted, err)
	}
	if a.Failures > authn.BlockAt {
		return *a, fmt.Errorf("%s: %w", attempted, fault.Throttled)
	}
	return *a, nil
}

const countWithin = `
INSERT INTO attempts (platform, key, failures, last_at, since_at)
VALUES ($1, $2, 1, $3, $3)
ON CONFLICT (key, platform) DO UPDATE
SET failures = CASE WHEN attempts.since_at <= $4 THEN 1 ELSE attempts.failures + 1 END,
    since_at = CASE WHEN attempts.since_at <= $4 THEN $3 ELSE attempts.since_at END,
    last_at = $3
RETURNING failures, since_at`

// within counts one happening against each limit, all of them, whatever comes out. Until is when the last exceeded
// window is over; zero: none is exceeded.
func within(ctx context.Context, q conn, p platform.ID, limits []authn.Limit, now time.Time) (until time.Time, err error) {
	type window struct {
		count int
		since time.Time
	}
	for _, l := range sorted(limits, func(l authn.Limit) string { return l.Key }) {
		w, err := one(ctx, q, func(w *window) []any { return []any{&w.count, instant{&w.since}} },
			countWithin, string(p), l.Key, millis(now), millis(now.Add(-l.Window)))
		if err != nil {
			return time.Time{}, err
		}
		if ends := w.since.Add(l.Window); w.count > l.Max && ends.After(until) {
			until = ends
		}
	}
	return until, nil
}

// Count counts one happening against each limit in one transaction. A time that is not zero says that a limit was
// exceeded, and when the last such window is over.
func (db *DB) Count(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) (until time.Time, err error) {
	err = db.inTx(ctx, func(q conn) error {
		until, err = within(ctx, q, p, limits, now)
		return err
	})
	return until, fail("counting", err)
}

const uncountOne = `
UPDATE attempts
SET failures = failures - 1
WHERE platform = $1 AND key = $2 AND failures > 0`

// uncount takes back one happening of each counter.
func uncount(ctx context.Context, q conn, p platform.ID, counters []string) error {
	for _, key := range slices.Sorted(slices.Values(counters)) {
		if _, err := exec(ctx, q, uncountOne, string(p), key); err != nil {
			return err
		}
	}
	return nil
}

const deleteAttempts = `
DELETE FROM attempts
WHERE platform = $1 AND key = $2`

// forgive lets counters start again.
func forgive(ctx context.Context, q conn, p platform.ID, counters []string) error {
	for _, key := range slices.Sorted(slices.Values(counters)) {
		if _, err := exec(ctx, q, deleteAttempts, string(p), key); err != nil {
			return err
		}
	}
	return nil
}
