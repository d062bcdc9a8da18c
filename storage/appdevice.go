package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// Why a device of a mobile app was removed.
const (
	endWrongPINs      = "wrong pins"
	endAnotherAccount = "another account on the device"
	endDisplaced      = "made room"
	endUnused         = "unused"
	endDeviceMade     = "device made"
	endPINChosen      = "pin chosen"
	endNextPIN        = "next pin"
)

const appDeviceColumns = `d.id, d.platform, d.account, d.party, d.jkt, d.name, d.network, d.way, d.level, d.scopes, d.claims, d.session,
       d.pin_set_at, d.added_at, d.seen_at`

func appDeviceRow(d *grant.Device) []any {
	return []any{
		&d.ID, &d.Platform, &d.Account, &d.Party, &d.JKT, &d.Name, &d.Network, &d.Way, &d.Level, words{&d.Scopes}, document{&d.Claims}, &d.Session,
		instant{&d.PINSetAt}, instant{&d.AddedAt}, instant{&d.SeenAt},
	}
}

const (
	selectAppDevices = `
SELECT ` + appDeviceColumns + `
FROM app_devices AS d
WHERE d.account = $1 AND d.platform = $2 AND d.ended_at IS NULL
ORDER BY d.seen_at DESC, d.id`

	selectAppDevice = `
SELECT ` + appDeviceColumns + `,
       ` + accountColumns + `
FROM app_devices AS d
JOIN accounts AS a ON a.platform = d.platform AND a.id = d.account
LEFT JOIN credentials AS c ON c.platform = a.platform AND c.account = a.id AND c.retired_at IS NULL
WHERE d.platform = $1 AND d.party = $2 AND d.jkt = $3 AND d.ended_at IS NULL AND a.state = 'active'
ORDER BY c.added_at, c.id`
)

// AppDevices lists the devices on which an account has a mobile app, the last used first.
func (db *DB) AppDevices(ctx context.Context, p platform.ID, of account.ID) ([]grant.Device, error) {
	all, err := list(ctx, db.read, appDeviceRow, selectAppDevices, string(of), string(p))
	return all, fail("listing devices", err)
}

const ownsAppDevice = `
SELECT 1
FROM app_devices
WHERE id = $1 AND platform = $2 AND account = $3`

// OwnsDevice tells whether a device is, or was, an account's, as long as that is kept.
func (db *DB) OwnsDevice(ctx context.Context, p platform.ID, of account.ID, id grant.DeviceID) (bool, error) {
	_, err := one(ctx, db.read, func(n *int64) []any { return []any{n} }, ownsAppDevice, string(id), string(p), string(of))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, fail("finding device", err)
}

type appDeviceAccountRow struct {
	device grant.Device
	accountRow
}

func (r *appDeviceAccountRow) columns() []any {
	return append(appDeviceRow(&r.device), r.accountRow.columns()...)
}

// DeviceByKey finds the device of a party that has a key, and its account with its credentials, in one query.
// fault.NotFound also: the account is not active.
func (db *DB) DeviceByKey(ctx context.Context, p platform.ID, party grant.PartyID, jkt string) (*grant.Device, *account.Account, error) {
	rows, err := list(ctx, db.read, (*appDeviceAccountRow).columns, selectAppDevice, string(p), string(party), jkt)
	if err == nil && len(rows) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return nil, nil, fail("finding device", err)
	}
	accounts := make([]accountRow, len(rows))
	for i, r := range rows {
		accounts[i] = r.accountRow
	}
	return &rows[0].device, &fold(accounts)[0], nil
}

// removed says which devices: $1 is the time, $2 the reason.
type removed string

const (
	removesOne   removed = `platform = $3 AND account = $4 AND id = $5`
	removesOfKey removed = `platform = $3 AND party = $4 AND jkt = $5 AND account <> $6`
	removesAll   removed = `platform = $3 AND account = $4`
	removesTried removed = `platform = $3 AND id = $4
  AND ($5 <> '' AND comparing = $5 OR $5 = '' AND tries >= $6 AND (comparing = '' OR comparing_ends <= $1))`
	removesUnused removed = `seen_at <= $3 AND id = $4`
)

const removeAppDevices = `
UPDATE app_devices
SET ended_at = $1, end_reason = $2, pin = NULL, comparing = ''
WHERE ended_at IS NULL AND `

const returningSession = `
RETURNING app_devices.session`

// removeDevice removes a device. The session that it has ("": none) ends with its grants in the same transaction, after
// everything that is written to devices: see lockOrder.
func removeDevice(ctx context.Context, q conn, which removed, reason string, now time.Time, args ...any) (sid string, there bool, err error) {
	removed, err := one(ctx, q, func(sid *string) []any { return []any{sid} }, removeAppDevices+string(which)+returningSession,
		append([]any{millis(now), reason}, args...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return *removed, true, nil
}

// endOwnSession ends the session that a device has by its PIN, with its grants; "" is none.
func endOwnSession(ctx context.Context, q conn, p platform.ID, sid, reason string, now time.Time) error {
	if sid == "" {
		return nil
	}
	_, err := endSessions(ctx, q, endsOne, now, []any{string(p), sid}, func() error {
		_, err := exec(ctx, q, endGrantsOfSession, millis(now), reason, string(p), sid)
		return err
	})
	return err
}

// RemoveDevice removes a device of an account, with its PIN, session and tokens, once: fault.NotFound when it has none such.
// What follows from it is saved with it.
func (db *DB) RemoveDevice(ctx context.Context, d grant.Device, reason string, follows authn.Change, now time.Time) error {
	return fail("removing device", db.inTx(ctx, func(q conn) error {
		if _, err := holdFor(ctx, q, d.Platform, "", false, follows.Events, now); err != nil {
			return err
		}
		sid, there, err := removeDevice(ctx, q, removesOne, reason, now, string(d.Platform), string(d.Account), string(d.ID))
		if err == nil && !there {
			err = fault.NotFound
		}
		if err != nil {
			return err
		}
		if err := endOwnSession(ctx, q, d.Platform, sid, reason, now); err != nil {
			return err
		}
		return saveChange(ctx, q, d.Platform, follows, now)
	}))
}

const (
	// spendForDevice is redeemCode for a code that a device comes of. Its session is ended in the same transaction, which
	// found it live.
	spendForDevice = `
UPDATE grants
SET code_used_at = $1
WHERE grants.id = $2 AND grants.platform = $3 AND grants.party = $4 AND grants.code_hash = $5 AND grants.redirect_uri = $6 AND grants.challenge = $7
  AND grants.code_used_at IS NULL AND grants.code_ends_at > $1 AND grants.ended_at IS NULL AND grants.ends_at > $1
  AND grants.dpop_jkt = $8`

	selectDisplaced = `
SELECT displaces
FROM grants
WHERE platform = $1 AND id = $2`

	renewAppDevice = `
UPDATE app_devices
SET name = $1, network = $2, way = $3, level = $4, scopes = $5, claims = $6, setup_hash = $7, setup_ends_at = $8, setup_used_at = NULL, seen_at = $9
WHERE platform = $10 AND party = $11 AND jkt = $12 AND account = $13 AND ended_at IS NULL
RETURNING id`

	insertAppDevice = `
INSERT INTO app_devices (
    id, platform, account, party, jkt, name, network, way, level, scopes, claims, setup_hash, setup_ends_at, added_at, seen_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14
WHERE (SELECT COUNT(*) FROM app_devices WHERE account = $3 AND platform = $2 AND ended_at IS NULL) < $15
ON CONFLICT DO NOTHING`
)

// RedeemForDevice spends a code as Redeem does, and what comes of it is a device instead of tokens: a new one, or the one
// that the account has with the same key. The session in which the code was given ends, with all its grants. fault.Throttled:
// the account has as many devices as it may have, and nothing happened.
func (db *DB) RedeemForDevice(ctx context.Context, r grant.Redemption, a grant.Admission) (*grant.Device, error) {
	displaces, err := one(ctx, db.read, func(id *grant.DeviceID) []any { return []any{id} }, selectDisplaced, string(r.Platform), string(r.Grant))
	if err != nil {
		return nil, fail("redeeming code for a device", err)
	}
	a.Displaces = *displaces
	spent := false
	d, err := db.admitDevice(ctx, a, r.Now, func(q conn) error {
		n, err := exec(ctx, q, spendForDevice, millis(r.Now), string(r.Grant), string(r.Platform), string(r.Party), r.CodeHash,
			r.RedirectURI, r.Challenge, r.Key.JKT)
		if spent = err == nil && n == 0; spent {
			err = fault.NotFound
		}
		return err
	})
	if spent {
		err = db.whyNotRedeemed(ctx, r)
	}
	return d, fail("redeeming code for a device", err)
}

// admitDevice makes or renews a device when spend has spent what it comes of. The row of its account is held, so that of
// two admissions the second counts what the first made.
func (db *DB) admitDevice(ctx context.Context, a grant.Admission, now time.Time, spend func(conn) error) (*grant.Device, error) {
	d := a.Device
	err := db.issuing(ctx, func(q conn) error {
		h, err := hold(ctx, q, d.Platform, d.Account, false, now)
		if err != nil {
			return err
		}
		if !h.exists || h.state != account.Active || !h.markedAt.IsZero() {
			return fmt.Errorf("account %s: %w", d.Account, fault.Refused)
		}
		if err := issueTickets(ctx, q, d.Platform, a.Follows.Void, a.Follows.Issue, now); err != nil {
			return err
		}
		other, _, err := removeDevice(ctx, q, removesOfKey, endAnotherAccount, now, string(d.Platform), string(d.Party), d.JKT, string(d.Account))
		if err != nil {
			return err
		}
		displaced, err := saveAppDevice(ctx, q, &d, a, now)
		if err != nil {
			return err
		}
		// What was spent is spent while its own session is ended: a session that ended before took its grants along.
		_, err = endSessions(ctx, q, endsOfDevices, now, []any{string(d.Platform), a.Ends, other, displaced}, func() error {
			if err := spend(q); err != nil {
				return err
			}
			_, err := exec(ctx, q, endGrantsOfDevices, millis(now), endDeviceMade, string(d.Platform), a.Ends, other, displaced)
			return err
		})
		if err != nil {
			return err
		}
		if err := addMessages(ctx, q, d.Platform, a.Follows.Messages); err != nil {
			return err
		}
		return addEvents(ctx, q, a.Follows.Events)
	})
	return &d, err
}

// saveAppDevice renews the device of the same account and key, or adds one, in the place of the one that its owner chose.
func saveAppDevice(ctx context.Context, q conn, d *grant.Device, a grant.Admission, now time.Time) (displaced string, err error) {
	renewed, err := one(ctx, q, func(id *grant.DeviceID) []any { return []any{id} }, renewAppDevice, d.Name, d.Network, string(d.Way), string(d.Level),
		words{&d.Scopes}, document{&d.Claims}, a.SetupHash, millis(a.SetupEnds), millis(now), string(d.Platform), string(d.Party), d.JKT, string(d.Account))
	if err == nil {
		d.ID = *renewed
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	if a.Displaces != "" {
		displaced, _, err = removeDevice(ctx, q, removesOne, endDisplaced, now, string(d.Platform), string(d.Account), string(a.Displaces))
		if err != nil {
			return "", err
		}
	}
	added, err := exec(ctx, q, insertAppDevice, string(d.ID), string(d.Platform), string(d.Account), string(d.Party), d.JKT, d.Name, d.Network,
		string(d.Way), string(d.Level), words{&d.Scopes}, document{&d.Claims}, a.SetupHash, millis(a.SetupEnds), millis(now), a.Most)
	if err == nil && added == 0 {
		err = fmt.Errorf("one device more: %w", fault.Throttled)
	}
	return displaced, err
}

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

// SetPIN chooses the PIN of a device; what it had by the one before ends, and its tries start again. fault.Spent: it was
// chosen with this token before, and the sealed key of that is returned. fault.NotFound: the token is not, or not any more,
// the one of a device with this key.
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
		h, err := hold(ctx, q, c.Platform, first.account, false, c.Now)
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
  AND (comparing = '' OR comparing_ends <= $1)
RETURNING pin, tries, tried, session`

	selectTries = `
SELECT d.tries, CASE WHEN d.pin IS NULL THEN 0 ELSE 1 END, CASE WHEN d.comparing = '' OR d.comparing_ends <= $1 THEN 0 ELSE 1 END
FROM app_devices AS d
WHERE d.platform = $2 AND d.id = $3 AND d.ended_at IS NULL`
)

// CountTry counts a try at the PIN of a device before it is compared. fault.Throttled: another one is being compared, and this
// one was not counted. fault.Refused: as many were wrong, or lost with their node, as a device stands. fault.NotFound: the
// device is gone, or has no PIN.
func (db *DB) CountTry(ctx context.Context, d *grant.Device, token string, now time.Time) (*grant.Try, error) {
	const attempted = "counting a PIN"
	type row struct {
		sealed  []byte
		tries   int
		tried   string
		session string
	}
	counted, err := one(ctx, db.write, func(r *row) []any { return []any{&r.sealed, &r.tries, &r.tried, &r.session} }, countTry,
		millis(now), token, millis(now.Add(grant.ComparingLife)), string(d.Platform), string(d.ID), grant.MaxTries)
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
	type row struct{ tries, set, busy int }
	r, err := one(ctx, db.read, func(r *row) []any { return []any{&r.tries, &r.set, &r.busy} }, selectTries,
		millis(now), string(d.Platform), string(d.ID))
	switch {
	case err != nil:
		return err
	case r.set == 0:
		return fault.NotFound
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
WHERE platform = $4 AND id = $5 AND comparing = $6 AND comparing_ends > $2 AND ended_at IS NULL`
)

// RefuseTry settles a try that was compared and is wrong. fault.Stale: it took too long, or the device or its PIN changed
// meanwhile, so that what it found is worth nothing any more.
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

// RemoveTried removes a device after its last wrong PIN: that of a try that is being compared, or, without a token, where as
// many were counted as it stands and none is in work. fault.Stale: neither is so by now, and nothing happened.
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

// AcceptTry settles a try that was right: the session of the newest PIN begins, with its grant, and the one before ends with
// what it gave. fault.Stale: it took too long, or the device, its PIN or its account changed meanwhile, and nothing happened.
func (db *DB) AcceptTry(ctx context.Context, t *grant.Try, in grant.PINSignIn) error {
	d, now := t.Device, in.Now
	return fail("accepting a PIN", db.inTx(ctx, func(q conn) error {
		h, err := hold(ctx, q, d.Platform, d.Account, true, now)
		if err != nil {
			return err
		}
		if !h.exists || h.state != account.Active || !h.markedAt.IsZero() {
			return fault.Stale
		}
		right, err := exec(ctx, q, rightTry, timesOf(t.Wrong[:len(t.Wrong)-1]), millis(now), in.Start.Session.ID, string(d.Platform), string(d.ID), t.Token)
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

const selectUnusedDevices = `
SELECT d.platform, d.id
FROM app_devices AS d
WHERE d.ended_at IS NULL AND d.seen_at <= $1
ORDER BY d.seen_at
LIMIT $2`

// RemoveUnusedDevices removes devices that nobody used for grant.DeviceUnused, at most limit, and tells how many there were.
func (db *DB) RemoveUnusedDevices(ctx context.Context, now time.Time, limit int) (int, error) {
	type row struct {
		platform platform.ID
		id       string
	}
	since := millis(now.Add(-grant.DeviceUnused))
	all, err := list(ctx, db.patient, func(r *row) []any { return []any{&r.platform, &r.id} }, selectUnusedDevices, since, limit)
	if err != nil {
		return 0, fail("finding unused devices", err)
	}
	for _, d := range all {
		err := db.inTx(ctx, func(q conn) error {
			sid, _, err := removeDevice(ctx, q, removesUnused, endUnused, now, since, d.id)
			if err != nil {
				return err
			}
			return endOwnSession(ctx, q, d.platform, sid, endUnused, now)
		})
		if err != nil {
			return 0, fail("removing unused device", err)
		}
	}
	return len(all), nil
}
