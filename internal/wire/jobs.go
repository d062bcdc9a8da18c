package wire

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/upkeep"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// Run does the upkeep until the context ends: clock and settings within half a second, messages within one, requests that
// are too many within ten, the end of sessions and acts of staff that are due within twenty, clean-up, key rotation and
// subjects by the minute, devices that nobody uses by the hour, each at its own pace. From Drain on only what goes on then is left.
func (h *House) Run(ctx context.Context) { upkeep.Run(ctx, h.Log, h.leaving, h.jobs()) }

// jobs are what a node does by itself, one row each.
func (h *House) jobs() []upkeep.Job {
	jobs := []upkeep.Job{
		{Name: "settings", Every: 500 * time.Millisecond, Draining: true, Do: h.followAndTell},
		{Name: "shedding", Every: shedEvery, Draining: true, Do: h.tellShed()},
		{Name: "upkeep", Every: time.Minute, Do: h.keepUp},
		{Name: "requests", Every: 10 * time.Second, Do: boundRequests(h.DB, h.clock.Now, h.Log)},
		{Name: "people", Every: 10 * time.Second, Do: fillPeople(h.DB, h.clock.Now)},
		{Name: "sessions", Every: overdueEvery, Do: endOverdue(h.DB, h.clock.Now)},
		{Name: "subjects", Every: time.Minute, Do: fillSubjects(h.DB, h.clock.Now)},
		{Name: "devices", Every: unusedEvery, Do: removeUnused(h.DB, h.clock.Now)},
		{Name: "metadata", Every: metadataEvery, Do: readMetadata(h)},
		{Name: "acts", Every: actsEvery, Do: carryOut(h.DB, h.Sealer, h.clock.Now)},
	}
	for _, to := range h.outbox.Recipients() {
		jobs = append(jobs, upkeep.Job{
			Name: "letters", Every: time.Second,
			Do: func(ctx context.Context) error { return h.outbox.Deliver(ctx, to) },
		})
	}
	return jobs
}

// followAndTell keeps up with what others change, and says what is wrong.
func (h *House) followAndTell(ctx context.Context) error {
	h.settings.Tell(ctx, h.follow(ctx))
	return nil
}

// Refresh reads the settings again if they were changed.
func (h *House) Refresh(ctx context.Context) error { return h.settings.Refresh(ctx) }

// follow keeps up with what others change: the clock and the settings.
func (h *House) follow(ctx context.Context) error {
	ctx = storage.Urgent(ctx)
	return errors.Join(h.clock.Follow(ctx), h.Refresh(ctx))
}

// overdueEvery is how often sessions are looked for whose time is over: their parties hear of it within a minute.
const overdueEvery = 20 * time.Second

// endOverdue ends sessions whose time is over, so that their parties hear of it, tells of idle ones those that want to, and
// notes which sign-ins by a QR code nobody finished.
func endOverdue(db *storage.DB, now func() time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, done := context.WithTimeout(ctx, upkeepTime)
		defer done()
		for ended := cleanBatch; ended >= cleanBatch && ctx.Err() == nil; {
			var err error
			if ended, err = db.EndOverdue(ctx, now(), cleanBatch); err != nil {
				return err
			}
		}
		for ended := cleanBatch; ended >= cleanBatch && ctx.Err() == nil; {
			var err error
			if ended, err = db.EndIdle(ctx, now(), cleanBatch); err != nil {
				return err
			}
		}
		for ended := cleanBatch; ended >= cleanBatch && ctx.Err() == nil; {
			var err error
			if ended, err = db.ExpireHandoffs(ctx, now(), cleanBatch); err != nil {
				return err
			}
		}
		return nil
	}
}

// unusedEvery is how often devices of mobile apps are looked for that nobody uses any more: an hour is little of 90 days.
const unusedEvery = time.Hour

// removeUnused removes devices of mobile apps that nobody used for grant.DeviceUnused.
func removeUnused(db *storage.DB, now func() time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, done := context.WithTimeout(ctx, upkeepTime)
		defer done()
		for removed := cleanBatch; removed >= cleanBatch && ctx.Err() == nil; {
			var err error
			if removed, err = db.RemoveUnusedDevices(ctx, now(), cleanBatch); err != nil {
				return err
			}
		}
		return nil
	}
}

// fillPeople makes accounts findable that an earlier release wrote: a million of them in ten to twenty minutes.
func fillPeople(db *storage.DB, now func() time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, done := context.WithTimeout(ctx, upkeepTime)
		defer done()
		for filled := cleanBatch; filled >= cleanBatch && ctx.Err() == nil; {
			var err error
			if filled, err = db.FillPeople(ctx, now(), cleanBatch); err != nil {
				return err
			}
		}
		return nil
	}
}

// subjectsAgain is how long after all subjects were looked at that is done again: a node of the release before may have given
// some out meanwhile, a backup may lack some, and a party may have become pairwise.
const subjectsAgain = time.Hour

// fillSubjects keeps pairwise subjects that were given out before anybody kept them. It goes on where it was a minute ago,
// and after a restart from the beginning.
func fillSubjects(db *storage.DB, now func() time.Time) func(context.Context) error {
	var after account.ID
	var again time.Time
	return func(ctx context.Context) error {
		if now().Before(again) {
			return nil
		}
		ctx, done := context.WithTimeout(ctx, upkeepTime)
		defer done()
		sectors, err := sectorsOf(ctx, db)
		if err != nil {
			return err
		}
		for len(sectors) > 0 && ctx.Err() == nil {
			last, err := db.FillSubjects(ctx, sectors, after, cleanBatch)
			if err != nil {
				return err
			}
			if after = last; last == "" {
				break
			}
		}
		if after == "" {
			again = now().Add(subjectsAgain)
		}
		return nil
	}
}

// sectorsOf are the sectors of all pairwise parties, by platform.
func sectorsOf(ctx context.Context, db *storage.DB) (map[platform.ID][]grant.Sector, error) {
	platforms, err := db.Platforms(ctx)
	if err != nil {
		return nil, err
	}
	parties, err := db.Parties(ctx)
	if err != nil {
		return nil, err
	}
	salts := map[platform.ID][]byte{}
	for _, p := range platforms {
		salts[p.ID] = p.Salt
	}
	sectors := map[platform.ID][]grant.Sector{}
	for _, p := range parties {
		s := p.SectorOf(salts[p.Platform])
		same := func(other grant.Sector) bool { return other.Host == s.Host }
		if p.Pairwise && !slices.ContainsFunc(sectors[p.Platform], same) {
			sectors[p.Platform] = append(sectors[p.Platform], s)
		}
	}
	return sectors, nil
}

// actsEvery is how often acts are looked for that waited until now: a minute is little of a day.
const actsEvery = 20 * time.Second

// carryOut does what staff asked for and what has waited long enough, each act on one node.
func carryOut(db *storage.DB, sealer *keys.Sealer, now func() time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, done := context.WithTimeout(ctx, upkeepTime)
		defer done()
		acts := staff.Acts{Store: db, People: db, Waiting: db, Sealer: sealer, Now: now()}
		_, err := acts.CarryOut(ctx)
		return err
	}
}

// upkeepTime is how long a round of keepUp may take.
const upkeepTime = 30 * time.Second

const cleanBatch = 1000 // rows per table and round

// keepUp deletes what is over, replaces old keys, and reads the settings even when nobody changed them, because a key
// is dropped by time alone.
func (h *House) keepUp(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, upkeepTime)
	defer done()
	return errors.Join(h.cleanUp(ctx), h.settings.RotateKeys(ctx), h.settings.Reload(ctx), h.lookAtOutbox(ctx))
}

// cleanUp goes on as long as there is enough to delete and time for it.
func (h *House) cleanUp(ctx context.Context) error {
	for removed := cleanBatch; removed >= cleanBatch && ctx.Err() == nil; {
		var err error
		if removed, err = h.DB.CleanUp(ctx, h.clock.Now(), cleanBatch); err != nil {
			return err
		}
	}
	return nil
}

// mostWaiting is how many requests of a platform may wait for the first form of their journey: about 150 MB, and as many as
// there are when 27 people in a second come to the first page for two hours and none of them goes on.
const mostWaiting = 200_000

// boundRequests deletes the oldest requests that nobody sent a form for, where a platform has too many. It keeps up with
// 20,000 new ones in a second; until it comes by again there are as many more as all nodes take in that time.
func boundRequests(db *storage.DB, now func() time.Time, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, done := context.WithTimeout(ctx, upkeepTime)
		defer done()
		gone, err := db.BoundWaiting(ctx, mostWaiting, cleanBatch, now())
		if gone > 0 {
			log.WarnContext(ctx, "a platform has more logins that nobody goes on with than are kept", slog.Int("deleted", gone))
		}
		return err
	}
}
