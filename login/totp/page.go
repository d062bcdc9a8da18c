package totp

import (
	"embed"
	"html/template"
	"strings"

	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// part is what the factor shows and says.
func part() ui.Part {
	return ui.Part{
		Files: files, Samples: samples, Cards: []ui.Card{card},
		Choice: ui.Choice{Method: Method, Label: "choose.app", Hint: "choose.app_hint", Other: "choose.app_other"},
	}
}

// card says where codes come from.
var card = ui.Card{Template: "totp_card"}

// appPage connects an authenticator app. Field: code; do: continue, other, cancel.
type appPage struct {
	Action string
	QR     drawing
	URL    template.URL // otpauth: what the QR code says, for an app on the same phone
	Key    []string     // the secret in groups of four
	Others []string     // methods that can be chosen instead
	Cancel bool
}

// drawing is a QR code: its size in modules, and its dark ones as an SVG path.
type drawing struct {
	Size int
	Path string
}

// Joined is the secret without blanks, as it is copied.
func (p appPage) Joined() string { return strings.Join(p.Key, "") }

// Box is the size with the quiet zone of 4 modules on each side (ISO/IEC 18004).
func (q drawing) Box() int { return q.Size + 2*quietZone }

const quietZone = 4
