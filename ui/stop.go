package ui

import "time"

// StopPage asks whether a reset of two-step authentication that waits is to be stopped. do: stop, keep.
type StopPage struct {
	Action string
	At     time.Time // when it was asked for
	Done   bool      // it is stopped
}
