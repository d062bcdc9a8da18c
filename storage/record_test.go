package storage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/idptest"
)

// What is asked of a record of millions finds its rows by an index, without statistics too, and sorts no more than the
// events of one moment, those that share a reference, and a page of each of some kinds.
func TestRecordIsReadByItsIndexes(t *testing.T) {
	db := idptest.SQLite(t)
	now := time.UnixMilli(1_700_000_000_000)
	after := audit.Cursor{At: now, ID: "x"}
	for index, all := range map[string][]audit.Query{
		"events_at (platform=? AND at>? AND at<?)": {
			{}, {After: after}, {Since: now}, {Kinds: audit.Kinds()}, {Outcome: audit.Failure},
		},
		"events_actor (<expr>=? AND at>? AND at<?)": {
			{Actor: "cli ria"}, {Actor: "cli ria", After: after, Kinds: audit.Kinds()}, {Actor: "cli ria", Kinds: []audit.Kind{audit.SigningKeyMade}},
		},
		"events_kind (<expr>=? AND at>? AND at<?)": {
			{Kinds: []audit.Kind{audit.SigningKeyMade}}, {Kinds: []audit.Kind{audit.SigningKeyMade, audit.PartySet}, After: after, Outcome: audit.Failure},
		},
		"events_account (account=? AND at>? AND at<?)": {{Account: "anna"}, {Account: "anna", After: after, Actor: "anna", Since: now}},
		"events_reference (reference=?)":               {{Reference: "7KQ4-MXDA"}, {Reference: "7KQ4-MXDA", Account: "anna", Since: now}},
	} {
		for _, q := range all {
			q.Platform, q.Limit = "linde", 100
			plan, err := db.PlanOfRecord(t.Context(), q)
			got := strings.Join(plan, "; ")
			tables := strings.ReplaceAll(got, "SCAN of_", "")
			if err != nil || !strings.Contains(got, "SEARCH events USING INDEX "+index) || strings.Contains(tables, "SCAN") {
				t.Errorf("%+v: %s, %v; want %s", q, got, err, index)
			}
			if sorts := strings.Contains(got, "FOR ORDER BY"); sorts != (q.Reference != "" || len(q.Kinds) == 2) {
				t.Errorf("%+v sorts all: %s", q, got)
			}
		}
	}
	plan, err := db.PlanOfDoneTo(t.Context())
	if got := strings.Join(plan, "; "); err != nil || got != "SEARCH events USING INDEX events_account (account=?); USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY" {
		t.Errorf("what was done to an account: %s, %v", got, err)
	}
	plan, err = db.PlanOfDoneWithApp(t.Context())
	if got := strings.Join(plan, "; "); err != nil || !strings.HasPrefix(got, "SEARCH events USING INDEX events_account (account=?)") {
		t.Errorf("what was done with apps: %s, %v", got, err)
	}
}
