package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const handoffColumns = `id, platform, account, session, reference, proofs, displaces, made_at, ends_at, party, jkt, challenge, name, network, nearby,
  number, claimed_at, numbers, confirmed_at, ended_at, ending`

func handoffRow(h *grant.Handoff) []any {
	return []any{
		&h.ID, &h.Platform, &h.Account, &h.Session, &h.Reference, document{&h.Proofs}, &h.Displaces, instant{&h.MadeAt}, instant{&h.EndsAt},
		&h.Party, &h.JKT, &h.Challenge, &h.Name, &h.Network, &h.Nearby, &h.Number, instant{&h.ClaimedAt}, &h.Numbers, instant{&h.ConfirmedAt},
		instant{&h.EndedAt}, &h.End,
	}
}

// handoffLives is what a handoff needs, at each step: its session, its account, and a platform that has QR codes. So
// whatever ends one of these ends it.
const (
	handoffLives = ` AND ended_at IS NULL AND ends_at > $1 AND ` + handoffStands

	handoffStands = handoffNeeds + `s.platform = handoffs.platform AND s.id = handoffs.session AND s.account = handoffs.account)`

	handoffNeeds = `EXISTS (
    SELECT 1
    FROM sessions AS s
    JOIN accounts AS a ON a.platform = s.platform AND a.id = s.account
    JOIN platforms AS p ON p.id = s.platform
    WHERE s.ended_at IS NULL AND s.ends_at > $1 AND a.state = 'active' AND a.marked_at IS NULL
      AND p.body LIKE '%"app_qr":true%' AND `
)

const (
	endHandoffs = `
UPDATE handoffs
SET ended_at = $1, ending = $2, reference = NULL, number = NULL, nearby = ''
WHERE account = $3 AND platform = $4 AND ended_at IS NULL`

	insertHandoff = `
INSERT INTO handoffs (made_at, id, platform, account, session, reference_hash, reference, proofs, displaces, ends_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
WHERE ` + handoffNeeds + `s.platform = $3 AND s.id = $5 AND s.account = $4)`
)

// MakeHandoff saves a new handoff and ends the older one of the account. fault.Refused: its session has ended, its
// account is not active or is marked, or its platform has no QR codes (any more). fault.Throttled: it made too many.
func (db *DB) MakeHandoff(ctx context.Context, m grant.Make, now time.Time) error {
	h := m.Handoff
	return fail("making handoff", db.inTx(ctx, func(q conn) error {
		held, err := lockAccount(ctx, q, h.Platform, h.Account, false, now)
		if err != nil {
			return err
		}
		if !held.exists || held.state != account.Active || !held.markedAt.IsZero() {
			return fault.Refused
		}
		if _, err := exec(ctx, q, endHandoffs, millis(now), string(grant.HandoffReplaced), string(h.Account), string(h.Platform)); err != nil {
			return err
		}
		added, err := exec(ctx, q, insertHandoff, millis(h.MadeAt), string(h.ID), string(h.Platform), string(h.Account), h.Session, m.Hash,
			h.Reference, document{&h.Proofs}, string(h.Displaces), millis(h.EndsAt))
		if err == nil && added == 0 {
			err = fault.Refused
		}
		if err != nil {
			return err
		}
		return saveChange(ctx, q, h.Platform, m.Follows, now)
	}))
}

const selectHandoff = `
SELECT ` + handoffColumns + `
FROM handoffs
WHERE platform = $1 AND id = $2 AND account = $3 AND session = $4`

// Handoff finds a handoff of a session, whether it has ended or not, until a day after its end.
func (db *DB) Handoff(ctx context.Context, p platform.ID, id grant.HandoffID, of account.ID, sid string) (*grant.Handoff, error) {
	h, err := one(ctx, db.read, handoffRow, selectHandoff, string(p), string(id), string(of), sid)
	return h, fail("finding handoff", err)
}

const (
	selectReference = `
SELECT id
FROM handoffs
WHERE reference_hash = $1 AND platform = $2`

	claimHandoff = `
UPDATE handoffs
SET party = $2, jkt = $3, challenge = $4, name = $5, network = $6, nearby = $7, number = $8, claimed_at = $1, ends_at = $9,
    poll_after = $10, reference = NULL
WHERE platform = $11 AND id = $12 AND reference_hash = $13 AND claimed_at IS NULL` + handoffLives + `
RETURNING ` + handoffColumns
)

// ClaimHandoff spends a reference for one phone, in one statement. fault.NotFound: there is no such reference, or it
// was claimed, has ended or is too old.
func (db *DB) ClaimHandoff(ctx context.Context, c grant.Claiming) (*grant.Handoff, error) {
	const attempted = "claiming handoff"
	id, err := one(ctx, db.read, func(id *grant.HandoffID) []any { return []any{id} }, selectReference, c.Hash, string(c.Platform))
	if err != nil {
		return nil, fail(attempted, err)
	}
	var h *grant.Handoff
	err = db.inTx(ctx, func(q conn) error {
		h, err = one(ctx, q, handoffRow, claimHandoff, millis(c.Now), string(c.Party), c.JKT, c.Challenge, c.Name, c.Network, c.Nearby, c.Seal(*id),
			millis(c.Now.Add(grant.ClaimLife)), grant.PollEvery.Milliseconds(), string(c.Platform), string(*id), c.Hash)
		if err != nil {
			return err
		}
		e := c.Event
		e.Account, e.Session = h.Account, h.Session
		return addEvents(ctx, q, []audit.Event{e})
	})
	return h, fail(attempted, err)
}

const (
	countNumber = `
UPDATE handoffs
SET numbers = numbers + 1
WHERE platform = $2 AND id = $3 AND account = $4 AND session = $5 AND claimed_at IS NOT NULL AND confirmed_at IS NULL
  AND numbers < $6` + handoffLives + `
RETURNING number, numbers`

	confirmHandoff = `
UPDATE handoffs
SET confirmed_at = $1, number = NULL
WHERE platform = $2 AND id = $3 AND confirmed_at IS NULL`

	endByNumber = `
UPDATE handoffs
SET ended_at = $1, ending = 'wrong', number = NULL, nearby = ''
WHERE platform = $2 AND id = $3`
)

// ConfirmHandoff takes a number that its owner typed. Tries are counted before they are compared, and one at a time:
// the row is held until the transaction ends. fault.Stale: it is not waiting for a number, or not any more.
func (db *DB) ConfirmHandoff(ctx context.Context, c grant.Confirming) (right bool, end grant.HandoffEnd, err error) {
	type row struct {
		sealed []byte
		tries  int
	}
	err = db.inTx(ctx, func(q conn) error {
		right, end = false, ""
		r, err := one(ctx, q, func(r *row) []any { return []any{&r.sealed, &r.tries} }, countNumber, millis(c.Now), string(c.Platform), string(c.ID),
			string(c.Account), c.Session, grant.MaxNumbers)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Stale
		}
		if err != nil {
			return err
		}
		if right, err = c.Right(r.sealed); err != nil {
			return err
		}
		text := ""
		switch {
		case right:
			text = confirmHandoff
		case r.tries >= grant.MaxNumbers:
			text, end = endByNumber, grant.HandoffWrong
		}
		if text != "" {
			if _, err := exec(ctx, q, text, millis(c.Now), string(c.Platform), string(c.ID)); err != nil {
				return err
			}
		}
		return addEvents(ctx, q, c.Events(right, end))
	})
	return right, end, fail("confirming handoff", err)
}

const (
	stopHandoff = `
UPDATE handoffs
SET ended_at = $1, ending = 'stopped', reference = NULL, number = NULL, nearby = ''
WHERE platform = $2 AND id = $3 AND account = $4 AND session = $5 AND ended_at IS NULL AND ends_at > $1`

	leaveHandoff = `
UPDATE handoffs
SET ended_at = $1, ending = 'left', number = NULL, nearby = ''
WHERE platform = $2 AND id = $3 AND party = $4 AND jkt = $5 AND challenge = $6 AND claimed_at IS NOT NULL AND ended_at IS NULL AND ends_at > $1
RETURNING account, session`
)

// StopHandoff ends a handoff by its owner, in the session in which it was made. One that has ended is left as it is,
// without an event.
func (db *DB) StopHandoff(ctx context.Context, h *grant.Handoff, e audit.Event, now time.Time) error {
	return fail("stopping handoff", db.inTx(ctx, func(q conn) error {
		stopped, err := exec(ctx, q, stopHandoff, millis(now), string(h.Platform), string(h.ID), string(h.Account), h.Session)
		if err != nil || stopped == 0 {
			return err
		}
		return addEvents(ctx, q, []audit.Event{e})
	}))
}

// LeaveHandoff ends a handoff on the phone that claimed it. One that has ended, or is another's, is left as it is,
// without an event.
func (db *DB) LeaveHandoff(ctx context.Context, p grant.Poll, e audit.Event) error {
	return fail("leaving handoff", db.inTx(ctx, func(q conn) error {
		h, err := one(ctx, q, func(h *grant.Handoff) []any { return []any{&h.Account, &h.Session} }, leaveHandoff,
			millis(p.Now), string(p.Platform), string(p.ID), string(p.Party), p.JKT, p.Challenge)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		e.Account, e.Session = h.Account, h.Session
		return addEvents(ctx, q, []audit.Event{e})
	}))
}

const (
	// A poll may come a second early: the network does not deliver in time with the phone.
	pollHandoff = `
UPDATE handoffs
SET hurried = CASE WHEN polled_at + poll_after - 1000 > $1 THEN 1 ELSE 0 END,
    poll_after = CASE WHEN polled_at + poll_after - 1000 > $1 THEN poll_after + $2 ELSE poll_after END,
    polled_at = $1
WHERE platform = $3 AND id = $4 AND party = $5 AND jkt = $6 AND challenge = $7
RETURNING ` + handoffColumns + `, hurried, CASE WHEN ` + handoffStands + ` THEN 1 ELSE 0 END`

	redeemHandoff = `
UPDATE handoffs
SET ended_at = $1, ending = 'done', nearby = ''
WHERE platform = $2 AND id = $3 AND party = $4 AND jkt = $5 AND challenge = $6 AND confirmed_at IS NOT NULL` + handoffLives
)

// polled is how a handoff stands, to the phone that claimed it.
type polled struct {
	grant.Handoff
	hurried, lives bool
}

// PollHandoff finds the handoff that a phone asks about. hurried: it came too soon after the one before, and the time
// between two is longer from now on. fault.Refused: its session or account is gone. fault.NotFound: it is none of this
// phone.
func (db *DB) PollHandoff(ctx context.Context, p grant.Poll) (h *grant.Handoff, hurried bool, err error) {
	const attempted = "polling handoff"
	r, err := one(ctx, db.write, func(r *polled) []any {
		return append(handoffRow(&r.Handoff), &r.hurried, &r.lives)
	}, pollHandoff, millis(p.Now), grant.SlowDownBy.Milliseconds(), string(p.Platform), string(p.ID), string(p.Party), p.JKT, p.Challenge)
	if err != nil {
		return nil, false, fail(attempted, err)
	}
	if !r.lives && r.Ended(p.Now) == "" {
		err = fmt.Errorf("%s: its session or account has ended: %w", attempted, fault.Refused)
	}
	return &r.Handoff, r.hurried, err
}

// RedeemHandoff gives a phone its answer, once: the device is made or renewed in the same transaction. fault.Stale: it
// was not confirmed, was answered before, or has ended. fault.Throttled: as RedeemForDevice.
func (db *DB) RedeemHandoff(ctx context.Context, p grant.Poll, a grant.Admission) (*grant.Device, error) {
	d, err := db.admitDevice(ctx, a, p.Now, func(q conn) error {
		n, err := exec(ctx, q, redeemHandoff, millis(p.Now), string(p.Platform), string(p.ID), string(p.Party), p.JKT, p.Challenge)
		if err == nil && n == 0 {
			err = fault.Stale
		}
		return err
	})
	return d, fail("redeeming handoff", err)
}

const (
	selectOverdueHandoffs = `
SELECT id, platform, account, session
FROM handoffs
WHERE ended_at IS NULL AND ends_at <= $1
ORDER BY ends_at
LIMIT $2`

	expireHandoff = `
UPDATE handoffs
SET ended_at = $1, ending = 'expired', reference = NULL, number = NULL, nearby = ''
WHERE platform = $2 AND id = $3 AND ended_at IS NULL AND ends_at <= $1`
)

// ExpireHandoffs notes of handoffs that their time is over, at most limit, and tells how many there were.
func (db *DB) ExpireHandoffs(ctx context.Context, now time.Time, limit int) (int, error) {
	all, err := list(ctx, db.batch, func(h *grant.Handoff) []any { return []any{&h.ID, &h.Platform, &h.Account, &h.Session} },
		selectOverdueHandoffs, millis(now), limit)
	if err != nil {
		return 0, fail("finding overdue handoffs", err)
	}
	for _, h := range all {
		err := db.inTx(ctx, func(q conn) error {
			expired, err := exec(ctx, q, expireHandoff, millis(now), string(h.Platform), string(h.ID))
			if err != nil || expired == 0 {
				return err
			}
			return addEvents(ctx, q, []audit.Event{{
				At: now, Platform: h.Platform, Kind: audit.HandoffExpired, Actor: "system", Account: h.Account, Session: h.Session, Outcome: audit.Failure,
			}})
		})
		if err != nil {
			return 0, fail("expiring handoff", err)
		}
	}
	return len(all), nil
}
