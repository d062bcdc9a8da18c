package ui

import (
	"strings"
	"time"
)

// RecoveryPage shows a new set of recovery codes. Field: kept; hidden: check; do: done, download.
type RecoveryPage struct {
	Action string
	Codes  []string // as they are written down
	Check  string
	At     time.Time
	On     bool // two-step authentication was just turned on
	Again  bool // an earlier set was never confirmed
}

// RecoveryUsePage takes a recovery code. Field: recovery_code; do: continue.
type RecoveryUsePage struct {
	Action, BackURL, NoCodeURL string
}

// RecoveryLowPage says that few recovery codes are left. do: create, set-up, later.
type RecoveryLowPage struct {
	Action string
	Left   int
}

// Lines is the set as it is copied: one code a line.
func (p RecoveryPage) Lines() string { return strings.Join(p.Codes, "\n") }

// FreezePage asks whether somebody else had two-step authentication reset, and blocks the account if so. do: freeze, keep.
type FreezePage struct {
	Action string
	At     time.Time // of the reset
	Done   bool      // it is blocked
}
