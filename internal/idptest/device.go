package idptest

import (
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/storage"
)

const insertDevice = `
INSERT INTO app_devices (id, platform, account, party, jkt, name, network, way, level, scopes, claims, session, setup_hash, setup_ends_at, added_at, seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '{}', $10, $11, $12, $12, $12)`

// Device gives an account a device with the mobile app, for tests of what lists and removes devices: none was signed in
// there. Change changes what is written.
func Device(t testing.TB, db *storage.DB, a *account.Account, name string, now time.Time, change ...func(*grant.Device)) grant.Device {
	t.Helper()
	d := grant.Device{
		ID: grant.DeviceID(secret.ID()), Platform: a.Platform, Account: a.ID, Party: "app", JKT: secret.ID(), Name: name,
		Network: "192.0.2.0/24", Entry: grant.Entry{Way: grant.ByQR, Level: authn.OneFactor}, AddedAt: now, SeenAt: now,
	}
	for _, c := range change {
		c(&d)
	}
	_, err := db.SQL().ExecContext(t.Context(), insertDevice, string(d.ID), string(d.Platform), string(d.Account), string(d.Party), d.JKT, d.Name,
		d.Network, string(d.Way), string(d.Level), d.Session, secret.Bytes(32), d.AddedAt.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	return d
}
