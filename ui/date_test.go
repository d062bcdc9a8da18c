package ui_test

import (
	"strings"
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
		{"nl", "NL", winter, "26 november 2026 om\u00a014:05"},
		{"en", "NL", winter, "26 November 2026 at\u00a014:05"},
		{"en", "GB", winter, "26 November 2026 at\u00a013:05"},
		{"nl", "BE", summer, "1 augustus 2027 om\u00a001:30"},
		{"en", "DE", summer, "1 August 2027 at\u00a001:30"},
		{"en", "GB", summer, "1 August 2027 at\u00a000:30"},
		{"nl", "", winter, "26 november 2026 om\u00a014:05"},
		{"fr", "FR", winter, "26 november 2026 om\u00a014:05"},
	} {
		if got := ui.Moment(tt.lang, &platform.Platform{Country: tt.country}, tt.at); got != tt.want {
			t.Errorf("%s in %s: %q, want %q", tt.lang, tt.country, got, tt.want)
		}
	}
}

// TestIdleTimeIsTheOneThatIsSet holds what people read who did nothing for as long as the organisation allows.
func TestIdleTimeIsTheOneThatIsSet(t *testing.T) {
	for _, tt := range []struct {
		set    time.Duration
		nl, en string
	}{
		{time.Minute, "1 minuut", "1 minute"}, // below what a policy allows: the form for one
		{5 * time.Minute, "5 minuten", "5 minutes"},
		{90 * time.Minute, "90 minuten", "90 minutes"},
		{299*time.Second + time.Minute, "5 minuten", "5 minutes"}, // never longer than it was
		{time.Hour, "1 uur", "1 hour"},
		{2 * time.Hour, "2 uur", "2 hours"},
		{24 * time.Hour, "24 uur", "24 hours"},
	} {
		f := frame(ui.Sample{}, "nl")
		f.Platform.Policy.IdleAfter = tt.set
		for _, asks := range []string{"confirm_password.reason_idle", "code.reason_idle"} {
			f.Lang = "nl"
			if got, want := whole.TextIn(f, asks), "Je hebt "+tt.nl+" niets gedaan."; !strings.HasPrefix(got, want) {
				t.Errorf("%s after %s: %q, want %q", asks, tt.set, got, want)
			}
			f.Lang = "en"
			if got, want := whole.TextIn(f, asks), "You have been inactive for "+tt.en+","; !strings.HasPrefix(got, want) {
				t.Errorf("%s after %s: %q, want %q", asks, tt.set, got, want)
			}
		}
	}
}
