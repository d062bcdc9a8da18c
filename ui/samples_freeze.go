package ui

import "time"

func (FreezePage) Samples() []Sample {
	at := time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)
	return []Sample{
		{Name: "asked", Data: FreezePage{Action: "/link/token", At: at}},
		{Name: "asked, device", Data: FreezePage{Action: "/link/token", Device: true, At: at}},
		{Name: "done", Data: FreezePage{Action: "/link/token", At: at, Done: true}},
		{Name: "done, staff", Data: FreezePage{Action: "/link/token", At: at, Done: true}, Staff: true},
	}
}
