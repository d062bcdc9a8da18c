//go:build browser

package chromium_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/internal/preview"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
)

// TestLogos looks at a page with one logo and with two: which is shown in which mode, how large, and what is behind it.
// With SCREENSHOTS set to a folder it leaves a picture of each there.
func TestLogos(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	light := sampleLogo(t)
	const transparent, white = "rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"
	ctx := openBrowser(t, "nl")
	for _, row := range []struct {
		name, scheme, file, behind string
		dark                       []byte
	}{
		{"one", "light", "logo.png", transparent, nil},
		{"one", "dark", "logo.png", white, nil},
		{"two", "light", "logo.png", transparent, inverted(t, light)},
		{"two", "dark", "logo-dark.png", transparent, inverted(t, light)},
	} {
		p := &platform.Platform{
			ID: "linde", Issuer: "http://localhost", Organisation: "GGZ De Linde", HomeURL: "https://linde.example.net/",
			Branding: platform.Branding{Colour: "#f2b705", Logo: light, LogoDark: row.dark}, Policy: platform.DefaultPolicy(),
		}
		p.Defaults()
		site := httptest.NewServer(preview.New(wire.UI(), p))
		defer site.Close()
		for _, width := range []int64{320, 1280} {
			what := fmt.Sprintf("logo-%s-%d-%s", row.name, width, row.scheme)
			do(t, ctx, what, emulateScheme(row.scheme), chromedp.EmulateViewport(width, 900),
				chromedp.Navigate(site.URL+preview.Path("nl", "login", 0)), visible(".logo"))
			got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => { const l = document.querySelector(".logo"), b = l.getBoundingClientRect();
				return [new URL(l.currentSrc).pathname.split("/").pop(), getComputedStyle(l).backgroundColor, Math.round(b.width), l.naturalWidth > 0].join(" ") })()`))
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("%s %s 210 true", row.file, row.behind); got != want { // 360 by 96, made 56 high
				t.Errorf("%s: %s, want %s", what, got, want)
			}
			look(t, ctx, what, axe)
		}
	}
}

// inverted is a logo with light letters in place of dark ones.
func inverted(t *testing.T, logo []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(logo))
	if err != nil {
		t.Fatal(err)
	}
	to := image.NewNRGBA(from.Bounds())
	for y := range from.Bounds().Dy() {
		for x := range from.Bounds().Dx() {
			c := color.NRGBAModel.Convert(from.At(x, y)).(color.NRGBA)
			to.Set(x, y, color.NRGBA{255 - c.R, 255 - c.G, 255 - c.B, c.A})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, to); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
