package ui

// ConsentPage asks whether a party may have what it asks. do: continue, cancel.
type ConsentPage struct {
	Action    string
	Email     string // of who is signed in
	Party     string // who asks
	Asked     Asked
	PolicyURI string // of the party; empty: no link
	TermsURI  string // of the party; empty: no link
}

// Asked is what a party asks, or has: what it reads and what it does apart, each in the order shown.
type Asked struct {
	Reads, Writes []AskedScope
	Offline       bool // also when the person is not there
}

// AskedScope is one line of what a party asks.
type AskedScope struct {
	Key   string            // of a text of ours
	Name  string            // of the scope of an API; empty: one of ours
	Texts map[string]string // language -> what the organisation says of it instead; nil: nothing
}

// Lines are what a party asks, in words.
func (v *View) Lines(party string, asked []AskedScope) (lines []string) {
	for _, s := range asked {
		text, ok := s.Texts[v.Lang]
		if !ok {
			text = v.T(s.Key, "party", party, "scope", s.Name)
		}
		lines = append(lines, text)
	}
	return lines
}
