package ui

func (TwoStepPage) Samples() []Sample {
	choices := []RememberChoice{
		{Value: "never", Key: RememberNever, Chosen: true}, {Value: "12h0m0s", Key: "duration.12h"},
		{Value: "72h0m0s", Key: "duration.3d"}, {Value: "168h0m0s", Key: "duration.1w"},
	}
	page := TwoStepPage{
		Action: sampleSettings + "/two-step", Method: "totp", Left: 6, CanSetUp: true, Off: true, Choices: choices,
		BackURL: sampleSettings, HomeURL: sampleHome,
	}
	with := func(change func(*TwoStepPage)) TwoStepPage {
		p := page
		change(&p)
		return p
	}
	return []Sample{
		{Name: "app", Data: page},
		{Name: "text message, one code left", Data: with(func(p *TwoStepPage) { p.Method, p.PhoneEnd, p.Left, p.Notice = "sms", "16", 1, "two_step.changed" })},
		{Name: "no codes left, required", Data: with(func(p *TwoStepPage) { p.Left, p.Off = 0, false })},
		{Name: "remembered", Data: with(func(p *TwoStepPage) {
			p.Remembered = []Device{{Machine: Machine{Browser: "Firefox", System: "Windows"}, AddedAt: sampleNoon, UsedAt: sampleNoon}}
		})},
		{Name: "forgotten", Data: with(func(p *TwoStepPage) { p.Notice = "two_step.forgotten" })},
		{Name: "fixed, staff", Data: with(func(p *TwoStepPage) { p.Fixed, p.Remember, p.Choices = true, "duration.12h", nil }), Staff: true},
		{Name: "off", Data: with(func(p *TwoStepPage) { p.Method = "" })},
		{Name: "turned off", Data: with(func(p *TwoStepPage) { p.Method, p.Notice = "", "two_step.off_done" })},
	}
}
