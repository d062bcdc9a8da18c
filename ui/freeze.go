package ui

import "time"

// FreezePage asks whether somebody else had two-step authentication reset, and blocks the account if so. do: freeze, keep.
type FreezePage struct {
	Action string
	At     time.Time // of the reset
	Done   bool      // it is blocked
}
