package storage_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// rowsOfAnIntake is how many people a file has. IDP_INTAKE_ROWS says another number, a multiple of 500.
func rowsOfAnIntake(t *testing.T) int {
	t.Helper()
	text := os.Getenv("IDP_INTAKE_ROWS")
	if text == "" {
		return intakeRows
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 500 || n > staff.MostRows || n%500 != 0 {
		t.Fatalf("IDP_INTAKE_ROWS=%q: a multiple of 500, at most %d", text, staff.MostRows)
	}
	return n
}

// As many people as a file may have are invited within the time of a request, on both databases, by few statements: the
// rows of each table in parts of 25, the words of people in parts of 100, and who is there in parts of 500. Without the
// race detector it is the most that a file may have; with it, it is fewer: how long it takes says nothing there.
func TestAsManyPeopleAsAFileHasAreInvitedInTime(t *testing.T) {
	rows := rowsOfAnIntake(t)
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		s := idptest.NewServer(t, db)
		s.Declare(idptest.Demo{Invited: []string{"email: henk@example.org, role: helpdesk"}})
		henk, err := db.AccountByEmail(t.Context(), "linde", "henk@example.org")
		if err != nil {
			t.Fatal(err)
		}
		acts := s.Tools().Acts()
		acts.People = db
		acts.Actor = staff.Actor{Name: string(henk.ID), Platform: "linde", Account: henk.ID, Role: platform.Helpdesk, Active: true}
		files := &staff.Files{Acts: acts, Intakes: db, Open: s.Sealer.Open}
		if _, err := db.SQL().ExecContext(t.Context(), `UPDATE accounts SET state = 'active'`); err != nil {
			t.Fatal(err)
		}
		var file staff.Checked
		for i := range rows {
			file.Rows = append(file.Rows, staff.Row{Line: i + 2, Newcomer: staff.Newcomer{
				Given: "Anna", Middle: "van der", Family: fmt.Sprintf("Berg %d", i), Address: fmt.Sprintf("anna.van.der.berg%d@example.org", i), Role: "client", Locale: "nl",
			}})
		}
		var seen statements
		stop := db.Watch(seen.note)
		var id string
		for _, step := range []struct {
			name          string
			do            func(context.Context) error
			reads, writes int
		}{
			{"check", func(ctx context.Context) (err error) {
				id, err = files.Check(ctx, "linde", "session", file)
				return err
			}, 1 + rows/500, 5},
			{"apply", func(ctx context.Context) error { _, err := files.Admit(ctx, "linde", "session", id); return err }, 2 + 2*(rows/500), 4 + rows/100 + 8*(rows/25)},
		} {
			ctx, done := context.WithTimeout(t.Context(), requestTime)
			defer done()
			seen.reset()
			begun := time.Now()
			if err := step.do(ctx); err != nil {
				t.Fatalf("%s: %v after %s", step.name, err, time.Since(begun))
			}
			reads, writes := seen.count()
			t.Logf("%s: %s, %d reads and %d writes", step.name, time.Since(begun).Round(time.Millisecond), reads, writes)
			if reads != step.reads || writes != step.writes {
				t.Errorf("%s: %d reads and %d writes, want %d and %d", step.name, reads, writes, step.reads, step.writes)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		var invited, letters int
		err = db.SQL().QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM accounts WHERE state = 'invited'), (SELECT COUNT(*) FROM letters)`).Scan(&invited, &letters)
		if err != nil || invited != rows || letters != rows {
			t.Errorf("%d accounts, %d mails, %v", invited, letters, err)
		}
	})
}
