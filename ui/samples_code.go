package ui

import (
	"time"
)

// Samples are the states of the page before the set-up.
func (SetUpPage) Samples() []Sample {
	from := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	return []Sample{
		{Name: "required", Data: SetUpPage{Action: sampleAction, Reason: "setup.required", Cancel: true}},
		{Name: "required from a date", Data: SetUpPage{Action: sampleAction, Reason: "setup.required_from", From: from, Later: true, Cancel: true}},
		{Name: "required of staff", Data: SetUpPage{Action: sampleAction, Reason: "setup.required_staff", Cancel: true}, Staff: true},
		{Name: "required of clients", Data: SetUpPage{Action: sampleAction, Reason: "setup.required_client", Cancel: true}},
		{Name: "required of staff from a date", Data: SetUpPage{
			Action: sampleAction, Reason: "setup.required_from_staff", From: from, Later: true, Cancel: true,
		}, Staff: true},
		{Name: "required of clients from a date", Data: SetUpPage{
			Action: sampleAction, Reason: "setup.required_from_client", From: from, Later: true, Cancel: true,
		}},
		{Name: "optional", Data: SetUpPage{Action: sampleAction, Reason: "setup.optional", Later: true, Cancel: true}},
		{Name: "asked by a party", Data: SetUpPage{Action: sampleAction, Reason: "setup.reason_platform", Party: "Dagboek van De Linde", Cancel: true}},
		{Name: "for pages of staff", Data: SetUpPage{Action: sampleAction, Reason: "setup.reason_staff", Cancel: true}, Staff: true},
		{Name: "of one's own accord", Data: SetUpPage{Action: sampleAction, Cancel: true}},
	}
}

// chooseSamples are the states of the choice between ways of getting codes.
func chooseSamples(all []string) []Sample {
	return []Sample{
		{Name: "first time", Data: ChoosePage{Action: sampleAction, Methods: all, Cancel: true}},
		{Name: "change", Data: ChoosePage{Action: sampleAction, Methods: all, Replace: true, Cancel: true}},
		{Name: "nothing chosen", Data: ChoosePage{Action: sampleAction, Methods: all, Cancel: true}, Errors: []FieldError{{Field: "method", Key: "choose.error"}}},
	}
}

// Samples are the states of the page that asks before two-step authentication is turned off.
func (TwoStepOffPage) Samples() []Sample {
	return []Sample{{Name: "plain", Data: TwoStepOffPage{Action: sampleAction, Cancel: true}}}
}

// Samples are the states of the page for who gets no code.
func (NoCodePage) Samples() []Sample {
	return []Sample{
		{Name: "app", Data: NoCodePage{BackURL: sampleAction, App: true}, Ways: []Way{SampleRecovery}},
		{Name: "no recovery codes", Data: NoCodePage{BackURL: sampleAction}},
	}
}

// Samples are the states of the page after too many wrong codes in one login.
func (WrongCodesPage) Samples() []Sample {
	return []Sample{{Name: "plain", Data: WrongCodesPage{RetryURL: sampleHome}}}
}

// Samples are the states of the page after too many wrong codes in a day.
func (CodesLaterPage) Samples() []Sample {
	until := time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)
	return []Sample{
		{Name: "plain", Data: CodesLaterPage{Until: until}, Ways: []Way{SampleRecovery}},
		{Name: "no recovery codes, staff", Data: CodesLaterPage{Until: until}, Staff: true},
	}
}
