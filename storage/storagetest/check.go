package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/minddistrict/idp/internal/fault"
)

// ok ends the test when something went wrong that is not its subject.
func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) fails(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("got error %v, want %q", err, want)
	}
}

// found reports whether there was something: fault.NotFound is false.
func (w *world) found(err error) bool {
	w.Helper()
	if err != nil && !errors.Is(err, fault.NotFound) {
		w.Fatal(err)
	}
	return err == nil
}

func (w *world) is(what string, got, want bool) {
	w.Helper()
	if got != want {
		w.Errorf("%s: got %t, want %t", what, got, want)
	}
}

// same compares values; an empty list is the same as none, because both are stored alike.
func (w *world) same(what string, got, want any) {
	w.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// postgres reports whether this database is PostgreSQL, for the few checks that look behind the API.
func (w *world) postgres() bool {
	return !strings.Contains(fmt.Sprintf("%T", w.db.SQL().Driver()), "sqlite")
}

// run executes statements behind the API.
func (w *world) run(statements ...string) {
	w.Helper()
	for _, s := range statements {
		if _, err := w.db.SQL().ExecContext(w.Context(), s); err != nil {
			w.Fatal(err)
		}
	}
}

// dump is every row of every table, as text. Bytes are shown as they are, so that a secret in them is seen.
func (w *world) dump() string {
	w.Helper()
	tables := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if w.postgres() {
		tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	var all strings.Builder
	for _, table := range w.rows(tables) {
		for _, row := range w.rows("SELECT * FROM " + table) {
			all.WriteString(table + ": " + row + "\n")
		}
	}
	return all.String()
}

// journeysStored is how many journeys are.
func (w *world) journeysStored() int {
	w.Helper()
	return len(w.rows("SELECT id FROM journeys"))
}

func (w *world) rows(query string) (all []string) {
	w.Helper()
	rows, err := w.db.SQL().QueryContext(w.Context(), query)
	w.ok(err)
	defer func() { _ = rows.Close() }() // read to its end below
	names, err := rows.Columns()
	w.ok(err)
	for rows.Next() {
		values, places := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			places[i] = &values[i]
		}
		w.ok(rows.Scan(places...))
		texts := make([]string, len(names))
		for i, v := range values {
			if b, isBytes := v.([]byte); isBytes {
				v = string(b)
			}
			texts[i] = fmt.Sprint(v)
		}
		all = append(all, strings.Join(texts, " "))
	}
	w.ok(rows.Err())
	slices.Sort(all)
	return all
}
