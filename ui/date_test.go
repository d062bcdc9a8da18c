package ui_test

import (
	"testing"
	"time"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

func TestMomentOnThePlatformsClocks(t *testing.T) {
	winter, summer := time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC), time.Date(2027, 7, 31, 23, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		lang, country string
		at            time.Time
		want          string
	}{
		{"nl", "NL", winter, "26 november 2026 om 14:05"},
		{"en", "NL", winter, "26 November 2026 at 14:05"},
		{"en", "GB", winter, "26 November 2026 at 13:05"},
		{"nl", "BE", summer, "1 augustus 2027 om 01:30"},
		{"en", "DE", summer, "1 August 2027 at 01:30"},
		{"en", "GB", summer, "1 August 2027 at 00:30"},
		{"nl", "", winter, "26 november 2026 om 14:05"},
		{"fr", "FR", winter, "26 november 2026 om 14:05"},
	} {
		if got := ui.Moment(tt.lang, &platform.Platform{Country: tt.country}, tt.at); got != tt.want {
			t.Errorf("%s in %s: %q, want %q", tt.lang, tt.country, got, tt.want)
		}
	}
}
