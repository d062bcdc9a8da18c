// Package qr draws QR codes as one SVG path, so that a page shows them without a picture, a style or a script.
//
// It knows the code and the quiet zone around it; what the code says and how large it is shown belong to the page. A
// text that does not fit into a code is refused.
package qr

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quietZone is what stays white on each side, in modules (ISO/IEC 18004).
const quietZone = 4

// Drawing is a QR code.
type Drawing struct {
	Size int    // modules on each side
	Path string // the dark modules as an SVG path, one unit a module
}

// Box is the size with the quiet zone on both sides, in modules.
func (d Drawing) Box() int { return d.Size + 2*quietZone }

// Draw makes the code that says a text. Level M restores 15 % of it.
func Draw(text string) (Drawing, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return Drawing{}, fmt.Errorf("drawing QR code: %w", err)
	}
	size := code.Bounds().Dx()
	dark := func(x, y int) bool { return x < size && code.At(x, y) == color.Black }
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			from := x
			for dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1H%dz", from, y, x-from, from)
			}
		}
	}
	return Drawing{Size: size, Path: path.String()}, nil
}
