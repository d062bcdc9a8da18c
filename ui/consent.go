package ui

import "time"

// ConsentPage asks whether a party may have what it asks. do: continue, cancel.
type ConsentPage struct {
	Action    string
	Email     string // of who is signed in
	Party     string // who asks
	Asked     RequestedAccess
	PolicyURI string // of the party; empty: no link
	TermsURI  string // of the party; empty: no link
}

// RequestedAccess is what a party asks, or has: what it reads and what it does apart, each in the order shown.
type RequestedAccess struct {
	Reads, Writes []RequestedScope
	Offline       bool // also when the person is not there
}

// RequestedScope is one line of what a party asks.
type RequestedScope struct {
	Key   string            // of a text of ours
	Name  string            // of the scope of an API; empty: one of ours
	Texts map[string]string // language -> what the organisation says of it instead; nil: nothing
}

// Lines are what a party asks, in words.
func (v *View) Lines(party string, asked []RequestedScope) (lines []string) {
	for _, s := range asked {
		text, ok := s.Texts[v.Lang]
		if !ok {
			text = v.T(s.Key, "party", party, "scope", s.Name)
		}
		lines = append(lines, text)
	}
	return lines
}

// ConsentsPage lists what somebody allowed parties that are not the platform's own.
type ConsentsPage struct {
	Notice  string // text key of what was just done; empty: nothing
	Given   []Given
	BackURL string
	HomeURL string
}

// Given is one consent.
type Given struct {
	Party string // name of who has it
	Asked RequestedAccess
	At    time.Time
	URL   string // of what asks before it is taken back
}

// WithdrawPage asks before a consent is taken back. do: continue.
type WithdrawPage struct {
	Action  string
	Party   string
	BackURL string
	HomeURL string
}
