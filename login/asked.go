package login

import (
	"encoding/json"
	"time"
)

// mailPause is how long somebody waits before another mail is sent to the same address.
const mailPause = 5 * time.Minute

// asked is what a page remembers of the mail that it asked for. It knows what was typed, and nothing of any account: a
// known address and an unknown one wait alike.
type asked struct {
	To    string    `json:"to"`
	At    time.Time `json:"at"`
	Again bool      `json:"again,omitempty"` // another one was asked for, which is worth a word
}

// asked is the mail that the page with this slot of Scratch asked for last.
func (v *Visit) asked(slot string) (a asked, ok bool) {
	return a, json.Unmarshal(v.Journey.Scratch[slot], &a) == nil && a.To != ""
}

func (v *Visit) keepAsked(slot string, a asked) {
	v.Journey.Scratch[slot], _ = json.Marshal(a) // a string, a time and a truth: cannot fail
}

// soon tells whether another mail would come too soon after this one.
func (a asked) soon(now time.Time) bool { return now.Before(a.At.Add(mailPause)) }

// wait is how many minutes are left, for who asked once more; zero: nothing to say.
func (a asked) wait(now time.Time) int {
	if !a.Again || !a.soon(now) {
		return 0
	}
	return int((a.At.Add(mailPause).Sub(now) + time.Minute - 1) / time.Minute)
}
