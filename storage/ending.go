package storage

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// An ending is which sessions end, as a condition from $2 on. All ways in which sessions end are here and go through
// endSessions, so that no party is left out that wants to hear of it. A new one is a constant and a row in
// storagetest.Endings.
type ending string

const (
	endsOne       ending = `sessions.platform = $2 AND sessions.id = $3`
	endsOfAccount ending = `sessions.platform = $2 AND sessions.account = $3`
	endsOthers    ending = `sessions.platform = $2 AND sessions.account = $3 AND sessions.id <> $4`
	endsReplaced  ending = `sessions.platform = $2 AND sessions.cookie_hash = $3`
	endsOfDevices ending = `sessions.platform = $2 AND sessions.id IN ($3, $4, $5)`
	endsOfParty   ending = `sessions.platform = $2 AND sessions.id IN (` + ofRemovedDevices + `
  d.platform = $2 AND d.party = $3 AND d.ended_at = $1 AND d.end_reason = $4)`
	endsOverdue     ending = `sessions.platform = $2 AND sessions.id = $3 AND sessions.ends_at <= $1`
	endsAllSessions ending = `sessions.platform <> ''`
)

// ofRemovedDevices are the sessions of devices, removed ones.
const ofRemovedDevices = `SELECT d.session FROM app_devices AS d WHERE d.session <> '' AND `

const endSessionsThat = `
UPDATE sessions
SET ended_at = $1
WHERE sessions.ended_at IS NULL AND `

// tellParties tells parties of sessions whose column at is $1, and which a condition from $2 on names. Told is who has
// tokens of the session, or may be fetching them at this moment. A party that gave its tokens back may have a session
// of its own all the same, so it is told too. The identifier is that of visit and party: nobody is told twice, whatever
// ends a session.
func tellParties(at, whom string) string {
	return `
INSERT INTO letters (
    platform, id, account, kind, medium, locale, party, session, idled_at,
    queued_at, expires_at, next_at, tries, outcome, reason)
SELECT DISTINCT sessions.platform, ` + letterOfVisit + `, sessions.account,
        '` + string(outbox.Logout) + `', '` + string(outbox.URL) + `', '', p.id, sessions.id,
       g.idled_at, ` + at + `, ` + at + ` + ` + outbox.LogoutLifeMillis + `, ` + at + `, 0, '', ''
FROM sessions
JOIN parties AS p ON p.platform = sessions.platform AND ` + whom + `
JOIN grants AS g ON g.session = sessions.id AND g.platform = sessions.platform AND g.party = p.id
WHERE ` + at + ` = $1
  AND (g.code_used_at IS NOT NULL OR g.code_ends_at > $1)
  AND NOT EXISTS (
    SELECT 1
    FROM letters AS l
    WHERE l.id = ` + letterOfVisit + `)
  AND `
}

// letterOfVisit is the identifier of what tells the party p of the visit of the grant g.
const letterOfVisit = `'logout.' || sessions.id || '.' || p.id || COALESCE('.' || CAST(g.idled_at AS TEXT), '')`

// endSessions ends sessions and then what grants ends, and tells every party that was given something in one of them
// and has a backchannel_logout_uri, by a row of the outbox each (OpenID Connect Back-Channel Logout 1.0 section 2.3).
// The sessions go first: a grant is added only to a live one. The parties are told last: ending the grants waits for a
// code that is being redeemed. It tells how many sessions ended. Where the grants are those of one session, one that
// has ended before keeps them.
func endSessions(ctx context.Context, q conn, which ending, now time.Time, args []any, grants func() error) (int64, error) {
	args = append([]any{millis(now)}, args...)
	ended, err := exec(ctx, q, endSessionsThat+string(which), args...)
	if err != nil || ended == 0 && (which == endsOne || which == endsReplaced) {
		return 0, err
	}
	if err := grants(); err != nil || ended == 0 {
		return ended, err
	}
	_, err = exec(ctx, q, tellParties(`sessions.ended_at`, `p.hears_logouts = 1`)+string(which), args...)
	return ended, err
}

const (
	endGrantsOfSession = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND session = $4 AND ended_at IS NULL`

	endGrantsOfAccount = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND session IN (SELECT id FROM sessions WHERE platform = $3 AND account = $4) AND ended_at IS NULL`

	endOtherGrants = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND session IN (SELECT id FROM sessions WHERE platform = $3 AND account = $4 AND id <> $5) AND ended_at IS NULL`

	endGrantsOfDevices = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND session IN ($4, $5, $6) AND ended_at IS NULL`

	endGrantsOfNoApp = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND ended_at IS NULL
  AND session IN (` + ofRemovedDevices + `d.platform = $3 AND d.party = $4 AND d.ended_at = $1 AND d.end_reason = $2)`

	endReplacedGrants = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND session IN (SELECT id FROM sessions WHERE platform = $3 AND cookie_hash = $4) AND ended_at IS NULL`
)

// endOneSession ends a session with its grants, and reports whether it was live: 1, or 0.
func endOneSession(ctx context.Context, q conn, p platform.ID, sid, reason string, now time.Time) (int64, error) {
	return endSessions(ctx, q, endsOne, now, []any{string(p), sid}, func() error {
		_, err := exec(ctx, q, endGrantsOfSession, millis(now), reason, string(p), sid)
		return err
	})
}

// EndSession ends a session and all its grants, offline ones too: the person signed out. One that has ended already,
// or is unknown, is left as it is, without an event.
func (db *DB) EndSession(ctx context.Context, p platform.ID, sid string, e audit.Event, now time.Time) error {
	return db.EndSessionBy(ctx, p, sid, e, nil, now)
}

// EndSessionBy is EndSession by somebody else, of which the owner is told. fault.Refused: that one may not any more.
func (db *DB) EndSessionBy(
	ctx context.Context, p platform.ID, sid string, e audit.Event, tells []outbox.Message, now time.Time,
) error {
	return fail("ending session", db.inTx(ctx, func(q conn) error {
		if _, err := lockAccountFor(ctx, q, p, "", false, []audit.Event{e}, now); err != nil {
			return err
		}
		ended, err := endOneSession(ctx, q, p, sid, endSignedOut, now)
		if err != nil || ended == 0 {
			return err
		}
		if err := addMessages(ctx, q, p, tells); err != nil {
			return err
		}
		return addEvents(ctx, q, []audit.Event{e})
	}))
}

// endAccess ends every session, grant, remembered browser and device of a mobile app of an account whose row is locked.
func endAccess(ctx context.Context, q conn, p platform.ID, id account.ID, now time.Time) error {
	if _, err := exec(ctx, q, forgetDevices, millis(now), string(p), string(id)); err != nil {
		return err
	}
	_, err := exec(ctx, q, removeAppDevices+string(removesAll), millis(now), endDeactivated, string(p), string(id))
	if err != nil {
		return err
	}
	_, err = endSessions(ctx, q, endsOfAccount, now, []any{string(p), string(id)}, func() error {
		_, err := exec(ctx, q, endGrantsOfAccount, millis(now), endDeactivated, string(p), string(id))
		return err
	})
	return err
}

// endOthers ends what an account has beside one session.
func endOthers(ctx context.Context, q conn, p platform.ID, end *authn.End, now time.Time) error {
	if _, err := exec(ctx, q, forgetDevices, millis(now), string(p), string(end.Account)); err != nil {
		return err
	}
	if end.Devices {
		_, err := exec(ctx, q, removeAppDevices+string(removesAll), millis(now), end.Reason, string(p), string(end.Account))
		if err != nil {
			return err
		}
	}
	_, err := endSessions(ctx, q, endsOthers, now, []any{string(p), string(end.Account), end.Except}, func() error {
		if end.Devices { // a phone that is about to become one too
			if _, err := exec(ctx, q, endHandoffs, millis(now), string(grant.HandoffStopped), string(end.Account), string(p)); err != nil {
				return err
			}
		}
		_, err := exec(ctx, q, endOtherGrants, millis(now), end.Reason, string(p), string(end.Account), end.Except)
		return err
	})
	return err
}

// endReplaced ends the session of a cookie, whose browser begins another one.
func endReplaced(ctx context.Context, q conn, p platform.ID, cookieHash []byte, now time.Time) error {
	_, err := endSessions(ctx, q, endsReplaced, now, []any{string(p), cookieHash}, func() error {
		_, err := exec(ctx, q, endReplacedGrants, millis(now), endSessionReplaced, string(p), cookieHash)
		return err
	})
	return err
}

const selectOverdue = `
SELECT platform, id
FROM sessions
WHERE ended_at IS NULL AND ends_at <= $1
ORDER BY ends_at
LIMIT $2`

// EndOverdue ends sessions whose time is over, at most limit, so that their parties hear of it, and tells how many
// there were. Their grants are left alone: those that do not outlive their session have ended with it. Each session is
// a transaction of its own, which holds nothing that somebody waits for who has what it needs.
func (db *DB) EndOverdue(ctx context.Context, now time.Time, limit int) (int, error) {
	type row struct {
		platform platform.ID
		id       string
	}
	all, err := list(ctx, db.batch, func(r *row) []any { return []any{&r.platform, &r.id} }, selectOverdue, millis(now), limit)
	if err != nil {
		return 0, fail("finding sessions whose time is over", err)
	}
	for _, s := range all {
		err := db.inTx(ctx, func(q conn) error {
			_, err := endSessions(ctx, q, endsOverdue, now, []any{string(s.platform), s.id}, func() error { return nil })
			return err
		})
		if err != nil {
			return 0, fail("ending session whose time is over", err)
		}
	}
	return len(all), nil
}

const (
	selectIdlePlatforms = `
SELECT body, id
FROM platforms
WHERE EXISTS (
    SELECT 1
    FROM parties AS p
    WHERE p.platform = platforms.id AND p.logout_on_idle = 1)
ORDER BY id`

	// An idle session is told of once, until it is used again. Whatever it has that an earlier idleness left is told.
	idle = `sessions.platform = $2 AND sessions.ended_at IS NULL AND sessions.ends_at > $1 AND sessions.seen_at <= $3
  AND (sessions.idled_at IS NULL OR sessions.idled_at <= sessions.seen_at)`

	// Live sessions are found by the index sessions_overdue: some ten thousand of one installation are read in
	// milliseconds, and an index by seen_at would cost every visit more.
	selectIdle = `
SELECT sessions.id
FROM sessions
WHERE ` + idle + `
  AND EXISTS (
    SELECT 1
    FROM grants AS g
    JOIN parties AS p ON p.platform = g.platform AND p.id = g.party AND p.logout_on_idle = 1
    WHERE g.session = sessions.id AND g.platform = sessions.platform
      AND (g.code_used_at IS NOT NULL OR g.code_ends_at > $1))
LIMIT $4`

	noteIdle = `
UPDATE sessions
SET idled_at = $1
WHERE ` + idle + ` AND sessions.id = $4`

	endIdleGrants = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND session = $4 AND ended_at IS NULL AND offline = 0
  AND party IN (
    SELECT p.id
    FROM parties AS p
    WHERE p.platform = $3 AND p.logout_on_idle = 1)`

	ofSession = `sessions.platform = $2 AND sessions.id = $3`
)

// EndIdle tells parties with logout_on_idle of sessions that are idle by the policy of their platform, and ends the
// grants that they have of those, but for offline ones: these outlive a session whose time is over as well. The
// sessions live on, for all other parties too; what such a party is given afterwards has another `sid`. At most limit
// sessions of each platform; it tells how many there were.
func (db *DB) EndIdle(ctx context.Context, now time.Time, limit int) (ended int, err error) {
	platforms, err := list(ctx, db.batch, func(p *platform.Platform) []any { return []any{document{p}, &p.ID} }, selectIdlePlatforms)
	if err != nil {
		return 0, fail("finding platforms with parties that hear of idle sessions", err)
	}
	for _, p := range platforms {
		if p.Policy.IdleAfter <= 0 {
			continue
		}
		since := millis(now.Add(-p.Policy.IdleAfter))
		all, err := list(ctx, db.batch, func(id *string) []any { return []any{id} }, selectIdle, millis(now), string(p.ID), since, limit)
		if err != nil {
			return ended, fail("finding idle sessions", err)
		}
		for _, sid := range all {
			if err := db.inTx(ctx, func(q conn) error { return endIdleSession(ctx, q, p.ID, sid, since, now) }); err != nil {
				return ended, fail("ending idle session", err)
			}
			ended++
		}
	}
	return ended, nil
}

// endIdleSession is EndIdle for one session. The session goes first, as in endSessions; one that was used meanwhile is
// left alone.
func endIdleSession(ctx context.Context, q conn, p platform.ID, sid string, since any, now time.Time) error {
	noted, err := exec(ctx, q, noteIdle, millis(now), string(p), since, sid)
	if err != nil || noted == 0 {
		return err
	}
	if _, err := exec(ctx, q, endIdleGrants, millis(now), endIdle, string(p), sid); err != nil {
		return err
	}
	_, err = exec(ctx, q, tellParties(`sessions.idled_at`, `p.logout_on_idle = 1`)+ofSession, millis(now), string(p), sid)
	return err
}
