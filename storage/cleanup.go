package storage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// keptFor is how long rows stay after their end, so that what happened can be understood and a replay recognised.
const keptFor = 30 * 24 * time.Hour

// journeyKept is how long what anybody can make by opening our login stays after its end: a day leads bookmarks on, and
// bounds what a flood leaves behind.
const journeyKept = 24 * time.Hour

// waitingKept is how long after it was made a request stays that waits for the first form of its journey: an hour
// longer than it takes an answer, so that a page left open leads to where its party begins.
const waitingKept = 2 * time.Hour

// handoffKept is how long a handoff stays after its end, so that its pages say how it ended.
const handoffKept = 24 * time.Hour

const claimCleanUp = `
UPDATE counters
SET value = $1
WHERE name = 'cleanup'`

// What is deleted, at most $2 rows at a time, found by an index. Sessions stay while a grant refers to them, because
// an offline grant outlives its session.
const (
	deleteJourneys = `
DELETE FROM journeys
WHERE id IN (
    SELECT id
    FROM journeys
    WHERE expires_at < $1
    ORDER BY expires_at
    LIMIT $2)`

	deleteRequests = `
DELETE FROM requests
WHERE id IN (
    SELECT id
    FROM requests
    WHERE expires_at < $1
    ORDER BY expires_at
    LIMIT $2)`

	// Whoever sends the first form meanwhile keeps the request.
	deleteWaiting = `
DELETE FROM requests
WHERE waiting_since IS NOT NULL
  AND id IN (
    SELECT id
    FROM requests
    WHERE waiting_since < $1
      AND NOT EXISTS (
        SELECT 1
        FROM journeys AS j
        WHERE j.id = requests.id) -- begun by a node of the release before
    ORDER BY waiting_since
    LIMIT $2)`

	deleteGrants = `
DELETE FROM grants
WHERE id IN (
    SELECT id
    FROM grants
    WHERE ends_at < $1
    ORDER BY ends_at
    LIMIT $2)`

	deleteEndedGrants = `
DELETE FROM grants
WHERE id IN (
    SELECT id
    FROM grants
    WHERE ended_at < $1
    ORDER BY ended_at
    LIMIT $2)`

	deleteSessions = `
DELETE FROM sessions
WHERE id IN (
    SELECT s.id
    FROM sessions AS s
    WHERE s.ends_at < $1
      AND NOT EXISTS (
        SELECT 1
        FROM grants AS g
        WHERE g.platform = s.platform AND g.session = s.id)
    ORDER BY s.ends_at
    LIMIT $2)`

	deleteDevices = `
DELETE FROM devices
WHERE id IN (
    SELECT id
    FROM devices
    WHERE ends_at < $1
    ORDER BY ends_at
    LIMIT $2)`

	deleteAppDevices = `
DELETE FROM app_devices
WHERE id IN (
    SELECT id
    FROM app_devices
    WHERE ended_at IS NOT NULL AND ended_at < $1
    ORDER BY ended_at
    LIMIT $2)`

	deleteHandoffs = `
DELETE FROM handoffs
WHERE id IN (
    SELECT id
    FROM handoffs
    WHERE ends_at < $1
    ORDER BY ends_at
    LIMIT $2)`

	deleteTickets = `
DELETE FROM tickets
WHERE hash IN (
    SELECT hash
    FROM tickets
    WHERE expires_at < $1
    ORDER BY expires_at
    LIMIT $2)`

	deleteMessages = `
DELETE FROM letters
WHERE id IN (
    SELECT id
    FROM letters
    WHERE expires_at < $1
    ORDER BY expires_at
    LIMIT $2)`

	deletePushed = `
DELETE FROM pushed_requests
WHERE id IN (
    SELECT id
    FROM pushed_requests
    WHERE expires_at < $1
    ORDER BY expires_at
    LIMIT $2)`

	deletePendingActs = `
DELETE FROM pending_acts
WHERE id IN (
    SELECT id
    FROM pending_acts
    WHERE ended_at IS NOT NULL AND ended_at < $1
    ORDER BY ended_at
    LIMIT $2)`

	deleteIntakes = `
DELETE FROM intakes
WHERE (session, platform) IN (
    SELECT session, platform
    FROM intakes
    WHERE expires_at < $1
    ORDER BY expires_at
    LIMIT $2)`

	deleteUses = `
DELETE FROM uses
WHERE (hash, platform) IN (
    SELECT hash, platform
    FROM uses
    WHERE ends_at < $1
    ORDER BY ends_at
    LIMIT $2)`

	deleteOldAttempts = `
DELETE FROM attempts
WHERE (key, platform) IN (
    SELECT key, platform
    FROM attempts
    WHERE last_at < $1
    ORDER BY last_at
    LIMIT $2)`
)

// CleanUp deletes rows that ended 30 days ago or earlier, or a day where anybody can make them, and requests that wait
// for two hours, and what works once or is kept for an hour when that is over; at most limit of each kind. It tells how
// many. Nodes that call it at once take turns. Call it again until it removes nothing.
//
// Each kind is a transaction of its own. The rows are those of many accounts, none of which is locked: whoever changes
// one of them may have what is deleted next, and would wait for what was deleted before.
func (db *DB) CleanUp(ctx context.Context, now time.Time, limit int) (removed int, err error) {
	ended := now.Add(-keptFor)
	for _, step := range []struct {
		text  string
		ended time.Time
	}{
		{deleteJourneys, now.Add(-journeyKept)},
		{deleteRequests, now.Add(-journeyKept)},
		{deleteWaiting, now.Add(-waitingKept)},
		{deletePushed, now.Add(-waitingKept)},
		{deleteUses, now},
		{deleteIntakes, now},
		{deleteTests, now},
		{deleteAnswers, now},
		{deleteGrants, ended},
		{deleteEndedGrants, ended},
		{deleteSessions, ended},
		{deleteDevices, ended},
		{deleteAppDevices, ended},
		{deleteHandoffs, now.Add(-handoffKept)},
		{deleteTickets, ended},
		{deleteMessages, ended},
		{deletePendingActs, ended},
		{deleteOldAttempts, now.Add(-authn.ForgetAfter)},
	} {
		err := db.inLongTx(ctx, func(q conn) error {
			if _, err := exec(ctx, q, claimCleanUp, millis(now)); err != nil {
				return err
			}
			n, err := exec(ctx, q, step.text, millis(step.ended), limit)
			removed += int(n)
			return err
		})
		if err != nil {
			return removed, fail("cleaning up", err)
		}
	}
	return removed, nil
}

const (
	crowdedPlatforms = `
SELECT platform
FROM requests
WHERE waiting_since IS NOT NULL
GROUP BY platform
HAVING COUNT(*) > $1`

	oldestOfNewest = `
SELECT waiting_since
FROM requests
WHERE waiting_since IS NOT NULL AND platform = $1
ORDER BY waiting_since DESC
LIMIT 1 OFFSET $2`

	deleteWaitingOf = `
DELETE FROM requests
WHERE waiting_since IS NOT NULL
  AND id IN (
    SELECT id
    FROM requests
    WHERE waiting_since < $1 AND platform = $2
      AND NOT EXISTS (
        SELECT 1
        FROM journeys AS j
        WHERE j.id = requests.id)
    ORDER BY waiting_since
    LIMIT $3)`
)

// BoundWaiting deletes requests that wait for the first form of their journey, where a platform has more than most:
// what was made before the newest of them, batch rows at a time. It tells how many. Whoever sends that form meanwhile
// keeps the request, or gets fault.Stale. Nodes that call it at once take turns, and delete no more than one of them
// would.
func (db *DB) BoundWaiting(ctx context.Context, most, batch int, now time.Time) (removed int, err error) {
	crowded, err := list(ctx, db.batch, func(p *platform.ID) []any { return []any{p} }, crowdedPlatforms, most)
	for _, p := range crowded {
		n, err := db.boundWaiting(ctx, p, most, batch, now)
		removed += n
		if err != nil {
			return removed, fail("bounding requests that wait", err)
		}
	}
	return removed, fail("counting requests that wait", err)
}

func (db *DB) boundWaiting(ctx context.Context, p platform.ID, most, batch int, now time.Time) (removed int, err error) {
	oldest, err := one(ctx, db.batch, func(t *time.Time) []any { return []any{instant{t}} }, oldestOfNewest, string(p), most-1)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // fewer by now
	}
	for deleted := int64(batch); err == nil && deleted == int64(batch); {
		deleted = 0
		err = db.inLongTx(ctx, func(q conn) error {
			_, err := exec(ctx, q, claimCleanUp, millis(now))
			if err == nil {
				deleted, err = exec(ctx, q, deleteWaitingOf, millis(*oldest), string(p), batch)
			}
			return err
		})
		removed += int(deleted)
	}
	return removed, err
}
