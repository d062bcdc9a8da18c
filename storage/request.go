package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const insertRequest = `
INSERT INTO requests (platform, id, browser, body, created_at, expires_at, answered_at, waiting_since, pushed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $5, $8)`

// A browser that brings a pushed request twice at once brings one: they have one identifier.
const insertBrought = insertRequest + `
ON CONFLICT DO NOTHING`

// SaveRequest stores a request that waits for its answer. The journey that leads there is derived from it, and stored
// with its first form.
func (db *DB) SaveRequest(ctx context.Context, r grant.AuthRequest) error {
	text := insertRequest
	if r.Pushed != "" {
		text = insertBrought
	}
	_, err := exec(ctx, db.write, text, string(r.Platform), r.ID, orNull(r.Browser), document{&r},
		millis(r.CreatedAt), millis(r.Expiry), millis(r.AnsweredAt), orNullText(r.Pushed))
	return fail("saving request", err)
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

// A node of the release before stored the request without saying that it waits.
const bindRequest = `
UPDATE requests
SET browser = $1, body = $2, waiting_since = created_at
WHERE platform = $3 AND id = $4 AND browser IS NULL AND answered_at IS NULL`

// BindRequest ties an open request that no browser has claimed to the first one that comes, with what was decided of it
// there: its journey begins as it is now. fault.Spent: another browser was first, or it was answered.
func (db *DB) BindRequest(ctx context.Context, r grant.AuthRequest) error {
	changed, err := exec(ctx, db.write, bindRequest, r.Browser, document{&r}, string(r.Platform), r.ID)
	if err == nil && changed == 0 {
		if _, err = findRequest(ctx, db.write, r.Platform, r.ID); err == nil {
			err = fault.Spent
		}
	}
	return fail("binding request", err)
}

const beginJourney = `
UPDATE requests
SET waiting_since = NULL
WHERE platform = $1 AND id = $2 AND answered_at IS NULL AND expires_at > $3`

// beginRequest notes that the journey of a request is stored, which keeps the request. fault.Stale: it was answered, its
// time is over, or it is gone.
func beginRequest(ctx context.Context, q conn, p platform.ID, id string, now time.Time) error {
	return do(ctx, q, step{beginJourney, []any{string(p), id, millis(now)}, orStale("request " + id)})
}

// What is answered waits no more: it is not among those that BoundWaiting counts.
const markAnswered = `
UPDATE requests
SET answered_at = $1, waiting_since = NULL
WHERE platform = $2 AND id = $3 AND answered_at IS NULL AND expires_at > $1
RETURNING COALESCE(pushed, '')`

// answerRequest takes the one answer that a request has, and with it that of the pushed one that it came from, which
// another browser may have brought as well.
func answerRequest(ctx context.Context, q conn, p platform.ID, id string, now time.Time) error {
	pushed, err := one(ctx, q, func(id *string) []any { return []any{id} }, markAnswered, millis(now), string(p), id)
	switch {
	case err == nil && *pushed != "":
		return spendPushed(ctx, q, p, *pushed, now)
	case !errors.Is(err, sql.ErrNoRows):
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
