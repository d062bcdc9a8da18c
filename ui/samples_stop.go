package ui

import "time"

// Samples are the states of the page that stops a reset of two-step authentication.
func (StopPage) Samples() []Sample {
	at := time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)
	return []Sample{
		{Name: "asked", Data: StopPage{Action: sampleLink, At: at}, Staff: true},
		{Name: "done", Data: StopPage{Action: sampleLink, At: at, Done: true}, Staff: true},
	}
}
