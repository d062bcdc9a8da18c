package totp

import (
	"embed"
	"html/template"
	"strings"

	"github.com/minddistrict/idp/internal/qr"
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
	QR     qr.Drawing
	URL    template.URL // otpauth: what the QR code says, for an app on the same phone
	Key    []string     // the secret in groups of four
	Others []string     // methods that can be chosen instead
	Cancel bool
}

// Joined is the secret without blanks, as it is copied.
func (p appPage) Joined() string { return strings.Join(p.Key, "") }
