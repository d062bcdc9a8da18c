package setup_test

import (
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// Two operators: while one applies a file, the other disables a party that the file changes.
func TestApplyingDoesNotUndoWhatOthersDidMeanwhile(t *testing.T) {
	var meanwhile func()
	db, held := idptest.SQLiteHeld(t, func(text string) {
		if text == "BEGIN" && meanwhile != nil {
			do := meanwhile
			meanwhile = nil
			do()
		}
	})
	mustApply(t, tools(t, db), sample(t))
	parties, err := db.Parties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := parties[0]
	meanwhile = func() {
		if _, err := tools(t, db).Acts().DisableParty(t.Context(), p.Platform, p.ID); err != nil {
			t.Error(err)
		}
	}
	changed := strings.Replace(sample(t), "client_id: "+string(p.ID), "client_id: "+string(p.ID)+"\n        name: Another name", 1)
	report := mustApply(t, tools(t, held), changed)
	if meanwhile != nil || len(report.Changed) != 1 {
		t.Fatalf("nothing happened meanwhile, or nothing was applied: %+v", report)
	}
	if parties, err = db.Parties(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := parties[0]; got.DisabledAt.IsZero() || got.Name != "Another name" {
		t.Errorf("party %s: disabled at %s, name %q", got.ID, got.DisabledAt, got.Name)
	}
}
