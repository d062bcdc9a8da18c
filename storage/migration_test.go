package storage_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/storage"
)

// older is an empty database as a program of that version has it.
func older(t *testing.T, dsn string, version int64) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // what is in it was looked at
	if err := db.MigrateTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	return db
}

// eachOlder runs a test on an older database of each kind.
func eachOlder(t *testing.T, version int64, test func(t *testing.T, db *storage.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, older(t, "sqlite:"+filepath.Join(t.TempDir(), "idp.db"), version)) })
	t.Run("postgres", func(t *testing.T) { test(t, older(t, idptest.EmptyPostgres(t), version)) })
}

// running runs statements that must succeed.
func running(t *testing.T, db *storage.DB) func(text string, args ...any) {
	return func(text string, args ...any) {
		t.Helper()
		if _, err := db.SQL().ExecContext(t.Context(), text, args...); err != nil {
			t.Fatal(err)
		}
	}
}

// beforeActs is the last version in which an account may have several links of a kind that work.
const beforeActs = 21

// What an older program left is brought under the rule that one link of each kind works; all else stays as it was.
func TestMigrationLeavesOneWorkingLinkOfEachKind(t *testing.T) {
	eachOlder(t, beforeActs, migrateLinks)
}

func migrateLinks(t *testing.T, db *storage.DB) {
	ctx := t.Context()
	run := running(t, db)
	run(`INSERT INTO platforms (id, issuer, body) VALUES ('linde', 'https://linde.test', '{}')`)
	for _, a := range []string{"active", "invited"} {
		run(`INSERT INTO accounts (id, platform, email, email_key, role, state, locale, profile, created_at)
			VALUES ($1, 'linde', $2, $2, 'client', $1, '', '{}', 1)`, a, a+"@example.org")
	}
	run(`INSERT INTO journeys (id, platform, body, version, started_at, expires_at) VALUES ('j', 'linde', '{"account":"active"}', 0, 1, 2)`)
	for i, row := range []struct {
		account, purpose string
		issued           int
		used             any
		works            string
	}{
		{"active", "reset", 1, nil, ""},
		{"active", "reset", 3, nil, "works"},
		{"active", "reset", 2, nil, ""},
		{"active", "reset", 4, 5, ""},
		{"active", "freeze", 1, nil, ""},
		{"active", "freeze", 1, nil, "works"}, // in one millisecond
		{"active", "email", 1, nil, "works"},
		{"active", "welcome", 9, nil, ""}, // there is a password
		{"invited", "welcome", 1, nil, ""},
		{"invited", "welcome", 2, nil, "works"},
		{"active", "sms", 1, nil, "works"},
		{"active", "sms", 2, nil, "works"},
		{"active", "recovery-code", 1, nil, "works"},
		{"active", "recovery-code", 1, nil, "works"},
		{"", "sign-up", 1, nil, "works"},
		{"", "sign-up", 2, nil, "works"},
	} {
		run(`INSERT INTO tickets (platform, hash, purpose, account, party, issued_at, expires_at, used_at) VALUES ('linde', $1, $2, $3, $4, $5, 99, $6)`,
			fmt.Appendf(nil, "%02d", i), row.purpose, row.account, row.works, row.issued, row.used)
	}
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	rows, err := db.SQL().QueryContext(ctx, `SELECT purpose, account, party, CASE WHEN used_at IS NULL AND voided_at IS NULL THEN 'works' ELSE '' END FROM tickets ORDER BY hash`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // read to its end below
	for rows.Next() {
		var purpose, of, want, got string
		if err := rows.Scan(&purpose, &of, &want, &got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s link of %q: %q, want %q", purpose, of, got, want)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	j, err := db.Journey(ctx, "linde", "j")
	if err != nil || !j.Unlinked || j.Account != "active" {
		t.Errorf("a journey of before: %+v, %v", j, err)
	}
	_, err = db.SQL().ExecContext(ctx, `INSERT INTO tickets (platform, hash, purpose, account, party, issued_at, expires_at) VALUES ('linde', $1, 'reset', 'active', '', 5, 99)`, []byte("another"))
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "unique") {
		t.Errorf("a second link that works: %v", err)
	}
}

// A node of the release before issues a link while the schema is brought up to date: it is waited for, and its link is
// one of those of which one stays.
func TestMigrationWaitsForALinkThatIsBeingIssued(t *testing.T) {
	ctx := t.Context()
	db := older(t, idptest.EmptyPostgres(t), beforeActs)
	const issue = `INSERT INTO tickets (platform, hash, purpose, account, party, issued_at, expires_at) VALUES ('linde', $1, 'reset', 'anna', '', 1, 99)`
	running(t, db)(issue, []byte("one"))
	tx, err := db.SQL().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, issue, []byte("two")); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() { migrated <- db.Migrate(ctx) }()
	awaitLock(t, db.SQL())
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.SQL().QueryRowContext(ctx, `SELECT COUNT(*) FROM tickets WHERE used_at IS NULL AND voided_at IS NULL`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d links work, %v", n, err)
	}
}

// beforeURLs is the last version in which messages go to people only.
const beforeURLs = 25

// What waits when the schema is brought up to date goes where it went.
func TestMigrationLeavesMessagesWhereTheyGo(t *testing.T) {
	eachOlder(t, beforeURLs, migrateMessages)
}

func migrateMessages(t *testing.T, db *storage.DB) {
	ctx := t.Context()
	insert := func(id, medium string) error {
		_, err := db.SQL().ExecContext(ctx, `INSERT INTO letters (platform, id, account, kind, medium, locale, sealed, queued_at, expires_at, next_at, tries, outcome, reason)
			VALUES ('linde', $1, '', 'k', $2, 'nl', $3, 1, 1000, 1, 0, '', '')`, id, medium, []byte("sealed"))
		return err
	}
	for id, medium := range map[string]string{"a": "mail", "b": "sms", "c": "mail"} {
		if err := insert(id, medium); err != nil {
			t.Fatal(err)
		}
	}
	if err := insert("d", "url"); err == nil {
		t.Fatal("the version before knows of URLs")
	}
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := insert("d", "url"); err != nil {
		t.Error(err)
	}
	if err := insert("e", "pigeon"); err == nil {
		t.Error("what is to go nowhere was queued")
	}
	for to, want := range map[outbox.Recipient]string{outbox.Mail: "a c", outbox.SMS: "b", outbox.URL: "d"} {
		all, err := db.TakeMessages(ctx, to, time.Minute, 10, time.UnixMilli(2))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range all {
			got = append(got, m.ID)
			if string(m.Sealed) != "sealed" || m.Locale != "nl" || m.Tries != 1 || m.QueuedAt.UnixMilli() != 1 || m.ExpiresAt.UnixMilli() != 1000 {
				t.Errorf("got %+v", m)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("to %s: %q, want %s", to, got, want)
		}
	}
}

// beforeOneLink is the last version in which an account may be linked to several people of one connection.
const beforeOneLink = 45

// Of two links to one connection that an older program left the older one stays, and no second one comes after.
func TestMigrationLeavesOneLinkToAConnection(t *testing.T) {
	eachOlder(t, beforeOneLink, migrateConnections)
}

func migrateConnections(t *testing.T, db *storage.DB) {
	ctx := t.Context()
	run := running(t, db)
	run(`INSERT INTO platforms (id, issuer, body) VALUES ('linde', 'https://linde.test', '{}')`)
	for _, a := range []string{"anna", "bram"} {
		run(`INSERT INTO accounts (id, platform, email, email_key, role, state, locale, profile, created_at)
			VALUES ($1, 'linde', $2, $2, 'client', 'active', '', '{}', 1)`, a, a+"@example.org")
	}
	for _, c := range []string{"hof", "hof-2"} {
		run(`INSERT INTO connections (platform, id, body) VALUES ('linde', $1, '{}')`, c)
	}
	for _, row := range []struct {
		id, account string
		external    any
		added       int
		retired     any
	}{
		{"a", "anna", "hof/1", 5, nil}, {"b", "anna", "hof/2", 4, nil}, {"c", "anna", "hof/3", 4, nil}, {"d", "anna", "hof/4", 1, 2},
		{"e", "anna", "hof-2/1", 5, nil}, {"f", "bram", "hof/5", 9, nil}, {"g", "anna", nil, 1, nil},
	} {
		run(`INSERT INTO credentials (id, platform, account, method, used_as, label, counter, added_at, retired_at, external)
			VALUES ($1, 'linde', $2, 'm', 'primary', '', 0, $3, $4, $5)`, row.id, row.account, row.added, row.retired, row.external)
	}
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	rows, err := db.SQL().QueryContext(ctx, `SELECT id, COALESCE(connection, ''), COALESCE(retired_at, 0) FROM credentials ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // read to its end below
	var got []string
	for rows.Next() {
		var id, connection string
		var retired int
		if err := rows.Scan(&id, &connection, &retired); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(id, " ", connection, " ", retired))
	}
	want := "a hof 5, b hof 0, c hof 4, d hof 2, e hof-2 0, f hof 0, g  0"
	if err := rows.Err(); err != nil || strings.Join(got, ", ") != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}
