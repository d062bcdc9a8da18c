package ui

import "slices"

// TwoStepPage shows two-step authentication of somebody. do: set-up, codes, off, remember (field remember_for), forget.
type TwoStepPage struct {
	Action     string
	Notice     string // text key of what was just done; empty: nothing
	On         bool
	Cards      []Card // of the factors that the person has
	CanSetUp   bool
	Off        bool             // it may be turned off
	Fixed      bool             // the organisation decides how long browsers are remembered
	Remember   string           // text key of how long; empty: never
	Choices    []RememberChoice // empty: nothing to choose
	Remembered []Device
	BackURL    string
	HomeURL    string
}

// Urgent reports whether a card has the one thing to do.
func (p TwoStepPage) Urgent() bool {
	return slices.ContainsFunc(p.Cards, func(c Card) bool { return c.Urgent })
}

// RememberChoice is how long browsers can be remembered.
type RememberChoice struct {
	Value, Key string
	Chosen     bool
}

// RememberNever is the text key of not being remembered.
const RememberNever = "duration.never"
