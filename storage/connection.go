package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const selectConnections = `
SELECT body, platform, id, secret, own_keys, baseline
FROM connections
ORDER BY platform, id`

// Connections returns those of all platforms, disabled ones too.
func (db *DB) Connections(ctx context.Context) ([]federation.Connection, error) {
	type row struct {
		federation.Connection
		baseline string
	}
	rows, err := list(ctx, db.read, func(r *row) []any {
		return []any{document{&r.Connection}, &r.Platform, &r.ID, &r.Secret, &r.Keys, &r.baseline}
	}, selectConnections)
	if err != nil {
		return nil, fail("reading connections", err)
	}
	all := make([]federation.Connection, len(rows))
	for i, r := range rows {
		all[i] = r.Connection
		if r.baseline == "" {
			continue
		}
		all[i].Baseline = &federation.Baseline{}
		if err := (document{all[i].Baseline}).Scan(r.baseline); err != nil {
			return nil, fail("reading connections", err)
		}
	}
	return all, nil
}

const (
	upsertConnection = `
INSERT INTO connections (platform, id, body, secret, own_keys)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (platform, id) DO UPDATE
SET body = excluded.body, secret = excluded.secret, own_keys = COALESCE(excluded.own_keys, connections.own_keys)`

	// lockConnection waits for who changes a connection, and lets who wants to change it wait.
	lockConnection = `
UPDATE connections
SET id = id
WHERE platform = $1 AND id = $2
RETURNING body`

	// forgetRead keeps what was read at another address only to tell what is new at this one.
	forgetRead = `
UPDATE connection_documents
SET read_at = NULL, trouble = ''
WHERE platform = $1 AND connection = $2`

	updateBaseline = `
UPDATE connections
SET baseline = $1
WHERE platform = $2 AND id = $3`
)

// putConnections adds connections or replaces them whole, but for their keys, where none are given, and their
// baselines. What was read at an address that a connection does not name any more counts no longer.
func putConnections(ctx context.Context, q conn, all []federation.Connection) error {
	for _, c := range sorted(all, func(c federation.Connection) string { return rowKey(c.Platform, c.ID) }) {
		reads, err := readsAt(ctx, q, c.Platform, c.ID)
		if err == nil {
			_, err = exec(ctx, q, upsertConnection, string(c.Platform), string(c.ID), document{&c}, orNull(c.Secret), orNull(c.Keys))
		}
		if err == nil && reads != c.SAML.MetadataURL {
			_, err = exec(ctx, q, forgetRead, string(c.Platform), string(c.ID))
		}
		if err != nil {
			return fmt.Errorf("connection %s of platform %s: %w", c.ID, c.Platform, err)
		}
	}
	return nil
}

// readsAt locks a connection, and is the address of its metadata; empty: it has none, or there is no such connection.
func readsAt(ctx context.Context, q conn, p platform.ID, c federation.ID) (string, error) {
	// The row is read to its end, which commits nothing here, and lets SQLite write.
	all, err := list(ctx, q, func(c *federation.Connection) []any { return []any{document{c}} }, lockConnection, string(p), string(c))
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].SAML.MetadataURL, nil
}

// SaveConnection replaces a connection whole, but for its baseline, and records why. fault.Stale: seen, the version of
// the settings that it was made from, is not the version any more (see Revise).
func (db *DB) SaveConnection(ctx context.Context, seen int64, c federation.Connection, events []audit.Event) error {
	return db.Declare(ctx, Setup{Connections: []federation.Connection{c}, Events: events, Seen: &seen}, time.Time{})
}

// SetBaseline makes what a test sign-in brought what every sign-in is compared with from now on. fault.NotFound: there
// is no such connection; fault.Stale: seen is not the version of the settings any more.
func (db *DB) SetBaseline(ctx context.Context, p platform.ID, c federation.ID, b federation.Baseline, seen int64, e audit.Event) error {
	return fail("setting baseline", db.settingsTx(ctx, &seen, func(q conn) error {
		changed, err := exec(ctx, q, updateBaseline, document{&b}, string(p), string(c))
		if err == nil && changed == 0 {
			err = fmt.Errorf("connection %s: %w", c, fault.NotFound)
		}
		if err != nil {
			return err
		}
		return addEvents(ctx, q, []audit.Event{e})
	}))
}

// ConnectionTest is the newest test sign-in of a connection: an address that was given out, and what came of it.
type ConnectionTest struct {
	ID         string
	Result     []byte // sealed; nil: nothing came yet
	MadeAt     time.Time
	EndsAt     time.Time
	AnsweredAt time.Time
}

const (
	upsertTest = `
INSERT INTO connection_tests (platform, connection, id, result, made_at, ends_at, answered_at)
VALUES ($1, $2, $3, NULL, $4, $5, NULL)
ON CONFLICT (platform, connection) DO UPDATE
SET id = excluded.id, result = NULL, made_at = excluded.made_at, ends_at = excluded.ends_at, answered_at = NULL`

	selectTest = `
SELECT id, result, made_at, ends_at, answered_at
FROM connection_tests
WHERE platform = $1 AND connection = $2 AND ends_at > $3`

	answerTest = `
UPDATE connection_tests
SET result = $1, answered_at = $2
WHERE platform = $3 AND connection = $4 AND id = $5 AND ends_at > $2`

	deleteTests = `
DELETE FROM connection_tests
WHERE (platform, connection) IN (
    SELECT platform, connection
    FROM connection_tests
    WHERE ends_at < $1
    ORDER BY ends_at
    LIMIT $2)`
)

// StartTest begins a test sign-in; one before is forgotten.
func (db *DB) StartTest(ctx context.Context, p platform.ID, c federation.ID, t ConnectionTest) error {
	_, err := exec(ctx, db.write, upsertTest, string(p), string(c), t.ID, millis(t.MadeAt), millis(t.EndsAt))
	return fail("starting test sign-in", err)
}

// Test is the newest test sign-in of a connection. fault.NotFound: there is none, or its hour is over.
func (db *DB) Test(ctx context.Context, p platform.ID, c federation.ID, now time.Time) (ConnectionTest, error) {
	t, err := one(ctx, db.read, func(t *ConnectionTest) []any {
		return []any{&t.ID, &t.Result, instant{&t.MadeAt}, instant{&t.EndsAt}, instant{&t.AnsweredAt}}
	}, selectTest, string(p), string(c), millis(now))
	if err != nil {
		return ConnectionTest{}, fail("finding test sign-in", err)
	}
	return *t, nil
}

// TestID is the identifier of the newest test sign-in of a connection. fault.NotFound: there is none, or its hour is
// over.
func (db *DB) TestID(ctx context.Context, p platform.ID, c federation.ID, now time.Time) (string, error) {
	t, err := db.Test(ctx, p, c, now)
	return t.ID, err
}

// AnswerTest keeps what a test sign-in brought; one that comes later replaces it. fault.NotFound: its hour is over, or
// another one began.
func (db *DB) AnswerTest(ctx context.Context, p platform.ID, c federation.ID, id string, sealed []byte, now time.Time) error {
	changed, err := exec(ctx, db.write, answerTest, sealed, millis(now), string(p), string(c), id)
	if err == nil && changed == 0 {
		err = fmt.Errorf("test sign-in of %s: %w", c, fault.NotFound)
	}
	return fail("keeping test sign-in", err)
}

const (
	selectDocument = `
SELECT body, read_at, tried_at, trouble
FROM connection_documents
WHERE platform = $1 AND connection = $2`

	upsertDocument = `
INSERT INTO connection_documents (platform, connection, body, read_at, tried_at, trouble)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (platform, connection) DO UPDATE
SET body = COALESCE(excluded.body, connection_documents.body), read_at = COALESCE(excluded.read_at, connection_documents.read_at),
    tried_at = excluded.tried_at, trouble = excluded.trouble
WHERE connection_documents.tried_at <= excluded.tried_at`
)

// Document is what was read for a connection. fault.NotFound: nothing was, yet.
func (db *DB) Document(ctx context.Context, p platform.ID, c federation.ID) (federation.Document, error) {
	d, err := one(ctx, db.read, func(d *federation.Document) []any {
		return []any{&d.Body, instant{&d.ReadAt}, instant{&d.TriedAt}, &d.LastError}
	}, selectDocument, string(p), string(c))
	if err != nil {
		return federation.Document{}, fail("finding document", err)
	}
	return *d, nil
}

// KeepDocument keeps what was read, or that it could not be: the last good copy stays then. Of two at once the later
// counts. Nothing is kept of an address that the settings do not name: whoever read there has older ones.
func (db *DB) KeepDocument(ctx context.Context, p platform.ID, c federation.ID, d federation.Document) error {
	return fail("keeping document", db.inTx(ctx, func(q conn) error {
		reads, err := readsAt(ctx, q, p, c)
		if err != nil || reads != d.Address {
			return err
		}
		_, err = exec(ctx, q, upsertDocument, string(p), string(c), orNull(d.Body), millis(d.ReadAt), millis(d.TriedAt), d.LastError)
		return err
	}))
}

const (
	insertAnswer = `
INSERT INTO upstream_answers (platform, state, handle, answer, answer_ends_at, ends_at, taken_at)
VALUES ($1, $2, $3, $4, $5, $6, NULL)
ON CONFLICT (platform, state) DO NOTHING`

	fillAnswer = `
UPDATE upstream_answers
SET answer = $1, answer_ends_at = $2
WHERE platform = $3 AND state = $4 AND handle = $5 AND answer IS NULL AND taken_at IS NULL`

	selectAnswered = `
SELECT COUNT(*)
FROM upstream_answers
WHERE platform = $1 AND state = $2 AND (answer IS NOT NULL OR taken_at IS NOT NULL)`

	selectAnswer = `
SELECT answer
FROM upstream_answers
WHERE platform = $1 AND handle = $2 AND taken_at IS NULL AND answer_ends_at > $3`

	takeAnswer = `
UPDATE upstream_answers
SET taken_at = $1, answer = NULL
WHERE platform = $2 AND handle = $3 AND taken_at IS NULL AND answer_ends_at > $1`

	deleteAnswers = `
DELETE FROM upstream_answers
WHERE (platform, state) IN (
    SELECT platform, state
    FROM upstream_answers
    WHERE ends_at < $1
    ORDER BY ends_at
    LIMIT $2)`
)

// ClaimAnswer claims a visit to an upstream before its answer is asked for there, which is done once, at whatever node.
// fault.Spent: the visit was answered; fault.Taken: it was claimed before, and nothing came of it so far. A claim stays
// until over, when the visit's own time is.
func (db *DB) ClaimAnswer(ctx context.Context, p platform.ID, a federation.StoredAnswer, over time.Time) error {
	added, err := exec(ctx, db.write, insertAnswer, string(p), a.State, a.Handle, nil, 0, millis(over))
	if err != nil || added > 0 {
		return fail("claiming answer", err)
	}
	answered, err := one(ctx, db.write, func(n *int64) []any { return []any{n} }, selectAnswered, string(p), a.State)
	switch {
	case err != nil:
	case *answered > 0:
		err = fault.Spent
	default:
		err = fault.Taken
	}
	return fail("claiming answer", err)
}

// KeepAnswer keeps the answer of an upstream until the browser comes that it is for. A visit is answered once, at
// whatever node, by whoever claimed it with this handle or, where nobody did, by the first: others get fault.Spent. The
// answer is there until ends, and until the visit's own time is over it is known that it was answered.
func (db *DB) KeepAnswer(ctx context.Context, p platform.ID, a federation.StoredAnswer, ends, over time.Time) error {
	return fail("keeping answer", db.inTx(ctx, func(q conn) error {
		kept, err := exec(ctx, q, fillAnswer, a.Sealed, millis(ends), string(p), a.State, a.Handle)
		if err == nil && kept == 0 {
			kept, err = exec(ctx, q, insertAnswer, string(p), a.State, a.Handle, a.Sealed, millis(ends), millis(over))
		}
		if err == nil && kept == 0 {
			err = fault.Spent
		}
		return err
	}))
}

// UpstreamAnswer is what was kept under the hash of a handle, sealed. fault.NotFound: its time is over, or it was
// taken.
func (db *DB) UpstreamAnswer(ctx context.Context, p platform.ID, handle []byte, now time.Time) ([]byte, error) {
	answer, err := one(ctx, db.read, func(b *[]byte) []any { return []any{b} }, selectAnswer, string(p), handle, millis(now))
	if err != nil {
		return nil, fail("finding answer", err)
	}
	return *answer, nil
}

// takeAnswerOf takes an answer, once: fault.Spent.
func takeAnswerOf(ctx context.Context, q conn, p platform.ID, handle []byte, now time.Time) error {
	if len(handle) == 0 {
		return nil
	}
	taken, err := exec(ctx, q, takeAnswer, millis(now), string(p), handle)
	if err == nil && taken == 0 {
		err = fmt.Errorf("answer of an upstream: %w", fault.Spent)
	}
	return err
}

const selectAccountByLink = `
SELECT ` + accountColumns + `
FROM credentials AS l
JOIN accounts AS a ON a.platform = l.platform AND a.id = l.account
LEFT JOIN credentials AS c ON c.platform = a.platform AND c.account = a.id AND c.retired_at IS NULL
WHERE l.platform = $1 AND l.method = $2 AND l.external = $3 AND l.retired_at IS NULL
ORDER BY c.added_at, c.id`

// AccountByLink finds an account in whatever state by who it is elsewhere.
func (db *DB) AccountByLink(ctx context.Context, p platform.ID, method, external string) (*account.Account, error) {
	a, err := oneAccount(ctx, db.read, selectAccountByLink, string(p), method, external)
	return a, fail("finding account by link", err)
}

const selectRemovedLink = `
SELECT COUNT(*)
FROM credentials
WHERE account = $1 AND platform = $2 AND method = $3 AND external = $4 AND retired_at IS NOT NULL`

// LinkRemoved reports whether an account was linked to who it is elsewhere, and somebody took that away.
func (db *DB) LinkRemoved(ctx context.Context, p platform.ID, of account.ID, method, external string) (bool, error) {
	n, err := one(ctx, db.read, func(n *int64) []any { return []any{n} }, selectRemovedLink, string(of), string(p), method, external)
	if err != nil {
		return false, fail("finding removed link", err)
	}
	return *n > 0, nil
}

const countLinks = `
SELECT COUNT(*)
FROM credentials
WHERE platform = $1 AND method = $2 AND external LIKE $3 AND retired_at IS NULL`

// Links counts who is linked by a connection.
func (db *DB) Links(ctx context.Context, p platform.ID, c federation.ID) (int64, error) {
	n, err := one(ctx, db.read, func(n *int64) []any { return []any{n} },
		countLinks, string(p), federation.Method, string(c)+"/%")
	if err != nil {
		return 0, fail("counting links", err)
	}
	return *n, nil
}

// Linked is an account and who it is elsewhere.
type Linked struct {
	External string // federation.External
	Account  account.ID
	Email    string
	AddedAt  time.Time
}

const selectLinks = `
SELECT l.external, a.id, a.email, l.added_at
FROM credentials AS l
JOIN accounts AS a ON a.platform = l.platform AND a.id = l.account
WHERE l.platform = $1 AND l.method = $2 AND l.external > $3 AND l.external < $4 AND l.retired_at IS NULL
ORDER BY l.external
LIMIT $5`

// LinksOf lists who is linked by a connection, by their keys there, after the one of the last page; empty: the first
// page.
func (db *DB) LinksOf(ctx context.Context, p platform.ID, c federation.ID, after string, limit int) ([]Linked, error) {
	all, err := list(ctx, db.read, func(l *Linked) []any {
		return []any{&l.External, &l.Account, &l.Email, instant{&l.AddedAt}}
	}, selectLinks, string(p), federation.Method, federation.External(c, after), string(c)+"0", limit) // "0" follows "/"
	return all, fail("listing links", err)
}

// What a session came from: both are given, or the one that is not counts for any.
const selectUpstreamSessions = `
SELECT id, account
FROM sessions
WHERE platform = $1 AND upstream = $2 AND ($3 = '' OR upstream_subject = $3) AND ($4 = '' OR upstream_session = $4)
  AND ended_at IS NULL
ORDER BY id
LIMIT 1000`

// EndUpstream ends the sessions that came from those which are over at an upstream, with their grants, and tells how
// many there were. Each leaves the event, whose account and session it fills in. fault.Spent: it was told before.
func (db *DB) EndUpstream(
	ctx context.Context, p platform.ID, c federation.ID, over federation.Logout, e audit.Event, now time.Time,
) (n int, err error) {
	type row struct {
		id      string
		account account.ID
	}
	err = db.inTx(ctx, func(q conn) error {
		n = 0
		found := map[string]account.ID{}
		for _, session := range over.All() {
			rows, err := list(ctx, q, func(r *row) []any { return []any{&r.id, &r.account} },
				selectUpstreamSessions, string(p), string(c), over.Subject, session)
			if err != nil {
				return err
			}
			for _, r := range rows {
				found[r.id] = r.account
			}
		}
		var events []audit.Event
		for _, id := range slices.Sorted(maps.Keys(found)) {
			ended, err := endOneSession(ctx, q, p, id, endUpstream, now)
			if err != nil {
				return err
			}
			if ended > 0 {
				e.Account, e.Session = found[id], id
				events = append(events, e)
			}
		}
		n = len(events)
		used, err := exec(ctx, q, insertUse, string(p), over.Hash(c), millis(over.Until))
		if err == nil && used == 0 {
			err = fault.Spent
		}
		if err != nil {
			return err
		}
		return addEvents(ctx, q, events)
	})
	return n, fail("ending sessions of an upstream", err)
}
