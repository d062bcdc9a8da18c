package storage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

const insertMessage = `
INSERT INTO letters (platform, id, account, kind, medium, locale, sealed, queued_at, expires_at, party, session, next_at, tries, outcome, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $8, 0, '', '')`

func addMessages(ctx context.Context, q conn, p platform.ID, all []outbox.Message) error {
	for _, m := range all {
		_, err := exec(ctx, q, insertMessage, string(p), m.ID, string(m.Account), string(m.Kind), string(m.Recipient), m.Locale,
			m.Sealed, millis(m.QueuedAt), millis(m.ExpiresAt), m.Party, m.Session)
		if err != nil {
			return err
		}
	}
	return nil
}

// RequestMail queues what a page asks the outbox for, unless a limit is exceeded; the event is recorded either way. What is
// refused uses up nothing of any limit: whoever keeps asking gets what was allowed as soon as it is. It costs the same
// for every address, known or not, and says nothing about it.
func (db *DB) RequestMail(ctx context.Context, m outbox.Message, limits []authn.Limit, e audit.Event, now time.Time) error {
	err := db.inTx(ctx, func(q conn) error {
		if err := countAll(ctx, q, m.Platform, limits, now); err != nil {
			return err
		}
		if err := addMessages(ctx, q, m.Platform, []outbox.Message{m}); err != nil {
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

const messageColumns = `platform, id, account, kind, medium, locale, sealed, queued_at, expires_at, tries, outcome, reason, settled_at, party, session, idled_at`

func columnsOfMessage(m *outbox.Message) []any {
	return []any{
		&m.Platform, &m.ID, &m.Account, &m.Kind, &m.Recipient, &m.Locale, &m.Sealed, instant{&m.QueuedAt}, instant{&m.ExpiresAt},
		&m.Tries, &m.Outcome, &m.Reason, instant{&m.SettledAt}, &m.Party, &m.Session, instant{&m.IdledAt},
	}
}

const takeMessages = `
UPDATE letters
SET next_at = $1, tries = tries + 1
WHERE next_at <= $2
  AND id IN (
    SELECT id
    FROM letters
    WHERE next_at <= $2 AND medium = $3
    ORDER BY next_at
    LIMIT $4)
RETURNING ` + messageColumns

// TakeMessages hands out at most limit messages of a medium that are due, to this caller alone until now + lease: a node
// that dies with them only delays them. Those that were queued first come first: the newest of several codes arrives
// last. Expired ones are handed out too, to be given up.
func (db *DB) TakeMessages(ctx context.Context, to outbox.Recipient, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error) {
	all, err := list(ctx, db.write, columnsOfMessage, takeMessages, millis(now.Add(lease)), millis(now), string(to), limit)
	slices.SortStableFunc(all, func(a, b outbox.Message) int { return a.QueuedAt.Compare(b.QueuedAt) }) // RETURNING has no order
	return all, fail("taking letters", err)
}

const selectQueues = `
SELECT DISTINCT platform, party
FROM letters
WHERE next_at <= $1 AND medium = $2
ORDER BY platform, party`

// MessageQueues lists who has messages of a medium that are due: each is a queue of its own, because a slow one must not
// delay another.
func (db *DB) MessageQueues(ctx context.Context, to outbox.Recipient, now time.Time) ([]outbox.Queue, error) {
	all, err := list(ctx, db.read, func(q *outbox.Queue) []any { return []any{&q.Platform, &q.Party} },
		selectQueues, millis(now), string(to))
	for i := range all {
		all[i].Recipient = to
	}
	return all, fail("listing queues of letters", err)
}

const takeMessagesOf = `
UPDATE letters
SET next_at = $1, tries = tries + 1
WHERE next_at <= $2
  AND id IN (
    SELECT id
    FROM letters
    WHERE next_at <= $2 AND medium = $3 AND platform = $4 AND party = $5
    ORDER BY next_at
    LIMIT $6)
RETURNING ` + messageColumns

// TakeMessagesOf is TakeMessages for one queue.
func (db *DB) TakeMessagesOf(ctx context.Context, of outbox.Queue, lease time.Duration, limit int, now time.Time) ([]outbox.Message, error) {
	all, err := list(ctx, db.write, columnsOfMessage, takeMessagesOf, millis(now.Add(lease)), millis(now),
		string(of.Recipient), string(of.Platform), of.Party, limit)
	slices.SortStableFunc(all, func(a, b outbox.Message) int { return a.QueuedAt.Compare(b.QueuedAt) })
	return all, fail("taking letters", err)
}

const postponeMessage = `
UPDATE letters
SET next_at = $1, reason = $2
WHERE platform = $3 AND id = $4 AND tries = $5 AND next_at IS NOT NULL`

// PostponeMessage says when a message that could not be sent is tried again. fault.Stale: another node has it meanwhile.
func (db *DB) PostponeMessage(ctx context.Context, m outbox.Message, reason string, next time.Time) error {
	changed, err := exec(ctx, db.write, postponeMessage, millis(next), plain(reason), string(m.Platform), m.ID, m.Tries)
	if err == nil && changed == 0 {
		err = fault.Stale
	}
	return fail("postponing letter", err)
}

const settleMessage = `
UPDATE letters
SET outcome = $1, reason = $2, settled_at = $3, next_at = NULL, sealed = NULL
WHERE platform = $4 AND id = $5 AND next_at IS NOT NULL`

// SettleMessage says how a message ended, once, and forgets what it said. What follows from it is saved with it: the
// message that a request became, its ticket, an event. fault.Stale: it was settled before, and nothing is saved.
func (db *DB) SettleMessage(ctx context.Context, m outbox.Message, outcome outbox.Outcome, reason string, follows authn.Change, now time.Time) error {
	p, err := platformOf(follows)
	if err == nil && p != "" && p != m.Platform {
		err = fault.Invalid
	}
	if err != nil {
		return fail("settling letter", err)
	}
	return fail("settling letter", db.issuing(ctx, func(q conn) error {
		changed, err := exec(ctx, q, settleMessage, string(outcome), plain(reason), millis(now), string(m.Platform), m.ID)
		if err == nil && changed == 0 {
			err = fault.Stale
		}
		if err != nil {
			return err
		}
		if err := saveChange(ctx, q, m.Platform, follows, now); err != nil {
			return err
		}
		if to := settledInvitation(m, outcome); to != "" {
			return stage(ctx, q, m.Platform, m.Account, to, now)
		}
		return nil
	}))
}

const selectMessage = `
SELECT ` + messageColumns + `
FROM letters
WHERE platform = $1 AND id = $2`

// Message finds a message, in whatever state.
func (db *DB) Message(ctx context.Context, p platform.ID, id string) (*outbox.Message, error) {
	m, err := one(ctx, db.read, columnsOfMessage, selectMessage, string(p), id)
	return m, fail("finding letter", err)
}

const reportMessage = `
UPDATE letters
SET reason = $1
WHERE id = $2 AND medium = 'sms' AND outcome = 'sent' AND reason <> $1`

// ReportMessage notes what a gateway reports of a text message that it took. The gateway knows the identifier, which is
// as hard to guess as a token, and not the platform. fault.NotFound: there is no such message, or nothing new.
func (db *DB) ReportMessage(ctx context.Context, id, reason string) error {
	changed, err := exec(ctx, db.write, reportMessage, plain(reason), id)
	if err == nil && changed == 0 {
		err = fault.NotFound
	}
	return fail("reporting letter", err)
}

const countMessages = `
SELECT outcome, reason, COUNT(*)
FROM letters
WHERE platform = $1 AND medium = $2 AND queued_at >= $3
GROUP BY outcome, reason
ORDER BY outcome, reason`

// MessageCount is how many messages ended in one way.
type MessageCount struct {
	Outcome outbox.Outcome `json:"outcome"` // empty: waiting
	Reason  string         `json:"reason"`
	N       int            `json:"n"`
}

// CountMessages tells what became of the messages of a platform since a moment.
func (db *DB) CountMessages(ctx context.Context, p platform.ID, to outbox.Recipient, since time.Time) ([]MessageCount, error) {
	all, err := list(ctx, db.read, func(c *MessageCount) []any { return []any{&c.Outcome, &c.Reason, &c.N} },
		countMessages, string(p), string(to), millis(since))
	return all, fail("counting letters", err)
}

const selectMessages = `
SELECT ` + messageColumns + `
FROM letters
WHERE platform = $1
ORDER BY queued_at DESC, id
LIMIT $2`

// Messages lists the newest messages of a platform, newest first.
func (db *DB) Messages(ctx context.Context, p platform.ID, limit int) ([]outbox.Message, error) {
	all, err := list(ctx, db.read, columnsOfMessage, selectMessages, string(p), limit)
	return all, fail("listing letters", err)
}

const receiptColumns = `l.party, l.session, l.outcome, l.settled_at`

func columnsOfReceipt(r *outbox.Receipt) []any {
	return []any{&r.Party, &r.Session, &r.Outcome, instant{&r.SettledAt}}
}

const selectReceipts = `
SELECT ` + receiptColumns + `
FROM letters AS l
WHERE l.account = $1 AND l.platform = $2 AND l.kind = $3
ORDER BY l.queued_at DESC, l.id
LIMIT $4`

// Receipts tells which parties were told of sessions of an account that ended, the newest first, and whether they
// confirmed it.
func (db *DB) Receipts(ctx context.Context, p platform.ID, of account.ID, limit int) ([]outbox.Receipt, error) {
	all, err := list(ctx, db.read, columnsOfReceipt, selectReceipts, string(of), string(p), string(outbox.Logout), limit)
	return all, fail("reading receipts of account", err)
}

const selectReceiptsOfCookie = `
SELECT ` + receiptColumns + `
FROM sessions AS s
JOIN letters AS l ON l.account = s.account AND l.platform = s.platform AND l.session = s.id AND l.kind = $1
WHERE s.cookie_hash = $2 AND s.platform = $3 AND s.ended_at > $4
ORDER BY l.party
LIMIT 100`

// ReceiptsOfCookie is Receipts for the session that a browser had, if it ended after a moment. Who knows the session's
// name only, as its parties do, learns nothing.
func (db *DB) ReceiptsOfCookie(ctx context.Context, p platform.ID, cookieHash []byte, after time.Time) ([]outbox.Receipt, error) {
	all, err := list(ctx, db.read, columnsOfReceipt, selectReceiptsOfCookie, string(outbox.Logout), cookieHash, string(p), millis(after))
	return all, fail("reading receipts of session", err)
}

// Those that were queued to be due later (see Admit) wait for nobody before somebody tried to send them.
const selectOldestMessage = `
SELECT MIN(queued_at)
FROM letters
WHERE next_at IS NOT NULL AND (tries > 0 OR next_at = queued_at)`

// OldestMessage is when the oldest message that waits was queued; zero: none waits.
func (db *DB) OldestMessage(ctx context.Context) (time.Time, error) {
	oldest, err := one(ctx, db.read, func(t *time.Time) []any { return []any{instant{t}} }, selectOldestMessage)
	if err != nil {
		return time.Time{}, fail("finding oldest letter", err)
	}
	return *oldest, nil
}
