package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// endPartyDeleted is why grants and devices ended whose party was deleted.
const endPartyDeleted = "party deleted"

const (
	deleteParty = `
DELETE FROM parties
WHERE platform = $1 AND id = $2`

	// What was sent stays, as the receipt of who was told.
	deleteLogoutsOfParty = `
DELETE FROM letters
WHERE platform = $1 AND party = $2 AND medium = '` + string(outbox.URL) + `' AND next_at IS NOT NULL`

	deletePushedOfParty = `
DELETE FROM pushed_requests
WHERE platform = $1 AND party = $2`

	deleteConsentsOfParty = `
DELETE FROM consents
WHERE platform = $1 AND party = $2`

	// There is no index by party: whoever signs in would pay for it, and a party is deleted once.
	endHandoffsOfParty = `
UPDATE handoffs
SET ended_at = $1, ending = $2, reference = NULL, number = NULL, nearby = ''
WHERE platform = $3 AND party = $4 AND ended_at IS NULL`

	endGrantsToParty = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND party = $4 AND ended_at IS NULL AND ends_at > $1`

	selectHeld = `
SELECT (SELECT COUNT(*) FROM grants WHERE platform = $1 AND party = $2 AND ended_at IS NULL AND ends_at > $3),
       (SELECT COUNT(*) FROM app_devices WHERE platform = $1 AND party = $2 AND ended_at IS NULL),
       (SELECT COUNT(*) FROM consents WHERE platform = $1 AND party = $2),
       (SELECT COUNT(*) FROM pushed_requests WHERE platform = $1 AND party = $2),
       (SELECT COUNT(*) FROM letters WHERE platform = $1 AND party = $2 AND medium = '` + string(outbox.URL) + `' AND next_at IS NOT NULL)`
)

// HeldByParty counts what DeleteParty would end.
func (db *DB) HeldByParty(ctx context.Context, p platform.ID, party grant.PartyID, now time.Time) (grant.Deletion, error) {
	held, err := one(ctx, db.batch, func(d *grant.Deletion) []any {
		return []any{&d.Grants, &d.Devices, &d.Consents, &d.Pushed, &d.Logouts}
	}, selectHeld, string(p), string(party), millis(now))
	if err != nil {
		return grant.Deletion{}, fail("counting what a party holds", err)
	}
	return *held, nil
}

// DeleteParty deletes a party with all that it was given: its grants end, whatever they outlive, its devices with a
// mobile app are removed with their sessions, what it pushed, what people allowed it and what it was to be told is
// forgotten. The record of events stays. fault.Stale: seen is not the version of the settings any more; fault.NotFound:
// there is no such party.
//
// A code that is redeemed or a token that is refreshed at the same moment waits for the end of its grant and finds it
// ended, or is ended here. A node that has not noticed yet may add a grant, a device or a consent within a second:
// nobody can use it, because the party is known nowhere then, and it ends where a party of that name is made anew (see
// Declare).
func (db *DB) DeleteParty(
	ctx context.Context, seen int64, p platform.ID, party grant.PartyID, events []audit.Event, now time.Time,
) (ended grant.Deletion, err error) {
	err = db.settingsTx(ctx, &seen, func(q conn) error {
		deleted, err := exec(ctx, q, deleteParty, string(p), string(party))
		if err == nil && deleted == 0 {
			err = fmt.Errorf("party %s of platform %s: %w", party, p, fault.NotFound)
		}
		if err != nil {
			return err
		}
		for _, step := range []struct {
			count *int64
			text  string
		}{{&ended.Logouts, deleteLogoutsOfParty}, {&ended.Pushed, deletePushedOfParty}} {
			if *step.count, err = exec(ctx, q, step.text, string(p), string(party)); err != nil {
				return err
			}
		}
		ended.Devices, err = exec(ctx, q, removeAppDevices+string(removesOfParty), millis(now), endPartyDeleted, string(p), string(party))
		if err != nil {
			return err
		}
		if ended.Consents, err = exec(ctx, q, deleteConsentsOfParty, string(p), string(party)); err != nil {
			return err
		}
		if ended.Grants, err = endOfParty(ctx, q, p, party, now); err != nil {
			return err
		}
		return addEvents(ctx, q, events)
	})
	if err != nil {
		return grant.Deletion{}, fail("deleting party", err)
	}
	return ended, nil
}

// endOfParty ends the sessions of the devices of a party that are removed now, its sign-ins by a QR code, and its
// grants.
func endOfParty(ctx context.Context, q conn, p platform.ID, party grant.PartyID, now time.Time) (grants int64, err error) {
	_, err = endSessions(ctx, q, endsOfParty, now, []any{string(p), string(party), endPartyDeleted}, func() error {
		_, err := exec(ctx, q, endHandoffsOfParty, millis(now), string(grant.HandoffStopped), string(p), string(party))
		if err != nil {
			return err
		}
		if grants, err = exec(ctx, q, endGrantsToParty, millis(now), endPartyDeleted, string(p), string(party)); err != nil {
			return err
		}
		more, err := exec(ctx, q, endGrantsOfNoApp, millis(now), endPartyDeleted, string(p), string(party))
		grants += more
		return err
	})
	return grants, err
}

const selectParty = `
SELECT 1
FROM parties
WHERE platform = $1 AND id = $2`

// newParties are those of a list that do not exist yet.
func newParties(ctx context.Context, q conn, all []grant.Party) (made []grant.Party, err error) {
	for _, p := range all {
		have, err := list(ctx, q, func(n *int) []any { return []any{n} }, selectParty, string(p.Platform), string(p.ID))
		if err != nil {
			return nil, err
		}
		if len(have) == 0 {
			made = append(made, p)
		}
	}
	return made, nil
}

// sweepMade ends what a party of the same name left that was deleted, and that came too late to end with it: the party
// that is made now is another one. In the order of locks, a table at a time.
func sweepMade(ctx context.Context, q conn, made []grant.Party, now time.Time) error {
	for _, p := range made {
		if !p.MobileApp { // removeOfParties did
			continue
		}
		_, err := exec(ctx, q, removeAppDevices+string(removesOfParty), millis(now), endPartyDeleted, string(p.Platform), string(p.ID))
		if err != nil {
			return err
		}
	}
	for _, p := range made {
		if _, err := exec(ctx, q, deleteConsentsOfParty, string(p.Platform), string(p.ID)); err != nil {
			return err
		}
	}
	for _, p := range made {
		if _, err := exec(ctx, q, endGrantsToParty, millis(now), endPartyDeleted, string(p.Platform), string(p.ID)); err != nil {
			return err
		}
	}
	return nil
}
