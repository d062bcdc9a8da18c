package ui

import "time"

// CodePage is what every page has that asks a code. Fields: code, remember; do: continue, cancel.
type CodePage struct {
	Action      string
	Reason      string // text key that says why; empty: needs no explanation
	Party       string // who asks; empty when it is the platform itself
	Step, Steps int    // "step 2 of 3"; zero: not shown
	Remember    string // text key of how long this browser can be remembered; empty: not offered
	Ticked      bool   // … and the person chose so before a mistake
	Cancel      bool
}

// WrongCodesPage says that too many codes were wrong in this login, and that the person can begin again.
type WrongCodesPage struct{ RetryURL string }

// CodesLaterPage says that too many codes were wrong in a day.
type CodesLaterPage struct {
	Until time.Time // codes are refused until then
}

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
