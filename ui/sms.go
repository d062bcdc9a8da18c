package ui

import "strings"

// PhonePage asks the number that codes are sent to. Field: phone; do: continue, other, cancel.
type PhonePage struct {
	Action string
	Typed  string // as it was typed, after a mistake
	Hint   string // text key of an example; empty: none
	Other  bool   // an app can be chosen instead
	Cancel bool
}

// SMSPage asks the code that was sent to a new number. Field: code; do: continue, resend, change, other, cancel.
type SMSPage struct {
	Action   string
	PhoneEnd string // last two digits of the number
	Resend   bool   // a new message can be asked
	Wait     int    // … in so many seconds; zero: now
	Resent   bool   // a new message was just sent
	Other    bool   // an app can be chosen instead
	Cancel   bool
}

// Described lists what describes the field to somebody who does not see it.
func (p PhonePage) Described(mistake string) string {
	var by []string
	if p.Hint != "" {
		by = append(by, "phone-hint")
	}
	if mistake != "" {
		by = append(by, "phone-mistake")
	}
	return strings.Join(by, " ")
}
