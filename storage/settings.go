package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
)

// Setup is what is configured in one go. Whole rows: what a row had before is gone.
type Setup struct {
	Platforms   []platform.Platform
	Parties     []grant.Party
	Connections []federation.Connection // without their baselines
	Accounts    []account.Account       // with credentials: the listed ones are put, others of the same methods retired
	Codes       []authn.Ticket          // recovery codes; those an account had before stop working
	Keys        []keys.Key
	Events      []audit.Event
	Seen        *int64 // the version of the settings that this was made from; nil: whatever they are
}

const selectVersion = `
SELECT value
FROM counters
WHERE name = 'settings'`

// Version rises whenever platforms, parties or keys change, in the transaction that changes them.
func (db *DB) Version(ctx context.Context) (int64, error) {
	version, err := one(ctx, db.read, func(v *int64) []any { return []any{v} }, selectVersion)
	if err != nil {
		return 0, fail("reading settings version", err)
	}
	return *version, nil
}

const raiseVersion = `
UPDATE counters
SET value = value + 1
WHERE name = 'settings' AND value = COALESCE($1, value)`

// settingsTx is inLongTx for writers of settings. Raising the version first locks its row, so they take turns. They
// replace whole rows: what was made from another version than the present one is fault.Stale.
func (db *DB) settingsTx(ctx context.Context, seen *int64, work func(conn) error) error {
	return db.inLongTx(ctx, func(q conn) error {
		var version any
		if seen != nil {
			version = *seen
		}
		raised, err := exec(ctx, q, raiseVersion, version)
		if err != nil {
			return err
		}
		if raised == 0 {
			return fmt.Errorf("settings of version %d: %w", *seen, fault.Stale)
		}
		return work(q)
	})
}

// reviseTries is how often settings are read again. Each time somebody else has changed them, which is rare.
const reviseTries = 10

// Revise calls change, which reads settings, decides, and saves what it made of the version that it is given; and again
// as long as that is fault.Stale, because somebody else changed the settings meanwhile.
func (db *DB) Revise(ctx context.Context, change func(seen int64) error) error {
	for try := 1; ; try++ {
		seen, err := db.Version(ctx)
		if err != nil {
			return err
		}
		if err = change(seen); try == reviseTries || !errors.Is(err, fault.Stale) {
			return err
		}
	}
}

const selectPlatforms = `
SELECT body, id, issuer
FROM platforms
ORDER BY id`

// Platforms returns all of them.
func (db *DB) Platforms(ctx context.Context) ([]platform.Platform, error) {
	all, err := list(ctx, db.read, func(p *platform.Platform) []any {
		return []any{document{p}, &p.ID, &p.Issuer}
	}, selectPlatforms)
	return all, fail("reading platforms", err)
}

const selectParties = `
SELECT body, platform, id
FROM parties
ORDER BY platform, id`

// Parties returns those of all platforms, disabled ones too.
func (db *DB) Parties(ctx context.Context) ([]grant.Party, error) {
	all, err := list(ctx, db.read, func(p *grant.Party) []any {
		return []any{document{p}, &p.Platform, &p.ID}
	}, selectParties)
	return all, fail("reading parties", err)
}

// Declare saves a set-up: all of it, or nothing. It returns fault.Taken when an e-mail key or an issuer belongs to
// another row, fault.NotFound when a platform is named that does not exist, and fault.Stale when Seen is not the
// version any more. A party that is made begins with nothing: what one of its name left that was deleted ends.
func (db *DB) Declare(ctx context.Context, s Setup, now time.Time) error {
	return fail("declaring settings", db.settingsTx(ctx, s.Seen, func(q conn) error {
		for _, p := range sorted(s.Platforms, func(p platform.Platform) string { return string(p.ID) }) {
			if err := putPlatform(ctx, q, p); err != nil {
				return err
			}
		}
		made, err := newParties(ctx, q, s.Parties)
		if err != nil {
			return err
		}
		if err := putParties(ctx, q, s.Parties); err != nil {
			return err
		}
		if err := putConnections(ctx, q, s.Connections); err != nil {
			return err
		}
		if err := putKeys(ctx, q, s.Keys); err != nil {
			return err
		}
		if err := declareAccounts(ctx, q, s.Accounts, now); err != nil {
			return err
		}
		if err := declareCodes(ctx, q, s.Codes, now); err != nil {
			return err
		}
		if !now.IsZero() { // SaveSettings makes no app of a party, nor the other way round
			if err := removeOfParties(ctx, q, s.Parties, now); err != nil {
				return err
			}
			if err := sweepMade(ctx, q, made, now); err != nil {
				return err
			}
		}
		for _, a := range sorted(s.Accounts, func(a account.Account) string { return rowKey(a.Platform, a.ID) }) {
			if err := findable(ctx, q, a.Platform, a.ID, now); err != nil {
				return err
			}
		}
		for _, a := range sorted(s.Accounts, func(a account.Account) string { return rowKey(a.Platform, a.ID) }) {
			if err := stood(ctx, q, a.Platform, a.ID, a.State, now); err != nil {
				return err
			}
		}
		return addEvents(ctx, q, s.Events)
	}))
}

// SaveSettings adds parties and keys or replaces them whole, and records why. fault.Stale: seen, the version of the
// settings that they were made from, is not the version any more (see Revise).
func (db *DB) SaveSettings(
	ctx context.Context, seen int64, parties []grant.Party, all []keys.Key, events []audit.Event,
) error {
	return db.Declare(ctx, Setup{Parties: parties, Keys: all, Events: events, Seen: &seen}, time.Time{})
}

const upsertPlatform = `
INSERT INTO platforms (id, issuer, body)
VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE
SET issuer = excluded.issuer, body = excluded.body`

func putPlatform(ctx context.Context, q conn, p platform.Platform) error {
	if _, err := exec(ctx, q, upsertPlatform, string(p.ID), string(p.Issuer), document{&p}); err != nil {
		return fmt.Errorf("platform %s: %w", p.ID, err)
	}
	return nil
}

const upsertParty = `
INSERT INTO parties (platform, id, body, hears_logouts, logout_on_idle)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (platform, id) DO UPDATE
SET body = excluded.body, hears_logouts = excluded.hears_logouts, logout_on_idle = excluded.logout_on_idle`

func putParties(ctx context.Context, q conn, all []grant.Party) error {
	for _, p := range sorted(all, func(p grant.Party) string { return rowKey(p.Platform, p.ID) }) {
		hears := p.BackchannelLogoutURI != ""
		_, err := exec(ctx, q, upsertParty, string(p.Platform), string(p.ID), document{&p}, flag(hears), flag(hears && p.LogoutOnIdle))
		if err != nil {
			return fmt.Errorf("party %s of platform %s: %w", p.ID, p.Platform, err)
		}
	}
	return nil
}

// rowKey is the order in which rows of several platforms are locked.
func rowKey[ID ~string](p platform.ID, id ID) string { return string(id) + "\x00" + string(p) }
