package platform

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

func TestContrast(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21},
		{"#ffffff", "#ffffff", 1},
		{"#777777", "#ffffff", 4.48}, // the grey that just fails
		{"#767676", "#ffffff", 4.54}, // and the one that just passes
		{"#0000ff", "#FFFFFF", 8.59},
		{DefaultColour, "#ffffff", 6.1},
	} {
		if got := Contrast(c.a, c.b); math.Abs(got-c.want) > 0.15 || math.Abs(Contrast(c.b, c.a)-got) > 1e-9 {
			t.Errorf("%s on %s: got %.2f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// Whatever colour an organisation gives, what is shown can be read: the colour on the page, and the page's colour on it.
func TestEveryColourCanBeRead(t *testing.T) {
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				brand := Branding{Colour: fmt.Sprintf("#%02x%02x%02x", r, g, b)}
				if got := Contrast(brand.Light(), pageLight); got < 4.5 {
					t.Fatalf("%s in light mode: %s has %.2f", brand.Colour, brand.Light(), got)
				}
				if got := Contrast(brand.Dark(), pageDark); got < 4.5 {
					t.Fatalf("%s in dark mode: %s has %.2f", brand.Colour, brand.Dark(), got)
				}
				if got := Contrast(brand.Text(), brand.Colour); got < 4.5 {
					t.Fatalf("text on %s: %s has %.2f", brand.Colour, brand.Text(), got)
				}
				if got, on := Contrast(brand.Text(), brand.Pressed()), Contrast(brand.Text(), brand.Colour); got < on {
					t.Fatalf("text on %s under the pointer: %.2f, less than %.2f", brand.Colour, got, on)
				}
				if light, dark := Contrast(brand.EdgeLight(), pageLight), Contrast(brand.EdgeDark(), pageDark); light < 3 || dark < 3 {
					t.Fatalf("border of %s: %.2f in light mode, %.2f in dark mode", brand.Colour, light, dark)
				}
			}
		}
	}
}

func TestColoursThatCanBeReadStay(t *testing.T) {
	for _, colour := range []string{DefaultColour, "#000000", "#0000ff", "#767676"} {
		if got := (Branding{Colour: colour}).Light(); got != colour {
			t.Errorf("light mode: %s became %s", colour, got)
		}
	}
	if got := (Branding{Colour: "#ffcc00"}).Dark(); got != "#ffcc00" {
		t.Errorf("dark mode: #ffcc00 became %s", got)
	}
}

// A light brand stays what it is on surfaces, with black text: yellow does not become mud.
func TestYellowStaysYellow(t *testing.T) {
	yellow := Branding{Colour: "#ffcc00"}
	if got := yellow.Text(); got != "#000000" {
		t.Errorf("text on yellow is %s", got)
	}
	if got := (Branding{Colour: DefaultColour}).Text(); got != "#ffffff" {
		t.Errorf("text on %s is %s", DefaultColour, got)
	}
	if got := yellow.EdgeDark(); got != yellow.Colour {
		t.Errorf("border of yellow in dark mode is %s", got)
	}
}

func TestBrandingRefuses(t *testing.T) {
	logo := drawn(t, 400, 100)
	for name, b := range map[string]Branding{
		"no colour":     {},
		"a name":        {Colour: "red"},
		"short form":    {Colour: "#fff"},
		"no hash":       {Colour: "1b6a7a"},
		"too long":      {Colour: "#1b6a7a00"},
		"style":         {Colour: "#1b6a7a;}"},
		"line feed":     {Colour: "#1b6a7a\n"},
		"logo, not PNG": {Colour: DefaultColour, Logo: []byte("<svg onload=alert(1)>")},
		"logo, short":   {Colour: DefaultColour, Logo: []byte("\x89PNG")},
		"logo, head":    {Colour: DefaultColour, Logo: logo[:33]}, // up to its size
		"logo, damaged": {Colour: DefaultColour, Logo: logo[:len(logo)-20]},
		"logo, large":   {Colour: DefaultColour, Logo: append(slices.Clone(logo), make([]byte, 64<<10)...)},
		"logo, wide":    {Colour: DefaultColour, Logo: drawn(t, 1201, 10)},
		"logo, high":    {Colour: DefaultColour, Logo: drawn(t, 10, 401)},
		"dark, alone":   {Colour: DefaultColour, LogoDark: logo},
		"dark, not PNG": {Colour: DefaultColour, Logo: logo, LogoDark: []byte("GIF89a")},
		"dark, wide":    {Colour: DefaultColour, Logo: logo, LogoDark: drawn(t, 1201, 10)},
	} {
		if err := errors.Join(b.validate(), b.CheckLogos()); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want fault.Invalid", name, err)
		}
	}
	for name, b := range map[string]Branding{"one logo": {Logo: logo}, "two": {Logo: logo, LogoDark: drawn(t, 1200, 400)}, "none": {}} {
		b.defaults()
		if err := errors.Join(b.validate(), b.CheckLogos()); err != nil {
			t.Errorf("the default colour and %s: %v", name, err)
		}
	}
	err := (&Branding{Colour: DefaultColour, Logo: logo, LogoDark: drawn(t, 2400, 500)}).CheckLogos()
	if want := "logo_dark_file: 2400 x 500 pixels: at most 1200 x 400"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// drawn is a PNG of that size.
func drawn(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
