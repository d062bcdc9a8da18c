package ui

// Samples are the states of the page after too many wrong passwords.
func (WaitPage) Samples() []Sample {
	page := func(minutes int, sentTo string) WaitPage {
		return WaitPage{
			Minutes: minutes, Action: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/stop", SentTo: sentTo,
		}
	}
	return WithWays([]Sample{
		{Name: "long", Data: page(15, "")},
		{Name: "one minute", Data: page(1, "")},
		{Name: "mail sent", Data: page(14, sampleEmail)},
		{Name: "mail sent, long address", Data: page(14, "anna.elisabeth.van.der.berg-bakker.de.jong@geestelijkegezondheidszorg.example")},
	}, SampleForgot)
}
