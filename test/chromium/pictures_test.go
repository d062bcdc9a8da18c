//go:build browser

package chromium_test

import (
	"bytes"
	"cmp"
	"image/png"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/internal/demo"
	"github.com/minddistrict/idp/internal/preview"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/ui"
)

// screen is what a picture is taken of: a phone or a desktop.
type screen struct {
	width, height int64   // CSS pixels
	scale         float64 // pixels of the picture for each
}

var (
	phone   = screen{390, 844, 1.5}
	desktop = screen{1200, 800, 1}
	page    = screen{1100, 1090, 1} // of staff, which say more
)

// mostPicture is what a picture may weigh, in bytes: README.md loads six of them at once.
const mostPicture = 120 << 10

// TestPictures makes the pictures of README.md and docs/staff.md, from pages that say the same at any time. With PICTURES set to a
// folder, as `make pictures` does, it leaves them there.
func TestPictures(t *testing.T) {
	t.Parallel()
	dir := cmp.Or(os.Getenv("PICTURES"), t.TempDir())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	pages := sampleSite(t)
	noon := func() time.Time { return time.Date(2026, 11, 30, 12, 0, 7, 0, time.UTC) }
	_, start, err := demo.House("http://localhost:8080", "http://localhost:8081", noon)
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(start)
	defer site.Close()
	ctx := openBrowser(t, "nl")
	for _, picture := range []struct {
		name, address string
		on            screen
	}{
		{"sign-in-phone", pages.URL + preview.Path("nl", "login", 0), phone},
		{"code-phone", pages.URL + preview.Path("nl", "totp", 1), phone},
		{"app-phone", pages.URL + preview.Path("nl", "app", 0), phone},
		{"sign-in", pages.URL + preview.Path("en", "login", 0), desktop},
		{"settings", pages.URL + preview.Path("en", "settings", 1), desktop},
		{"demo", site.URL + "/", desktop},
		{"staff-person", pages.URL + preview.Path("en", "staff_person", state(t, "staff_person", "waits")), page},
		{"staff-reset", pages.URL + preview.Path("en", "staff_deed", state(t, "staff_deed", "reset-two-step")), page},
		{"staff-file", pages.URL + preview.Path("en", "staff_invite_file", state(t, "staff_invite_file", "checked")), page},
	} {
		size := chromedp.EmulateViewport(picture.on.width, picture.on.height, chromedp.EmulateScale(picture.on.scale))
		do(t, ctx, picture.name, emulateScheme("light"), size, chromedp.Navigate(picture.address), visible("h1"))
		taken, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.DecodeConfig(bytes.NewReader(taken))
		if err != nil {
			t.Fatal(err)
		}
		width, height := float64(picture.on.width)*picture.on.scale, float64(picture.on.height)*picture.on.scale
		if float64(got.Width) != width || float64(got.Height) != height || len(taken) > mostPicture {
			t.Errorf("%s: %d x %d pixels, want %.0f x %.0f; %d bytes, at most %d",
				picture.name, got.Width, got.Height, width, height, len(taken), mostPicture)
		}
		if err := os.WriteFile(filepath.Join(dir, picture.name+".png"), taken, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// state is which state of a page has a name.
func state(t *testing.T, page, name string) int {
	t.Helper()
	i := slices.IndexFunc(wire.UI().Samples()[page], func(s ui.Sample) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("page %s has no state %q", page, name)
	}
	return i
}
