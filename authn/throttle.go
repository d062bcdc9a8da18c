package authn

import "time"

// Wrong passwords: the first ones are free, then each costs a growing delay, then this kind of browser waits. A browser
// that is known for an account is a kind of its own, so that nobody stops its owner; all others are one kind together.
// Nobody is shut out for good, and no source is refused: a whole organisation may share an address (NIST SP 800-63B-4
// section 3.2.2).
const (
	FreeAttempts = 4                // in a row without delay
	BlockAt      = 10               // this many in a row: the wait page
	BlockFor     = 15 * time.Minute // "Je kunt over 15 minuten opnieuw inloggen"
	AtOnce       = 20               // this many verified, in rows; then one each Refill, and the wait page in between
	Refill       = 48 * time.Minute // the button of the mail works longer (TicketUnblock), so it outlives each wait
	ForgetAfter  = 24 * time.Hour   // without an attempt for this long a row is forgotten; AtOnce are back before
	SourceMax    = 100              // this many from one source in a window of SourceFor: later ones are slowed
	SourceFor    = time.Hour
	longestDelay = 8 * time.Second
)

// PerDay is how many guesses at most are verified in any 24 hours: 50.
const PerDay = AtOnce + int(24*time.Hour/Refill)

// Guess names the counters of a password that somebody tries. Names are HMACs, so that the table tells of nobody, and
// the address need not exist.
type Guess struct {
	Counter string // of the address and the kind of browser
	Owner   string // of the address: Change.Forgive lets all its counters start again, Change.Fresh one
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
	n := a.Failures - FreeAttempts
	if n <= 0 {
		return 0
	}
	return min(time.Second<<min(n-1, 3), longestDelay)
}

// Limit bounds how often something may happen: in fixed windows, of which the first happening starts one, or, with
// Every, in a bucket that is refilled bit by bit (the generic cell rate algorithm). Of a window refused happenings use
// up their part, too; of a bucket they use up nothing.
type Limit struct {
	Key    string        // of the counter: an HMAC, so that it names nobody
	Max    int           // happenings that pass in a window, or at once
	Window time.Duration // zero with Every
	Every  time.Duration // after Max at once one more passes each time this is over; zero: Window counts
	Owner  string        // Change.Forgive lets all counters of an owner start again; empty: nobody forgives it
}

// Slack is how much of a bucket may be used up for one more to pass: then it is full again after at most this long.
func (l Limit) Slack() time.Duration { return time.Duration(l.Max-1) * l.Every }

// Counted is where a limit stands after a happening.
type Counted struct {
	N     int       // happenings in this window, this one included; of a bucket those not refilled yet
	Until time.Time // when the window is over; of a bucket, when one more passes
}
