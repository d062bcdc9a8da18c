package docs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// TestLimitsOfTheAppAreThoseOfTheCode: each number of the table "Limits" in docs/app.md that the code has as a constant
// is that constant.
func TestLimitsOfTheAppAreThoseOfTheCode(t *testing.T) {
	text, err := os.ReadFile("app.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n## Limits\n")
	if !found {
		t.Fatal("docs/app.md has no Limits")
	}
	rows := map[string]string{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, " | "); len(cells) == 2 && strings.HasPrefix(line, "| ") {
			rows[strings.TrimPrefix(cells[0], "| ")] = strings.TrimSuffix(strings.TrimSpace(cells[1]), " |")
		}
	}
	const day = 24 * time.Hour
	for row, want := range map[string]string{
		"authorization code":       fmt.Sprintf("%.0f seconds, once", grant.CodeLife.Seconds()),
		"token of scope `app-pin`": fmt.Sprintf("%.0f minutes,", grant.SetupLife.Minutes()),
		"QR reference":             fmt.Sprintf("%.0f seconds, once;", grant.ReferenceLife.Seconds()),
		"handoff":                  fmt.Sprintf("%.0f seconds; a poll every %.0f seconds;", grant.ClaimLife.Seconds(), grant.PollEvery.Seconds()),
		"wrong PINs":               fmt.Sprintf("%d in a row, %d within %d days", grant.MaxTries, grant.MaxWrong, grant.WrongWithin/day),
		"one PIN being compared":   fmt.Sprintf("at most %.0f seconds;", grant.ComparingLife.Seconds()),
		"devices of an account":    fmt.Sprintf("%d, unless", platform.DefaultPolicy().AppDevices),
		"device unused":            fmt.Sprintf("%d days", grant.DeviceUnused/day),
	} {
		if !strings.HasPrefix(rows[row], want) {
			t.Errorf("%s: docs/app.md says %q, the code %q", row, rows[row], want)
		}
	}
}
