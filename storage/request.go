package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const insertRequest = `
INSERT INTO requests (platform, id, browser, body, created_at, expires_at, answered_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

// SaveRequest stores a request that waits for its answer, and the journey that leads there, if it is known yet.
func (db *DB) SaveRequest(ctx context.Context, r grant.AuthRequest, j *authn.Journey) error {
	return fail("saving request", db.withJourney(ctx, j, func(q conn) error {
		_, err := exec(ctx, q, insertRequest, string(r.Platform), r.ID, orNull(r.Browser), document{&r},
			millis(r.CreatedAt), millis(r.Expiry), millis(r.AnsweredAt))
		return err
	}))
}

// withJourney runs one statement, and before it, in one transaction, adds a journey if there is one.
func (db *DB) withJourney(ctx context.Context, j *authn.Journey, statement func(conn) error) error {
	if j == nil {
		return statement(db.write)
	}
	return db.inTx(ctx, func(q conn) error {
		if err := addJourney(ctx, q, j); err != nil {
			return err
		}
		return statement(q)
	})
}

const selectRequest = `
SELECT r.body, r.platform, r.id, COALESCE(j.browser, r.browser), r.created_at, r.expires_at, r.answered_at
FROM requests AS r
LEFT JOIN journeys AS j ON j.platform = r.platform AND j.id = r.id
WHERE r.platform = $1 AND r.id = $2`

// Request finds a request, open or not. It is bound by what binds its journey.
func (db *DB) Request(ctx context.Context, p platform.ID, id string) (*grant.AuthRequest, error) {
	r, err := findRequest(ctx, db.read, p, id)
	return r, fail("finding request", err)
}

func findRequest(ctx context.Context, q conn, p platform.ID, id string) (*grant.AuthRequest, error) {
	return one(ctx, q, func(r *grant.AuthRequest) []any {
		return []any{
			document{r}, &r.Platform, &r.ID, &r.Browser, instant{&r.CreatedAt}, instant{&r.Expiry}, instant{&r.AnsweredAt},
		}
	}, selectRequest, string(p), id)
}

const bindRequest = `
UPDATE requests
SET browser = $1
WHERE platform = $2 AND id = $3 AND browser IS NULL AND answered_at IS NULL`

// BindRequest ties an open request that no browser has claimed to the first one that comes, and adds its journey, if
// there is one. fault.Spent: another browser was first, or it was answered.
func (db *DB) BindRequest(ctx context.Context, p platform.ID, id string, browser []byte, j *authn.Journey) error {
	return fail("binding request", db.withJourney(ctx, j, func(q conn) error {
		changed, err := exec(ctx, q, bindRequest, browser, string(p), id)
		if err != nil || changed > 0 {
			return err
		}
		if _, err := findRequest(ctx, q, p, id); err != nil {
			return err
		}
		return fault.Spent
	}))
}

const markAnswered = `
UPDATE requests
SET answered_at = $1
WHERE platform = $2 AND id = $3 AND answered_at IS NULL AND expires_at > $1`

// answerRequest takes the one answer that a request has.
func answerRequest(ctx context.Context, q conn, p platform.ID, id string, now time.Time) error {
	changed, err := exec(ctx, q, markAnswered, millis(now), string(p), id)
	if err != nil || changed > 0 {
		return err
	}
	r, err := findRequest(ctx, q, p, id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("request %s: %w", id, fault.NotFound)
	case err != nil:
		return err
	case r.AnsweredAt.IsZero():
		return fmt.Errorf("request %s: %w", id, fault.Expired)
	}
	return fmt.Errorf("request %s: %w", id, fault.Spent)
}
