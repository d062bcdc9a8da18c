package storage_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

func TestShiftedPlaceholders(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":             "SELECT 1",
		"a = $1 AND b = $12":   "a = $10 AND b = $21",
		"VALUES ($1, $2, $1)":  "VALUES ($10, $11, $10)",
		"CAST($1 AS BIGINT)+1": "CAST($10 AS BIGINT)+1",
	} {
		if got := storage.Shifted(text, 9); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

const noteStep = `
INSERT INTO noted (what)
VALUES ($1)`

// noting is a database with a table that numbers what is added to it.
func noting(t *testing.T, open func(testing.TB) *storage.DB, numbered string) *storage.DB {
	t.Helper()
	db := open(t)
	if _, err := db.SQL().ExecContext(t.Context(), "CREATE TABLE noted (n "+numbered+", what TEXT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	return db
}

func noted(t *testing.T, db *storage.DB) (all []string) {
	t.Helper()
	rows, err := db.SQL().QueryContext(t.Context(), "SELECT what FROM noted ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // read to its end
	for rows.Next() {
		var what string
		if err := rows.Scan(&what); err != nil {
			t.Fatal(err)
		}
		all = append(all, what)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// onBoth runs a test on a noting database of each kind.
func onBoth(t *testing.T, test func(*testing.T, *storage.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, noting(t, idptest.SQLite, "INTEGER PRIMARY KEY AUTOINCREMENT")) })
	t.Run("postgres", func(t *testing.T) {
		test(t, noting(t, idptest.Postgres, "BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY"))
	})
}

// Their order is the order of their locks: on PostgreSQL it is that in which one statement counts what they did.
func TestStepsAreTakenInTheirOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		var want []string
		err := db.Together(t.Context(), func(tx storage.Gathered) error {
			for i := range 2*storage.MostTogether + 3 {
				want = append(want, fmt.Sprint("step ", i))
				if err := tx.Do(errors.New("not added"), noteStep, want[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if got := noted(t, db); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q and %v, want %q", got, err, want)
		}
	})
}

func TestWhatIsAskedSeesTheStepsBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		err := db.Together(t.Context(), func(tx storage.Gathered) error {
			err := errors.Join(tx.Do(nil, noteStep, "one"), tx.Do(nil, noteStep, "two"))
			n, failed := tx.Count("SELECT COUNT(*) FROM noted")
			if n != 2 {
				t.Errorf("%d are there, want 2", n)
			}
			return errors.Join(err, failed)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// The first step that is refused is what a transaction ends with, whatever comes after it, and nothing of it is left.
func TestARefusedStepUndoesAll(t *testing.T) {
	refused, later := errors.New("refused"), errors.New("later")
	const nobody = "UPDATE noted SET what = 'lost' WHERE what = $1"
	for name, work := range map[string]func(storage.Gathered) error{
		"among steps": func(tx storage.Gathered) error {
			return cmp.Or(tx.Do(nil, noteStep, "one"), tx.Do(refused, nobody, "none"), tx.Do(later, nobody, "none"),
				tx.Do(nil, noteStep, "two"))
		},
		"a read": func(tx storage.Gathered) error {
			const read = "SELECT 1 FROM noted WHERE what = $1"
			return cmp.Or(tx.Do(nil, noteStep, "one"), tx.Do(refused, read, "none"), tx.Do(nil, noteStep, "two"))
		},
		"alone": func(tx storage.Gathered) error { return tx.Do(refused, nobody, "none") },
		"before what the work itself says": func(tx storage.Gathered) error {
			return cmp.Or(tx.Do(nil, noteStep, "one"), tx.Do(refused, nobody, "none"), later)
		},
		"before what is asked": func(tx storage.Gathered) error {
			if err := cmp.Or(tx.Do(nil, noteStep, "one"), tx.Do(refused, nobody, "none")); err != nil {
				return err
			}
			_, err := tx.Count("SELECT COUNT(*) FROM nowhere")
			return err
		},
		"after what was asked": func(tx storage.Gathered) error {
			if err := tx.Do(nil, noteStep, "one"); err != nil {
				return err
			}
			if _, err := tx.Count("SELECT COUNT(*) FROM noted"); err != nil {
				return err
			}
			return cmp.Or(tx.Do(nil, noteStep, "two"), tx.Do(refused, nobody, "none"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, db *storage.DB) {
				if err := db.Together(t.Context(), work); !errors.Is(err, refused) {
					t.Errorf("got %v, want what the first refused step says", err)
				}
				if left := noted(t, db); len(left) > 0 {
					t.Errorf("%q are left", left)
				}
			})
		})
	}
}
