package storage

import (
	"context"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const insertUse = `
INSERT INTO uses (platform, hash, ends_at)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING`

// MarkUsed notes that something was used which works once, by a hash that names it and nothing else of the platform.
// Whoever is later, at any node and after any restart, gets fault.Spent. It is remembered until ends, when nobody takes
// it any more.
func (db *DB) MarkUsed(ctx context.Context, p platform.ID, hash []byte, ends time.Time) error {
	added, err := exec(ctx, db.write, insertUse, string(p), hash, millis(ends))
	if err == nil && added == 0 {
		err = fault.Spent
	}
	return fail("using once", err)
}
