package ui

import (
	"html/template"
	"strings"
	"time"
)

// CodePage asks a code of an app or of a text message. Fields: code, remember; do: continue, send, resend, cancel.
type CodePage struct {
	Action      string
	Body        string // text key: where the code is found, or that it is going to be sent
	PhoneEnd    string // last two digits of the number; empty: no text message
	Reason      string // text key that says why; empty: needs no explanation
	Party       string // who asks; empty when it is the platform itself
	Step, Steps int    // "step 2 of 3"; zero: not shown
	Send        bool   // nothing was sent yet: a button comes instead of the field
	Later       int    // … because too many were: not before so many minutes
	Resend      bool   // a new message can be asked
	Wait        int    // … in so many seconds; zero: now
	Resent      bool   // a new message was just sent
	Remember    string // text key of how long this browser can be remembered; empty: not offered
	Ticked      bool   // … and the person chose so before a mistake
	RecoveryURL string // of the page for recovery codes; empty: there is none
	NoCodeURL   string
	Cancel      bool
}

// AppPage connects an authenticator app. Field: code; do: continue, other, cancel.
type AppPage struct {
	Action string
	QR     QR
	URL    template.URL // otpauth: what the QR code says, for an app on the same phone
	Key    []string     // the secret in groups of four
	Other  bool         // a text message can be chosen instead
	Cancel bool
}

// QR is a QR code: its size in modules, and its dark ones as an SVG path.
type QR struct {
	Size int
	Path string
}

// WrongCodesPage says that too many codes were wrong in this login, and that the person can begin again.
type WrongCodesPage struct{ RetryURL string }

// CodesLaterPage says that too many codes were wrong in a day.
type CodesLaterPage struct {
	Until       time.Time // codes are refused until then
	RecoveryURL string    // of the page for recovery codes; empty: there is none
}

// Joined is the secret without blanks, as it is copied.
func (p AppPage) Joined() string { return strings.Join(p.Key, "") }

// Box is the size with the quiet zone of 4 modules on each side (ISO/IEC 18004).
func (q QR) Box() int { return q.Size + 2*quietZone }

const quietZone = 4

// rememberKeys are the text keys of platform.RememberChoices.
var rememberKeys = map[time.Duration]string{12 * time.Hour: "duration.12h", 72 * time.Hour: "duration.3d", 168 * time.Hour: "duration.1w"}

// RememberKey is the text key of how long a browser is remembered; empty: not at all.
func RememberKey(d time.Duration) string { return rememberKeys[d] }

// codeField is the field for a code, as its template sees it.
type codeField struct {
	*View
	Label, Hint string
}

// CodeField is the field for a code of digits.
func (v *View) CodeField(label, hint string) codeField { return codeField{v, label, hint} }

// Described lists what describes the field to somebody who does not see it.
func (f codeField) Described() string {
	if f.Error("code") != "" {
		return "code-hint code-mistake"
	}
	return "code-hint"
}
