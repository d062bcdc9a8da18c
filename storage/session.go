package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const selectSession = `
SELECT s.platform, s.id, s.account, s.channel, s.proofs, s.agent, s.network, s.started_at, s.idled_at, s.seen_at, s.left_at, s.ends_at,
       ` + accountColumns + `
FROM sessions AS s
JOIN accounts AS a ON a.platform = s.platform AND a.id = s.account
LEFT JOIN credentials AS c ON c.platform = a.platform AND c.account = a.id AND c.retired_at IS NULL
WHERE s.cookie_hash = $1 AND s.platform = $2 AND s.ended_at IS NULL AND s.ends_at > $3 AND a.state = 'active'
ORDER BY c.added_at, c.id`

type sessionRow struct {
	session authn.Session
	accountRow
}

func (r *sessionRow) columns() []any {
	s := &r.session
	return append([]any{
		&s.Platform, &s.ID, &s.Account, &s.Channel, document{&s.Proofs}, &s.Agent, &s.Network,
		instant{&s.StartedAt}, instant{&s.IdledAt}, instant{&s.SeenAt}, instant{&s.LeftAt}, instant{&s.EndsAt},
	}, r.accountRow.columns()...)
}

// Session finds the live session of a cookie and its account, in one query. A session that has ended, or whose
// account is not active, is not found. An idle one is: it asks for a proof again. Its proofs are as they count now.
func (db *DB) Session(ctx context.Context, p platform.ID, cookieHash []byte, now time.Time) (*authn.Session, *account.Account, error) {
	rows, err := list(ctx, db.manyOr(db.read), (*sessionRow).columns, selectSession, cookieHash, string(p), millis(now))
	if err == nil && len(rows) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return nil, nil, fail("finding session", err)
	}
	accounts := make([]accountRow, len(rows))
	for i, r := range rows {
		accounts[i] = r.accountRow
	}
	session := &rows[0].session
	session.Proofs = authn.AsOf(session.Proofs, now)
	return session, &fold(accounts)[0], nil
}

const selectSessions = `
SELECT platform, id, account, channel, proofs, agent, network, started_at, seen_at, ends_at
FROM sessions
WHERE account = $1 AND platform = $2 AND ended_at IS NULL AND ends_at > $3
ORDER BY seen_at DESC, id
LIMIT 100`

// Sessions lists the live sessions of an account, the last used first, at most 100.
func (db *DB) Sessions(ctx context.Context, p platform.ID, id account.ID, now time.Time) ([]authn.Session, error) {
	all, err := list(ctx, db.read, func(s *authn.Session) []any {
		return []any{
			&s.Platform, &s.ID, &s.Account, &s.Channel, document{&s.Proofs}, &s.Agent, &s.Network,
			instant{&s.StartedAt}, instant{&s.SeenAt}, instant{&s.EndsAt},
		}
	}, selectSessions, string(id), string(p), millis(now))
	return all, fail("listing sessions", err)
}

const ownsSession = `
SELECT 1
FROM sessions
WHERE id = $1 AND platform = $2 AND account = $3`

// OwnsSession reports whether a session is, or was, an account's.
func (db *DB) OwnsSession(ctx context.Context, p platform.ID, of account.ID, sid string) (bool, error) {
	_, err := one(ctx, db.read, func(n *int64) []any { return []any{n} }, ownsSession, sid, string(p), string(of))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, fail("finding session", err)
}

const touchSession = `
UPDATE sessions
SET seen_at = $1, left_at = CASE WHEN seen_at <= $5 THEN seen_at ELSE left_at END
WHERE platform = $2 AND id = $3 AND seen_at <= $4 AND ended_at IS NULL AND ends_at > $1`

// TouchSession notes activity, at most once in authn.SeenEvery.
func (db *DB) TouchSession(ctx context.Context, p platform.ID, sid string, now time.Time) error {
	_, err := exec(ctx, db.write, touchSession, millis(now), string(p), sid, millis(now.Add(-authn.SeenEvery)),
		millis(now.Add(-authn.StaffPause)))
	return fail("noting activity of session", err)
}

const insertSession = `
INSERT INTO sessions (
    platform, id, account, channel, cookie_hash, proofs, agent, network, started_at, seen_at, ends_at,
    upstream, upstream_subject, upstream_session)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

// startSession inserts a session of an account that signIn has locked, and ends the one it replaces.
func startSession(ctx context.Context, q conn, start *authn.SessionStart, now time.Time) error {
	s := &start.Session
	if len(start.Replaces) > 0 {
		if err := endReplaced(ctx, q, s.Platform, start.Replaces, now); err != nil {
			return err
		}
	}
	from := authn.CameFrom(s.Proofs)
	return do(ctx, q, step{text: insertSession, args: []any{
		string(s.Platform), s.ID, string(s.Account), string(s.Channel), start.Cookie,
		document{&s.Proofs}, plain(s.Agent), s.Network, millis(s.StartedAt), millis(s.SeenAt), millis(s.EndsAt),
		from.Connection, from.Subject, from.Session,
	}})
}

const selectStanding = `
SELECT 1
FROM credentials
WHERE platform = $1 AND id = $2 AND account = $3 AND counter = $4 AND retired_at IS NULL`

// proofsStand compares what a new session was proven with, while its account's row is locked: a password that was
// changed after it was shown, and before the session starts, starts none. fault.Stale.
func proofsStand(ctx context.Context, q conn, s authn.Session) error {
	for _, p := range s.Proofs {
		if p.Use != account.Primary || p.Credential == "" {
			continue
		}
		err := do(ctx, q, step{
			selectStanding, []any{string(s.Platform), string(p.Credential), string(s.Account), p.Version},
			orStale("proof by " + p.Method),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const selectRetired = `
SELECT id
FROM credentials
WHERE platform = $1 AND id = $2 AND retired_at IS NOT NULL`

// secondsStand is proofsStand for second factors: a code of a phone that was replaced after it was shown, and before
// the session starts, starts none. It comes before the change retires one itself, that its own journey showed. One that
// the change puts is looked at there: see risen.
func secondsStand(ctx context.Context, q conn, s authn.Session, put []account.Credential) error {
	for _, p := range s.Proofs {
		isPut := slices.ContainsFunc(put, func(c account.Credential) bool { return c.ID == p.Credential })
		if p.Use != account.Second || p.Credential == "" || isPut {
			continue
		}
		retired, err := list(ctx, q, func(id *string) []any { return []any{id} }, selectRetired, string(s.Platform), string(p.Credential))
		if err == nil && len(retired) > 0 {
			err = fmt.Errorf("proof by %s: %w", p.Method, fault.Stale)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const raiseSession = `
UPDATE sessions
SET proofs = $1, seen_at = $2, cookie_hash = $3, left_at = CASE WHEN seen_at <= $9 THEN seen_at ELSE left_at END,
    upstream = $10, upstream_subject = $11, upstream_session = $12
WHERE platform = $4 AND id = $5 AND account = $6 AND cookie_hash = $7 AND ended_at IS NULL AND ends_at > $8
  AND EXISTS (
    SELECT 1
    FROM accounts AS a
    WHERE a.platform = sessions.platform AND a.id = sessions.account AND a.state = 'active')`

// raiseSessionOf is compare and set on the cookie: whoever still has the old one, or comes second, gets fault.Stale.
func raiseSessionOf(ctx context.Context, q conn, raise *authn.SessionRaise, now time.Time) error {
	s := &raise.Session
	from := authn.CameFrom(s.Proofs)
	changed, err := exec(ctx, q, raiseSession, document{&s.Proofs}, millis(s.SeenAt), raise.To,
		string(s.Platform), s.ID, string(s.Account), raise.From, millis(now), millis(s.SeenAt.Add(-authn.StaffPause)),
		from.Connection, from.Subject, from.Session)
	if err != nil || changed > 0 {
		return err
	}
	if err := activeAccount(ctx, q, s.Platform, s.Account); err != nil {
		return err
	}
	return fmt.Errorf("session %s: %w", s.ID, fault.Stale)
}
