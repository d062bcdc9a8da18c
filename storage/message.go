package storage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

const insertLetter = `
INSERT INTO letters (platform, id, account, kind, medium, locale, sealed, queued_at, expires_at, next_at, tries, outcome, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, 0, '', '')`

func addLetters(ctx context.Context, q conn, p platform.ID, all []outbox.Message) error {
	for _, l := range all {
		_, err := exec(ctx, q, insertLetter, string(p), l.ID, string(l.Account), string(l.Kind), string(l.Recipient), l.Locale,
			l.Sealed, millis(l.QueuedAt), millis(l.ExpiresAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// Wish queues what a page asks the outbox for, unless a limit is exceeded; the event is recorded either way. What is
// refused uses up nothing of any limit: whoever keeps asking gets what was allowed as soon as it is. It costs the same
// for every address, known or not, and says nothing about it.
func (db *DB) Wish(ctx context.Context, l outbox.Message, limits []authn.Limit, e audit.Event, now time.Time) error {
	err := db.inTx(ctx, func(q conn) error {
		if err := countAll(ctx, q, l.Platform, limits, now); err != nil {
			return err
		}
		if err := addLetters(ctx, q, l.Platform, []outbox.Message{l}); err != nil {
			return err
		}
		return addEvents(ctx, q, []audit.Event{e})
	})
	if errors.Is(err, fault.Throttled) {
		e.Outcome, e.Reason = audit.Failure, "too many"
		err = db.inTx(ctx, func(q conn) error { return addEvents(ctx, q, []audit.Event{e}) })
	}
	return fail("queueing wish", err)
}

const letterColumns = `platform, id, account, kind, medium, locale, sealed, queued_at, expires_at, tries, outcome, reason, settled_at`

func columnsOfLetter(l *outbox.Message) []any {
	return []any{
		&l.Platform, &l.ID, &l.Account, &l.Kind, &l.Recipient, &l.Locale, &l.Sealed, instant{&l.QueuedAt}, instant{&l.ExpiresAt},
		&l.Tries, &l.Outcome, &l.Reason, instant{&l.SettledAt},
	}
}

const takeLetters = `
UPDATE letters
SET next_at = $1, tries = tries + 1
WHERE next_at <= $2
  AND id IN (
    SELECT id
    FROM letters
    WHERE next_at <= $2 AND medium = $3
    ORDER BY next_at
    LIMIT $4)
RETURNING ` + letterColumns

// TakeMessages hands out at most limit letters of a medium that are due, to this caller alone until now + lease: a node
// that dies with them only delays them. Those that were queued first come first: the newest of several codes arrives
// last. Expired ones are handed out too, to be given up.
func (db *DB) TakeMessages(ctx context.Context, m outbox.Recipient, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error) {
	all, err := list(ctx, db.write, columnsOfLetter, takeLetters, millis(now.Add(lease)), millis(now), string(m), limit)
	slices.SortStableFunc(all, func(a, b outbox.Message) int { return a.QueuedAt.Compare(b.QueuedAt) }) // RETURNING has no order
	return all, fail("taking letters", err)
}

const postponeLetter = `
UPDATE letters
SET next_at = $1, reason = $2
WHERE platform = $3 AND id = $4 AND tries = $5 AND next_at IS NOT NULL`

// PostponeMessage says when a letter that could not be sent is tried again. fault.Stale: another node has it meanwhile.
func (db *DB) PostponeMessage(ctx context.Context, l outbox.Message, reason string, next time.Time) error {
	changed, err := exec(ctx, db.write, postponeLetter, millis(next), plain(reason), string(l.Platform), l.ID, l.Tries)
	if err == nil && changed == 0 {
		err = fault.Stale
	}
	return fail("postponing letter", err)
}

const settleLetter = `
UPDATE letters
SET outcome = $1, reason = $2, settled_at = $3, next_at = NULL, sealed = NULL
WHERE platform = $4 AND id = $5 AND next_at IS NOT NULL`

// SettleMessage says how a letter ended, once, and forgets what it said. What follows from it is saved with it: the
// letter that a wish became, its ticket, an event. fault.Stale: it was settled before, and nothing is saved.
func (db *DB) SettleMessage(ctx context.Context, l outbox.Message, outcome outbox.Outcome, reason string, follows authn.Change, now time.Time) error {
	p, err := platformOf(follows)
	if err == nil && p != "" && p != l.Platform {
		err = fault.Invalid
	}
	if err != nil {
		return fail("settling letter", err)
	}
	return fail("settling letter", db.issuing(ctx, func(q conn) error {
		changed, err := exec(ctx, q, settleLetter, string(outcome), plain(reason), millis(now), string(l.Platform), l.ID)
		if err == nil && changed == 0 {
			err = fault.Stale
		}
		if err != nil {
			return err
		}
		return saveChange(ctx, q, l.Platform, follows, now)
	}))
}

const selectLetter = `
SELECT ` + letterColumns + `
FROM letters
WHERE platform = $1 AND id = $2`

// Letter finds a letter, in whatever state.
func (db *DB) Letter(ctx context.Context, p platform.ID, id string) (*outbox.Message, error) {
	l, err := one(ctx, db.read, columnsOfLetter, selectLetter, string(p), id)
	return l, fail("finding letter", err)
}

const reportLetter = `
UPDATE letters
SET reason = $1
WHERE id = $2 AND medium = 'sms' AND outcome = 'sent' AND reason <> $1`

// ReportMessage notes what a gateway reports of a text message that it took. The gateway knows the identifier, which is
// as hard to guess as a token, and not the platform. fault.NotFound: there is no such message, or nothing new.
func (db *DB) ReportMessage(ctx context.Context, id, reason string) error {
	changed, err := exec(ctx, db.write, reportLetter, plain(reason), id)
	if err == nil && changed == 0 {
		err = fault.NotFound
	}
	return fail("reporting letter", err)
}

const countLetters = `
SELECT outcome, reason, COUNT(*)
FROM letters
WHERE platform = $1 AND medium = $2 AND queued_at >= $3
GROUP BY outcome, reason
ORDER BY outcome, reason`

// MessageCount is how many letters ended in one way.
type MessageCount struct {
	Outcome outbox.Outcome `json:"outcome"` // empty: waiting
	Reason  string         `json:"reason"`
	N       int            `json:"n"`
}

// CountMessages tells what became of the letters of a platform since a moment.
func (db *DB) CountMessages(ctx context.Context, p platform.ID, m outbox.Recipient, since time.Time) ([]MessageCount, error) {
	all, err := list(ctx, db.read, func(c *MessageCount) []any { return []any{&c.Outcome, &c.Reason, &c.N} },
		countLetters, string(p), string(m), millis(since))
	return all, fail("counting letters", err)
}

const selectLetters = `
SELECT ` + letterColumns + `
FROM letters
WHERE platform = $1
ORDER BY queued_at DESC, id
LIMIT $2`

// Messages lists the newest letters of a platform, newest first.
func (db *DB) Messages(ctx context.Context, p platform.ID, limit int) ([]outbox.Message, error) {
	all, err := list(ctx, db.read, columnsOfLetter, selectLetters, string(p), limit)
	return all, fail("listing letters", err)
}

const selectOldestLetter = `
SELECT MIN(queued_at)
FROM letters
WHERE next_at IS NOT NULL`

// OldestMessage is when the oldest letter that waits was queued; zero: none waits.
func (db *DB) OldestMessage(ctx context.Context) (time.Time, error) {
	oldest, err := one(ctx, db.read, func(t *time.Time) []any { return []any{instant{t}} }, selectOldestLetter)
	if err != nil {
		return time.Time{}, fail("finding oldest letter", err)
	}
	return *oldest, nil
}
