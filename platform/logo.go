package platform

import (
	"bytes"
	"fmt"
	"image/png"

	"github.com/minddistrict/idp/internal/fault"
)

// Bounds of a logo. Pages show it at most 320 by 56 pixels large, so these are sharp on any screen.
const (
	maxLogoBytes  = 64 << 10
	maxLogoWidth  = 1200 // pixels
	maxLogoHeight = 400  // pixels
)

// LogoSize is the size of a logo in pixels; zeros for what is no PNG.
func LogoSize(logo []byte) (width, height int) {
	c, err := png.DecodeConfig(bytes.NewReader(logo))
	if err != nil {
		return 0, 0
	}
	return c.Width, c.Height
}

// LogoFits reports whether a logo of so many pixels is within the bounds of one.
func LogoFits(width, height int) bool {
	return 0 < width && width <= maxLogoWidth && 0 < height && height <= maxLogoHeight
}

// checkLogo refuses what no page could show, under the key of the file that it came from. No logo is fine. The size is
// looked at before the picture is, so that a small file cannot ask for much memory.
func checkLogo(key string, logo []byte) error {
	if len(logo) == 0 {
		return nil
	}
	if len(logo) > maxLogoBytes {
		return fmt.Errorf("%w: %s: %d bytes: at most %d", fault.Invalid, key, len(logo), maxLogoBytes)
	}
	width, height := LogoSize(logo)
	if width == 0 {
		return fmt.Errorf("%w: %s: not a PNG picture", fault.Invalid, key)
	}
	if !LogoFits(width, height) {
		return fmt.Errorf("%w: %s: %d x %d pixels: at most %d x %d", fault.Invalid, key, width, height, maxLogoWidth,
			maxLogoHeight)
	}
	if _, err := png.Decode(bytes.NewReader(logo)); err != nil {
		return fmt.Errorf("%w: %s: a damaged PNG picture: %w", fault.Invalid, key, err)
	}
	return nil
}
