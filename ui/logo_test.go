package ui_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// drawn is a PNG of one colour.
func drawn(t *testing.T, width, height int, c color.Color) []byte {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// page is a page of a platform, and what its head and header say of pictures.
func page(t *testing.T, p *platform.Platform) string {
	t.Helper()
	p.ID, p.Issuer, p.HomeURL = "linde", "https://linde.example.org", "https://linde.example.net"
	p.Organisation = "GGZ De Linde"
	p.Defaults()
	var b bytes.Buffer
	if err := ui.New().Render(&b, "logged_out", ui.Frame{Platform: p, Lang: "nl", AssetsPath: "/p/linde/assets"},
		ui.LoggedOutPage{}); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(b.String(), "<main")
	return head
}

func of(t *testing.T, p *platform.Platform, name string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	ui.AssetsOf(p).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+name, nil))
	return w
}

// The size of a logo is on the page before the logo is: it fits beside the languages and keeps its shape.
func TestLogoHasItsSizeOnThePage(t *testing.T) {
	for _, row := range []struct {
		width, height int
		want          string
	}{
		{100, 40, `width="100" height="40"`}, {1200, 400, `width="168" height="56"`}, {1200, 100,
			`width="320" height="27"`}, {56, 56, `width="56" height="56"`},
		{1200, 1, `width="320" height="1"`}, {1, 400, `width="1" height="56"`},
	} {
		head := page(t, &platform.Platform{Branding: platform.Branding{Logo: drawn(t, row.width, row.height, color.Black)}})
		if !strings.Contains(head, row.want+` alt="GGZ De Linde"`) || strings.Contains(head, "<source") {
			t.Errorf("%d x %d, want %s:\n%s", row.width, row.height, row.want, head)
		}
	}
	if head := page(t, &platform.Platform{}); strings.Contains(head, "<img") ||
		!strings.Contains(head, `<p class="name">GGZ De Linde</p>`) {
		t.Errorf("no logo:\n%s", head)
	}
	if head := page(t, &platform.Platform{Branding: platform.Branding{Logo: []byte("kept from before")}}); !strings.Contains(head, `<img class="logo" src="/p/linde/assets/logo.png?`) ||
		strings.Contains(head, `width="`) {
		t.Errorf("a logo of unknown size:\n%s", head)
	}
}

// A second logo is shown in dark mode, and the white paper behind the first one goes.
func TestLogoForDarkMode(t *testing.T) {
	light, dark := drawn(t, 100, 40, color.Black), drawn(t, 200, 40, color.White)
	p := &platform.Platform{Branding: platform.Branding{Logo: light, LogoDark: dark}}
	head := page(t, p)
	source := regexp.MustCompile(`<source media="\(prefers-color-scheme: dark\)" srcset="/p/linde/assets/(logo-dark\.png)\?[0-9a-f]{8}" width="200" height="40">`).FindStringSubmatch(head)
	if source == nil || !regexp.MustCompile(`<img class="logo both" src="/p/linde/assets/logo\.png\?[0-9a-f]{8}" width="100" height="40"`).MatchString(head) {
		t.Fatalf("both logos:\n%s", head)
	}
	for name, want := range map[string][]byte{"logo.png": light, "logo-dark.png": dark} {
		if w := of(t, p, name); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), want) ||
			w.Header().Get("Content-Type") != "image/png" {
			t.Errorf("%s: %d, %s, %d bytes", name, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
	}
	for _, name := range []string{"logo.png", "logo-dark.png", "icon.png"} {
		if w := of(t, &platform.Platform{}, name); w.Code != http.StatusNotFound {
			t.Errorf("%s of a platform without: %d", name, w.Code)
		}
	}
	if w := of(t, p, ui.AssetURL("app.css")); w.Code != http.StatusOK {
		t.Errorf("app.css: %d", w.Code)
	}
}

// The icon of a tab is the logo in a square, or the letter on the colour where the logo would be a line, or is none.
func TestIcon(t *testing.T) {
	red := color.NRGBA{200, 0, 0, 255}
	for _, row := range []struct{ width, height, side, left, top int }{
		{400, 400, 64, 0, 0}, {400, 200, 64, 0, 16}, {200, 400, 64, 16, 0}, {32, 16, 32, 0, 8}, {1, 1, 1, 0, 0}, {130, 66,
			64, 0, 16},
	} {
		p := &platform.Platform{Branding: platform.Branding{Logo: drawn(t, row.width, row.height, red)}}
		if head := page(t, p); !regexp.MustCompile(`<link rel="icon" type="image/png" href="/p/linde/assets/icon\.png\?[0-9a-f]{8}">`).MatchString(head) {
			t.Errorf("%d x %d:\n%s", row.width, row.height, head)
		}
		icon, err := png.Decode(of(t, p, "icon.png").Body)
		if err != nil {
			t.Fatalf("%d x %d: %v", row.width, row.height, err)
		}
		if b := icon.Bounds(); b.Dx() != row.side || b.Dy() != row.side {
			t.Errorf("%d x %d: icon of %d x %d, want %d", row.width, row.height, b.Dx(), b.Dy(), row.side)
		}
		for y := range row.side {
			for x := range row.side {
				inside := x >= row.left && x < row.side-row.left && y >= row.top && y < row.side-row.top
				if got := color.NRGBAModel.Convert(icon.At(x, y)); inside && got != red || (x < row.left || y < row.top) &&
					got != (color.NRGBA{}) {
					t.Fatalf("%d x %d: pixel %d, %d is %v", row.width, row.height, x, y, got)
				}
			}
		}
	}
	for name, logo := range map[string][]byte{"none": nil, "a name in letters": drawn(t, 201, 100, red),
		"no picture": []byte("x")} {
		p := &platform.Platform{Branding: platform.Branding{Colour: "#7a3b69", Logo: logo}}
		head := page(t, p)
		if !regexp.MustCompile(`<link rel="icon" type="image/svg&#43;xml" href="/p/linde/assets/icon\.svg\?[0-9a-f]{8}">`).MatchString(head) {
			t.Errorf("%s:\n%s", name, head)
		}
		w := of(t, p, "icon.svg")
		if w.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(w.Body.String(), `fill="#7a3b69"`) ||
			!strings.Contains(w.Body.String(), ">L</text>") {
			t.Errorf("%s: %s, %s", name, w.Header().Get("Content-Type"), w.Body)
		}
	}
	evil := of(t, &platform.Platform{Name: "De <b>", Branding: platform.Branding{Colour: "#7a3b69"}},
		"icon.svg").Body.String()
	if !strings.Contains(evil, `"></text>`) {
		t.Errorf("a name of characters that mean something: %s", evil)
	}
}

// A picture that is made smaller keeps its colours: half red and half nothing is a red that is half there.
func TestIconMixesColours(t *testing.T) {
	picture := image.NewNRGBA(image.Rect(0, 0, 128, 128))
	for y := range 128 {
		for x := 0; x < 128; x += 2 {
			picture.Set(x, y, color.NRGBA{200, 0, 0, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	icon, err := png.Decode(of(t, &platform.Platform{Branding: platform.Branding{Logo: b.Bytes()}}, "icon.png").Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := color.NRGBAModel.Convert(icon.At(20, 20)).(color.NRGBA); got.A < 126 || got.A > 129 || got.R < 198 ||
		got.G != 0 {
		t.Errorf("mixed: %v", got)
	}
}
