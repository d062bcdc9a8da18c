package idptest

import (
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/qr"
)

// TestCameraReadsWhatIsDrawn: of each length that fits into a code of the versions 1 to 10.
func TestCameraReadsWhatIsDrawn(t *testing.T) {
	text := strings.Repeat("https://login.linde.test/app#BUZbG1uUxIeIKYOx_TaMKfhy83FImXIVO2dfWSncfDo ", 3)
	for n := 1; n <= 213; n++ {
		drawn, err := qr.Draw(text[:n])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readQR(drawn.Path); err != nil || got != text[:n] {
			t.Fatalf("%d characters: %q %v", n, got, err)
		}
	}
	for _, path := range []string{"", "M0 0h1v1H0z", "M0 0h21v1H0zM0 20h1v1H0z"} {
		if got, err := readQR(path); err == nil {
			t.Errorf("%q: %q", path, got)
		}
	}
}
