package storage

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// Counters name nobody, so whoever waits is looked for the other way round: among those of whom something was refused
// in the last day, which every counter that refuses has an event of, and whose counters can be named.

const (
	// refusals is how many of them are looked at, of each kind, the newest first: who is kept out while somebody has
	// more of them made in a day is found by name, and the card says the rest.
	refusals = 4000

	// leastRefusals are those that somebody has of whom a counter refuses anything: the smallest limit is higher
	// (authn.RecoveriesPerHour), and a try whose request broke off left none.
	leastRefusals = 3

	selectRefused = `
SELECT account, at
FROM events
WHERE platform || ' ' || kind = $1 AND at > $2 AND account <> ''
ORDER BY at DESC
LIMIT $3`

	foundOf = `
SELECT ` + foundColumns + `, a.email_key
FROM accounts AS a
LEFT JOIN invitations AS i ON i.account = a.id
WHERE a.platform = $1 AND a.id IN ($LIST)`

	standingsByOwner = `
SELECT key, owner, total, since_at, blocked_until, full_at
FROM attempts
WHERE platform = $1 AND owner <> '' AND owner IN ($LIST)`

	standingsByKey = `
SELECT key, owner, total, since_at, blocked_until, full_at
FROM attempts
WHERE platform = $1 AND key IN ($LIST)`
)

// listOf is a text with a list of arguments behind the platform. The last one is repeated until there are as many as
// some power of two, so that there are few texts to prepare.
func listOf[T ~string](text string, p platform.ID, all []T) (string, []any) {
	args, marks := []any{string(p)}, []string{}
	for i, n := 0, 1; i < n || i < len(all); i++ {
		args = append(args, string(all[min(i, len(all)-1)]))
		marks = append(marks, fmt.Sprintf("$%d", len(args)))
		for n < len(all) {
			n *= 2
		}
	}
	return strings.Replace(text, "($LIST)", "("+strings.Join(marks, ", ")+")", 1), args
}

func columnsOfStanding(s *authn.CounterState) []any {
	return []any{&s.Key, &s.Owner, &s.Total, instant{&s.Since}, instant{&s.BlockedUntil}, instant{&s.Full}}
}

// standings are the counters of owners, and those with these names.
func standings(ctx context.Context, q conn, p platform.ID, owners, keys []string) ([]authn.CounterState, error) {
	var all []authn.CounterState
	for text, names := range map[string][]string{standingsByOwner: owners, standingsByKey: keys} {
		if len(names) == 0 {
			continue
		}
		text, args := listOf(text, p, names)
		some, err := list(ctx, q, columnsOfStanding, text, args...)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// waitBatch is how many people are looked at in two statements.
const waitBatch = 100

// waiting lists those who cannot sign in for some time, who was refused last first.
func (db *DB) waiting(ctx context.Context, s account.Search, m authn.Namer, now time.Time) ([]foundRow, account.Place, error) {
	last, times := map[account.ID]int64{}, map[account.ID]int{}
	for _, kind := range []audit.Kind{audit.PasswordRefused, audit.SecondFactorRefused} {
		type refused struct {
			id account.ID
			at int64
		}
		all, err := list(ctx, db.read, func(r *refused) []any { return []any{&r.id, &r.at} }, selectRefused,
			string(s.Platform)+" "+string(kind), millis(now.Add(-authn.ForgetAfter)), refusals)
		if err != nil {
			return nil, account.Place{}, err
		}
		for _, r := range all {
			last[r.id] = max(last[r.id], r.at)
			times[r.id]++
		}
	}
	var places []account.Place
	for id, at := range last {
		p := account.Place{Key: keyOf(at), ID: id}
		if times[id] >= leastRefusals && (s.After.IsZero() || later(s.After, p) < 0) {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, later)
	var found []foundRow
	for batch := range slices.Chunk(places, waitBatch) {
		rows, err := db.whoWait(ctx, s.Platform, batch, m, now)
		if err != nil {
			return nil, account.Place{}, err
		}
		if found = append(found, rows...); len(found) > s.Limit {
			break
		}
	}
	return upTo(found, s.Limit, noMore)
}

// later orders places by time, the latest first.
func later(a, b account.Place) int {
	return cmp.Or(bytes.Compare(b.Key, a.Key), strings.Compare(string(b.ID), string(a.ID)))
}

// whoWait are those of some who wait, in their order.
func (db *DB) whoWait(ctx context.Context, p platform.ID, places []account.Place, m authn.Namer, now time.Time) ([]foundRow, error) {
	ids := make([]account.ID, len(places))
	for i, place := range places {
		ids[i] = place.ID
	}
	text, args := listOf(foundOf, p, ids)
	rows, err := list(ctx, db.read, (*foundRow).withKey, text, args...)
	if err != nil {
		return nil, err
	}
	counters := map[account.ID]authn.Counters{}
	byID := map[account.ID]foundRow{}
	var owners []string
	for _, r := range rows {
		byID[r.ID] = r
		counters[r.ID] = authn.CountersOf(m, p, r.ID, string(r.key))
		owners = append(owners, counters[r.ID].Passwords, authn.CodeOwner(m, p, r.ID))
	}
	all, err := standings(ctx, db.read, p, owners, nil)
	if err != nil {
		return nil, err
	}
	byOwner := map[string][]authn.CounterState{}
	for _, s := range all {
		byOwner[s.Owner] = append(byOwner[s.Owner], s)
	}
	var found []foundRow
	for _, place := range places {
		r, ok := byID[place.ID]
		if !ok {
			continue // erased, or of another platform
		}
		own := slices.Concat(byOwner[counters[r.ID].Passwords], byOwner[authn.CodeOwner(m, p, r.ID)])
		if len(counters[r.ID].Waits(own, now)) > 0 {
			r.key = place.Key
			found = append(found, r)
		}
	}
	return found, nil
}
