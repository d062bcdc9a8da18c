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

const insertPushed = `
INSERT INTO pushed_requests (platform, id, party, body, expires_at)
SELECT $1, $2, $3, $4, $5
WHERE (SELECT COUNT(*) FROM pushed_requests WHERE platform = $1 AND party = $3 AND expires_at > $6) < $7`

// Push stores a request that a party pushed (RFC 9126 section 2). fault.Throttled: so many of its requests wait for their
// browsers already; several at one moment may make them a few more. One that was answered waits no more.
func (db *DB) Push(ctx context.Context, r grant.AuthRequest, most int) error {
	added, err := exec(ctx, db.write, insertPushed, string(r.Platform), r.ID, string(r.Party), document{&r}, millis(r.Expiry), millis(r.CreatedAt), most)
	if err == nil && added == 0 {
		err = fault.Throttled
	}
	return fail("pushing request", err)
}

const selectPushed = `
SELECT body, platform, id, expires_at, answered_at
FROM pushed_requests
WHERE platform = $1 AND id = $2`

// Pushed finds a request that was pushed, open or not.
func (db *DB) Pushed(ctx context.Context, p platform.ID, id string) (*grant.AuthRequest, error) {
	r, err := findPushed(ctx, db.read, p, id)
	return r, fail("finding pushed request", err)
}

func findPushed(ctx context.Context, q conn, p platform.ID, id string) (*grant.AuthRequest, error) {
	return one(ctx, q, func(r *grant.AuthRequest) []any {
		return []any{document{r}, &r.Platform, &r.ID, instant{&r.Expiry}, instant{&r.AnsweredAt}}
	}, selectPushed, string(p), id)
}

// When it may be brought is over after a minute; it is answered when its journey is over. Whichever is first ends its
// waiting, so that Push counts neither; it is deleted as long after that.
const markPushed = `
UPDATE pushed_requests
SET answered_at = $1, expires_at = CASE WHEN expires_at > $1 THEN $1 ELSE expires_at END
WHERE platform = $2 AND id = $3 AND answered_at IS NULL`

// SpendPushed uses up a pushed request whose answer is no grant and that no browser waits for. fault.Spent: it was answered
// before.
func (db *DB) SpendPushed(ctx context.Context, p platform.ID, id string, now time.Time) error {
	return fail("answering pushed request", spendPushed(ctx, db.write, p, id, now))
}

func spendPushed(ctx context.Context, q conn, p platform.ID, id string, now time.Time) error {
	changed, err := exec(ctx, q, markPushed, millis(now), string(p), id)
	if err != nil || changed > 0 {
		return err
	}
	if _, err := findPushed(ctx, q, p, id); errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("pushed request %s: %w", id, fault.NotFound)
	} else if err != nil {
		return err
	}
	return fmt.Errorf("pushed request %s: %w", id, fault.Spent)
}
