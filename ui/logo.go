package ui

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/minddistrict/idp/platform"
)

// Bounds of a logo on a page, in CSS pixels: beside it is room for the languages, also on a wide screen.
const (
	logoWidth  = 320
	logoHeight = 56
)

// Names of what a platform has of its own, below its assets.
const (
	logoName     = "logo.png"
	logoDarkName = "logo-dark.png"
	iconName     = "icon.png"
	letterName   = "icon.svg"
)

// Picture is a logo as a page shows it. Its size is known beforehand, so that the page does not jump when it comes.
type Picture struct {
	URL           string
	Width, Height int // CSS pixels; zero: not known
}

// Logo is the platform's logo; nil: it has none.
func (v *View) Logo() *Picture { return v.picture(logoName, v.Platform.Branding.Logo) }

// LogoDark is the one for dark mode; nil: the other stands on white there.
func (v *View) LogoDark() *Picture { return v.picture(logoDarkName, v.Platform.Branding.LogoDark) }

func (v *View) picture(name string, logo []byte) *Picture {
	if len(logo) == 0 {
		return nil
	}
	p := &Picture{URL: v.AssetsPath + "/" + name + "?" + version(logo)}
	if width, height := platform.LogoSize(logo); width > 0 && height > 0 {
		p.Width, p.Height = fit(width, height, logoWidth, logoHeight)
	}
	return p
}

// version tells one picture from the next in its address, so that a browser may keep either.
func version(b []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(b)) }

// fit makes a size smaller, if it must be, so that it fits into another. It never becomes nothing.
func fit(width, height, mostWidth, mostHeight int) (w, h int) {
	scale := min(1, float64(mostWidth)/float64(width), float64(mostHeight)/float64(height))
	return max(1, int(math.Round(float64(width)*scale))), max(1, int(math.Round(float64(height)*scale)))
}

// Icon is the address and the type of the picture in the tab of a browser.
func (v *View) Icon() (icon struct{ URL, Type string }) {
	b := v.Platform.Branding
	icon.URL, icon.Type = v.AssetsPath+"/"+letterName+"?"+version(letter(v.Platform)), kinds[".svg"]
	if square(b.Logo) {
		icon.URL, icon.Type = v.AssetsPath+"/"+iconName+"?"+version(b.Logo), "image/png"
	}
	return icon
}

// AssetsOf serves what a platform has of its own, its logos and its icon, and the files of Assets.
func AssetsOf(p *platform.Platform) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body []byte
		kind := "image/png"
		switch strings.TrimPrefix(r.URL.Path, "/") {
		case logoName:
			body = p.Branding.Logo
		case logoDarkName:
			body = p.Branding.LogoDark
		case iconName:
			body = icon(p.Branding.Logo)
		case letterName:
			body, kind = letter(p), kinds[".svg"]
		}
		if len(body) == 0 {
			Assets().ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "public, max-age=3600") // also asked for without a version, as by mails
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}

// letter is the first letter of the organisation on its colour.
func letter(p *platform.Platform) []byte {
	first := ""
	if words := strings.Fields(p.Name); len(words) > 0 {
		last := []rune(words[len(words)-1]) // GGZ De Linde and GGZ De Wilg differ there
		if unicode.IsLetter(last[0]) || unicode.IsDigit(last[0]) {
			first = strings.ToUpper(string(last[:1]))
		}
	}
	return fmt.Appendf(nil,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="%s"/>`+
			`<text x="16" y="23.5" font-family="system-ui,sans-serif" font-size="21" font-weight="700" text-anchor="middle" `+
			`fill="%s">%s</text></svg>`,
		p.Branding.Colour, p.Branding.Text(), html.EscapeString(first))
}

// iconSide is the most that an icon has on each side, in pixels.
const iconSide = 64

// square reports whether a logo makes an icon: one that is wider than twice its height, as a name in letters is, would
// be a line of a few pixels. One beyond the bounds of a logo, from a release that had none, is not even opened.
func square(logo []byte) bool {
	width, height := platform.LogoSize(logo)
	return platform.LogoFits(width, height) && width <= 2*height && height <= 2*width
}

// icons are those that were made, by the version of their logo: anybody may ask for one as often as they like. There
// are as many as logos, and a few more over the years.
var icons sync.Map

// icon is a logo in the middle of a transparent square; nil where it makes none.
func icon(logo []byte) []byte {
	if !square(logo) {
		return nil
	}
	key := sha256.Sum256(logo)
	made, ok := icons.Load(key)
	if !ok {
		made, _ = icons.LoadOrStore(key, scaled(logo))
	}
	return made.([]byte)
}

// scaled makes the icon of a logo; nil: it is damaged.
func scaled(logo []byte) []byte {
	from, err := png.Decode(bytes.NewReader(logo))
	if err != nil {
		return nil
	}
	width, height := fit(from.Bounds().Dx(), from.Bounds().Dy(), iconSide, iconSide)
	side := max(width, height)
	to := image.NewNRGBA(image.Rect(0, 0, side, side))
	left, top := (side-width)/2, (side-height)/2
	for y := range height {
		for x := range width {
			to.Set(left+x, top+y, mean(from, x, y, width, height))
		}
	}
	var b bytes.Buffer
	if png.Encode(&b, to) != nil {
		return nil
	}
	return b.Bytes()
}

// mean is the colour of a pixel of a picture that is made smaller: that of all which fall into it.
func mean(from image.Image, x, y, width, height int) color.Color {
	b := from.Bounds()
	var red, green, blue, alpha, n uint64
	for sy := y * b.Dy() / height; sy < max((y+1)*b.Dy()/height, y*b.Dy()/height+1); sy++ {
		for sx := x * b.Dx() / width; sx < max((x+1)*b.Dx()/width, x*b.Dx()/width+1); sx++ {
			r, g, bl, a := from.At(b.Min.X+sx, b.Min.Y+sy).RGBA()
			red, green, blue, alpha, n = red+uint64(r), green+uint64(g), blue+uint64(bl), alpha+uint64(a), n+1
		}
	}
	return color.RGBA64{uint16(red / n), uint16(green / n), uint16(blue / n), uint16(alpha / n)}
}
