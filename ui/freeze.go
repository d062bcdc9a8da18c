package ui

import "time"

// FreezePage asks whether it was somebody else who had two-step authentication reset, or who signed in on a device, and
// blocks the account if so. do: freeze, keep.
type FreezePage struct {
	Action string
	Device bool      // it is about a device with the mobile app
	At     time.Time // of what is asked about
	Done   bool      // it is blocked
}
