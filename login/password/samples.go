package password

import "github.com/minddistrict/idp/ui"

const (
	sampleAction = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/password"
	sampleHome   = "https://linde.example.net/"
	sampleEmail  = "anna@example.org"
)

// samples are the states of the factor's pages.
func samples() map[string][]ui.Sample {
	return map[string][]ui.Sample{
		"login":            loginPage{}.Samples(),
		"confirm_password": confirmPage{}.Samples(),
		"new_password":     newPage{}.Samples(),
		"unblock":          unblockPage{}.Samples(),
		"link":             {{Name: "unblocked", Data: unblocked(sampleHome)}},
		"wait": {{Name: "another way", Data: ui.WaitPage{Minutes: 14, Action: sampleAction}, Ways: []ui.Way{
			ui.SampleForgot, {Step: Method, Text: "login.with_password", URL: sampleAction, Proves: true},
		}}},
		"activity": ui.SampleActivity("activity.by_password"),
	}
}

func (loginPage) Samples() []ui.Sample {
	linde, above := ui.SampleOrganisation("GGZ De Linde", ui.AboveForm), ui.SampleOrganisation("GGZ De Linde", ui.AboveForm)
	above.Lead = true
	wilg, many := ui.SampleOrganisation("Zorggroep Wilgenhof en Omstreken", ui.AboveForm), ui.Way{Step: "sso", Text: "sso.way", Slot: ui.AboveForm, URL: sampleAction}
	wrong, both := []ui.FieldError{{Field: "password", Key: "login.error_wrong"}}, []ui.Way{ui.SampleForgot, ui.SampleSignUp}
	return []ui.Sample{
		{Name: "empty", Data: loginPage{Action: sampleAction, Cancel: true}, Ways: both},
		{Name: "nothing to go back to", Data: loginPage{Action: sampleAction, Email: sampleEmail}},
		{Name: "notice", Data: loginPage{Action: sampleAction, Notice: "login.notice_logged_out"}},
		{Name: "party", Data: loginPage{
			Action: sampleAction, Party: "Dagboek van De Linde", Cancel: true,
			PolicyURI: "https://dagboek.example.net/privacy", TermsURI: "https://dagboek.example.net/voorwaarden",
		}, Ways: both[:1]},
		{Name: "nothing typed", Data: loginPage{Action: sampleAction, Cancel: true}, Ways: both[:1], Errors: []ui.FieldError{
			{Field: "email", Key: "login.error_email_empty"}, {Field: "password", Key: "login.error_password_empty"},
		}},
		{Name: "not an address", Data: loginPage{Action: sampleAction, Email: "anna", Cancel: true}, Errors: []ui.FieldError{
			{Field: "email", Key: "login.error_email_format"},
		}},
		{Name: "wrong", Data: loginPage{Action: sampleAction, Email: sampleEmail, Cancel: true}, Errors: wrong},
		{Name: "wrong three times", Data: loginPage{Action: sampleAction, Email: sampleEmail, Check: true, Cancel: true}, Errors: wrong, Ways: both},
		{Name: "wrong five times", Data: loginPage{Action: sampleAction, Email: sampleEmail, Check: true, Slow: true, Cancel: true}, Errors: wrong, Ways: both},
		{Name: "an account is connected", Data: loginPage{Action: sampleAction, Linking: true, At: map[string]string{"nl": "GGZ De Linde", "en": "GGZ De Linde"}, Label: "e.jansen@linde.example", Cancel: true}, Ways: []ui.Way{ui.SampleForgot}},
		{Name: "an organisation", Data: loginPage{Action: sampleAction, Cancel: true}, Ways: []ui.Way{above, ui.SampleForgot, ui.SampleSignUp}},
		{Name: "an organisation, wrong", Data: loginPage{Action: sampleAction, Email: sampleEmail, Cancel: true}, Errors: wrong, Ways: []ui.Way{above, ui.SampleForgot}},
		{Name: "an organisation below", Data: loginPage{Action: sampleAction, Cancel: true},
			Ways: []ui.Way{ui.SampleOrganisation("GGZ De Linde", ui.BelowForm), ui.SampleForgot, ui.SampleSignUp}},
		{Name: "organisations", Data: loginPage{Action: sampleAction, Cancel: true}, Ways: []ui.Way{linde, wilg, ui.SampleForgot}},
		{Name: "organisations, one used last", Data: loginPage{Action: sampleAction, Cancel: true}, Ways: []ui.Way{above, wilg, ui.SampleForgot}},
		{Name: "many organisations", Data: loginPage{Action: sampleAction, Cancel: true}, Ways: []ui.Way{many, ui.SampleForgot}},
	}
}

func (confirmPage) Samples() []ui.Sample {
	page := func(reason, party string) confirmPage {
		return confirmPage{Action: sampleAction, Email: sampleEmail, Reason: reason, Party: party, Cancel: true}
	}
	return ui.WithWays([]ui.Sample{
		{Name: "plain", Data: page("confirm_password.body", "")},
		{Name: "idle, staff", Data: page("confirm_password.reason_idle", ""), Staff: true},
		{Name: "asked by a party", Data: page("confirm_password.reason_platform", "Dagboek van De Linde")},
		{Name: "nothing typed", Data: confirmPage{Action: sampleAction, Email: sampleEmail, Reason: "confirm_password.body"},
			Errors: []ui.FieldError{{Field: "password", Key: "login.error_password_empty"}}},
		{Name: "wrong", Data: page("confirm_password.reason_platform", ""),
			Errors: []ui.FieldError{{Field: "password", Key: "confirm_password.error_wrong"}}},
		{Name: "first of two", Data: confirmPage{Action: sampleAction, Email: sampleEmail, Reason: "confirm_password.reason_change", Cancel: true, Step: 1, Steps: 2}},
		{Name: "after a reset", Data: confirmPage{Action: sampleAction, Email: sampleEmail, Reason: "confirm_password.body", Linked: true, Cancel: true, Step: 2, Steps: 3}},
		{Name: "for two-step authentication", Data: page("confirm_password.reason_two_step", "")},
		{Name: "for pages of staff", Data: page("confirm_password.reason_staff", ""), Staff: true},
		{Name: "for recovery codes", Data: page("confirm_password.reason_codes", "")},
		{Name: "a QR code", Data: page("confirm_password.reason_qr", "")},
		{Name: "turning off", Data: page("confirm_password.reason_off", "")},
		{Name: "for the account of an organisation", Data: page("confirm_password.reason_connect", "")},
		{Name: "linked", Data: page("confirm_password.reason_idle", ""), Ways: []ui.Way{ui.SampleOrganisation("GGZ De Linde", ui.BelowForm), ui.SampleForgot}},
	}, ui.SampleForgot)
}

// Samples are the states of the page for a new password.
func (newPage) Samples() []ui.Sample {
	page := func(kind string) newPage {
		return newPage{Action: sampleAction, Kind: kind, Email: sampleEmail, Min: 12, Special: 1}
	}
	mistake := func(name string) []ui.FieldError {
		return []ui.FieldError{{Field: "password", Key: "password.error_" + name, Args: []any{"n", 12, "max", 256}}}
	}
	first := ui.SampleOrganisation("GGZ De Linde", ui.AboveForm)
	first.Lead = true
	change := page(forChange)
	change.Cancel, change.Step, change.Steps = true, 3, 3
	strict := page(forWelcome)
	strict.Min, strict.Special = 16, 2
	plain := page(forReset)
	plain.Special = 0
	return []ui.Sample{
		{Name: "welcome", Data: page(forWelcome)},
		{Name: "welcome, with an organisation", Data: page(forWelcome), Ways: []ui.Way{first}},
		{Name: "sign-up", Data: page(forSignUp)},
		{Name: "reset", Data: page(forReset)},
		{Name: "change", Data: change},
		{Name: "change, staff", Data: change, Staff: true},
		{Name: "stricter", Data: strict, Errors: []ui.FieldError{{Field: "password", Key: "password.error_special", Args: []any{"n", 2, "max", 256}}}},
		{Name: "length only", Data: plain},
		{Name: "nothing typed", Data: page(forWelcome), Errors: mistake("empty")},
		{Name: "short", Data: page(forWelcome), Errors: mistake("short")},
		{Name: "long", Data: page(forReset), Errors: mistake("long")},
		{Name: "no special character", Data: page(forSignUp), Errors: []ui.FieldError{{Field: "password", Key: "password.error_special", Args: []any{"n", 1, "max", 256}}}},
		{Name: "easy to guess", Data: page(forReset), Errors: mistake("guess")},
		{Name: "known", Data: page(forReset), Errors: mistake("leaked")},
		{Name: "the old one", Data: change, Errors: mistake("same")},
	}
}

// Samples are the states of the page behind the button of the mail that the page above offers.
func (unblockPage) Samples() []ui.Sample {
	page := unblockPage{Action: "/link/9d7Xn0c1Vb4qWmT2sKfYh8RzLjEaUgPi3oBt5xQvCwM", ForgotURL: "/forgot"}
	return []ui.Sample{{Name: "plain", Data: page}, {Name: "staff", Data: page, Staff: true}}
}
