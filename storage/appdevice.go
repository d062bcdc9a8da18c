package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
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
	endNoMobileApp    = "no mobile app"
)

const appDeviceColumns = `d.id, d.platform, d.account, d.party, d.jkt, d.name, d.network, d.way, d.level, d.proofs, d.setup_hash, d.scopes, d.claims, d.session,
       d.pin_set_at, d.added_at, d.seen_at`

func appDeviceRow(d *grant.Device) []any {
	return []any{
		&d.ID, &d.Platform, &d.Account, &d.Party, &d.JKT, &d.Name, &d.Network, &d.Way, &d.Level, document{&d.Proofs}, &d.SetupHash, words{&d.Scopes}, document{&d.Claims}, &d.Session,
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

// OwnsDevice reports whether a device is, or was, an account's, as long as that is kept.
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
	removesUnused  removed = `seen_at <= $3 AND id = $4`
	removesOfParty removed = `platform = $3 AND party = $4`
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
	_, err := endOneSession(ctx, q, p, sid, reason, now)
	return err
}

// RemoveDevice removes a device of an account, with its PIN, session and tokens, once: fault.NotFound when it has none
// such. What follows from it is saved with it.
func (db *DB) RemoveDevice(ctx context.Context, d grant.Device, reason string, follows authn.Change, now time.Time) error {
	return fail("removing device", db.inTx(ctx, func(q conn) error {
		if _, err := lockAccountFor(ctx, q, d.Platform, "", false, follows.Events, now); err != nil {
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
SET name = $1, network = $2, way = $3, level = $4, proofs = $5, scopes = $6, claims = $7, setup_hash = $8, setup_ends_at = $9, setup_used_at = NULL,
    seen_at = $10
WHERE platform = $11 AND party = $12 AND jkt = $13 AND account = $14 AND ended_at IS NULL
RETURNING id`

	insertAppDevice = `
INSERT INTO app_devices (
    id, platform, account, party, jkt, name, network, way, level, proofs, scopes, claims, setup_hash, setup_ends_at, added_at, seen_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15
WHERE (SELECT COUNT(*) FROM app_devices WHERE account = $3 AND platform = $2 AND ended_at IS NULL) < $16
ON CONFLICT DO NOTHING`
)

// RedeemForDevice spends a code as Redeem does, and what comes of it is a device instead of tokens: a new one, or the
// one that the account has with the same key. The session in which the code was given ends, with all its grants.
// fault.Throttled: the account has as many devices as it may have, and nothing happened.
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

// admitDevice makes or renews a device when spend has spent what it comes of. The row of its account is held, so that
// of two admissions the second counts what the first made.
func (db *DB) admitDevice(ctx context.Context, a grant.Admission, now time.Time, spend func(conn) error) (*grant.Device, error) {
	d := a.Device
	err := db.issuing(ctx, func(q conn) error {
		h, err := lockAccount(ctx, q, d.Platform, d.Account, false, now)
		if err != nil {
			return err
		}
		if !h.exists || h.state != account.Active || !h.markedAt.IsZero() {
			return fmt.Errorf("account %s: %w", d.Account, fault.Refused)
		}
		if err := issueTickets(ctx, q, d.Platform, nil, a.Follows.Issue, now); err != nil {
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

// saveAppDevice renews the device of the same account and key, or adds one, in the place of the one that its owner
// chose.
func saveAppDevice(ctx context.Context, q conn, d *grant.Device, a grant.Admission, now time.Time) (displaced string, err error) {
	renewed, err := one(ctx, q, func(id *grant.DeviceID) []any { return []any{id} }, renewAppDevice, d.Name, d.Network, string(d.Way), string(d.Level),
		document{&d.Proofs}, words{&d.Scopes}, document{&d.Claims}, d.SetupHash, millis(a.SetupEnds), millis(now), string(d.Platform), string(d.Party), d.JKT, string(d.Account))
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
		string(d.Way), string(d.Level), document{&d.Proofs}, words{&d.Scopes}, document{&d.Claims}, d.SetupHash, millis(a.SetupEnds), millis(now), a.Most)
	if err == nil && added == 0 {
		err = fmt.Errorf("one device more: %w", fault.Throttled)
	}
	return displaced, err
}

// removeOfParties removes the devices of parties that are no mobile app, or not any more, with all that they were
// given: what somebody has who signed in with a PIN is that of a mobile app.
func removeOfParties(ctx context.Context, q conn, all []grant.Party, now time.Time) error {
	for _, p := range sorted(all, func(p grant.Party) string { return rowKey(p.Platform, p.ID) }) {
		if p.MobileApp {
			continue
		}
		n, err := exec(ctx, q, removeAppDevices+string(removesOfParty), millis(now), endNoMobileApp,
			string(p.Platform), string(p.ID))
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		args := []any{string(p.Platform), string(p.ID), endNoMobileApp}
		_, err = endSessions(ctx, q, endsOfParty, now, args, func() error {
			_, err := exec(ctx, q, endGrantsOfNoApp, millis(now), endNoMobileApp, string(p.Platform), string(p.ID))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const selectUnusedDevices = `
SELECT d.platform, d.id
FROM app_devices AS d
WHERE d.ended_at IS NULL AND d.seen_at <= $1
ORDER BY d.seen_at
LIMIT $2`

// RemoveUnusedDevices removes devices that nobody used for grant.DeviceUnused, at most limit, and tells how many there
// were.
func (db *DB) RemoveUnusedDevices(ctx context.Context, now time.Time, limit int) (int, error) {
	type row struct {
		platform platform.ID
		id       string
	}
	since := millis(now.Add(-grant.DeviceUnused))
	all, err := list(ctx, db.batch, func(r *row) []any { return []any{&r.platform, &r.id} }, selectUnusedDevices, since, limit)
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
