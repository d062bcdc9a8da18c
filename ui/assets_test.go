package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

func get(t *testing.T, name, etag string) *httptest.ResponseRecorder {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/"+name, nil)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	ui.Assets().ServeHTTP(w, r)
	return w
}

func TestAssetsMayBeKeptForever(t *testing.T) {
	for name, kind := range map[string]string{
		ui.AssetURL("app.css"): "text/css; charset=utf-8", ui.AssetURL("app.js"): "text/javascript; charset=utf-8",
		"brand-7a3b69.css": "text/css; charset=utf-8",
	} {
		w := get(t, name, "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %q, %d bytes", name, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if again := get(t, name, w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s: %d with the right ETag, want 304", name, again.Code)
		}
	}
}

func TestAssetsServeNothingElse(t *testing.T) {
	for _, name := range []string{
		"", "app.css", "app.00000000.css", "assets/app.css", "../frame.go", "texts/nl.yaml",
		"brand-.css", "brand-7a3b6.css", "brand-7A3B69.css", "brand-7a3b69.css/x", "brand-7a3b69;x.css", "brand-zzzzzz.css",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = "/" + name
		w := httptest.NewRecorder()
		ui.Assets().ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", name, w.Code)
		}
	}
}

// TestColoursCanBeRead measures what a visitor sees: the organisation's colour and our own, in both modes (WCAG 2.2
// success criteria 1.4.3 and 1.4.11).
func TestColoursCanBeRead(t *testing.T) {
	css := get(t, ui.AssetURL("app.css"), "").Body.String()
	light, dark, _ := strings.Cut(css, "@media (prefers-color-scheme: dark)")
	for mode, rules := range map[string]string{"light": light, "dark": dark[:strings.Index(dark, "\n}\n")]} {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{3,6});`).FindAllStringSubmatch(rules, -1) {
			if colour[m[1]] = m[2]; len(m[2]) == 4 {
				colour[m[1]] = "#" + string([]byte{m[2][1], m[2][1], m[2][2], m[2][2], m[2][3], m[2][3]})
			}
		}
		for _, pair := range []struct {
			of, on string
			least  float64
		}{
			{"text", "card", 7}, {"text", "page", 7}, {"text", "soft", 7}, {"quiet", "page", 4.5}, {"quiet", "card", 4.5}, {"quiet", "soft", 4.5},
			{"wrong", "card", 4.5}, {"wrong", "wrong-soft", 4.5}, {"edge", "card", 3}, {"accent", "card", 4.5},
			{"done", "card", 4.5}, {"done", "done-soft", 4.5}, {"text", "done-soft", 7}, {"warn", "card", 4.5}, {"warn", "warn-soft", 4.5}, {"text", "warn-soft", 7},
		} {
			if got := platform.Contrast(colour[pair.of], colour[pair.on]); got < pair.least {
				t.Errorf("%s: --%s on --%s is %.1f : 1, want %.1f", mode, pair.of, pair.on, got, pair.least)
			}
		}
		for _, own := range []string{"#ffffff", "#000000", "#f2b705", "#7a3b69", "#ff0000", "#00ff00", "#0000ff", platform.DefaultColour} {
			b := platform.Branding{Colour: own}
			shown := map[string]string{"light": b.Light(), "dark": b.Dark()}[mode]
			if got := platform.Contrast(shown, colour["card"]); got < 4.5 {
				t.Errorf("%s: %s shown as %s on --card is %.1f : 1", mode, own, shown, got)
			}
			tint := tenth(own, colour["page"]) // the top of the page
			if got := platform.Contrast(shown, tint); got < 3 {
				t.Errorf("%s: focus in %s on %s is %.1f : 1", mode, shown, tint, got)
			}
			if got := platform.Contrast(colour["quiet"], tint); got < 4.5 {
				t.Errorf("%s: --quiet on %s, of %s, is %.1f : 1", mode, tint, own, got)
			}
			if got := platform.Contrast(colour["text"], tint); got < 4.5 {
				t.Errorf("%s: --text on %s, of %s, is %.1f : 1", mode, tint, own, got)
			}
			if css := string(ui.BrandCSS(b)); !strings.Contains(css, "--accent:"+shown) || !strings.Contains(css, "--brand:"+own) {
				t.Errorf("%s or %s is not in %s", own, shown, css)
			}
		}
	}
}

// tenth is color-mix(in srgb, of 10%, in), as the style sheet does it.
func tenth(of, in string) string {
	var a, b [3]int
	_, _ = fmt.Sscanf(of, "#%02x%02x%02x", &a[0], &a[1], &a[2]) // colours of our own making
	_, _ = fmt.Sscanf(in, "#%02x%02x%02x", &b[0], &b[1], &b[2])
	for i := range a {
		a[i] = (a[i] + 9*b[i]) / 10
	}
	return fmt.Sprintf("#%02x%02x%02x", a[0], a[1], a[2])
}
