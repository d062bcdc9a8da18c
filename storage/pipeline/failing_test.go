package pipeline_test

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/minddistrict/idp/storage/pipeline"
)

// One statement of sixteen fails, in whatever way and place: it is told why, nothing of it was done, and the others are as
// if it had not been there.
func TestOneOfSixteenFailsAlone(t *testing.T) {
	s := newScene(t, 1, 16, "&lock_timeout=200&statement_timeout=1000")
	for _, id := range []string{"taken", "locked"} {
		if err := s.exec(add, id)(); err != nil {
			t.Fatal(err)
		}
	}
	locked, err := s.real.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = locked.Rollback() }() // it holds its lock until then
	for _, text := range []string{`INSERT INTO t (id) VALUES ('wanted')`, `UPDATE t SET n = n WHERE id = 'locked'`} {
		if _, err := locked.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	for name, row := range map[string]struct {
		call  func() error
		code  string
		alone bool
	}{
		"a unique violation":                  {s.exec(add, "taken"), "23505", false},
		"a commit that fails":                 {s.exec(addLate, "taken"), "23505", false},
		"a serialization failure":             {s.exec(failWrite, "x", "40001"), "40001", false},
		"a deadlock":                          {s.exec(failWrite, "x", "40P01"), "40P01", false},
		"a check":                             {s.exec(failWrite, "x", "23514"), "23514", false},
		"a mistake of the program":            {s.exec(failWrite, "x", "XX000"), "XX000", false},
		"a row that is locked":                {s.counted("locked", new(int64)), "55P03", true},
		"a row that is being added":           {s.exec(add, "wanted"), "55P03", true},
		"a read that fails":                   {s.exec(failRead, "22012"), "22012", false},
		"a read that takes long":              {s.exec(sleep, 60), "57014", true},
		"a plan of an older schema":           {s.exec(failWrite, "x", "0A000"), "0A000", true},
		"broken text, which is not even sent": {s.exec(add, "\xff"), "", true},
		"a zero byte, likewise":               {s.exec(add, "a\x00b"), "", true},
		"a statement that nobody announced":   {s.exec("SELECT 1"), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			if row.code == "" { // it does not wait with the others
				if err := row.call(); !errors.Is(err, pipeline.ErrAlone) {
					t.Errorf("got %v, want that it goes alone", err)
				}
				return
			}
			for _, place := range []int{0, 7, 15} {
				var calls []func() error
				var counted [16]int64
				for i := range 16 {
					id := fmt.Sprintf("%s %d %d", name, place, i)
					switch {
					case i == place:
						calls = append(calls, row.call)
					case i%3 == 0:
						calls = append(calls, s.exec(add, id))
					case i%3 == 1:
						if _, err := s.real.ExecContext(t.Context(), add, id); err != nil {
							t.Fatal(err)
						}
						calls = append(calls, s.counted(id, &counted[i]))
					default:
						calls = append(calls, func() error {
							err := s.many.QueryRowContext(t.Context(), look, "nobody").Scan(new(string), new(int64), new(any), new(int64), new([]byte))
							if errors.Is(err, sql.ErrNoRows) {
								err = nil
							}
							return err
						})
					}
				}
				began, before := time.Now(), s.number(`SELECT SUM(n) + COUNT(*) FROM t`)
				errs := s.together(1, calls...)
				took := time.Since(began)
				done := int64(0)
				for i, err := range errs {
					switch {
					case i == place:
						if code(err) != row.code || errors.Is(err, pipeline.ErrAlone) != row.alone {
							t.Errorf("the one at %d: got %v, want %s", place, err, row.code)
						}
					case err != nil:
						t.Errorf("%d of those beside the one at %d: %v", i, place, err)
					case i%3 == 1 && counted[i] != 1:
						t.Errorf("%d beside the one at %d was done %d times", i, place, counted[i])
					case i%3 != 2:
						done++
					}
				}
				if now := s.number(`SELECT SUM(n) + COUNT(*) FROM t`) - before; now != done && now != done+1 { // the decoy, once
					t.Errorf("%d were done, want %d", now, done)
				}
				if took > 30*time.Second {
					t.Errorf("the others waited for %s", took)
				}
			}
		})
	}
}

// Values come through as they are.
func TestValuesComeThrough(t *testing.T) {
	s := newScene(t, 1, 16, "")
	for _, id := range []string{"", "é'\"\\x41", "long" + fmt.Sprint(make([]int, 5000))} {
		if err := s.exec(add, id)(); err != nil {
			t.Fatal(err)
		}
		var got string
		var n, negative int64
		var null any = 1
		var raw []byte
		if err := s.many.QueryRowContext(t.Context(), look, id).Scan(&got, &n, &null, &negative, &raw); err != nil && id != "é'\"\\x41" {
			t.Error(err) // a text of that form is no bytea
		} else if err == nil && (got != id || n != 0 || null != nil || negative != -7 || string(raw) != id) {
			t.Errorf("%.20q: got %.20q %d %v %d %.20q", id, got, n, null, negative, raw)
		}
	}
	result, err := s.many.ExecContext(t.Context(), countUp, "nobody")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); n != 0 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}
