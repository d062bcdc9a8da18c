package qr_test

import (
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	barcode "github.com/boombuler/barcode/qr"

	"github.com/minddistrict/idp/internal/qr"
)

// TestTheDrawingIsTheCode paints the path on squared paper.
func TestTheDrawingIsTheCode(t *testing.T) {
	const uri = "otpauth://totp/Minddistrict:anna@example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Minddistrict"
	want, err := barcode.Encode(uri, barcode.M, barcode.Unicode)
	if err != nil {
		t.Fatal(err)
	}
	got, err := qr.Draw(uri)
	if err != nil {
		t.Fatal(err)
	}
	if got.Size != want.Bounds().Dx() || got.Size > 49 || got.Box() != got.Size+8 {
		t.Fatalf("size %d, want %d and at most 49", got.Size, want.Bounds().Dx())
	}
	painted := map[[2]int]bool{}
	run := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H(\d+)z`)
	for _, m := range run.FindAllStringSubmatch(got.Path, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		width, _ := strconv.Atoi(m[3])
		if m[1] != m[4] {
			t.Errorf("%s goes back to another place", m[0])
		}
		for i := range width {
			painted[[2]int{x + i, y}] = true
		}
	}
	if left := run.ReplaceAllString(got.Path, ""); left != "" {
		t.Errorf("also in the path: %q", left)
	}
	for y := range got.Size {
		for x := range got.Size {
			if dark := want.At(x, y) == color.Black; dark != painted[[2]int{x, y}] {
				t.Fatalf("module %d, %d is dark: %t", x, y, dark)
			}
		}
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	if d, err := qr.Draw(strings.Repeat("x", 4000)); err == nil {
		t.Errorf("4,000 characters became %d modules", d.Size)
	}
}
