package ui_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

func asset(p *platform.Platform, name string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	ui.AssetsOf(p).ServeHTTP(w, httptest.NewRequest(http.MethodGet, name, nil))
	return w
}

func blank(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An icon is made once, whoever asks for it as often as they like, and not of a logo beyond the bounds, which an earlier
// release took: opening that takes memory by its size in pixels.
func TestIconsCostNothingToAskFor(t *testing.T) {
	of := func(logo []byte) *platform.Platform {
		return &platform.Platform{Branding: platform.Branding{Colour: "#1b6a7a", Logo: logo}}
	}
	good, large := of(blank(t, 800, 400)), of(blank(t, 4000, 4000))
	first := asset(good, "/icon.png")
	if first.Code != http.StatusOK {
		t.Fatal(first.Code)
	}
	for what, p := range map[string]*platform.Platform{"asked for again": good, "too large": large} {
		if n := testing.AllocsPerRun(5, func() { asset(p, "/icon.png") }); n > 100 {
			t.Errorf("%s: %.0f allocations", what, n)
		}
	}
	if again := asset(good, "/icon.png"); !bytes.Equal(again.Body.Bytes(), first.Body.Bytes()) {
		t.Error("another icon the second time")
	}
	if w := asset(large, "/icon.png"); w.Code != http.StatusNotFound {
		t.Errorf("too large: %d", w.Code)
	}
}

// The letter of an organisation without a logo is a picture whatever the organisation is called.
func TestLetterIsXML(t *testing.T) {
	names := []string{
		"<script>alert(1)</script>", "&", "\"'>", "]]>", "GGZ \u202eX", "\xff\xfe", "ß", "ŉ", "\U0001f469\u200d\U0001f467", "é", "\x01", "\ufffe",
		" ", "\u0301",
	}
	for _, name := range names {
		d := xml.NewDecoder(asset(&platform.Platform{Name: name, Branding: platform.Branding{Colour: "#1b6a7a"}}, "/icon.svg").Body)
		elements := 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("%q: %v", name, err)
				break
			}
			if _, ok := token.(xml.StartElement); ok {
				elements++
			}
		}
		if elements > 3 {
			t.Errorf("%q: %d elements", name, elements)
		}
	}
}
