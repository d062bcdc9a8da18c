package storage

import (
	"context"
	"time"

	"github.com/minddistrict/idp/authn"
)

// keptFor is how long rows stay after their end, so that what happened can be understood and a replay recognised.
const keptFor = 30 * 24 * time.Hour

// journeyKept is how long what anybody can make by opening our login stays after its end: a day leads bookmarks on, and
// bounds what a flood leaves behind.
const journeyKept = 24 * time.Hour

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

	deleteOldAttempts = `
DELETE FROM attempts
WHERE (key, platform) IN (
    SELECT key, platform
    FROM attempts
    WHERE last_at < $1
    ORDER BY last_at
    LIMIT $2)`
)

// CleanUp deletes rows that ended 30 days ago or earlier, or a day where anybody can make them; at most limit of each
// kind. It tells how many. Nodes that call it at once take turns. Call it again until it removes nothing.
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
		{deleteGrants, ended},
		{deleteEndedGrants, ended},
		{deleteSessions, ended},
		{deleteDevices, ended},
		{deleteTickets, ended},
		{deleteMessages, ended},
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
