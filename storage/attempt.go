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
// are allowed; what turns out to be right is taken back afterwards. It counts in three ways: in a row, until one is
// right (failures), within a window that the first one starts (total, since since_at), and in a bucket that refills bit
// by bit (full_at: when nothing of it will be used up any more). Counters of passwords, by CountAttempt, know a row and
// a bucket, and can be blocked; the others are a window or a bucket.
//
// Transactions lock counters in the order of their keys, after CountAttempt locked the first one of a guess: a source's
// key must sort after those of addresses.

// countAttempt starts the row again at 1 when a block is over or the last attempt is forgotten. The attempt that
// reaches a limit sets the block, the later one of two. During a block nothing is counted, and no row comes back. The
// window of a day bounds nothing here: the release before reads it.
const countAttempt = `
INSERT INTO attempts (platform, key, owner, failures, total, last_at, since_at, full_at)
VALUES ($1, $2, $3, 1, 1, $4, $4, $5)
ON CONFLICT (key, platform) DO UPDATE
SET owner = $3,
    failures = CASE
        WHEN attempts.blocked_until IS NULL AND attempts.last_at > $6 THEN attempts.failures + 1
        ELSE 1
    END,
    total = CASE WHEN attempts.since_at > $6 THEN attempts.total + 1 ELSE 1 END,
    since_at = CASE WHEN attempts.since_at > $6 THEN attempts.since_at ELSE $4 END,
    full_at = CASE WHEN attempts.full_at > $4 THEN attempts.full_at + $7 ELSE $5 END,
    blocked_until = CASE
        WHEN attempts.full_at + $7 - $8 >= $9 THEN attempts.full_at + $7 - $8
        WHEN attempts.blocked_until IS NULL AND attempts.last_at > $6 AND attempts.failures + 1 >= $10 THEN CAST($9 AS BIGINT)
        WHEN attempts.full_at + $7 - $8 > $4 THEN attempts.full_at + $7 - $8
    END,
    last_at = $4
WHERE (attempts.blocked_until IS NULL OR attempts.blocked_until <= $4) AND attempts.full_at - $8 <= $4
RETURNING failures, blocked_until`

const blockedUntil = `
SELECT blocked_until, full_at
FROM attempts
WHERE platform = $1 AND key = $2`

// bucket is that of verified guesses.
var bucket = authn.Limit{Max: authn.AtOnce, Every: authn.Refill}

// CountAttempt counts a guess before it is verified, at the address and at its source, in one transaction: of any
// number at once exactly authn.BlockAt get through, and in any 24 hours authn.PerDay at most; one after which others
// have to wait has BlockedTo set already. Later ones get fault.Throttled, with BlockedTo, and count nowhere.
func (db *DB) CountAttempt(ctx context.Context, p platform.ID, g authn.Guess, now time.Time) (authn.Attempts, error) {
	const attempted = "counting attempt"
	if db.dialect.writesInWith {
		a, err := countAtOnce(ctx, db.write, p, g, now)
		if !errors.Is(err, sql.ErrNoRows) { // otherwise it is refused: until when, the transaction tells
			return a, fail(attempted, err)
		}
	}
	var counted authn.Attempts
	err := db.inTx(ctx, func(q conn) error {
		a, err := one(ctx, q, func(a *authn.Attempts) []any { return []any{&a.Failures, instant{&a.BlockedTo}} },
			countAttempt, guessValues(p, g, now)...)
		if errors.Is(err, sql.ErrNoRows) {
			if counted.BlockedTo, err = blocked(ctx, q, p, g.Counter); err == nil {
				err = fault.Throttled
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

// guessValues are those of countAttempt.
func guessValues(p platform.ID, g authn.Guess, now time.Time) []any {
	return []any{
		string(p), g.Counter, g.Owner, millis(now), millis(now.Add(bucket.Every)), millis(now.Add(-authn.ForgetAfter)),
		bucket.Every.Milliseconds(), bucket.Slack().Milliseconds(), millis(now.Add(authn.BlockFor)), authn.BlockAt,
	}
}

// countGuess is countAttempt and, if that counts, countWithin at the source, as one statement; no row: neither counted.
// The counter of the address is locked first, because that of the source waits for what it returns.
var countGuess = "WITH guess AS (" + countAttempt + "),\nsource AS (" + shifted(intoWindow+`
SELECT $1, $2, 0, 1, $3, $3, $5
FROM guess`+ofWindow, 10) + `)
SELECT guess.failures, guess.blocked_until, source.total
FROM guess
CROSS JOIN source`

// countAtOnce runs countGuess; sql.ErrNoRows: neither counted.
func countAtOnce(ctx context.Context, q conn, p platform.ID, g authn.Guess, now time.Time) (authn.Attempts, error) {
	source := []any{string(p), g.Source, millis(now), millis(now.Add(-authn.SourceFor)), ""}
	a, err := one(ctx, q, func(a *authn.Attempts) []any { return []any{&a.Failures, instant{&a.BlockedTo}, &a.Source} },
		countGuess, append(guessValues(p, g, now), source...)...)
	if err != nil {
		return authn.Attempts{}, err
	}
	return *a, nil
}

// blocked is until when a counter of passwords refuses.
func blocked(ctx context.Context, q conn, p platform.ID, key string) (time.Time, error) {
	var full time.Time
	until, err := one(ctx, q, func(until *time.Time) []any { return []any{instant{until}, instant{&full}} }, blockedUntil, string(p), key)
	if err != nil {
		return time.Time{}, err
	}
	if refilled := full.Add(-bucket.Slack()); refilled.After(*until) {
		return refilled, nil
	}
	return *until, nil
}

const uncountFailed = `
UPDATE attempts
SET failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END,
    total = total - 1,
    full_at = CASE WHEN full_at > $1 THEN full_at - $1 ELSE 0 END,
    blocked_until = NULL
WHERE platform = $2 AND key = $3 AND total > 0`

// Uncount takes a try back that was counted, because we could not verify it, or could not save what was right. A block
// that it set ends.
func (db *DB) Uncount(ctx context.Context, p platform.ID, keys []string) error {
	ctx = Urgent(ctx)
	return fail("taking try back", db.inTx(ctx, func(q conn) error {
		return settle(ctx, q, uncountFailed, keys, bucket.Every.Milliseconds(), string(p))
	}))
}

// countWithin leaves last_at where the window began: it is indexed, and a busy source would grow the index at each
// count.
const (
	intoWindow = `
INSERT INTO attempts (platform, key, failures, total, last_at, since_at, owner)`
	ofWindow = `
ON CONFLICT (key, platform) DO UPDATE
SET total = CASE WHEN attempts.since_at > $4 THEN attempts.total + 1 ELSE 1 END,
    since_at = CASE WHEN attempts.since_at > $4 THEN attempts.since_at ELSE $3 END,
    last_at = CASE WHEN attempts.since_at > $4 THEN attempts.last_at ELSE $3 END
RETURNING total, since_at`
	countWithin = intoWindow + `
VALUES ($1, $2, 0, 1, $3, $3, $5)` + ofWindow
)

// countRefilled counts where the bucket has room for one more.
const countRefilled = `
INSERT INTO attempts (platform, key, failures, total, last_at, full_at, owner)
VALUES ($1, $2, 0, 1, $3, $4, $5)
ON CONFLICT (key, platform) DO UPDATE
SET full_at = CASE WHEN attempts.full_at > $3 THEN attempts.full_at + $6 ELSE $4 END,
    last_at = $3
WHERE attempts.full_at - $7 <= $3
RETURNING full_at`

const fullAt = `
SELECT full_at
FROM attempts
WHERE platform = $1 AND key = $2`

// countRefill counts one happening in a bucket. One too many is told as such, and not counted.
func countRefill(ctx context.Context, q conn, p platform.ID, l authn.Limit, now time.Time) (authn.Counted, error) {
	scan := func(at *time.Time) []any { return []any{instant{at}} }
	full, err := one(ctx, q, scan, countRefilled, string(p), l.Key, millis(now), millis(now.Add(l.Every)), l.Owner,
		l.Every.Milliseconds(), l.Slack().Milliseconds())
	if err == nil {
		return refilling(l, *full, now), nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return authn.Counted{}, err
	}
	if full, err = one(ctx, q, scan, fullAt, string(p), l.Key); err != nil {
		return authn.Counted{}, err
	}
	return authn.Counted{N: l.Max + 1, Until: full.Add(-l.Slack())}, nil
}

// refilling is where a bucket stands that is full again at a moment.
func refilling(l authn.Limit, full, now time.Time) authn.Counted {
	c := authn.Counted{Until: full.Add(-l.Slack())}
	if used := full.Sub(now); used > 0 {
		c.N = int((used + l.Every - 1) / l.Every)
	}
	if c.Until.Before(now) {
		c.Until = now
	}
	return c
}

func countOne(ctx context.Context, q conn, p platform.ID, l authn.Limit, now time.Time) (authn.Counted, error) {
	if l.Every > 0 {
		return countRefill(ctx, q, p, l, now)
	}
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

// within counts, too. Until is when the last exceeded limit lets one more pass; zero: none is exceeded.
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

// LimitCounts says where each limit stands, in their order, and counts nothing. Where no window has begun, one that
// began now is told. It is for windows only.
func (db *DB) LimitCounts(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) ([]authn.Counted, error) {
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
    full_at = CASE WHEN full_at > $1 THEN full_at - $1 ELSE 0 END,
    blocked_until = NULL
WHERE platform = $2 AND key = $3 AND total > 0`

// uncount takes what turned out to be right out of what counted it; a row of wrong ones ends with it.
func uncount(ctx context.Context, q conn, p platform.ID, keys []string) error {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	for i, key := range keys {
		right := step{text: uncountRight, args: []any{bucket.Every.Milliseconds(), string(p), key}}
		run := do
		if i > 0 && keys[i-1] == key { // what counted twice is a row that two steps would write
			run = func(ctx context.Context, q conn, s step) error { return s.run(ctx, q) }
		}
		if err := run(ctx, q, right); err != nil {
			return err
		}
	}
	return nil
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

// forgive lets all counters of these owners start again, and those with these keys.
func forgive(ctx context.Context, q conn, p platform.ID, owners, fresh []string) error {
	keys := slices.Clone(fresh)
	for _, owner := range owners {
		of, err := list(ctx, q, func(key *string) []any { return []any{key} }, keysOfOwner, string(p), owner)
		if err != nil {
			return err
		}
		keys = append(keys, of...)
	}
	return settle(ctx, q, deleteAttempts, keys, string(p))
}

// settle runs a statement for each counter, in their order. The key is its last argument.
func settle(ctx context.Context, q conn, text string, keys []string, args ...any) error {
	for _, key := range slices.Sorted(slices.Values(keys)) {
		if _, err := exec(ctx, q, text, append(slices.Clone(args), key)...); err != nil {
			return err
		}
	}
	return nil
}
