package storage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// attended is what a session must be for a refresh: $1 is the time, $2 the last activity that still counts.
const attended = `(grants.offline = 1 OR s.ended_at IS NULL AND s.ends_at > $1 AND s.seen_at > $2)`

// alive is what a refresh demands beside the token. It is the same for a rotation and for its repeat.
const alive = `EXISTS (
    SELECT 1
    FROM sessions AS s
    JOIN accounts AS a ON a.platform = s.platform AND a.id = s.account
    WHERE s.platform = grants.platform AND s.id = grants.session AND a.state = 'active'
      AND ` + attended + `)`

const rotateRefresh = `
UPDATE grants
SET refreshed_at = $1,
    previous_refresh_hash = CASE WHEN grants.refresh_hash = $3 THEN grants.previous_refresh_hash ELSE grants.refresh_hash END,
    refresh_hash = $3,
    refresh_ends_at = $4,
    dpop_jkt = CASE WHEN $9 = 1 THEN $10 ELSE grants.dpop_jkt END
WHERE grants.id = $5 AND grants.platform = $6 AND grants.party = $7 AND grants.refresh_hash = $8 AND grants.ended_at IS NULL AND grants.ends_at > $1
  AND grants.refresh_ends_at > $1 AND ($9 = 0 OR grants.dpop_jkt IN ('', $10)) AND ` + alive + `
RETURNING ` + liveColumns + `,
       (SELECT s.seen_at FROM sessions AS s WHERE s.platform = grants.platform AND s.id = grants.session)`

// Rotate uses a refresh token and returns what Grant would: its successor becomes the current one, or, when Next equals
// Hash, it stays. Repeating it within grant.RefreshRepeat, as a client does that lost the answer, finds the grant as it
// is; the caller computes the same successor. Repeating it later, or presenting an older token of the family, ends the
// grant: fault.Spent. fault.Expired: its time, its grant's or its session's is over, or the account is not active.
//
// A refresh token that is bound to no key yet is bound to the first that is proven, where keys bind at all (RFC 9449
// section 5).
//
// A grant that is not offline counts as activity of its session. That is noted after the rotation; when only the note
// fails, the client gets an error and repeats, as above.
func (db *DB) Rotate(ctx context.Context, r grant.Rotation) (*grant.Grant, error) {
	const attempted = "refreshing"
	type row struct {
		grant.Grant
		seenAt time.Time
	}
	used, err := one(ctx, db.manyOr(db.write), func(r *row) []any { return append(liveRow(&r.Grant), instant{&r.seenAt}) },
		rotateRefresh, millis(r.Now), activeSince(r.Now, r.IdleAfter), r.Next, millis(r.RefreshEnds), string(r.Grant), string(r.Platform), string(r.Party), r.Hash,
		flag(r.Key.Binds), r.Key.JKT)
	if errors.Is(err, sql.ErrNoRows) {
		g, err := db.repeated(ctx, r)
		return g, fail(attempted, err)
	}
	if err != nil {
		return nil, fail(attempted, err)
	}
	if !used.Offline() && r.Now.Sub(used.seenAt) >= authn.SeenEvery {
		if err := db.TouchSession(ctx, used.Platform, used.Session, r.Now); err != nil {
			return nil, err
		}
	}
	return &used.Grant, nil
}

// activeSince is how old the last activity may be, as it is stored; 0, long before any, when idling ends nothing.
func activeSince(now time.Time, idleAfter time.Duration) any {
	if idleAfter <= 0 {
		return int64(0)
	}
	return millis(now.Add(-idleAfter))
}

const selectRefresh = `
SELECT ` + liveColumns + `, grants.ended_at, grants.refresh_hash, grants.previous_refresh_hash,
       CASE WHEN ` + alive + ` THEN 1 ELSE 0 END
FROM grants
WHERE grants.platform = $3 AND grants.party = $4 AND grants.id = $5`

// repeated tells why a rotation found no row.
func (db *DB) repeated(ctx context.Context, r grant.Rotation) (*grant.Grant, error) {
	type row struct {
		grant.Grant
		current, before []byte
		usable          int64
	}
	g, err := one(ctx, db.read, func(r *row) []any {
		return append(liveRow(&r.Grant), instant{&r.EndedAt}, &r.current, &r.before, &r.usable)
	}, selectRefresh, millis(r.Now), activeSince(r.Now, r.IdleAfter), string(r.Platform), string(r.Party), string(r.Grant))
	if err != nil {
		return nil, err
	}
	isBefore := secret.Equal(g.before, r.Hash)
	another := r.Key.Binds && g.JKT != "" && g.JKT != r.Key.JKT // key than the token is bound to
	switch {
	case !g.EndedAt.IsZero():
		return nil, fault.NotFound
	case isBefore && r.Now.Sub(g.RefreshedAt) >= grant.RefreshRepeat, !isBefore && outdated(r.Refresh, g.current):
		return nil, db.endReplayed(ctx, &g.Grant, audit.RefreshTokenReplayed, replayed(r))
	case another:
		return nil, fault.NotFound
	case isBefore && g.usable == 1 && r.Now.Before(g.EndsAt) && r.Now.Before(g.RefreshEnds):
		return &g.Grant, nil
	case isBefore, secret.Equal(g.current, r.Hash):
		return nil, fault.Expired
	}
	return nil, fault.NotFound
}

// outdated reports whether a token was replaced by one that was replaced itself.
func outdated(r grant.Refresh, current []byte) bool { return r.Outdated != nil && r.Outdated(current) }

func replayed(r grant.Rotation) grant.Ending {
	return grant.Ending{Platform: r.Platform, Party: r.Party, Reason: endRefreshReplayed, From: r.From, Now: r.Now}
}
