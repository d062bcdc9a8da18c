package storage

import (
	"context"
	"time"
)

// Clock is what time it is at the database; false where it has no clock but ours. Nodes that follow it agree on the
// time, however far their own clocks are apart: a code of 60 seconds leaves no room for a minute of difference.
func (db *DB) Clock(ctx context.Context) (time.Time, bool, error) {
	if db.dialect.clock == "" {
		return time.Time{}, false, nil
	}
	var now time.Time
	if err := db.read.QueryRowContext(ctx, db.dialect.clock).Scan(instant{&now}); err != nil {
		return time.Time{}, false, fail("reading the clock", err)
	}
	return now, true, nil
}
