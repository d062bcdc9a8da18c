package ui

import "fmt"

// twoStepSamples are the states of the page of two-step authentication, with cards in their states.
func twoStepSamples(cards func(state int) []Card) []Sample {
	choices := []RememberChoice{
		{Value: "never", Key: RememberNever, Chosen: true}, {Value: "12h0m0s", Key: "duration.12h"},
		{Value: "72h0m0s", Key: "duration.3d"}, {Value: "168h0m0s", Key: "duration.1w"},
	}
	page := TwoStepPage{
		Action: sampleSettings + "/two-step", On: true, Cards: cards(0), CanSetUp: true, Off: true, Choices: choices,
		BackURL: sampleSettings, HomeURL: sampleHome,
	}
	with := func(change func(*TwoStepPage)) TwoStepPage {
		p := page
		change(&p)
		return p
	}
	samples := []Sample{
		{Name: "changed", Data: with(func(p *TwoStepPage) { p.Cards, p.Notice = cards(1), "two_step.changed" })},
		{Name: "required", Data: with(func(p *TwoStepPage) { p.Cards, p.Off = cards(2), false })},
		{Name: "remembered", Data: with(func(p *TwoStepPage) {
			p.Remembered = []Device{{Machine: Machine{Browser: "Firefox", System: "Windows"}, AddedAt: sampleNoon, UsedAt: sampleNoon}}
		})},
		{Name: "forgotten", Data: with(func(p *TwoStepPage) { p.Notice = "two_step.forgotten" })},
		{Name: "fixed, staff", Data: with(func(p *TwoStepPage) { p.Fixed, p.Remember, p.Choices = true, "duration.12h", nil }), Staff: true},
		{Name: "off", Data: with(func(p *TwoStepPage) { p.On, p.Cards = false, nil })},
		{Name: "turned off", Data: with(func(p *TwoStepPage) { p.On, p.Cards, p.Notice = false, nil, "two_step.off_done" })},
	}
	for state := range cardStates {
		samples = append(samples, Sample{Name: fmt.Sprintf("cards %d", state), Data: with(func(p *TwoStepPage) { p.Cards = cards(state) })})
	}
	return samples
}

// cardStates is how many states of cards are shown: no factor has more.
const cardStates = 4
