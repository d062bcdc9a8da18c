package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/minddistrict/idp/platform"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file as it is served.
type asset struct {
	body []byte
	kind string // Content-Type
	hash string // of the body: part of the address, and the ETag
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// Embedded files by their own name and by the name they are served under, such as app.1f0c9b2a.css.
var (
	assetURLs   = map[string]string{}
	assetByName = readAssets()
)

func readAssets() map[string]asset {
	all := map[string]asset{}
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	for _, f := range files {
		body, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			panic(err)
		}
		ext := path.Ext(f.Name())
		a := asset{body, kinds[ext], contentHash(body)}
		name := strings.TrimSuffix(f.Name(), ext) + "." + a.hash + ext
		assetURLs[f.Name()] = name
		all[name] = a
	}
	return all
}

func contentHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:4])
}

// AssetURL is the name an embedded file is served under. It holds a hash of the content, so that a browser may keep
// the file forever. It panics for a file that does not exist, which is a mistake in a template.
func AssetURL(name string) string {
	hashed, ok := assetURLs[name]
	if !ok {
		panic("no asset " + name)
	}
	return hashed
}

var brandName = regexp.MustCompile(`^brand-([0-9a-f]{6})\.css$`)

// Assets serves the embedded files by their hashed names, and brand-rrggbb.css for any colour, each from the root of
// the path it sees. The hash of what a colour gives stands in the query, because its rules may improve too.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		a, ok := assetByName[name]
		if m := brandName.FindStringSubmatch(name); m != nil {
			body := BrandCSS(platform.Branding{Colour: "#" + m[1]})
			a, ok = asset{body, kinds[".css"], contentHash(body)}, true
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", a.kind)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("ETag", `"`+a.hash+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
	})
}

// BrandCSS is a platform's colour as custom properties: --brand as given, for surfaces, with the colour of text on it, of
// its border and under the pointer; --accent for text, lines and rings, corrected for light and for dark mode.
func BrandCSS(b platform.Branding) []byte {
	return fmt.Appendf(nil, ":root{--brand:%s;--on-brand:%s;--pressed:%s;--accent:%s;--brand-edge:%s}\n"+
		"@media (prefers-color-scheme:dark){:root{--accent:%s;--brand-edge:%s}}\n",
		b.Colour, b.Text(), b.Pressed(), b.Light(), b.EdgeLight(), b.Dark(), b.EdgeDark())
}

func brandURL(b platform.Branding) string {
	return "brand-" + strings.ToLower(strings.TrimPrefix(b.Colour, "#")) + ".css?" + contentHash(BrandCSS(b))
}
