package setup_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/storage"
)

// Whom somebody disabled stays disabled, whatever a file says of the rest.
func TestFileDoesNotEnableADisabledParty(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		now := tools(t, db)
		mustApply(t, now, sample(t))
		disabledAt := func() time.Time {
			t.Helper()
			parties, err := db.Parties(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range parties {
				if p.ID == "linde-web" {
					return p.DisabledAt
				}
			}
			t.Fatal("no party linde-web")
			return time.Time{}
		}
		if _, err := now.Acts().DisableParty(t.Context(), "linde", "linde-web"); err != nil {
			t.Fatal(err)
		}
		later := now
		later.Now = start.Add(time.Hour)
		changed := strings.Replace(sample(t), "client_id: linde-web", "client_id: linde-web\n        name: Anders", 1)
		if report := mustApply(t, later, changed); len(report.Changed) != 1 || report.Changed[0] != "party linde/linde-web" {
			t.Errorf("changed %v", report.Changed)
		}
		if got := disabledAt(); !got.Equal(start) {
			t.Errorf("disabled at %s, want %s", got, start)
		}
		if _, err := later.Acts().EnableParty(t.Context(), "linde", "linde-web"); err != nil || !disabledAt().IsZero() {
			t.Errorf("enabled: %v, disabled at %s", err, disabledAt())
		}
		if _, err := later.Acts().DisableParty(t.Context(), "linde", "nobody"); !errors.Is(err, fault.NotFound) {
			t.Errorf("unknown party: %v", err)
		}
	})
}
