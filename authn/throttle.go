package authn

import "time"

// Wrong passwords: the first ones are free, then each costs a growing delay, then everybody without a known browser
// waits. Nobody is shut out for good (seed 004, NIST SP 800-63B-4 section 3.2.2).
const (
	freeAttempts = 4                // in a row without delay
	BlockAt      = 10               // this many in a row: the wait page
	BlockFor     = 15 * time.Minute // "Je kunt over 15 minuten opnieuw inloggen"
	ForgetAfter  = 24 * time.Hour   // without a wrong attempt for this long, counting starts again
	longestDelay = 8 * time.Second
)

// Attempts counts wrong passwords in a row for one address on one platform. The address need not exist.
type Attempts struct {
	Failures  int       // in a row, this one included
	BlockedTo time.Time // zero: not blocked
}

// Delay is how much later the answer to this attempt comes: from the 5th in a row 1, 2, 4, 8, 8 … seconds.
func (a Attempts) Delay() time.Duration {
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
}
