package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
)

// A page costs the same in a list of fifty and of a million: each text begins with a range of an index in the order of
// the page, of which at most candidates rows are looked at. What is rarer than that is looked for in parts: a page that
// is short says where the next one begins.
const candidates = 1500

const (
	// The order of these columns is that of foundRow.
	foundColumns = `a.id, a.email, a.role, a.state, a.profile, a.signed_in_at,
    CASE WHEN EXISTS (` + secondOf + `) THEN 1 ELSE 0 END,
    i.stage, i.at, i.ends_at`

	secondOf = `
        SELECT 1
        FROM credentials AS c
        WHERE c.account = a.id AND c.used_as = 'second' AND c.confirmed_at IS NOT NULL AND c.retired_at IS NULL`

	byName = `
SELECT ` + foundColumns + `, a.sort_key
FROM (
    SELECT id, email, role, state, profile, signed_in_at, sort_key
    FROM accounts
    WHERE platform || ' '%s = $1 AND (sort_key, id) > ($2, $3)`

	byNameRest = `
    ORDER BY sort_key, id
    LIMIT $4
) AS a
LEFT JOIN invitations AS i ON i.account = a.id`

	byNameOrder = `
ORDER BY a.sort_key, a.id
LIMIT $5`

	// A person stands where the first word stands that is found. The place is also where the words begin: of two bounds
	// PostgreSQL starts at the one that is a row, and reads up to the other.
	byWord = `
SELECT ` + foundColumns + `, w.word
FROM (
    SELECT word, account
    FROM account_words
    WHERE platform = $1 AND (word, account) > ($2, $3) AND word < $4
    ORDER BY word, account
    LIMIT $6
) AS w
JOIN accounts AS a ON a.id = w.account
LEFT JOIN invitations AS i ON i.account = w.account
WHERE NOT EXISTS (
    SELECT 1
    FROM account_words AS f
    WHERE f.account = w.account AND f.word >= $5 AND f.word < w.word)`

	alsoWord = `
AND EXISTS (
    SELECT 1
    FROM account_words AS o
    WHERE o.account = w.account AND o.word >= $%d AND o.word < $%d)`

	byWordOrder = `
ORDER BY w.word, w.account
LIMIT $7`

	lastOfWord = `
SELECT account, word
FROM account_words
WHERE platform = $1 AND (word, account) > ($2, $3) AND word < $4
ORDER BY word, account
LIMIT 1 OFFSET $5`

	lastOfName = `
    ORDER BY sort_key, id
    LIMIT 1 OFFSET $4`

	countWord = `
SELECT COUNT(*)
FROM (
    SELECT 1
    FROM account_words
    WHERE platform = $1 AND word >= $2 AND word < $3
    LIMIT $4
) AS w`
)

// foundRow is one person, and by what the order is.
type foundRow struct {
	account.Found
	profile account.Profile
	key     []byte
	at      int64 // … where the order is by a time
}

func (r *foundRow) columns() []any {
	return []any{
		&r.ID, &r.Email, &r.Role, &r.State, document{&r.profile}, instant{&r.SignedInAt}, &r.Second,
		orZero[account.InviteState]{&r.Invitation.State}, instant{&r.Invitation.At}, instant{&r.Invitation.EndsAt},
	}
}

func (r *foundRow) withKey() []any { return append(r.columns(), &r.key) }

func (r *foundRow) withTime() []any { return append(r.columns(), &r.at) }

func (r *foundRow) place() account.Place { return account.Place{Key: r.key, ID: r.ID} }

// Search returns a page of the people that a search selects, once it is on record that somebody reads them: how many,
// never what was typed. m names the counters of wrong attempts, for those who wait.
func (db *DB) Search(ctx context.Context, s account.Search, m authn.Namer, by audit.Reader, now time.Time) (account.People, error) {
	page, err := db.people(ctx, s, m, now)
	if err == nil {
		err = addEvents(ctx, db.write, []audit.Event{by.Reads(s.Platform, audit.PeopleSearched, "", len(page.All), now)})
	}
	if err != nil {
		return account.People{}, fail("searching people", err)
	}
	return page, nil
}

// Export is Search for as many as account.MaxExport people, page by page; what it returns is on record as taken away.
// Next: there are more.
func (db *DB) Export(ctx context.Context, s account.Search, m authn.Namer, by audit.Reader, now time.Time) (account.People, error) {
	var all account.People
	for {
		s.Limit = min(1000, account.MaxExport-len(all.All))
		page, err := db.people(ctx, s, m, now)
		if err != nil {
			return account.People{}, fail("exporting people", err)
		}
		all = account.People{All: append(all.All, page.All...), Next: page.Next, Incomplete: page.Incomplete}
		if s.After = page.Next; page.Next.IsZero() || len(all.All) == account.MaxExport {
			break
		}
	}
	if err := addEvents(ctx, db.write, []audit.Event{by.Reads(s.Platform, audit.PeopleExported, "", len(all.All), now)}); err != nil {
		return account.People{}, fail("exporting people", err)
	}
	return all, nil
}

// people is a page without its event.
func (db *DB) people(ctx context.Context, s account.Search, m authn.Namer, now time.Time) (page account.People, err error) {
	if s.Limit == 0 {
		s.Limit = account.PageSize
	}
	if err := s.Validate(); err != nil {
		return page, err
	}
	if page.Incomplete, err = pending(ctx, db.read); err != nil {
		return page, err
	}
	var rows []foundRow
	words := s.Words()
	switch {
	case strings.TrimSpace(s.Typed) != "" && len(words) == 0: // nothing that a word is made of
		return page, nil
	case len(words) > 0:
		rows, page.Next, err = db.byWords(ctx, s, words, now)
	case s.Waiting:
		rows, page.Next, err = db.waiting(ctx, s, m, now)
	case s.Invite != "":
		rows, page.Next, err = db.byInvite(ctx, s, now)
	default:
		rows, page.Next, err = db.byNames(ctx, s)
	}
	for i := range rows {
		r := &rows[i]
		r.Name, r.Invitation = r.profile.Name(), r.Invitation.As(now)
		page.All = append(page.All, r.Found)
	}
	return page, err
}

// upTo cuts what is one row longer than a page, and says where the next one begins: behind the last row, or, of a page
// that is not full, behind the last candidate.
func upTo(rows []foundRow, limit int, last func() (account.Place, error)) ([]foundRow, account.Place, error) {
	if len(rows) > limit {
		return rows[:limit], rows[limit-1].place(), nil
	}
	next, err := last()
	return rows, next, err
}

func noMore() (account.Place, error) { return account.Place{}, nil }

// placeIn reads the only row of a query, if there is one.
func placeIn(ctx context.Context, q conn, text string, args ...any) (account.Place, error) {
	all, err := list(ctx, q, func(p *account.Place) []any { return []any{&p.ID, &p.Key} }, text, args...)
	if err != nil || len(all) == 0 {
		return account.Place{}, err
	}
	return all[0], nil
}

func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// byNames lists all, or those of a role or a state, or those who are active without a second factor.
func (db *DB) byNames(ctx context.Context, s account.Search) ([]foundRow, account.Place, error) {
	of, where, whose := "", "", string(s.Platform)+" "
	look := s.Limit + 1
	switch {
	case s.Role != "":
		of, whose = " || role", whose+string(s.Role)
	case s.State != "":
		of, whose = " || state", whose+string(s.State)
	case s.NoSecond:
		of, whose = " || state", whose+string(account.Active)
		where, look = "\nWHERE NOT EXISTS ("+secondOf+")", max(candidates, s.Limit+1)
	}
	after := []any{whose, orEmpty(s.After.Key), string(s.After.ID)}
	rows, err := list(ctx, db.read, (*foundRow).withKey, fmt.Sprintf(byName, of)+byNameRest+where+byNameOrder, append(after, look, s.Limit+1)...)
	if err != nil {
		return nil, account.Place{}, err
	}
	last := noMore
	if s.NoSecond {
		last = func() (account.Place, error) {
			return placeIn(ctx, db.read, lastActive, append(after[:3:3], look-1)...)
		}
	}
	return upTo(rows, s.Limit, last)
}

const lastActive = `
SELECT id, sort_key
FROM accounts
WHERE platform || ' ' || state = $1 AND (sort_key, id) > ($2, $3)` + lastOfName

// byWords goes over those who have the rarest word, and looks whether they have the others.
func (db *DB) byWords(ctx context.Context, s account.Search, words []account.Prefix, now time.Time) ([]foundRow, account.Place, error) {
	rarest, fewest := 0, candidates+1
	for i, w := range words {
		if len(words) == 1 {
			break
		}
		n, err := one(ctx, db.read, func(n *int) []any { return []any{n} }, countWord, string(s.Platform), w.From, w.To, candidates)
		if err != nil {
			return nil, account.Place{}, err
		}
		if *n < fewest {
			rarest, fewest = i, *n
		}
	}
	w := words[rarest]
	look := max(candidates, s.Limit+1)
	after := s.After
	if bytes.Compare(after.Key, w.From) < 0 {
		after = account.Place{Key: w.From}
	}
	args := []any{string(s.Platform), after.Key, string(after.ID), w.To, w.From, look, s.Limit + 1}
	text := byWord
	for i, o := range words {
		if i != rarest {
			args = append(args, o.From, o.To)
			text += fmt.Sprintf(alsoWord, len(args)-1, len(args))
		}
	}
	filter, value := filterOf(s, now, len(args))
	args = append(args, value...)
	rows, err := list(ctx, db.read, (*foundRow).withKey, text+filter+byWordOrder, args...)
	if err != nil {
		return nil, account.Place{}, err
	}
	return upTo(rows, s.Limit, func() (account.Place, error) {
		return placeIn(ctx, db.read, lastOfWord, append(args[:4:4], look-1)...)
	})
}

// filterOf is the condition of a filter, of somebody who was found by a word; n arguments stand before it.
func filterOf(s account.Search, now time.Time, n int) (text string, args []any) {
	is := func(condition string, args ...any) (string, []any) { return "\nAND " + condition, args }
	first := func(condition string) string { return fmt.Sprintf(condition, n+1) }
	switch {
	case s.Role != "":
		return is(first("a.role = $%d"), string(s.Role))
	case s.State != "":
		return is(first("a.state = $%d"), string(s.State))
	case s.NoSecond:
		return is("a.state = 'active' AND NOT EXISTS (" + secondOf + ")")
	case s.Invite == account.InviteExpired:
		return is(first("i.stage IN ('made', 'sent', 'begun') AND i.ends_at <= $%d"), millis(now))
	case s.Invite == account.InviteDone:
		return is(first("i.stage = 'done' AND i.at >= $%d"), millis(now.Add(-account.InviteFor)))
	case s.Invite == account.InviteHalfWay, s.Invite == account.InviteRefused: // the button matters no more
		return is(first("i.stage = $%d"), string(s.Invite))
	case s.Invite != "":
		return is(fmt.Sprintf("i.stage = $%d AND (i.ends_at IS NULL OR i.ends_at > $%d)", n+1, n+2), string(s.Invite), millis(now))
	}
	return "", nil
}

const (
	byStage = `
SELECT ` + foundColumns + `, i.at
FROM invitations AS i
JOIN accounts AS a ON a.id = i.account
WHERE i.platform = $1 AND i.stage = $2 AND (i.at, i.account) < ($3, $4)`

	byStageOrder = `
ORDER BY i.at DESC, i.account DESC
LIMIT $5`

	byExpiry = `
SELECT ` + foundColumns + `, i.ends_at
FROM invitations AS i
JOIN accounts AS a ON a.id = i.account
WHERE i.platform = $1 AND i.stage IN ('made', 'sent', 'begun') AND i.ends_at <= $2 AND (i.ends_at, i.account) < ($3, $4)
ORDER BY i.ends_at DESC, i.account DESC
LIMIT $5`
)

// byInvite lists an invite state, the newest first.
func (db *DB) byInvite(ctx context.Context, s account.Search, now time.Time) ([]foundRow, account.Place, error) {
	at, id := now.Add(time.Hour).UnixMilli(), string(s.After.ID)
	if !s.After.IsZero() {
		at = timeOf(s.After)
	}
	text, args := byExpiry, []any{string(s.Platform), millis(now), at, id, s.Limit + 1}
	if s.Invite != account.InviteExpired {
		filter, more := filterOf(s, now, 5)
		args[1] = string(s.Invite)
		text, args = byStage+filter+byStageOrder, append(args, more...)
	}
	rows, err := list(ctx, db.read, (*foundRow).withTime, text, args...)
	for i := range rows {
		rows[i].key = keyOf(rows[i].at)
	}
	if err != nil {
		return nil, account.Place{}, err
	}
	return upTo(rows, s.Limit, noMore)
}

// keyOf is a time as the place of somebody.
func keyOf(at int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(at)) }

// timeOf reads what keyOf wrote; zero for anything else.
func timeOf(p account.Place) int64 {
	if len(p.Key) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(p.Key))
}
