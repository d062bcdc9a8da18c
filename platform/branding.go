package platform

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"github.com/minddistrict/idp/internal/fault"
)

// Branding is how the pages look. An organisation gives one colour, which is kept as it is for surfaces: the strip, the
// tint, the main button. Text on it is white or black, whichever can be read; as text, line or ring on the page it is
// corrected (WCAG 2.2 success criteria 1.4.3 and 1.4.11).
type Branding struct {
	Colour   string `json:"colour,omitempty"`    // "#rrggbb"
	Logo     []byte `json:"logo,omitempty"`      // PNG, bounded as in logo.go, served from our own origin; none: the name in letters
	LogoDark []byte `json:"logo_dark,omitempty"` // takes the place of Logo in dark mode; none: Logo stands on white there
}

// DefaultColour is used by platforms that set none: a calm blue-green with 6.0 : 1 on white.
const DefaultColour = "#1b6a7a"

const (
	textContrast = 4.5       // text on its background
	edgeContrast = 3.0       // a border that shows where a button is
	pageLight    = "#ffffff" // background of the content in light mode
	pageDark     = "#16191d" // background in dark mode; templates use the same value
	white, black = "#ffffff", "#000000"
)

var colourPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (b *Branding) defaults() {
	if b.Colour == "" {
		b.Colour = DefaultColour
	}
}

func (b *Branding) validate() error {
	if !colourPattern.MatchString(b.Colour) {
		return fmt.Errorf("%w: colour %q: # and six hexadecimal digits, such as %s", fault.Invalid, b.Colour, DefaultColour)
	}
	if len(b.LogoDark) > 0 && len(b.Logo) == 0 {
		return fmt.Errorf("%w: logo_dark_file: only beside logo_file, whose place it takes in dark mode", fault.Invalid)
	}
	return nil
}

// CheckLogos refuses logos that no page could show. It is for where they come in: what an earlier release took stands in
// the way of no other change.
func (b *Branding) CheckLogos() error {
	if err := checkLogo("logo_file", b.Logo); err != nil {
		return err
	}
	return checkLogo("logo_dark_file", b.LogoDark)
}

// Light is the colour as text in light mode: dark enough for 4.5 : 1 on the white page.
func (b Branding) Light() string { return correct(b.Colour, pageLight, 0, textContrast) }

// Dark is the colour as text in dark mode: light enough for 4.5 : 1 on the dark page.
func (b Branding) Dark() string { return correct(b.Colour, pageDark, 255, textContrast) }

// Text is the colour of text on the colour itself, white where it reaches 4.5 : 1 and black otherwise. One of both always
// does: their contrasts with one colour have a product of 21.
func (b Branding) Text() string {
	if Contrast(b.Colour, white) >= textContrast {
		return white
	}
	return black
}

// Pressed is the colour under the pointer, a little further from that of its text.
func (b Branding) Pressed() string {
	away := 255.0
	if b.Text() == white {
		away = 0
	}
	return mixed(b.Colour, away, 0.16)
}

// EdgeLight is the border of a surface of the colour in light mode: the colour itself, where it shows on white (3 : 1).
func (b Branding) EdgeLight() string { return correct(b.Colour, pageLight, 0, edgeContrast) }

// EdgeDark is the border of a surface of the colour in dark mode.
func (b Branding) EdgeDark() string { return correct(b.Colour, pageDark, 255, edgeContrast) }

// correct moves a colour towards black (0) or white (255) in small steps until its contrast suffices.
func correct(colour, background string, towards, contrast float64) string {
	for step := 0.0; step <= 1; step += 0.02 {
		if c := mixed(colour, towards, step); Contrast(c, background) >= contrast {
			return c
		}
	}
	return mixed(colour, towards, 1)
}

// mixed is a colour with a part, 0 to 1, of black (0) or white (255).
func mixed(colour string, towards, part float64) string {
	r, g, b := rgb(colour)
	return fmt.Sprintf("#%02x%02x%02x", mix(r, towards, part), mix(g, towards, part), mix(b, towards, part))
}

func mix(from uint8, towards, part float64) uint8 {
	return uint8(math.Round(float64(from)*(1-part) + towards*part))
}

// Contrast is the contrast ratio of two "#rrggbb" colours, 1 to 21 (WCAG 2.2, definition of contrast ratio).
func Contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is WCAG's relative luminance of an sRGB colour.
func luminance(colour string) float64 {
	linear := func(c uint8) float64 {
		v := float64(c) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	r, g, b := rgb(colour)
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func rgb(colour string) (r, g, b uint8) {
	v, _ := strconv.ParseUint(colour[1:], 16, 32) // validated by colourPattern
	return uint8(v >> 16), uint8(v >> 8), uint8(v)
}
