package storage

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// How many rows one statement adds, and how many addresses one looks for. SQLite reads names of values in time that
// grows with the square of their number, and a network takes its time for each statement: of 10,000 people 25 rows at
// once take two to three seconds on both databases, 100 take five on SQLite, and 500 more than the ten that a request
// has.
const (
	rowsAtOnce  = 25 // of about eleven values
	wordsAtOnce = 100
	keysAtOnce  = 500
)

const accountsOf = `
SELECT email_key, id
FROM accounts
WHERE platform = $1 AND email_key <> '' AND email_key IN ($2)`

// AccountsOf finds who has addresses, in whatever state, by their keys.
func (db *DB) AccountsOf(ctx context.Context, p platform.ID, keys []string) (map[string]account.ID, error) {
	there, err := idsOf(ctx, db.read, p, keys)
	return there, fail("finding accounts by address", err)
}

func idsOf(ctx context.Context, q conn, p platform.ID, keys []string) (map[string]account.ID, error) {
	type row struct {
		key string
		id  account.ID
	}
	there := map[string]account.ID{}
	for some := range slices.Chunk(keys, keysAtOnce) {
		args := []any{string(p)}
		var places []string
		for _, key := range some {
			args = append(args, key)
			places = append(places, "$"+strconv.Itoa(len(args)))
		}
		text := strings.Replace(accountsOf, "($2)", "("+strings.Join(places, ", ")+")", 1)
		rows, err := list(ctx, q, func(r *row) []any { return []any{&r.key, &r.id} }, text, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			there[r.key] = r.id
		}
	}
	return there, nil
}

const (
	upsertIntake = `
INSERT INTO intakes (session, platform, id, account, sealed, made_at, expires_at, applied_at, invited)
VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, 0)
ON CONFLICT (session, platform) DO UPDATE
SET id = excluded.id, account = excluded.account, sealed = excluded.sealed, made_at = excluded.made_at,
    expires_at = excluded.expires_at, applied_at = NULL, invited = 0`

	renewIntake = `
UPDATE intakes
SET id = $1, sealed = $2, made_at = $3, expires_at = $4
WHERE session = $5 AND platform = $6 AND id = $7 AND account = $8 AND applied_at IS NULL AND expires_at > $9`

	selectIntake = `
SELECT platform, session, id, account, sealed, made_at, expires_at, applied_at, invited
FROM intakes
WHERE session = $1 AND platform = $2 AND id = $3 AND expires_at > $4`

	applyIntake = `
UPDATE intakes
SET applied_at = $1, invited = $2, sealed = NULL
WHERE session = $3 AND platform = $4 AND id = $5 AND account = $6 AND applied_at IS NULL AND expires_at > $1`
)

// SaveIntake keeps a checked file in the place of the one before of its session. fault.Throttled: it would be one too
// many; fault.Refused: the helper is none any more.
func (db *DB) SaveIntake(ctx context.Context, i staff.Intake, limits []authn.Limit, events []audit.Event, now time.Time) error {
	return fail("keeping a file", db.inTx(ctx, func(q conn) error {
		_, err := exec(ctx, q, upsertIntake, i.Session, string(i.Platform), i.ID, string(i.Account), i.Sealed, millis(i.MadeAt), millis(i.ExpiresAt))
		if err != nil {
			return err
		}
		if _, err := lockAccountFor(ctx, q, i.Platform, "", false, events, now); err != nil {
			return err
		}
		if err := countAll(ctx, q, i.Platform, limits, now); err != nil {
			return err
		}
		return addEvents(ctx, q, events)
	}))
}

// RenewIntake keeps what a new check of a file came to in its place. fault.Spent: it was applied; fault.NotFound: it is
// not kept any more, or is another's.
func (db *DB) RenewIntake(ctx context.Context, old string, i staff.Intake, now time.Time) error {
	return fail("keeping a file anew", db.inTx(ctx, func(q conn) error {
		renewed, err := exec(ctx, q, renewIntake, i.ID, i.Sealed, millis(i.MadeAt), millis(i.ExpiresAt), i.Session, string(i.Platform), old,
			string(i.Account), millis(now))
		if err == nil && renewed == 0 {
			err = whyNoIntake(ctx, q, i.Platform, i.Session, old, i.Account, now)
		}
		return err
	}))
}

// Intake finds a checked file of a session, applied or not. fault.NotFound also: its time is over.
func (db *DB) Intake(ctx context.Context, p platform.ID, session, id string, now time.Time) (*staff.Intake, error) {
	i, err := intake(ctx, db.read, p, session, id, now)
	return i, fail("finding a file", err)
}

func intake(ctx context.Context, q conn, p platform.ID, session, id string, now time.Time) (*staff.Intake, error) {
	return one(ctx, q, func(i *staff.Intake) []any {
		return []any{
			&i.Platform, &i.Session, &i.ID, &i.Account, &i.Sealed, instant{&i.MadeAt}, instant{&i.ExpiresAt}, instant{&i.AppliedAt}, &i.Invited,
		}
	}, selectIntake, session, string(p), id, millis(now))
}

// Admit applies a checked file: of any number at once one does. Whoever of its addresses has an account, and that the
// helper is one still, is looked at in the same transaction. fault.Spent: it was applied; fault.NotFound: it is not
// kept, or is another's; fault.Stale and fault.Taken: the addresses are not those that were known; fault.Refused: the
// helper is none any more; fault.Throttled: it would be one too many.
func (db *DB) Admit(ctx context.Context, a staff.Admission, now time.Time) error {
	return fail("inviting the people of a file", db.inTx(ctx, func(q conn) error {
		if err := useIntake(ctx, q, a, now); err != nil {
			return err
		}
		if _, err := lockAccountFor(ctx, q, a.Platform, "", false, a.Events, now); err != nil {
			return err
		}
		there, err := idsOf(ctx, q, a.Platform, a.Keys)
		if err != nil {
			return err
		}
		if !maps.Equal(there, a.There) {
			return fmt.Errorf("other accounts than before: %w", fault.Stale)
		}
		if err := addMany(ctx, q, insertNamedAccount, a.Accounts, namedAccountValues(now)); err != nil {
			return err
		}
		if err := addMany(ctx, q, insertTicket, a.Issue, ticketValues); err != nil {
			return err
		}
		if err := countAll(ctx, q, a.Platform, a.Count, now); err != nil {
			return err
		}
		if err := addMany(ctx, q, insertLaterMessage, a.Messages, laterMessageValues); err != nil {
			return err
		}
		if err := findAndFollow(ctx, q, a, now); err != nil {
			return err
		}
		recorded(q, a.Events...)
		return addMany(ctx, q, insertEvent, a.Events, eventValues)
	}))
}

const (
	// insertNamedAccount is insertAccount with where somebody stands in a list; their words are added beside it.
	insertNamedAccount = `
INSERT INTO accounts (platform, id, email, email_key, email_verified_at, role, state, locale, profile, created_at, updated_at, sort_key, worded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

	insertWord = `
INSERT INTO account_words (platform, account, word)
VALUES ($1, $2, $3)`

	insertInvitation = `
INSERT INTO invitations (account, platform, stage, at, ends_at)
VALUES ($1, $2, 'made', $3, $4)`
)

func namedAccountValues(now time.Time) func(int, *account.Account) []any {
	return func(i int, a *account.Account) []any {
		named := millis(now)
		if a.UpdatedAt.After(now) {
			named = millis(a.UpdatedAt)
		}
		return append(accountValues(i, a), a.SortKey(), named)
	}
}

// findAndFollow makes the people of a file findable, and their invitations ones that are followed.
func findAndFollow(ctx context.Context, q conn, a staff.Admission, now time.Time) error {
	type word struct {
		account *account.Account
		text    []byte
	}
	var words []word
	for _, person := range a.Accounts {
		for _, text := range person.Words() {
			words = append(words, word{person, text})
		}
	}
	err := addBy(ctx, q, wordsAtOnce, insertWord, words, func(_ int, w word) []any {
		return []any{string(w.account.Platform), string(w.account.ID), w.text}
	})
	if err != nil {
		return err
	}
	return addMany(ctx, q, insertInvitation, a.Issue, func(_ int, t authn.Ticket) []any {
		return []any{string(t.Account), string(t.Platform), millis(now), millis(t.ExpiresAt)}
	})
}

func useIntake(ctx context.Context, q conn, a staff.Admission, now time.Time) error {
	used, err := exec(ctx, q, applyIntake, millis(now), len(a.Accounts), a.Session, string(a.Platform), a.Intake, string(a.By))
	if err != nil || used == 1 {
		return err
	}
	return whyNoIntake(ctx, q, a.Platform, a.Session, a.Intake, a.By, now)
}

// whyNoIntake tells why a conditional statement found no file: fault.Spent when it was applied.
func whyNoIntake(ctx context.Context, q conn, p platform.ID, session, id string, by account.ID, now time.Time) error {
	i, err := intake(ctx, q, p, session, id, now)
	switch {
	case err != nil:
		return err
	case !i.AppliedAt.IsZero() && i.Account == by:
		return fault.Spent
	}
	return fault.NotFound
}

// insertLaterMessage is insertMessage for one that is due later than it is queued.
const insertLaterMessage = `
INSERT INTO letters (platform, id, account, kind, medium, locale, sealed, queued_at, expires_at, next_at, tries, outcome, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '', '')`

// Mails to many people are due one after the other, so that somebody who asks for a new password meanwhile does not
// wait for all of them: so many at once, and as many again after each pause. 10,000 take 17 minutes; a mail server that
// is slower has them in a row, as always.
const (
	mailsAtOnce = 100
	mailsPause  = 10 * time.Second
)

func laterMessageValues(i int, m outbox.Message) []any {
	due := m.QueuedAt.Add(time.Duration(i/mailsAtOnce) * mailsPause)
	return []any{
		string(m.Platform), m.ID, string(m.Account), string(m.Kind), string(m.Recipient), m.Locale, m.Sealed, millis(m.QueuedAt),
		millis(m.ExpiresAt), millis(due),
	}
}

// addMany adds rows by a statement that adds one, rowsAtOnce at a time.
func addMany[T any](ctx context.Context, q conn, text string, all []T, values func(i int, row T) []any) error {
	return addBy(ctx, q, rowsAtOnce, text, all, values)
}

// addBy is addMany with another number of rows at a time.
func addBy[T any](ctx context.Context, q conn, atOnce int, text string, all []T, values func(i int, row T) []any) error {
	before, tuple, ok := strings.Cut(text, "VALUES ")
	if !ok {
		return fmt.Errorf("statement that adds no row: %w", fault.Invalid)
	}
	done := 0
	for some := range slices.Chunk(all, atOnce) {
		var rows strings.Builder
		var args []any
		for i, row := range some {
			if i > 0 {
				rows.WriteString(",\n")
			}
			rows.WriteString(moved(tuple, len(args)))
			args = append(args, values(done+i, row)...)
		}
		if _, err := exec(ctx, q, before+"VALUES "+rows.String(), args...); err != nil {
			return err
		}
		done += len(some)
	}
	return nil
}

var place = regexp.MustCompile(`\$(\d+)`)

// moved are the places of a row that comes after so many values.
func moved(tuple string, by int) string {
	return place.ReplaceAllStringFunc(tuple, func(p string) string {
		n, _ := strconv.Atoi(p[1:]) // digits
		return "$" + strconv.Itoa(n+by)
	})
}
