package web

// Outcome is how a journey ended, as one door tells the other in an address.
type Outcome string

const (
	Done   Outcome = ""       // everything asked was proven
	Denied Outcome = "denied" // the person stopped
	Over   Outcome = "over"   // it had ended before: a double click, or the way back
)
