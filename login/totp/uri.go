package totp

import (
	"fmt"
	"html/template"
	"image/color"
	"net/url"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// keyURI is what a QR code says to an app, in the format that Google Authenticator began and all others read. Hash,
// digits and period are left out: they are what apps assume, and a shorter text makes a coarser code that scans better.
// A colon divides the parts of the label, so names have none.
func keyURI(name, email, secret string) template.URL {
	name = strings.ReplaceAll(name, ":", " ")
	u := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + name + ":" + email, RawPath: "/" + url.PathEscape(name) + ":" + url.PathEscape(email),
		RawQuery: "secret=" + secret + "&issuer=" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20"), // some apps show the +
	}
	return template.URL(u.String()) // every part of it is escaped above
}

// draw makes the QR code. Level M restores 15 % of it.
func draw(uri template.URL) (drawing, error) {
	code, err := qr.Encode(string(uri), qr.M, qr.Unicode)
	if err != nil {
		return drawing{}, fmt.Errorf("drawing QR code: %w", err)
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
	return drawing{Size: size, Path: path.String()}, nil
}
