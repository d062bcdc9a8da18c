package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

type noNames struct{}

func (noNames) MAC(_, data string) []byte { return []byte(data) }

// What staff's pages read finds its rows by an index, on both databases and without statistics too: the first index named
// is the one that the rows of the page come by. How long that takes with a million people is in docs/performance.md.
func TestStaffReadsByIndexes(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) { readsByIndexes(t, db, path.Base(t.Name()) == "postgres") })
}

func readsByIndexes(t *testing.T, db *storage.DB, postgres bool) {
	now := time.UnixMilli(1_700_000_000_000)
	if _, err := db.SQL().ExecContext(t.Context(), plannedRows); err != nil {
		t.Fatal(err)
	}
	by := audit.Reader{Name: "test"}
	search := func(s account.Search) func(context.Context) error {
		return func(ctx context.Context) error {
			s.Platform = "linde"
			_, err := db.Search(ctx, s, noNames{}, by, now)
			return err
		}
	}
	record := func(q audit.Query) func(context.Context) error {
		return func(ctx context.Context) error {
			q.Platform, q.Limit = "linde", 100
			_, err := db.Record(ctx, q, by, now)
			return err
		}
	}
	after := account.Place{Key: []byte("k"), ID: "anna"}
	for what, row := range map[string]struct {
		do    func(context.Context) error
		index string
	}{
		"a word":            {search(account.Search{Typed: "ann"}), "account_words_pkey"},
		"three words":       {search(account.Search{Typed: "ann ba org", After: after}), "account_words_pkey"},
		"a word, a role":    {search(account.Search{Typed: "ann", Role: platform.Helpdesk}), "account_words_pkey"},
		"a word, no second": {search(account.Search{Typed: "ann", NoSecond: true}), "account_words_pkey"},
		"a word, invited":   {search(account.Search{Typed: "ann", Invite: account.InviteSent}), "account_words_pkey"},
		"all":               {search(account.Search{After: after}), "accounts_by_name"},
		"a role":            {search(account.Search{Role: platform.Helpdesk}), "accounts_by_role"},
		"a state":           {search(account.Search{State: account.Deactivated}), "accounts_by_state"},
		"no second":         {search(account.Search{NoSecond: true}), "accounts_by_state"},
		"sent":              {search(account.Search{Invite: account.InviteSent}), "invitations_stage"},
		"expired":           {search(account.Search{Invite: account.InviteExpired}), "invitations_ending"},
		"waiting":           {search(account.Search{Waiting: true}), "events_kind"},
		"counts": {func(ctx context.Context) error {
			_, err := db.Invited(ctx, "linde", now)
			return err
		}, "invitations_stage"},
		"card": {func(ctx context.Context) error {
			_, err := db.Card(ctx, "linde", "anna", noNames{}, by, now)
			return err
		}, "accounts_pkey"},
		"connections": {func(ctx context.Context) error {
			_, err := db.ConnectionUses(ctx, "linde")
			return err
		}, "events_connection"},
		"refusals": {func(ctx context.Context) error {
			_, err := db.Refusals(ctx, "linde", "hof", 20, by, now)
			return err
		}, "events_connection"},
		"who confirmed": {func(ctx context.Context) error {
			_, err := db.ConfirmedBy(ctx, "linde", "hof", now)
			if errors.Is(err, fault.NotFound) {
				return nil
			}
			return err
		}, "events_kind"},
		"record":              {record(audit.Query{}), "events_at"},
		"record of an actor":  {record(audit.Query{Actor: "cli ria"}), "events_actor"},
		"record of kinds":     {record(audit.Query{Kinds: []audit.Kind{audit.PartySet, audit.PartySecretSet}}), "events_kind"},
		"record of a person":  {record(audit.Query{Account: "anna"}), "events_account"},
		"record by reference": {record(audit.Query{Reference: "7KQ4-MXDA"}), "events_reference"},
		"filling": {func(ctx context.Context) error {
			_, err := db.FillPeople(ctx, now, 1)
			return err
		}, "accounts_unworded"},
	} {
		t.Run(what, func(t *testing.T) {
			var seen statements
			stop := db.Watch(seen.note)
			err := errors.Join(row.do(t.Context()), stop())
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, text := range seen.all {
				if !strings.HasPrefix(text, "SELECT") {
					continue
				}
				plan, err := planOf(t.Context(), db.SQL(), text, postgres)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				found = found || strings.Contains(plan, row.index) || !postgres && strings.Contains(plan, autoindex[row.index])
				if scanned := scans.FindString(allowed.Replace(plan)); scanned != "" {
					t.Errorf("%q of%s\n%s", scanned, text, plan)
				}
			}
			if !found {
				t.Errorf("%s is not used: %q", row.index, seen.all)
			}
		})
	}
}

const plannedRows = `
INSERT INTO platforms (id, issuer, body) VALUES ('linde', 'https://linde.test', '{}');
INSERT INTO accounts (id, platform, email, email_key, role, state, locale, profile, created_at)
VALUES ('anna', 'linde', 'anna@example.org', 'anna@example.org', 'client', 'active', '', '{}', 1);
INSERT INTO credentials (id, platform, account, method, used_as, label, counter, added_at, external, connection)
VALUES ('link', 'linde', 'anna', 'federated', 'primary', '', 0, 1, 'hof/1', 'hof');
INSERT INTO events (id, platform, at, place, kind, actor, account, party, session, outcome, reason, address, agent, reference)
VALUES ('e', 'linde', 1699999999999, 0, 'password.refuse', 'anna', 'anna', '', '', 'failure', 'wrong', '', '', '');
INSERT INTO letters (id, platform, account, kind, medium, locale, queued_at, expires_at, tries, outcome, reason)
VALUES ('letter', 'linde', 'anna', 'mail_reset', 'mail', '', 1699999999999, 1699999999999, 0, '', '');`

// autoindex are primary keys as SQLite calls them.
var autoindex = map[string]string{
	"account_words_pkey": "sqlite_autoindex_account_words_1", "accounts_pkey": "sqlite_autoindex_accounts_1",
}

// scans are whole tables. What SQLite scans under a name that is one of ours for a part of a statement is no table.
var scans = regexp.MustCompile(`Seq Scan on \w+|(?m)SCAN (accounts|account_words|invitations|events|letters|tickets|attempts|credentials|a|i|c|f|o)( .*)?$`)

// allowed are the index of what is pending, which is read whole and empty but for the first hour of a release, and the rows
// of a page that were found already.
var allowed = strings.NewReplacer("SCAN accounts USING INDEX accounts_unworded", "", "CO-ROUTINE a\n", "", "SCAN a\nSEARCH i", "SEARCH i", "SCAN a\nCORRELATED", "CORRELATED")

// planOf is how a database finds what a statement asks, whatever the arguments are.
func planOf(ctx context.Context, db *sql.DB, text string, postgres bool) (plan string, err error) {
	var args []any
	for _, mark := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(mark[1])
		if err != nil {
			return "", err
		}
		for len(args) < n {
			args = append(args, nil)
		}
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	explain := "EXPLAIN QUERY PLAN " + text
	if postgres {
		nulls := strings.Join(slices.Repeat([]string{"NULL"}, len(args)), ", ")
		for _, s := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE planned AS " + text} {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				return "", err
			}
		}
		defer func() {
			_, failed := conn.ExecContext(context.WithoutCancel(ctx), "DEALLOCATE planned")
			err = errors.Join(err, failed)
		}()
		if explain, args = "EXPLAIN EXECUTE planned", nil; nulls != "" {
			explain += "(" + nulls + ")"
		}
	}
	rows, err := conn.QueryContext(ctx, explain, args...)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		plan += fmt.Sprintln(values[len(values)-1])
	}
	return plan, rows.Err()
}
