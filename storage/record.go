package storage

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/platform"
)

// The record is read newest first, a page at a time, by the place of the last event (keyset pagination): events that
// are added meanwhile neither repeat nor hide one. Each text begins with what finds the rows: platform and time; the
// account, the actor or the kind, with its time; or the reference, which few events share. `platform || ”` is no
// column, so that the index of platform and time is not taken where another one finds less: SQLite has no statistics to
// tell. An empty value leaves nothing out.
const (
	selectRecord = selectRecorded + `
WHERE platform = $1` + recordPart

	selectRecordOfAccount = selectRecorded + `
WHERE platform || '' = $1
AND account = $11` + recordPart

	selectRecordOfActor = selectRecorded + `
WHERE platform || '' = $1
AND platform || ' ' || actor = $11` + recordPart

	selectRecordOfKind = selectRecorded + `
    WHERE platform || '' = $1
    AND platform || ' ' || kind = $%d` + recordPart

	selectRecordOfKinds = `
SELECT id, place, platform, at, kind, actor, account, party, session, outcome, reason, address, agent, reference,
  stated_reason, identified, connection
FROM (%s) AS of_any
ORDER BY at DESC, place DESC, id
LIMIT $10`

	selectRecordOfReference = selectRecorded + `
WHERE platform || '' = $1
AND ($11 = '' OR account || '' = $11)
AND reference = $12
AND reference <> '' -- as the index has it` + recordPart

	selectRecorded = `
SELECT id, place, platform, at, kind, actor, account, party, session, outcome, reason, address, agent, reference,
  stated_reason, identified, connection
FROM events`

	recordPart = `
AND at >= $2
AND at <= $3
AND (at < $4 OR place < $5 OR (place = $5 AND id > $6))
AND ($7 = '' OR actor = $7 OR ($7 = 'cli' AND substr(actor, 1, 4) = 'cli '))
AND ($8 = '' OR outcome = $8)
AND ($9 = '' OR replace($9, ',' || kind || ',', '') <> $9)
ORDER BY at DESC, place DESC, id
LIMIT $10`
)

func columnsOfRecorded(r *audit.Recorded) []any {
	return append([]any{&r.ID, &r.Place}, columnsOfEvent(&r.Event)...)
}

// Record returns the events that a query selects, newest first, once it is on record that somebody reads them: the
// event is that of audit.Query.Reading. It stands after what was read, so it is not among it.
func (db *DB) Record(ctx context.Context, q audit.Query, by audit.Reader, now time.Time) ([]audit.Recorded, error) {
	if err := q.Validate(); err != nil {
		return nil, fail("reading record", err)
	}
	byActor, err := db.byActor(ctx, q)
	if err != nil {
		return nil, fail("reading record", err)
	}
	text, args := textOfRecord(q, byActor)
	all, err := list(ctx, db.read, columnsOfRecorded, text, args...)
	if err == nil {
		err = addEvents(ctx, db.write, []audit.Event{q.Reading(by, len(all), now)})
	}
	if err != nil {
		return nil, fail("reading record", err)
	}
	return all, nil
}

const (
	// mostKinds are looked for each by itself. More of them are not rare together, and are found by time.
	mostKinds = 8

	// fewOf is how many events of an actor are few: fewer than there may be of a kind.
	fewOf = 5000

	countOfActor = `
SELECT COUNT(*)
FROM (
    SELECT 1
    FROM events
    WHERE platform || ' ' || actor = $1
    LIMIT $2) AS few`
)

// anyOperator is what a query has for each actor "cli NAME", as recordPart has it.
const anyOperator = "cli"

// byActor reports whether what somebody did is looked through, rather than the kinds that are asked for, too.
func (db *DB) byActor(ctx context.Context, q audit.Query) (bool, error) {
	if q.Actor == anyOperator { // is many actors
		return false, nil
	}
	if q.Actor == "" || len(q.Kinds) == 0 || len(q.Kinds) > mostKinds {
		return q.Actor != "", nil
	}
	n, err := one(ctx, db.read, func(n *int) []any { return []any{n} }, countOfActor, string(q.Platform)+" "+q.Actor, fewOf)
	return err == nil && *n < fewOf, err
}

func textOfRecord(q audit.Query, byActor bool) (text string, args []any) {
	since, last, at := int64(math.MinInt64), int64(math.MaxInt64), int64(math.MaxInt64)
	if !q.Since.IsZero() {
		since = ceilMillis(q.Since)
	}
	if !q.Until.IsZero() {
		last = ceilMillis(q.Until) - 1
	}
	if q.After != (audit.Cursor{}) {
		at = q.After.At.UnixMilli()
		last = min(last, at)
	}
	args = []any{
		string(q.Platform), since, last, at, q.After.Place, q.After.ID, q.Actor, string(q.Outcome), wordsOf(q.Kinds), q.Limit,
	}
	switch {
	case q.Reference != "":
		return selectRecordOfReference, append(args, string(q.Account), q.Reference)
	case q.Account != "":
		return selectRecordOfAccount, append(args, string(q.Account))
	case byActor:
		return selectRecordOfActor, append(args, string(q.Platform)+" "+q.Actor)
	case len(q.Kinds) > 0 && len(q.Kinds) <= mostKinds:
		return recordOfKinds(q.Platform, q.Kinds, args)
	}
	return selectRecord, args
}

// recordOfKinds is the newest of the newest of each kind.
func recordOfKinds(p platform.ID, kinds []audit.Kind, args []any) (string, []any) {
	each := make([]string, len(kinds))
	for i, kind := range kinds {
		args = append(args, string(p)+" "+string(kind))
		each[i] = "\n    SELECT * FROM (" + fmt.Sprintf(selectRecordOfKind, len(args)) + fmt.Sprintf(") AS of_%d", i)
	}
	return fmt.Sprintf(selectRecordOfKinds, strings.Join(each, "\n    UNION ALL")), args
}

// As selectRecordOfAccount, for the person whose account it is.
const selectDoneTo = selectRecorded + `
WHERE platform || '' = $1
AND account = $2
AND actor <> $2
AND outcome = 'success'
AND replace($3, ',' || kind || ',', '') <> $3
AND ($4 = '' OR replace($4, ',' || reason || ',', '') <> $4)
ORDER BY at DESC, place DESC, id
LIMIT $5`

// DoneTo returns what others did to an account, newest first: successes of some kinds, with any of some reasons where
// there are some. The person reads it about herself, which leaves no event.
func (db *DB) DoneTo(ctx context.Context, p platform.ID, of account.ID, kinds []audit.Kind, reasons []string, limit int) ([]audit.Event, error) {
	all, err := list(ctx, db.read, columnsOfRecorded, selectDoneTo, string(p), string(of), wordsOf(kinds), wordsOf(reasons), limit)
	events := make([]audit.Event, len(all))
	for i, r := range all {
		events[i] = r.Event
	}
	return events, fail("reading what was done to account", err)
}

// As selectDoneTo, for what the person did, or came of it.
const selectDoneWithApp = selectRecorded + `
WHERE platform || '' = $1
AND account = $2
AND (actor = $2 OR actor = 'system')
AND replace($3, ',' || kind || ',', '') <> $3
ORDER BY at DESC, place DESC, id
LIMIT $4`

// appKinds are what happens with devices of mobile apps.
var appKinds = []audit.Kind{audit.DeviceAdded, audit.DeviceRemoved, audit.PINSet, audit.PINRefused}

// DoneWithApp returns what somebody did with devices of mobile apps, newest first, and what wrong PINs came to. What
// others did to them DoneTo returns. The person reads it about herself, which leaves no event.
func (db *DB) DoneWithApp(ctx context.Context, p platform.ID, of account.ID, limit int) ([]audit.Event, error) {
	all, err := list(ctx, db.read, columnsOfRecorded, selectDoneWithApp, string(p), string(of), wordsOf(appKinds), limit)
	events := make([]audit.Event, len(all))
	for i, r := range all {
		events[i] = r.Event
	}
	return events, fail("reading what was done with apps", err)
}

// ceilMillis is the first stored time that is not before t.
func ceilMillis(t time.Time) int64 {
	n := t.UnixMilli()
	if time.UnixMilli(n).Before(t) {
		n++
	}
	return n
}

// wordsOf is a list in which each word stands between commas, so that a word is in it or not; empty for none.
func wordsOf[T ~string](kinds []T) string {
	if len(kinds) == 0 {
		return ""
	}
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = "," + string(k) + ","
	}
	return strings.Join(words, "")
}
