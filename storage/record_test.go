package storage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/idptest"
)

// What is asked of a record of millions finds its rows by an index, without statistics too, and sorts no more than the
// events of one moment.
func TestRecordIsReadByItsIndexes(t *testing.T) {
	db := idptest.SQLite(t)
	now := time.UnixMilli(1_700_000_000_000)
	after := audit.Cursor{At: now, ID: "x"}
	for index, all := range map[string][]audit.Query{
		"events_at (platform=? AND at>? AND at<?)": {
			{}, {After: after}, {Since: now}, {Kinds: audit.Kinds()}, {Outcome: audit.Failure}, {Actor: "cli ria"},
		},
		"events_account (account=? AND at>? AND at<?)": {{Account: "anna"}, {Account: "anna", After: after, Actor: "anna", Since: now}},
		"events_reference (reference=?)":               {{Reference: "7KQ4-MXDA"}, {Reference: "7KQ4-MXDA", Account: "anna", Since: now}},
	} {
		for _, q := range all {
			q.Platform, q.Limit = "linde", 100
			plan, err := db.PlanOfRecord(t.Context(), q)
			got := strings.Join(plan, "; ")
			if err != nil || !strings.HasPrefix(got, "SEARCH events USING INDEX "+index) || strings.Contains(got, "SCAN") {
				t.Errorf("%+v: %s, %v; want %s", q, got, err, index)
			}
			if sorts := strings.Contains(got, "FOR ORDER BY"); sorts != (q.Reference != "") {
				t.Errorf("%+v sorts all: %s", q, got)
			}
		}
	}
}
