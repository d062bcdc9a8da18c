package storage

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

const insertEvent = `
INSERT INTO events (platform, id, at, place, kind, actor, account, party, session, outcome, reason, address, agent, reference,
  stated_reason, identified, connection)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`

// addEvents records what the transaction does. It comes last, so that an event is never there without its cause.
func addEvents(ctx context.Context, q conn, all []audit.Event) error {
	for place, e := range all {
		if err := do(ctx, q, step{text: insertEvent, args: eventValues(place, e)}); err != nil {
			return err
		}
	}
	recorded(q, all...)
	return nil
}

// eventValues are those of insertEvent.
func eventValues(place int, e audit.Event) []any {
	return []any{
		string(e.Platform), secret.ID(), millis(e.At), place, string(e.Kind), e.Actor, string(e.Account), e.Party, e.Session,
		string(e.Outcome), e.Reason, plain(e.Address), plain(e.Agent), plain(e.Reference), e.StatedReason, e.Identified,
		e.Connection,
	}
}

const noteEvent = insertEvent + `
ON CONFLICT (id) DO NOTHING`

// RecordOnce records something that changes nothing and that anybody can do again and again: of each kind, party and
// reason one a minute from each source, on all nodes together.
func (db *DB) RecordOnce(ctx context.Context, e audit.Event, source string) error {
	minute := e.At.Truncate(time.Minute).UTC().Format(time.RFC3339)
	return fail("noting event", recordOnce(ctx, db.write, e, source, minute))
}

// recordOnce records an event once, of all that have the same kind, party and reason and whatever else is given.
func recordOnce(ctx context.Context, q conn, e audit.Event, more ...string) error {
	added, err := exec(ctx, q, noteEvent, string(e.Platform), sameEvent(e, more...), millis(e.At), 0, string(e.Kind), e.Actor,
		string(e.Account), e.Party, e.Session, string(e.Outcome), e.Reason, plain(e.Address), plain(e.Agent), plain(e.Reference),
		e.StatedReason, e.Identified, e.Connection)
	if added > 0 {
		recorded(q, e)
	}
	return err
}

// sameEvent names all events that note takes for one.
func sameEvent(e audit.Event, more ...string) string {
	if e.Connection != "" {
		more = append(more, "connection "+e.Connection)
	}
	same := strings.Join(append([]string{string(e.Platform), string(e.Kind), e.Party, e.Alike()}, more...), "\x00")
	return hex.EncodeToString(secret.Hash(same))
}

const selectNoted = `
SELECT reference
FROM events
WHERE id = $1`

// RecordOnceRef is RecordOnce, of each account and connection one a minute, and returns the reference of the event that
// is on record: another one's, where the same was recorded in that minute.
func (db *DB) RecordOnceRef(ctx context.Context, e audit.Event, source string) (reference string, err error) {
	more := []string{source, e.At.Truncate(time.Minute).UTC().Format(time.RFC3339), string(e.Account)}
	if e.Connection != "" {
		more = append(more, e.Connection)
	}
	if err := recordOnce(ctx, db.write, e, more...); err != nil {
		return "", fail("noting refusal", err)
	}
	found, err := one(ctx, db.read, func(s *string) []any { return []any{s} }, selectNoted, sameEvent(e, more...))
	if err != nil {
		return "", fail("noting refusal", err)
	}
	return *found, nil
}

// plain makes text from outside storable: PostgreSQL refuses broken UTF-8 and zero bytes, and a browser's name must
// not be able to stop the sign-in that it is recorded with.
func plain(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

const selectEvents = `
SELECT platform, at, kind, actor, account, party, session, outcome, reason, address, agent, reference,
  stated_reason, identified, connection
FROM events
WHERE platform = $1
ORDER BY at DESC, place DESC, id
LIMIT $2`

const selectEventsOf = `
SELECT platform, at, kind, actor, account, party, session, outcome, reason, address, agent, reference,
  stated_reason, identified, connection
FROM events
WHERE account = $1 AND platform = $2
ORDER BY at DESC, place DESC, id
LIMIT $3`

const selectSignIns = `
SELECT platform, at, kind, actor, account, party, session, outcome, reason, address, agent, reference,
  stated_reason, identified, connection
FROM events
WHERE account = $1 AND platform = $2 AND kind = $3 AND reason <> '` + authn.PIN + `'
ORDER BY at DESC, place DESC, id
LIMIT $4`

func columnsOfEvent(e *audit.Event) []any {
	return []any{
		&e.Platform, instant{&e.At}, &e.Kind, &e.Actor, &e.Account, &e.Party, &e.Session, &e.Outcome, &e.Reason,
		&e.Address, &e.Agent, &e.Reference, &e.StatedReason, &e.Identified, &e.Connection,
	}
}

// Events returns the newest events of a platform, newest first.
func (db *DB) Events(ctx context.Context, p platform.ID, limit int) ([]audit.Event, error) {
	all, err := list(ctx, db.read, columnsOfEvent, selectEvents, string(p), limit)
	return all, fail("reading events", err)
}

// EventsOf returns the newest events of an account, newest first.
func (db *DB) EventsOf(ctx context.Context, p platform.ID, id account.ID, limit int) ([]audit.Event, error) {
	all, err := list(ctx, db.read, columnsOfEvent, selectEventsOf, string(id), string(p), limit)
	return all, fail("reading events of account", err)
}

// SignIns returns the newest sign-ins of an account, newest first, however much else was tried and recorded since. The
// PIN of a mobile app, which is entered at each start of it, is none.
func (db *DB) SignIns(ctx context.Context, p platform.ID, id account.ID, limit int) ([]audit.Event, error) {
	all, err := list(ctx, db.read, columnsOfEvent, selectSignIns, string(id), string(p), string(audit.SessionStarted), limit)
	return all, fail("reading sign-ins of account", err)
}
