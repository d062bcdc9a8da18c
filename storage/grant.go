package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// Why a grant ended before its time, in our own words. A revocation has the word of its caller.
const (
	endSignedOut        = "signed out"
	endUpstream         = "signed out elsewhere"
	endTakenBack        = "taken back"
	endConsentWithdrawn = "consent withdrawn"
	endSessionReplaced  = "session replaced"
	endDeactivated      = "account deactivated"
	endCodeReplayed     = "code replayed"
	endRefreshReplayed  = "refresh token replayed"
	endRestored         = "database restored"
	endIdle             = "session idle"
)

// grantColumns are those of a grant. The table has no short name here: SQLite does not know one after RETURNING.
const grantColumns = `grants.dpop_jkt, grants.id, grants.platform, grants.party, grants.account, grants.session, grants.scopes, grants.claims, grants.nonce, grants.redirect_uri, grants.challenge,
       grants.proofs, grants.started_at, grants.code_hash, grants.code_ends_at, grants.code_used_at, grants.refreshed_at, grants.ends_at, grants.ended_at,
       grants.end_reason, grants.idled_at`

func grantRow(g *grant.Grant) []any {
	return []any{
		&g.JKT, &g.ID, &g.Platform, &g.Party, &g.Account, &g.Session, words{&g.Scopes}, document{&g.Claims}, &g.Nonce, &g.RedirectURI, &g.Challenge,
		document{&g.Proofs}, instant{&g.StartedAt}, &g.CodeHash, instant{&g.CodeEndsAt}, instant{&g.CodeUsedAt},
		instant{&g.RefreshedAt}, instant{&g.EndsAt}, instant{&g.EndedAt}, &g.EndReason, instant{&g.IdledAt},
	}
}

// liveColumns are those that tokens are made of: every column that is read costs on both sides, and what statements
// compare (code, redirect URI, challenge) is not read.
const liveColumns = `grants.dpop_jkt, grants.id, grants.platform, grants.party, grants.account, grants.session, grants.scopes, grants.claims, grants.nonce, grants.proofs,
       grants.started_at, grants.code_used_at, grants.refreshed_at, grants.refresh_ends_at, grants.ends_at, grants.idled_at`

func liveRow(g *grant.Grant) []any {
	return []any{
		&g.JKT, &g.ID, &g.Platform, &g.Party, &g.Account, &g.Session, words{&g.Scopes}, document{&g.Claims}, &g.Nonce, document{&g.Proofs},
		instant{&g.StartedAt}, instant{&g.CodeUsedAt}, instant{&g.RefreshedAt}, instant{&g.RefreshEnds}, instant{&g.EndsAt}, instant{&g.IdledAt},
	}
}

const insertGrant = `
INSERT INTO grants (
    platform, id, party, account, session, scopes, offline, nonce, redirect_uri, challenge, proofs,
    started_at, code_hash, code_ends_at, ends_at, claims, dpop_jkt, idled_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
       (SELECT s.idled_at FROM parties AS p WHERE p.platform = s.platform AND p.id = $3 AND p.logout_on_idle = 1)` + ofLiveSession

// ofLiveSession are the session and the account of a grant that is added, if it may be.
const ofLiveSession = `
FROM sessions AS s
JOIN accounts AS a ON a.platform = s.platform AND a.id = s.account
WHERE s.platform = $1 AND s.id = $5 AND s.account = $4 AND s.ended_at IS NULL AND s.ends_at > $12
  AND a.state = 'active' AND a.marked_at IS NULL`

// answerAtOnce is markAnswered, of a request that does not come from a pushed one, with insertGrant: both or neither.
// They see the session at one moment, so the request is not used up where the grant is not added; and no grant is added
// to a request that another answer took while this one waited.
const answerAtOnce = `
WITH answered AS (
    UPDATE requests
    SET answered_at = $12, waiting_since = NULL
    WHERE platform = $1 AND id = $18 AND answered_at IS NULL AND expires_at > $12 AND pushed IS NULL
      AND EXISTS (SELECT 1` + ofLiveSession + `)
    RETURNING 1)` + insertGrant + `
  AND EXISTS (SELECT 1 FROM answered)`

// returningSubject reports whether the subject of a pairwise party is kept.
const returningSubject = `
RETURNING (SELECT COUNT(*) FROM subjects WHERE subjects.platform = $1 AND subjects.sector = $18 AND subjects.sub = $19)`

const holdConsent = `
UPDATE consents
SET journey = journey
WHERE platform = $1 AND account = $2 AND party = $3 AND journey = $4 AND given_at = $5`

const displaceDevice = `
UPDATE grants
SET displaces = $1
WHERE platform = $2 AND id = $3`

// Answer saves the grant that answers a request, as of its StartedAt. It returns fault.Refused when the session has
// ended, or the account is not active any more or is marked (account.TwoStep). Without a request that was stored or
// pushed it is one statement; with one, the request is noted as answered in the same transaction, and fault.Spent tells
// that it was answered before.
//
// A session that ends at the same moment waits for a grant that is being added and ends it (the key sessions_ended), or
// leaves one behind that was added afterwards: nothing comes of that, because a code is redeemed only while its session
// has not ended.
//
// The pairwise subject that the party sees is kept before anybody is given the code. Where there is no transaction a
// node may die in between: what was added gives nothing then, because nobody has its code.
//
// A grant that stands on a consent is added only while that very consent does; otherwise fault.Spent, and the person is
// asked anew. It is held until the grant is there, so that taking it back at the same moment finds the grant and ends
// it.
func (db *DB) Answer(ctx context.Context, to grant.Answered, g grant.Grant) error {
	if to.Request == "" && to.Pushed == "" && to.StandsOn == nil {
		return fail("giving grant", addGrant(ctx, db.manyOr(db.write), &g, to.Subject))
	}
	if db.dialect.writesInWith && to == (grant.Answered{Request: to.Request}) {
		added, err := exec(ctx, db.write, answerAtOnce, append(grantValues(&g), to.Request)...)
		if err != nil || added > 0 { // otherwise nothing is done yet: the transaction does it, or tells why not
			return fail("answering request", err)
		}
	}
	return fail("answering request", db.inTx(ctx, func(q conn) (err error) {
		if to.Request != "" {
			err = answerRequest(ctx, q, g.Platform, to.Request, g.StartedAt)
		} else if to.Pushed != "" {
			err = spendPushed(ctx, q, g.Platform, to.Pushed, g.StartedAt)
		}
		if err != nil {
			return err
		}
		if c := to.StandsOn; c != nil {
			held, err := exec(ctx, q, holdConsent, string(g.Platform), string(c.Account), c.Party, c.Journey, millis(c.At))
			if err != nil {
				return err
			}
			if held == 0 {
				return fmt.Errorf("consent of account %s: %w", c.Account, fault.Spent)
			}
		}
		if err := addGrant(ctx, q, &g, to.Subject); err != nil || to.Displaces == "" {
			return err
		}
		_, err = exec(ctx, q, displaceDevice, string(to.Displaces), string(g.Platform), string(g.ID))
		return err
	}))
}

// addGrant adds a grant, and the pairwise subject that its party sees unless it is kept already: the statement that
// adds the grant says so.
func addGrant(ctx context.Context, q conn, g *grant.Grant, s grant.Pairwise) error {
	args := grantValues(g)
	if s == (grant.Pairwise{}) {
		added, err := exec(ctx, q, insertGrant, args...)
		if err == nil && added == 0 {
			err = fmt.Errorf("session %s: %w", g.Session, fault.Refused)
		}
		return err
	}
	kept, err := one(ctx, q, func(n *int) []any { return []any{n} }, insertGrant+returningSubject, append(args, s.Sector, s.Subject)...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("session %s: %w", g.Session, fault.Refused)
	case err != nil || *kept > 0:
		return err
	}
	return addSubject(ctx, q, g.Platform, s, g.Account)
}

// grantValues are those of insertGrant.
func grantValues(g *grant.Grant) []any {
	return []any{
		string(g.Platform), string(g.ID), string(g.Party), string(g.Account), g.Session,
		words{&g.Scopes}, flag(g.Offline()), g.Nonce, g.RedirectURI, g.Challenge, document{&g.Proofs},
		millis(g.StartedAt), orNull(g.CodeHash), millis(g.CodeEndsAt), millis(g.EndsAt), document{&g.Claims}, g.JKT,
	}
}

const selectGrant = `
SELECT ` + liveColumns + `,
       a.platform, a.id, a.email, a.email_key, a.email_verified_at, a.role, a.state, a.locale, a.profile,
       a.created_at, a.updated_at` + ofLiveGrant

// selectLiveGrant is that without the account: what nobody asks is neither read nor parsed.
const selectLiveGrant = `
SELECT ` + liveColumns + ofLiveGrant

const (
	ofLiveGrant = `
FROM grants
JOIN sessions AS s ON s.platform = grants.platform AND s.id = grants.session
JOIN accounts AS a ON a.platform = grants.platform AND a.id = grants.account
WHERE grants.ended_at IS NULL AND grants.ends_at > $1 AND a.state = 'active'`
	byGrantID = `
  AND grants.platform = $2 AND grants.id = $3 AND (grants.offline = 1 OR s.ended_at IS NULL)`
	byRefreshToken = `
  AND grants.platform = $3 AND grants.id = $4 AND grants.refresh_hash = $5 AND grants.refresh_ends_at > $1
  AND ` + attended
)

// Grant finds a grant that still gives something, without its code, and its account without credentials, in one query.
func (db *DB) Grant(ctx context.Context, p platform.ID, id grant.ID, now time.Time) (*grant.Grant, *account.Account, error) {
	type row struct {
		grant   grant.Grant
		account account.Account
	}
	r, err := one(ctx, db.manyOr(db.read), func(r *row) []any {
		a := &r.account
		return append(liveRow(&r.grant),
			&a.Platform, &a.ID, &a.Email.Address, &a.Email.Key, instant{&a.EmailVerifiedAt}, &a.Role, &a.State, &a.Locale,
			document{&a.Profile}, instant{&a.CreatedAt}, instant{&a.UpdatedAt})
	}, selectGrant+byGrantID, millis(now), string(p), string(id))
	if err != nil {
		return nil, nil, fail("finding grant", err)
	}
	return &r.grant, &r.account, nil
}

// LiveGrant finds what Grant does, without the account.
func (db *DB) LiveGrant(ctx context.Context, p platform.ID, id grant.ID, now time.Time) (*grant.Grant, error) {
	g, err := one(ctx, db.manyOr(db.read), liveRow, selectLiveGrant+byGrantID, millis(now), string(p), string(id))
	return g, fail("finding grant", err)
}

// GrantByRefresh finds the grant of a refresh token the same way, if Rotate would take the token as the current one
// now.
func (db *DB) GrantByRefresh(ctx context.Context, p platform.ID, r grant.Refresh, idleAfter time.Duration, now time.Time) (*grant.Grant, error) {
	g, err := one(ctx, db.manyOr(db.read), liveRow, selectLiveGrant+byRefreshToken,
		millis(now), activeSince(now, idleAfter), string(p), string(r.Grant), r.Hash)
	return g, fail("finding grant", err)
}

const selectGrantOfParty = `
SELECT ` + grantColumns + `
FROM grants
WHERE grants.platform = $1 AND grants.party = $2 AND grants.id = $3`

// EndGrant ends a grant of a party and everything that derives from it. One that has ended keeps its first reason.
func (db *DB) EndGrant(ctx context.Context, id grant.ID, e grant.Ending) error {
	g, err := one(ctx, db.read, grantRow, selectGrantOfParty, string(e.Platform), string(e.Party), string(id))
	if err == nil {
		err = db.end(ctx, g, audit.GrantEnded, e)
	}
	return fail("ending grant", err)
}

const selectTokensOfGrant = `
SELECT ` + grantColumns + `, grants.refresh_hash, grants.previous_refresh_hash
FROM grants
WHERE grants.platform = $1 AND grants.party = $2 AND grants.id = $3`

// RevokeRefresh ends the grant of a refresh token, the current one or one that it replaced. fault.NotFound: the party
// has no such token.
func (db *DB) RevokeRefresh(ctx context.Context, r grant.Refresh, e grant.Ending) error {
	type row struct {
		grant.Grant
		current, before []byte
	}
	g, err := one(ctx, db.read, func(r *row) []any { return append(grantRow(&r.Grant), &r.current, &r.before) },
		selectTokensOfGrant, string(e.Platform), string(e.Party), string(r.Grant))
	if err == nil && !secret.Equal(g.current, r.Hash) && !secret.Equal(g.before, r.Hash) && !outdated(r, g.current) {
		err = fault.NotFound
	}
	if err == nil {
		err = db.end(ctx, &g.Grant, audit.GrantEnded, e)
	}
	return fail("revoking refresh token", err)
}

const endGrant = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND id = $4 AND ended_at IS NULL`

// end ends one grant and records it; one that has ended already is left as it is.
func (db *DB) end(ctx context.Context, g *grant.Grant, kind audit.Kind, e grant.Ending) error {
	return db.inTx(ctx, func(q conn) error {
		changed, err := exec(ctx, q, endGrant, millis(e.Now), e.Reason, string(g.Platform), string(g.ID))
		if err != nil || changed == 0 {
			return err
		}
		return addEvents(ctx, q, []audit.Event{eventOf(g, kind, e)})
	})
}

// eventOf records what a party did to a grant, which may be another party's.
func eventOf(g *grant.Grant, kind audit.Kind, e grant.Ending) audit.Event {
	outcome := audit.Success
	if kind != audit.GrantEnded {
		outcome = audit.Failure // somebody presented what was used before, or was not theirs
	}
	return e.From.Of(audit.Event{
		At: e.Now, Platform: g.Platform, Kind: kind, Actor: "system", Account: g.Account, Party: string(e.Party),
		Session: g.Session, Outcome: outcome, Reason: e.Reason,
	})
}

// endReplayed ends the family of a token that was presented once too often, and says so.
func (db *DB) endReplayed(ctx context.Context, g *grant.Grant, kind audit.Kind, e grant.Ending) error {
	if err := db.end(ctx, g, kind, e); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", e.Reason, fault.Spent)
}

const redeemCode = `
UPDATE grants
SET code_used_at = $1, refresh_hash = $2, refresh_ends_at = $3, dpop_jkt = CASE WHEN $12 = 1 THEN $11 ELSE grants.dpop_jkt END
WHERE grants.id = $4 AND grants.platform = $5 AND grants.party = $6 AND grants.code_hash = $7 AND grants.redirect_uri = $8 AND grants.challenge = $9
  AND grants.code_used_at IS NULL AND grants.code_ends_at > $1 AND grants.ended_at IS NULL AND grants.ends_at > $1
  AND grants.dpop_jkt IN ('', $11)
  AND EXISTS (
    SELECT 1
    FROM sessions AS s
    JOIN accounts AS a ON a.platform = s.platform AND a.id = s.account
    WHERE s.platform = grants.platform AND s.id = grants.session AND s.ended_at IS NULL AND a.state = 'active')
  AND ($10 = 0 OR EXISTS (
    SELECT 1
    FROM consents AS c
    WHERE c.platform = grants.platform AND c.account = grants.account AND c.party = grants.party))
RETURNING ` + liveColumns

const selectGrantByCode = `
SELECT ` + grantColumns + `
FROM grants
WHERE grants.id = $1 AND grants.platform = $2 AND grants.code_hash = $3`

// Redeem spends a code, once, and returns what Grant would. When the party it was made for repeats it with the right
// challenge, somebody has a copy: the grant ends (RFC 6749 section 4.1.2) and fault.Spent says so. Anybody else gets
// fault.NotFound and changes nothing, so that a stolen code without its verifier cannot end a grant; as long as the
// code would have worked, that somebody has it is recorded, once for each party and reason.
func (db *DB) Redeem(ctx context.Context, r grant.Redemption) (*grant.Grant, error) {
	g, err := one(ctx, db.manyOr(db.write), liveRow, redeemCode, millis(r.Now), orNull(r.RefreshHash), refreshEnd(r),
		string(r.Grant), string(r.Platform), string(r.Party), r.CodeHash, r.RedirectURI, r.Challenge, flag(r.Consented), r.Key.JKT, flag(r.Key.Binds))
	if errors.Is(err, sql.ErrNoRows) {
		err = db.whyNotRedeemed(ctx, r)
	}
	return g, fail("redeeming code", err)
}

// refreshEnd is when the first refresh token ends; no token, no end.
func refreshEnd(r grant.Redemption) any {
	if len(r.RefreshHash) == 0 {
		return nil
	}
	return millis(r.RefreshEnds)
}

func (db *DB) whyNotRedeemed(ctx context.Context, r grant.Redemption) error {
	g, err := one(ctx, db.read, grantRow, selectGrantByCode, string(r.Grant), string(r.Platform), r.CodeHash)
	if err != nil {
		return err
	}
	over := !r.Now.Before(g.CodeEndsAt) || !r.Now.Before(g.EndsAt) || !g.EndedAt.IsZero()
	e := grant.Ending{Platform: r.Platform, Party: r.Party, From: r.From, Now: r.Now}
	switch {
	case g.Party != r.Party:
		e.Reason = "another party's"
	case !g.CodeUsedAt.IsZero() && g.Challenge == r.Challenge:
		e.Reason = endCodeReplayed
		return db.endReplayed(ctx, g, audit.AuthorizationCodeReplayed, e)
	case g.CodeUsedAt.IsZero() && !r.Now.Before(g.CodeEndsAt):
		return fault.Expired
	case g.Challenge != r.Challenge:
		e.Reason = "not the verifier"
	case g.RedirectURI != r.RedirectURI:
		e.Reason = "not the redirect"
	case g.JKT != "" && g.JKT != r.Key.JKT:
		e.Reason = "not the key"
	}
	if over || !g.CodeUsedAt.IsZero() || e.Reason == "" {
		return fault.NotFound
	}
	if err := recordOnce(ctx, db.write, eventOf(g, audit.AuthorizationCodeRefused, e), string(g.ID)); err != nil {
		return err
	}
	return fault.NotFound
}
