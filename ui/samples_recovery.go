package ui

import "time"

const sampleCheck = "0123456789abcdef"

func (RecoveryPage) Samples() []Sample {
	codes := []string{"7KQM-2XHP-9TRD", "A3FC-HJ8W-QN4Y", "D9VX-6PBE-K2ZM", "GW5T-RY3N-8CAJ", "NB4H-ZQ7K-D6XF", "XP2E-V9MG-T5RW"}
	at := time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)
	return []Sample{
		{Name: "set up", Data: RecoveryPage{Action: sampleAction, Codes: codes, Check: sampleCheck, At: at, On: true}},
		{Name: "again", Data: RecoveryPage{Action: sampleAction, Codes: codes, Check: sampleCheck, At: at, Again: true}},
		{Name: "new", Data: RecoveryPage{Action: sampleAction, Codes: codes, Check: sampleCheck, At: at}},
		{Name: "not confirmed", Data: RecoveryPage{Action: sampleAction, Codes: codes, Check: sampleCheck, At: at, On: true}, Errors: []FieldError{
			{Field: "kept", Key: "recovery.error_check"},
		}},
	}
}

func (RecoveryUsePage) Samples() []Sample {
	page := RecoveryUsePage{Action: sampleAction, BackURL: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r", NoCodeURL: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/no-code"}
	say := func(name, key string, args ...any) Sample {
		return Sample{Name: name, Data: page, Errors: []FieldError{{Field: "recovery_code", Key: key, Args: args}}}
	}
	return []Sample{
		{Name: "empty", Data: page},
		say("nothing typed", "recovery_use.error_empty"),
		say("wrong", "recovery_use.error_wrong"),
		say("used", "recovery_use.error_used"),
		say("too many", "recovery_use.error_limit", "minutes", 42),
		say("made in this session", "recovery_use.error_new"),
	}
}

func (RecoveryLowPage) Samples() []Sample {
	return []Sample{
		{Name: "two left", Data: RecoveryLowPage{Action: sampleAction, Left: 2}},
		{Name: "one left", Data: RecoveryLowPage{Action: sampleAction, Left: 1}},
		{Name: "none left", Data: RecoveryLowPage{Action: sampleAction}},
	}
}

func (FreezePage) Samples() []Sample {
	at := time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)
	return []Sample{
		{Name: "asked", Data: FreezePage{Action: "/link/token", At: at}},
		{Name: "done", Data: FreezePage{Action: "/link/token", At: at, Done: true}},
		{Name: "done, staff", Data: FreezePage{Action: "/link/token", At: at, Done: true}, Staff: true},
	}
}
