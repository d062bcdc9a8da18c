package recoverycode

import (
	"time"

	"github.com/minddistrict/idp/ui"
)

const (
	sampleAction = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/password"
	sampleCheck  = "0123456789abcdef"
)

// samples are the states of the factor's pages.
func samples() map[string][]ui.Sample {
	return map[string][]ui.Sample{
		"recovery": saveSamples(), "recovery_use": useSamples(), "recovery_low": lowSamples(),
		"activity": ui.SampleActivity("activity.by_recovery"),
	}
}

// saveSamples are the states of the page that shows a new set.
func saveSamples() []ui.Sample {
	codes := []string{"7KQM-2XHP-9TRD", "A3FC-HJ8W-QN4Y", "D9VX-6PBE-K2ZM", "GW5T-RY3N-8CAJ", "NB4H-ZQ7K-D6XF", "XP2E-V9MG-T5RW"}
	at := time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)
	return []ui.Sample{
		{Name: "set up", Data: savePage{Action: sampleAction, Codes: codes, Check: sampleCheck, At: at, On: true}},
		{Name: "again", Data: savePage{Action: sampleAction, Codes: codes, Check: sampleCheck, At: at, Again: true}},
		{Name: "new", Data: savePage{Action: sampleAction, Codes: codes, Check: sampleCheck, At: at}},
		{Name: "not confirmed", Data: savePage{Action: sampleAction, Codes: codes, Check: sampleCheck, At: at, On: true}, Errors: []ui.FieldError{
			{Field: "kept", Key: "recovery.error_check"},
		}},
	}
}

// useSamples are the states of the page that takes a code.
func useSamples() []ui.Sample {
	page := usePage{Action: sampleAction, BackURL: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r"}
	say := func(name, key string, args ...any) ui.Sample {
		return ui.Sample{Name: name, Data: page, Errors: []ui.FieldError{{Field: "recovery_code", Key: key, Args: args}}}
	}
	return ui.WithWays([]ui.Sample{
		{Name: "empty", Data: page},
		say("nothing typed", "recovery_use.error_empty"),
		say("wrong", "recovery_use.error_wrong"),
		say("used", "recovery_use.error_used"),
		say("too many", "recovery_use.error_limit", "minutes", 42),
		say("made in this session", "recovery_use.error_new"),
	}, ui.SampleNoCode)
}

// lowSamples are the states of the page that says that few are left.
func lowSamples() []ui.Sample {
	return []ui.Sample{
		{Name: "two left", Data: lowPage{Action: sampleAction, Left: 2}},
		{Name: "one left", Data: lowPage{Action: sampleAction, Left: 1}},
		{Name: "none left", Data: lowPage{Action: sampleAction}},
	}
}
