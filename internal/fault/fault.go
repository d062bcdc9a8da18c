// Package fault names the ways in which something can go wrong, once, for every layer.
//
// Nouns and storage return these sentinels wrapped with what was attempted (fmt.Errorf("redeeming code: %w",
// fault.Spent)); internal/errorpage turns them into a page for people, and the door of the protocol into an error of
// OpenID Connect. The package refuses to know about HTTP, texts or people: a sentinel says what happened, never what to
// show.
package fault

import (
	"errors"
	"fmt"
)

var (
	NotFound    = errors.New("not found")   // no such row on this platform; also for rows of another platform
	Taken       = errors.New("taken")       // the identifier is in use
	Stale       = errors.New("stale")       // somebody else changed it first: load again and decide again
	Spent       = errors.New("spent")       // usable once, and that was before
	Expired     = errors.New("expired")     // existed, but its time is over
	Refused     = errors.New("refused")     // known and understood, and not allowed
	Throttled   = errors.New("throttled")   // too many attempts; later it works again
	Invalid     = errors.New("invalid")     // malformed input or a broken rule
	Unavailable = errors.New("unavailable") // the database is gone or a queue is full; the same request may work soon
)

// Busy is Unavailable because a queue of ours is full: nothing is broken, so nobody has to look. Whoever returns it
// counts it, and the node says how many there were.
var Busy = fmt.Errorf("%w: too many wait", Unavailable)

// Told is Unavailable for a reason that the node itself says in its log once a minute: settings that are too old, a key
// that cannot be opened.
var Told = fmt.Errorf("%w: for a reason that stands in the log", Unavailable)

// Word is the way in which something went wrong, and nothing of what stands around it, which may have come from
// outside; "a mistake of ours" where the error is none of the ways.
func Word(err error) string {
	for _, known := range []error{NotFound, Taken, Stale, Spent, Expired, Refused, Throttled, Invalid, Unavailable} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "a mistake of ours"
}

// Quiet reports whether an error is told elsewhere: a line for each would only bury the others.
func Quiet(err error) bool { return errors.Is(err, Busy) || errors.Is(err, Told) }
