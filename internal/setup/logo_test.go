package setup_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minddistrict/idp/storage"
)

// picture writes a PNG of that size and returns its path.
func picture(t *testing.T, name string, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Logos come from files. They stay when the next file does not mention them, and each is taken away by null; the one
// for dark mode goes first, because it takes the place of the other.
func TestLogos(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		mustApply(t, tools, sample(t))
		of := func(keys string) string { return "platforms:\n  - name: linde\n" + keys }
		light, dark := picture(t, "light.png", 200, 50), picture(t, "dark.png", 201, 50)
		both := of("    logo_file: " + light + "\n    logo_dark_file: " + dark + "\n")
		for _, row := range []struct{ file, want string }{
			{both, "logo_file: set [hidden], logo_dark_file: set [hidden]"},
			{both, ""},
			{of("    title: Linde\n"), "title: GGZ De Linde → Linde"},
			{of("    logo_dark_file: " + light + "\n"), "logo_dark_file: changed [hidden]"},
			{of("    logo_dark_file: null\n"), "logo_dark_file: [hidden] → none"},
			{of("    logo_file: null\n"), "logo_file: [hidden] → none"},
		} {
			report := mustApply(t, tools, row.file)
			if got := inWords(report.Differences); got != row.want {
				t.Errorf("%s: got %q, want %q", row.file, got, row.want)
			}
		}
		mustApply(t, tools, both)
		for keys, want := range map[string]string{
			"    logo_file: null\n": "logo_dark_file: only beside logo_file",
			"    logo_dark_file: " + picture(t, "large.png", 1300, 10) +
				"\n": "line 3: platform linde: invalid: logo_dark_file: 1300 x 10 pixels: at most 1200 x 400",
			"    logo_file: " + light +
				".jpg\n": "line 3: platform linde: invalid: logo_file: open ",
		} {
			before := dump(t, db)
			if _, err := apply(t, tools, of(keys)); err == nil || !strings.Contains(err.Error(), want) || dump(t, db) != before {
				t.Errorf("%s: got %v, want %q", keys, err, want)
			}
		}
	})
}
