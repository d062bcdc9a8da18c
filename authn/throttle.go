package authn

import "time"

// Wrong passwords: the first ones are free, then each costs a growing delay, then this kind of browser waits. A browser
// that signed in to an account before is a kind of its own, so that nobody stops its owner; all others are one kind
// together. Nobody is shut out for good, and no source is refused: a whole organisation may share an address (seed 004,
// NIST SP 800-63B-4 section 3.2.2).
const (
	freeAttempts = 4                // in a row without delay
	BlockAt      = 10               // this many in a row: the wait page
	BlockFor     = 15 * time.Minute // "Je kunt over 15 minuten opnieuw inloggen"
	PerDay       = 50               // this many verified in a window of a day: the wait page until it is over
	ForgetAfter  = 24 * time.Hour   // the window of PerDay; also, without an attempt for this long a row is forgotten
	SourceMax    = 100              // this many from one source in a window of SourceFor: later ones are slowed
	SourceFor    = time.Hour
	longestDelay = 8 * time.Second
)

// Guess names the counters of a password that somebody tries. Names are HMACs, so that the table tells of nobody, and
// the address need not exist.
type Guess struct {
	Counter string // of the address and the kind of browser
	Owner   string // of the address: Change.Forgive lets all its counters start again
	Source  string // of where it comes from, over all addresses of the platform
}

// Keys are those that count the guess, for who takes it back.
func (g Guess) Keys() []string { return []string{g.Counter, g.Source} }

// Attempts is where the counters of a guess stand once it is counted.
type Attempts struct {
	Failures  int       // in a row, this one included
	Source    int       // from the same source in its window, this one included
	BlockedTo time.Time // further ones are refused until then; zero: they are not
}

// Delay is how much later the answer to this attempt comes, right or wrong: from the 5th in a row 1, 2, 4, 8, 8 …
// seconds.
func (a Attempts) Delay() time.Duration {
	if a.Source > SourceMax {
		return longestDelay
	}
	n := a.Failures - freeAttempts
	if n <= 0 {
		return 0
	}
	return min(time.Second<<min(n-1, 3), longestDelay)
}

// Limit bounds how often something may happen. Windows are fixed: the first happening starts one.
type Limit struct {
	Key    string // of the counter: an HMAC, so that it names nobody
	Max    int    // happenings in a window that pass
	Window time.Duration
	Owner  string // Change.Forgive lets all counters of an owner start again; empty: nobody forgives it
}

// Counted is where a limit stands after a happening.
type Counted struct {
	N     int       // happenings in this window, this one included
	Until time.Time // when the window is over
}
