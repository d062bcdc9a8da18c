package login

import "encoding/json"

// asked is what a page remembers of the mail that it asked for. It knows what was typed, and nothing of any account,
// nor whether a mail was sent.
type asked struct {
	To    string `json:"to"`
	Again bool   `json:"again,omitempty"` // another one was asked for, which is worth a word
}

// asked is the mail that the page with this slot of Scratch asked for last.
func (v *Visit) asked(slot string) (a asked, ok bool) {
	return a, json.Unmarshal(v.Journey.Scratch[slot], &a) == nil && a.To != ""
}

func (v *Visit) keepAsked(slot string, a asked) {
	v.Journey.Scratch[slot], _ = json.Marshal(a) // a string and a truth: cannot fail
}
