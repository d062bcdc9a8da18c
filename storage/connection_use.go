package storage

import (
	"context"
	"strconv"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

const (
	countLinked = `
SELECT connection, COUNT(*)
FROM credentials
WHERE platform = $1 AND connection IS NOT NULL AND retired_at IS NULL
GROUP BY connection`

	// The newest event of a kind of each connection, however many there are of it: one step into the index for each.
	selectNewestByConnection = `
SELECT c.id, e.at, e.reason
FROM connections AS c
JOIN events AS e ON e.id = (
    SELECT n.id
    FROM events AS n
    WHERE n.platform || ' ' || n.connection || ' ' || n.kind = c.platform || ' ' || c.id || ' ' || $1
      AND n.connection <> '' -- as the index has it
    ORDER BY n.at DESC, n.place DESC, n.id
    LIMIT 1)
WHERE c.platform = $2`
)

// ConnectionUses tells how each connection of a platform does, by its name. Nothing of it says who anybody is, so it leaves
// no event.
func (db *DB) ConnectionUses(ctx context.Context, p platform.ID) (map[federation.ID]staff.ConnectionUse, error) {
	all := map[federation.ID]staff.ConnectionUse{}
	linked, err := list(ctx, db.read, func(u *staff.ConnectionUse) []any { return []any{&u.ID, &u.Linked} }, countLinked, string(p))
	if err != nil {
		return nil, fail("counting links", err)
	}
	for _, u := range linked {
		all[u.ID] = u
	}
	for _, kind := range audit.ByConnection {
		newest, err := list(ctx, db.read, func(u *staff.ConnectionUse) []any {
			return []any{&u.ID, instant{&u.RefusedAt}, &u.Refused}
		}, selectNewestByConnection, string(kind), string(p))
		if err != nil {
			return nil, fail("reading events of connections", err)
		}
		for _, n := range newest {
			u := all[n.ID]
			u.ID = n.ID
			switch {
			case kind == audit.FederatedRefused:
				u.RefusedAt, u.Refused = n.RefusedAt, n.Refused
			case n.RefusedAt.After(u.UsedAt):
				u.UsedAt = n.RefusedAt
			}
			all[n.ID] = u
		}
	}
	return all, nil
}

const (
	selectRefusals = selectRecorded + `
WHERE platform || ' ' || connection || ' ' || kind = $1
AND connection <> '' -- as the index has it
ORDER BY at DESC, place DESC, id
LIMIT $2`

	selectConfirmer = `
SELECT actor
FROM events
WHERE platform || ' ' || kind = $1 AND at = $2 AND reason = $3
ORDER BY place DESC, id
LIMIT 1`
)

// Refusals are the newest of who came by a connection, newest first, at most limit, once it is on record that somebody
// reads them.
func (db *DB) Refusals(ctx context.Context, p platform.ID, c federation.ID, limit int, by audit.Reader, now time.Time) ([]audit.Recorded, error) {
	all, err := list(ctx, db.read, columnsOfRecorded, selectRefusals, byConnection(p, c, audit.FederatedRefused), limit)
	if err == nil {
		err = addEvents(ctx, db.write, []audit.Event{by.Of(audit.Event{
			At: now, Platform: p, Kind: audit.RecordRead, Actor: by.Name, Outcome: audit.Success, Reason: strconv.Itoa(len(all)) + " kind connection",
		})})
	}
	if err != nil {
		return nil, fail("reading refusals of connection", err)
	}
	return all, nil
}

// ConfirmedBy is who confirmed what a test sign-in of a connection brought, as the record names an actor. fault.NotFound:
// it is not on record.
func (db *DB) ConfirmedBy(ctx context.Context, p platform.ID, c federation.ID, at time.Time) (string, error) {
	by, err := one(ctx, db.read, func(s *string) []any { return []any{s} }, selectConfirmer,
		string(p)+" "+string(audit.ConnectionConfirmed), millis(at), string(c))
	if err != nil {
		return "", fail("finding who confirmed connection", err)
	}
	return *by, nil
}

// byConnection is what events_connection has.
func byConnection(p platform.ID, c federation.ID, kind audit.Kind) string {
	return string(p) + " " + string(c) + " " + string(kind)
}

const (
	// As selectRecordOfAccount: an account has few links, and each was made by one event.
	selectLinkMade = `
SELECT actor
FROM events
WHERE account = $1 AND platform || '' = $2 AND kind = $3 AND at = $4 AND reason = $5
ORDER BY place DESC, id
LIMIT 1`

	selectLinkUsed = `
SELECT at
FROM events
WHERE account = $1 AND platform || '' = $2 AND connection = $3 AND at >= $4 AND kind IN ($5, $6)
ORDER BY at DESC
LIMIT 1`
)

// cardLinks are what the record knows of the links of somebody.
func (db *DB) cardLinks(ctx context.Context, a *account.Account) (all []staff.CardLink, err error) {
	for _, c := range a.Credentials {
		if c.Method != federation.Method {
			continue
		}
		l := staff.CardLink{Credential: c.ID}
		made, err := list(ctx, db.read, func(s *string) []any { return []any{s} }, selectLinkMade,
			string(a.ID), string(a.Platform), string(audit.CredentialAdded), millis(c.AddedAt), federation.Method)
		if err != nil {
			return nil, err
		}
		if len(made) > 0 {
			l.MadeBy = made[0]
		}
		used, err := list(ctx, db.read, func(t *time.Time) []any { return []any{instant{t}} }, selectLinkUsed, string(a.ID),
			string(a.Platform), string(federation.ConnectionOf(c.External)), millis(c.AddedAt), string(audit.SessionStarted), string(audit.SessionRaised))
		if err != nil {
			return nil, err
		}
		if len(used) > 0 {
			l.UsedAt = used[0]
		}
		all = append(all, l)
	}
	return all, nil
}
