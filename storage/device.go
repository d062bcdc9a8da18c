package storage

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const insertDevice = `
INSERT INTO devices (platform, id, account, agent, cookie_hash, added_at, seen_at, ends_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

const rotateDevice = `
UPDATE devices
SET cookie_hash = $1, previous_hash = $2, rotated_at = $3, seen_at = $3
WHERE platform = $4 AND account = $5 AND id = $6 AND cookie_hash = $2 AND ended_at IS NULL AND ends_at > $3`

const forgetDevices = `
UPDATE devices
SET ended_at = $1
WHERE platform = $2 AND account = $3 AND ended_at IS NULL`

const (
	selectProofs = `
SELECT id, proofs
FROM sessions
WHERE account = $1 AND platform = $2 AND ended_at IS NULL AND ends_at > $3
ORDER BY id`

	updateProofs = `
UPDATE sessions
SET proofs = $1
WHERE platform = $2 AND id = $3`
)

// endWaivers lets the sessions of an account whose row is locked go on without a code no longer: no browser is
// remembered any more, and what is allowed anew is for those that are remembered from then on.
func endWaivers(ctx context.Context, q conn, p platform.ID, id account.ID, now time.Time) error {
	live, err := list(ctx, q, func(s *authn.Session) []any { return []any{&s.ID, document{&s.Proofs}} },
		selectProofs, string(id), string(p), millis(now))
	if err != nil {
		return err
	}
	for _, s := range live {
		kept := slices.DeleteFunc(slices.Clone(s.Proofs), func(p authn.Proof) bool { return p.Use == account.Waiver })
		if len(kept) == len(s.Proofs) {
			continue
		}
		if _, err := exec(ctx, q, updateProofs, document{&kept}, string(p), s.ID); err != nil {
			return err
		}
	}
	return nil
}

// changeDevices forgets first, so that a browser that is remembered in the same change stays.
func changeDevices(ctx context.Context, q conn, p platform.ID, c authn.Change, now time.Time) error {
	if c.Forget != nil {
		if _, err := exec(ctx, q, forgetDevices, millis(now), string(p), string(*c.Forget)); err != nil {
			return err
		}
		if err := endWaivers(ctx, q, p, *c.Forget, now); err != nil {
			return err
		}
	}
	if r := c.Rotate; r != nil {
		if _, err := exec(ctx, q, rotateDevice, r.To, r.From, millis(now), string(p), string(r.Account), r.Device); err != nil {
			return err
		}
	}
	if s := c.Remember; s != nil {
		d := s.Device
		_, err := exec(ctx, q, insertDevice, string(p), d.ID, string(d.Account), plain(d.Agent), s.Cookie,
			millis(d.AddedAt), millis(d.SeenAt), millis(d.EndsAt))
		return err
	}
	return nil
}

type deviceRow struct {
	account.Device
	current, previous []byte
	rotatedAt         time.Time
}

func (r *deviceRow) columns() []any {
	return []any{
		&r.Platform, &r.ID, &r.Account, &r.Agent, instant{&r.AddedAt}, instant{&r.SeenAt}, instant{&r.EndsAt},
		&r.current, &r.previous, instant{&r.rotatedAt},
	}
}

const selectDevice = `
SELECT platform, id, account, agent, added_at, seen_at, ends_at, cookie_hash, previous_hash, rotated_at
FROM devices
WHERE id = $1 AND platform = $2 AND account = $3 AND ended_at IS NULL AND ends_at > $4`

// Device finds a remembered browser of an account, and reports whether its cookie is the current one. A browser that is
// forgotten, of another account, or not remembered any more is unknown.
func (db *DB) Device(ctx context.Context, p platform.ID, of account.ID, id string, cookieHash []byte, now time.Time) (account.Device, account.Presented, error) {
	r, err := one(ctx, db.read, (*deviceRow).columns, selectDevice, id, string(p), string(of), millis(now))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return account.Device{}, account.DeviceUnknown, nil
	case err != nil:
		return account.Device{}, account.DeviceUnknown, fail("finding remembered browser", err)
	case bytes.Equal(r.current, cookieHash):
		return r.Device, account.DeviceCurrent, nil
	case bytes.Equal(r.previous, cookieHash) && now.Sub(r.rotatedAt) <= account.DeviceGrace:
		return r.Device, account.DeviceRecent, nil
	}
	return r.Device, account.DeviceOld, nil
}

const selectDevices = `
SELECT platform, id, account, agent, added_at, seen_at, ends_at, cookie_hash, previous_hash, rotated_at
FROM devices
WHERE account = $1 AND platform = $2 AND ended_at IS NULL AND ends_at > $3
ORDER BY seen_at DESC, id
LIMIT 100`

// Devices lists the remembered browsers of an account, the last used first, at most 100.
func (db *DB) Devices(ctx context.Context, p platform.ID, id account.ID, now time.Time) ([]account.Device, error) {
	rows, err := list(ctx, db.read, (*deviceRow).columns, selectDevices, string(id), string(p), millis(now))
	devices := make([]account.Device, len(rows))
	for i := range rows {
		devices[i] = rows[i].Device
	}
	return devices, fail("listing remembered browsers", err)
}

const forgetDevice = `
UPDATE devices
SET ended_at = $1
WHERE platform = $2 AND account = $3 AND id = $4 AND ended_at IS NULL`

// ForgetDevice forgets one remembered browser, once: fault.Spent when it was forgotten before, so that what follows
// (an event, a mail) happens once.
func (db *DB) ForgetDevice(ctx context.Context, d account.Device, follows authn.Change, now time.Time) error {
	return fail("forgetting browser", db.inTx(ctx, func(q conn) error {
		if _, err := lockAccountFor(ctx, q, d.Platform, "", false, follows.Events, now); err != nil {
			return err
		}
		changed, err := exec(ctx, q, forgetDevice, millis(now), string(d.Platform), string(d.Account), d.ID)
		if err == nil && changed == 0 {
			err = fault.Spent
		}
		if err != nil {
			return err
		}
		return saveChange(ctx, q, d.Platform, follows, now)
	}))
}
