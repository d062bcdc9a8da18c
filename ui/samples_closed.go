package ui

const sampleClosed = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/closed"

// Samples are the states of the page where an organisation's own login takes the place of passwords.
func (ClosedPage) Samples() []Sample {
	return []Sample{
		{Name: "platform", Data: ClosedPage{Action: sampleClosed, Party: "De Linde"}},
		{Name: "party", Data: ClosedPage{Action: sampleClosed, Party: "Dagboek van De Linde"}},
		{Name: "mobile app", Data: ClosedPage{Action: sampleClosed, App: true, Party: "De Linde"}},
		{Name: "link of a mail", Data: ClosedPage{BackURL: sampleHome, Party: "De Linde"}},
		{Name: "staff", Data: ClosedPage{Action: sampleClosed, Party: "De Linde"}, Staff: true},
	}
}

// Samples are the states of the page of a mobile app without passwords.
func (AppClosedPage) Samples() []Sample {
	page := AppClosedPage{Action: sampleClosed}
	return []Sample{{Name: "plain", Data: page}, {Name: "staff", Data: page, Staff: true}}
}
