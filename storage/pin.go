package storage

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
)

const (
	// The PIN is chosen with the newest token of the device, once.
	setPIN = `
UPDATE app_devices
SET pin = $1, pin_set_at = $2, setup_used_at = $2, seen_at = $2, tries = 0, tried = '', comparing = '', session = ''
WHERE platform = $3 AND id = $4 AND jkt = $5 AND setup_hash = $6 AND setup_used_at IS NULL AND setup_ends_at > $2 AND ended_at IS NULL`

	selectSetup = `
SELECT d.account, d.party, d.session, d.pin
FROM app_devices AS d
WHERE d.platform = $1 AND d.id = $2 AND d.jkt = $3 AND d.setup_hash = $4 AND d.setup_ends_at > $5 AND d.ended_at IS NULL`
)

// SetPIN chooses the PIN of a device; what it had by the one before ends, and its tries start again. fault.Spent: it
// was chosen with this token before, and the sealed key of that is returned. fault.NotFound: the token is not, or not
// any more, the one of a device with this key.
func (db *DB) SetPIN(ctx context.Context, c grant.PINChange) (kept []byte, err error) {
	type row struct {
		account account.ID
		party   grant.PartyID
		session string
		pin     []byte
	}
	const attempted = "choosing a PIN"
	find := func(q conn) (*row, error) {
		return one(ctx, q, func(r *row) []any { return []any{&r.account, &r.party, &r.session, &r.pin} }, selectSetup,
			string(c.Platform), string(c.Device), c.JKT, c.SetupHash, millis(c.Now))
	}
	first, err := find(db.read)
	if err == nil && !c.Allowed(first.party) {
		err = fault.NotFound
	}
	if err != nil {
		return nil, fail(attempted, err)
	}
	err = db.inTx(ctx, func(q conn) error {
		h, err := lockAccount(ctx, q, c.Platform, first.account, false, c.Now)
		if err != nil {
			return err
		}
		if !h.exists || h.state != account.Active {
			return fault.NotFound
		}
		r, err := find(q)
		if err != nil {
			return err
		}
		set, err := exec(ctx, q, setPIN, c.Seal(r.account), millis(c.Now), string(c.Platform), string(c.Device), c.JKT, c.SetupHash)
		if err != nil {
			return err
		}
		if set == 0 {
			kept = r.pin
			return fault.Spent
		}
		if err := endOwnSession(ctx, q, c.Platform, r.session, endPINChosen, c.Now); err != nil {
			return err
		}
		c.Event.Account, c.Event.Actor, c.Event.Party = r.account, string(r.account), string(r.party)
		return addEvents(ctx, q, []audit.Event{c.Event})
	})
	return kept, fail(attempted, err)
}

const (
	countTry = `
UPDATE app_devices
SET tries = tries + 1, tried = tried || ' ' || CAST($1 AS TEXT), comparing = $2, comparing_ends = $3
WHERE platform = $4 AND id = $5 AND ended_at IS NULL AND pin IS NOT NULL AND tries < $6
  AND (comparing = '' OR comparing_ends <= $1) AND jkt = $7 AND setup_hash = $8 AND pin_set_at = $9
RETURNING pin, tries, tried, session`

	selectTries = `
SELECT d.tries, CASE WHEN d.pin IS NULL THEN 0 ELSE 1 END, CASE WHEN d.comparing = '' OR d.comparing_ends <= $1 THEN 0 ELSE 1 END,
       CASE WHEN d.jkt = $2 AND d.setup_hash = $3 AND d.pin_set_at = $4 THEN 1 ELSE 0 END
FROM app_devices AS d
WHERE d.platform = $5 AND d.id = $6 AND d.ended_at IS NULL`
)

// CountTry counts a try at the PIN of a device before it is compared. fault.Throttled: another one is being compared,
// and this one was not counted. fault.Refused: as many were wrong, or lost with their node, as a device stands.
// fault.Stale: somebody signed in on the device again, or chose its PIN, since it was read, so that its level may be
// another; nothing was counted. fault.NotFound: the device is gone, or has no PIN.
func (db *DB) CountTry(ctx context.Context, d *grant.Device, token string, now time.Time) (*grant.Try, error) {
	const attempted = "counting a PIN"
	type row struct {
		sealed  []byte
		tries   int
		tried   string
		session string
	}
	counted, err := one(ctx, db.write, func(r *row) []any { return []any{&r.sealed, &r.tries, &r.tried, &r.session} }, countTry,
		millis(now), token, millis(now.Add(grant.ComparingLife)), string(d.Platform), string(d.ID), grant.MaxTries,
		d.JKT, d.SetupHash, millis(d.PINSetAt))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fail(attempted, db.whyNotCounted(ctx, d, now))
	}
	if err != nil {
		return nil, fail(attempted, err)
	}
	t := &grant.Try{Device: *d, Token: token, Sealed: counted.sealed, Before: counted.tries - 1}
	t.Device.Session = counted.session // a PIN that was right since d was read began another
	for _, text := range strings.Fields(counted.tried) {
		if at, err := strconv.ParseInt(text, 10, 64); err == nil && now.Sub(time.UnixMilli(at)) < grant.WrongWithin {
			t.Wrong = append(t.Wrong, time.UnixMilli(at).UTC())
		}
	}
	return t, nil
}

func (db *DB) whyNotCounted(ctx context.Context, d *grant.Device, now time.Time) error {
	type row struct{ tries, set, busy, same int }
	r, err := one(ctx, db.read, func(r *row) []any { return []any{&r.tries, &r.set, &r.busy, &r.same} }, selectTries,
		millis(now), d.JKT, d.SetupHash, millis(d.PINSetAt), string(d.Platform), string(d.ID))
	switch {
	case err != nil:
		return err
	case r.set == 0:
		return fault.NotFound
	case r.same == 0:
		return fault.Stale
	case r.busy == 0 && r.tries >= grant.MaxTries:
		return fault.Refused
	}
	return fault.Throttled
}

const (
	wrongTry = `
UPDATE app_devices
SET comparing = '', tried = $1
WHERE platform = $2 AND id = $3 AND comparing = $4 AND ended_at IS NULL`

	rightTry = `
UPDATE app_devices
SET comparing = '', tries = 0, tried = $1, seen_at = $2, session = $3
WHERE platform = $4 AND id = $5 AND comparing = $6 AND comparing_ends > $2 AND ended_at IS NULL AND setup_hash = $7`
)

// RefuseTry settles a try that was compared and is wrong. fault.Stale: it took too long, or the device or its PIN
// changed meanwhile, so that what it found is worth nothing any more.
func (db *DB) RefuseTry(ctx context.Context, t *grant.Try, e audit.Event) error {
	return fail("refusing a PIN", db.inTx(ctx, func(q conn) error {
		wrong, err := exec(ctx, q, wrongTry, timesOf(t.Wrong), string(t.Device.Platform), string(t.Device.ID), t.Token)
		if err == nil && wrong == 0 {
			err = fault.Stale
		}
		if err != nil {
			return err
		}
		return addEvents(ctx, q, []audit.Event{e})
	}))
}

// RemoveTried removes a device after its last wrong PIN: that of a try that is being compared, or, without a token,
// where as many were counted as it stands and none is in work. fault.Stale: neither is so by now, and nothing happened.
func (db *DB) RemoveTried(ctx context.Context, d *grant.Device, token string, follows authn.Change, now time.Time) error {
	return fail("removing device", db.inTx(ctx, func(q conn) error {
		sid, there, err := removeDevice(ctx, q, removesTried, endWrongPINs, now, string(d.Platform), string(d.ID), token, grant.MaxTries)
		if err == nil && !there {
			err = fault.Stale
		}
		if err != nil {
			return err
		}
		if err := endOwnSession(ctx, q, d.Platform, sid, endWrongPINs, now); err != nil {
			return err
		}
		return saveChange(ctx, q, d.Platform, follows, now)
	}))
}

// AcceptTry settles a try that was right: the session of the newest PIN begins, with its grant, and the one before ends
// with what it gave. fault.Stale: it took too long, or the device, its level, its PIN or its account changed meanwhile,
// and nothing happened.
func (db *DB) AcceptTry(ctx context.Context, t *grant.Try, in grant.PINSignIn) error {
	d, now := t.Device, in.Now
	return fail("accepting a PIN", db.inTx(ctx, func(q conn) error {
		h, err := lockAccount(ctx, q, d.Platform, d.Account, true, now)
		if err != nil {
			return err
		}
		if !h.exists || h.state != account.Active || !h.markedAt.IsZero() {
			return fault.Stale
		}
		right, err := exec(ctx, q, rightTry, timesOf(t.Wrong[:len(t.Wrong)-1]), millis(now), in.Start.Session.ID, string(d.Platform), string(d.ID), t.Token,
			d.SetupHash)
		if err == nil && right == 0 {
			err = fault.Stale
		}
		if err != nil {
			return err
		}
		if err := endOwnSession(ctx, q, d.Platform, d.Session, endNextPIN, now); err != nil {
			return err
		}
		if err := startSession(ctx, q, &in.Start, now); err != nil {
			return err
		}
		if err := addDeviceGrant(ctx, q, &in.Grant, in.RefreshHash, in.RefreshEnds); err != nil {
			return err
		}
		return addEvents(ctx, q, in.Events)
	}))
}

const insertDeviceGrant = `
INSERT INTO grants (
    platform, id, party, account, session, scopes, offline, nonce, redirect_uri, challenge, proofs,
    started_at, code_ends_at, code_used_at, ends_at, claims, dpop_jkt, refresh_hash, refresh_ends_at)
VALUES ($1, $2, $3, $4, $5, $6, 0, '', '', '', $7, $8, $8, $8, $9, $10, $11, $12, $13)`

// addDeviceGrant adds the grant of a PIN, which has no code.
func addDeviceGrant(ctx context.Context, q conn, g *grant.Grant, refresh []byte, refreshEnds time.Time) error {
	_, err := exec(ctx, q, insertDeviceGrant, string(g.Platform), string(g.ID), string(g.Party), string(g.Account), g.Session, words{&g.Scopes},
		document{&g.Proofs}, millis(g.StartedAt), millis(g.EndsAt), document{&g.Claims}, g.JKT, orNull(refresh), millis(refreshEnds))
	return err
}

// timesOf are times as they are stored in a list.
func timesOf(all []time.Time) string {
	texts := make([]string, len(all))
	for i, at := range all {
		texts[i] = strconv.FormatInt(at.UnixMilli(), 10)
	}
	return strings.Join(texts, " ")
}
