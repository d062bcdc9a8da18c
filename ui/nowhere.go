package ui

import (
	"html/template"
	"io"
)

// nowhere is a page without a platform: no name, no colours, and no style, which only a platform serves.
var nowhere = template.Must(template.New("nowhere").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Body}}</p>
</main>
</body>
</html>
`))

// Nowhere writes the page for an address that belongs to no platform. There is nobody to speak for and no helpdesk.
func (r *Renderer) Nowhere(w io.Writer, lang string) error {
	return nowhere.Execute(w, struct{ Lang, Title, Body string }{lang, r.Text(lang, "error.not_found_title"), r.Text(lang, "error.nowhere_body")})
}
