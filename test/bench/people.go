package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// staffReads fills an empty database with people and a record, and measures what the pages of staff read.
func staffReads(ctx context.Context, args []string) (err error) {
	var f filler
	flags := flag.NewFlagSet("people", flag.ExitOnError)
	dsn := flags.String("on", "", "an empty database: sqlite:PATH or postgres://…; it is filled, and yours to drop")
	flags.IntVar(&f.accounts, "accounts", 1_000_000, "accounts")
	flags.IntVar(&f.events, "events", 10_000_000, "events")
	filled := flags.Bool("filled", false, "it was filled before, with as many")
	explain := flags.Bool("explain", false, "print how the database finds it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dsn == "" || f.accounts < 1000 || f.events < 1000 {
		return fmt.Errorf("%w: -on, and at least 1000 accounts and events", fault.Invalid)
	}
	var seen recorder
	db, err := storage.OpenThrough(ctx, *dsn, seen.open)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f.at = now().Truncate(24 * time.Hour)
	if !*filled {
		if err := db.Migrate(ctx); err != nil {
			return err
		}
		if f.db, f.postgres = db.SQL(), strings.HasPrefix(*dsn, "postgres"); f.postgres { // one that waits longer for an answer
			if f.db, err = sql.Open("pgx", *dsn); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.db.Close()) }()
		}
		if err := f.fill(ctx); err != nil {
			return err
		}
	}
	return f.ask(ctx, db, &seen, *explain, strings.HasPrefix(*dsn, "postgres"))
}

// filler draws people and what is on record of them, the same each time.
type filler struct {
	accounts, events int
	at               time.Time
	db               *sql.DB
	postgres         bool
}

// lot is a number below n that follows from what it is for.
func lot(n int, what string, i int) int {
	h := uint64(14695981039346656037) ^ uint64(i)*0x9e3779b97f4a7c15
	for _, b := range []byte(what) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 32
	return int(h % uint64(n))
}

// common is a number below n, of which small ones are drawn most, as names are.
func common(n int, what string, i int) int { return lot(lot(n, what, i)+1, what+" again", i) }

const syllables = "ba de fi go ha je ka lo mi no pe ra sa te vu wi zo an el om"

// nameOf is one of many names, pronounceable.
func nameOf(n int) string {
	all := strings.Fields(syllables)
	name := all[n%20] + all[n/20%20]
	for n /= 400; n > 0; n /= 20 {
		name += all[n%20]
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func (f *filler) person(i int) account.Account {
	given, family := nameOf(common(3000, "given", i)), nameOf(common(20000, "family", i)+3000)
	middle := []string{"", "", "", "van", "de", "van der"}[lot(6, "middle", i)]
	address := fmt.Sprintf("%s.%s%d@%s", strings.ToLower(given), strings.ToLower(family), i,
		[]string{"gmail.com", "gmail.com", "gmail.com", "outlook.com", "hotmail.com", "ziggo.nl", "kpnmail.nl", "live.nl", "linde.example", "icloud.com"}[lot(10, "domain", i)])
	a := account.Account{
		ID: f.id(i), Platform: "bench", Email: account.Email{Address: address, Key: address}, Role: platform.Client, State: account.Active,
		Profile: account.Profile{GivenName: given, MiddleName: middle, FamilyName: family},
	}
	switch n := lot(10_000, "role", i); {
	case n == 0:
		a.Role = platform.Helpdesk
	case n < 500:
		a.Role = platform.Professional
	case n < 1000:
		a.Role = platform.Relative
	}
	switch n := lot(100, "state", i); {
	case n < 3:
		a.State = account.Invited
	case n < 8:
		a.State = account.Deactivated
	}
	return a
}

func (f *filler) id(i int) account.ID {
	spread := sha256.Sum256(fmt.Append(nil, i))
	return account.ID(fmt.Sprintf("%x%08x", spread[:8], i))
}

// insert adds rows of one table. Of a row that is nil there is none.
func (f *filler) insert(ctx context.Context, table, columns string, n int, row func(i int) []any) error {
	began := now()
	add := f.insertEach
	if f.postgres {
		add = f.copy
	}
	if err := add(ctx, table, columns, n, row); err != nil {
		return fmt.Errorf("adding %s: %w", table, err)
	}
	fmt.Fprintf(os.Stderr, "bench: %s (%s)\n", table, now().Sub(began).Round(time.Second))
	return nil
}

// copy is the way of PostgreSQL.
func (f *filler) copy(ctx context.Context, table, columns string, n int, row func(i int) []any) error {
	conn, err := f.db.Conn(ctx)
	if err != nil {
		return err
	}
	i := 0
	err = conn.Raw(func(raw any) error {
		_, err := raw.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, strings.Split(columns, ", "), pgx.CopyFromFunc(func() ([]any, error) {
			for ; i < n; i++ {
				if r := row(i); r != nil {
					i++
					return r, nil
				}
			}
			return nil, nil
		}))
		return err
	})
	return errors.Join(err, conn.Close())
}

// insertEach is that of SQLite: a statement that is prepared once, and large transactions.
func (f *filler) insertEach(ctx context.Context, table, columns string, n int, row func(i int) []any) error {
	marks := make([]string, strings.Count(columns, ",")+1)
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	text := "INSERT INTO " + table + " (" + columns + ") VALUES (" + strings.Join(marks, ", ") + ")"
	for i := 0; i < n; {
		tx, err := f.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		add, err := tx.PrepareContext(ctx, text)
		for end := min(n, i+200_000); err == nil && i < end; i++ {
			if r := row(i); r != nil {
				_, err = add.ExecContext(ctx, r...)
			}
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// fill adds rows without the indexes that can be made afterwards.
func (f *filler) fill(ctx context.Context) error {
	list, before, after := `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`,
		[]string{"PRAGMA synchronous = OFF", "PRAGMA cache_size = -1000000"}, []string{"PRAGMA wal_checkpoint(TRUNCATE)"}
	if f.postgres {
		list = `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%\_pkey' AND indexname NOT LIKE '%\_key'`
		before, after = []string{}, []string{"VACUUM ANALYZE"}
	}
	indexes, err := f.indexes(ctx, list)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(indexes)) {
		if name != "sessions_ended" && name != "goose_db_version" {
			before, after = append(before, "DROP INDEX "+name), append([]string{indexes[name]}, after...)
		}
	}
	for _, text := range append(before, `INSERT INTO platforms (id, issuer, body) VALUES ('bench', 'https://bench.example', '{}')`) {
		if _, err := f.db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	ms := f.at.UnixMilli()
	var words [][2][]byte
	for _, part := range []struct {
		table, columns string
		n              int
		row            func(i int) []any
	}{
		{"accounts", "id, platform, email, email_key, role, state, locale, profile, created_at, sort_key, worded_at", f.accounts, func(i int) []any {
			a := f.person(i)
			for _, w := range a.Words() {
				words = append(words, [2][]byte{w, []byte(a.ID)})
			}
			p := a.Profile
			profile := fmt.Sprintf(`{"given_name":%q,"middle_name":%q,"family_name":%q}`, p.GivenName, p.MiddleName, p.FamilyName)
			return []any{string(a.ID), "bench", a.Email.Address, a.Email.Key, string(a.Role), string(a.State), "nl", profile, ms - int64(i), a.SortKey(), ms}
		}},
		{"credentials", "id, platform, account, method, used_as, label, counter, added_at, confirmed_at", 2 * f.accounts, func(n int) []any {
			i, use, method := n/2, "primary", "password"
			if n%2 == 1 {
				if use, method = "second", "totp"; lot(10, "second", i) > 3 {
					return nil
				}
			}
			return []any{fmt.Sprintf("c%09d", n), "bench", string(f.id(i)), method, use, "", 0, ms, ms}
		}},
		{"invitations", "account, platform, stage, at, ends_at", f.accounts, func(i int) []any {
			stage := []string{"made", "sent", "sent", "sent", "sent", "sent", "refused", "begun", "begun", "half-way"}[lot(10, "stage", i)]
			if f.person(i).State != account.Invited {
				if stage = "done"; lot(20, "done", i) > 0 {
					return nil
				}
			}
			at := ms - int64(lot(20*24*3600, "invited", i))*1000
			return []any{string(f.id(i)), "bench", stage, at, at + 7*24*3600*1000}
		}},
		{"letters", "id, platform, account, kind, medium, locale, queued_at, expires_at, tries, outcome, reason, settled_at", f.accounts / 5, func(i int) []any {
			at := ms - int64(lot(20*24*3600, "mail", i))*1000
			return []any{fmt.Sprintf("l%09d", i), "bench", string(f.id(lot(f.accounts, "to", i))), "mail_reset", "mail", "nl", at, at + 1, 1, "sent", "", at}
		}},
		{"attempts", "platform, key, failures, last_at, since_at, total, owner, full_at", f.accounts / 20, func(i int) []any {
			return []any{"bench", fmt.Sprintf("k%09d", i), 1, ms, ms, 1, fmt.Sprintf("o%09d", i), 0}
		}},
		{"events", "id, platform, at, place, kind, actor, account, party, session, outcome, reason, address, agent, reference", f.events, func(i int) []any { return f.event(i) }},
	} {
		if err := f.insert(ctx, part.table, part.columns, part.n, part.row); err != nil {
			return err
		}
		if part.table == "accounts" {
			slices.SortFunc(words, func(a, b [2][]byte) int { return cmp.Or(bytes.Compare(a[0], b[0]), bytes.Compare(a[1], b[1])) })
			if err := f.insert(ctx, "account_words", "platform, word, account", len(words), func(i int) []any {
				return []any{"bench", words[i][0], string(words[i][1])}
			}); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "bench: %d words\n", len(words))
			words = nil
		}
	}
	for _, text := range after {
		if _, err := f.db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	fmt.Fprintln(os.Stderr, "bench: filled")
	return nil
}

// event is one of a busy year: mostly sign-ins, and what the provider did; helpers read, and somebody makes a key now and then.
func (f *filler) event(i int) []any {
	at := f.at.UnixMilli() - int64(f.events-i)*(365*24*3600*1000/int64(f.events))
	of := string(f.id(lot(f.accounts, "whose", i)))
	kind, actor, outcome, reason := audit.SessionStarted, of, audit.Success, "password"
	switch n := lot(1000, "kind", i); {
	case n < 300:
		kind, actor, reason = audit.MessageSettled, "system", "mail_reset sent"
	case n < 400:
		kind, outcome, reason = audit.PasswordRefused, audit.Failure, "wrong"
	case n < 500:
		kind, actor, reason = audit.GrantEnded, "system", "revoked"
	case n < 505:
		kind, actor, reason = audit.PersonOpened, string(f.id(lot(200, "helper", i))), ""
	}
	if lot(f.events/20, "rare", i) == 0 {
		kind, actor, of, reason = audit.SigningKeyMade, "cli ria", "", "ES256"
	}
	return []any{
		fmt.Sprintf("e%010d", i), "bench", at, 0, string(kind), actor, of, "web", "", string(outcome), reason, "192.0.2.7",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", fmt.Sprintf("%04X-%04X", i>>16, i&0xffff),
	}
}

func (f *filler) indexes(ctx context.Context, text string) (definitions map[string]string, err error) {
	rows, err := f.db.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	definitions = map[string]string{}
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			return nil, err
		}
		definitions[name] = definition
	}
	return definitions, rows.Err()
}

// namer names counters.
type namer struct{}

func (namer) MAC(purpose, data string) []byte {
	h := hmac.New(sha256.New, []byte(purpose))
	h.Write([]byte(data))
	return h.Sum(nil)
}

// ask measures what pages read: the slowest and the median of nine, and how many came.
func (f *filler) ask(ctx context.Context, db *storage.DB, seen *recorder, explain, postgres bool) error {
	by, at := audit.Reader{Name: "bench"}, f.at
	search := func(s account.Search) func() (int, error) {
		return func() (int, error) {
			s.Platform = "bench"
			page, err := db.Search(ctx, s, namer{}, by, at)
			return len(page.All), err
		}
	}
	record := func(q audit.Query) func() (int, error) {
		return func() (int, error) {
			q.Platform, q.Limit = "bench", 100
			all, err := db.Record(ctx, q, by, at)
			return len(all), err
		}
	}
	middle := f.person(f.accounts / 2)
	deep, err := db.Search(ctx, account.Search{Platform: "bench", Typed: "gmail", Limit: 5000}, namer{}, by, at)
	if err != nil {
		return err
	}
	fmt.Println("| what | found | p50 ms | slowest of 9, ms |")
	fmt.Println("|---|---|---|---|")
	for _, row := range []struct {
		what string
		do   func() (int, error)
	}{
		{"search, a whole address", search(account.Search{Typed: middle.Email.Key})},
		{"search, a family name", search(account.Search{Typed: middle.Profile.FamilyName})},
		{"search, two letters", search(account.Search{Typed: "ba"})},
		{"search, one letter", search(account.Search{Typed: "b"})},
		{"search, given and family name", search(account.Search{Typed: middle.Profile.Name()})},
		{"search, two that thousands have", search(account.Search{Typed: "ba de"})},
		{"search, two that nobody has both", search(account.Search{Typed: "gmail.com outlook.com"})},
		{"search, nobody", search(account.Search{Typed: "xyzzy"})},
		{"search, a page deep in 300,000", search(account.Search{Typed: "gmail", After: deep.Next})},
		{"search with a role that is rare", search(account.Search{Typed: "gmail", Role: platform.Helpdesk})},
		{"list, all", search(account.Search{})},
		{"list, helpdesk", search(account.Search{Role: platform.Helpdesk})},
		{"list, managers, of whom there are none", search(account.Search{Role: platform.Manager})},
		{"list, deactivated", search(account.Search{State: account.Deactivated})},
		{"list, no second factor", search(account.Search{NoSecond: true})},
		{"list, who waits", search(account.Search{Waiting: true})},
		{"list, invited, sent", search(account.Search{Invite: account.InviteSent})},
		{"list, invited, expired", search(account.Search{Invite: account.InviteExpired})},
		{"welcome tracker, counts", func() (int, error) {
			counts, err := db.Invited(ctx, "bench", at)
			n := 0
			for _, c := range counts {
				n += c
			}
			return n, err
		}},
		{"person", func() (int, error) {
			c, err := db.Card(ctx, "bench", middle.ID, namer{}, by, at)
			if err != nil {
				return 0, err
			}
			return len(c.Attempts), nil
		}},
		{"record, newest", record(audit.Query{})},
		{"record, of a person", record(audit.Query{Account: middle.ID})},
		{"record, by a helper", record(audit.Query{Actor: string(f.id(7))})},
		{"record, by an operator, who does little", record(audit.Query{Actor: "cli ria"})},
		{"record, by nobody", record(audit.Query{Actor: "cli nobody"})},
		{"record, a rare kind", record(audit.Query{Kinds: []audit.Kind{audit.SigningKeyMade}})},
		{"record, kinds of which one is frequent", record(audit.Query{Kinds: []audit.Kind{audit.SigningKeyMade, audit.SessionStarted, audit.SessionEnded}})},
		{"record, a rare kind by who does much", record(audit.Query{Kinds: []audit.Kind{audit.SigningKeyMade}, Actor: "system"})},
		{"record, a frequent kind by who does little", record(audit.Query{Kinds: []audit.Kind{audit.SessionStarted}, Actor: "cli ria"})},
		{"record, a reference", record(audit.Query{Reference: fmt.Sprintf("%04X-%04X", 1, 99)})},
	} {
		var took []time.Duration
		n := 0
		for range 9 {
			began := now()
			if n, err = row.do(); err != nil {
				return fmt.Errorf("%s: %w", row.what, err)
			}
			took = append(took, now().Sub(began))
		}
		slices.Sort(took)
		fmt.Printf("| %s | %d | %.1f | %.1f |\n", row.what, n, took[4].Seconds()*1000, took[8].Seconds()*1000)
		if explain {
			if err := seen.explain(ctx, db, row.do, postgres); err != nil {
				return err
			}
		}
	}
	return f.refill(ctx, db)
}

// refill measures how fast people of before are made findable.
func (f *filler) refill(ctx context.Context, db *storage.DB) error {
	const some = 5000
	for _, text := range []string{
		`DELETE FROM account_words WHERE account IN (SELECT id FROM accounts ORDER BY id LIMIT 5000)`,
		`UPDATE accounts SET worded_at = NULL, sort_key = NULL WHERE id IN (SELECT id FROM accounts ORDER BY id LIMIT 5000)`,
	} {
		if _, err := db.SQL().ExecContext(ctx, text); err != nil {
			return err
		}
	}
	began := now()
	if _, err := db.FillPeople(ctx, f.at, some); err != nil {
		return err
	}
	fmt.Printf("\nMaking %d people of before findable: %s\n", some, now().Sub(began).Round(time.Millisecond))
	return nil
}

// recorder notes queries with their arguments.
type recorder struct {
	lock sync.Mutex // guards all and on
	on   bool
	all  []query
}

type query struct {
	text string
	args []any
}

func (r *recorder) open(c driver.Connector) *sql.DB { return sql.OpenDB(recording{c, r}) }

type recording struct {
	driver.Connector
	seen *recorder
}

func (r recording) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(realConn)
	if !ok {
		return nil, errors.New("the driver lacks a method")
	}
	return recorded{conn, r.seen}, nil
}

type realConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	driver.Pinger
}

type recorded struct {
	realConn
	seen *recorder
}

func (c recorded) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.seen.note(text, args)
	return c.realConn.QueryContext(ctx, text, args)
}

func (r *recorder) note(text string, args []driver.NamedValue) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if !r.on {
		return
	}
	q := query{text: text}
	for _, a := range args {
		q.args = append(q.args, a.Value)
	}
	r.all = append(r.all, q)
}

// explain prints how the database finds what do asks.
func (r *recorder) explain(ctx context.Context, db *storage.DB, do func() (int, error), postgres bool) error {
	r.all, r.on = nil, true
	_, err := do()
	r.on = false
	if err != nil {
		return err
	}
	with := "EXPLAIN QUERY PLAN "
	if postgres {
		with = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) "
	}
	printed := map[string]bool{}
	for _, q := range r.all {
		if printed[q.text] {
			continue
		}
		printed[q.text] = true
		rows, err := db.SQL().QueryContext(ctx, with+q.text, q.args...)
		if err != nil {
			return fmt.Errorf("%s: %w", q.text, err)
		}
		columns, err := rows.Columns()
		for err == nil && rows.Next() {
			values, into := make([]any, len(columns)), []any{}
			for i := range values {
				into = append(into, &values[i])
			}
			if err = rows.Scan(into...); err == nil {
				fmt.Println("   ", values[len(values)-1])
			}
		}
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return err
		}
		fmt.Println()
	}
	return nil
}
