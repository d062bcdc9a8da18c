package ui

const sampleLink = "/link/9d7Xn0c1Vb4qWmT2sKfYh8RzLjEaUgPi3oBt5xQvCwM"

// Samples are the states of the page that sends a mail for a new password.
func (ForgotPage) Samples() []Sample {
	page := func(email string) ForgotPage {
		return ForgotPage{Action: sampleAction, Email: email, BackURL: sampleAction}
	}
	return []Sample{
		{Name: "empty", Data: page("")},
		{Name: "known", Data: page(sampleEmail)},
		{Name: "nothing typed", Data: page(""), Errors: []FieldError{{Field: "email", Key: "login.error_email_empty"}}},
		{Name: "not an address", Data: page("anna"), Errors: []FieldError{{Field: "email", Key: "login.error_email_format"}}},
	}
}

// Samples are the states of the page after a mail was asked for.
func (SentPage) Samples() []Sample {
	page := func(email string, again bool) SentPage {
		return SentPage{Action: sampleAction, Email: email, Again: again, BackURL: sampleAction}
	}
	kept := page(sampleEmail, false)
	kept.Kept = sampleKept
	return []Sample{
		{Name: "sent", Data: page(sampleEmail, false)},
		{Name: "again", Data: page(sampleEmail, true)},
		{Name: "of a domain whose passwords an organisation keeps", Data: kept},
		{Name: "again, long address", Data: page("anna.elisabeth.van.der.berg-bakker.de.jong@geestelijkegezondheidszorg.example", true)},
	}
}

var sampleKept = map[string]string{"nl": "GGZ De Linde", "en": "GGZ De Linde"}

// Samples are the states of the page that says who keeps passwords.
func (ForgotKeptPage) Samples() []Sample {
	return []Sample{
		{Name: "one", Data: ForgotKeptPage{Kept: sampleKept, HomeURL: sampleHome}},
		{Name: "not known which", Data: ForgotKeptPage{HomeURL: sampleHome}},
	}
}

// Samples are the states of the page that waits for the button of a mail after a reset of two-step authentication.
func (CheckMailPage) Samples() []Sample {
	page := CheckMailPage{Action: sampleAction, Email: sampleEmail, Cancel: true}
	again, app := page, page
	again.Again, app.App = true, true
	return []Sample{
		{Name: "sent", Data: page},
		{Name: "sent, staff", Data: page, Staff: true},
		{Name: "again", Data: again},
		{Name: "app", Data: app},
	}
}

// Samples are the states of the page on which people make an account.
func (SignUpPage) Samples() []Sample {
	empty := SignUpPage{Action: sampleAction, LoginURL: sampleAction, PrivacyURL: sampleHome + "privacy"}
	filled := empty
	filled.GivenName, filled.MiddleName, filled.FamilyName, filled.Email, filled.Terms = "Anna", "van der", "Berg", sampleEmail, true
	open := filled
	open.PrivacyURL = ""
	required := func(field, label string) FieldError {
		return FieldError{Field: field, Key: "signup.error_required", Label: label}
	}
	return []Sample{
		{Name: "empty", Data: empty},
		{Name: "filled in", Data: filled},
		{Name: "nothing to agree to", Data: open},
		{Name: "nothing typed", Data: empty, Errors: []FieldError{
			required("given_name", "signup.first_name"), required("family_name", "signup.last_name"),
			{Field: "email", Key: "login.error_email_empty"}, {Field: "terms", Key: "signup.error_terms"},
		}},
		{Name: "odd", Data: filled, Errors: []FieldError{
			{Field: "middle_name", Key: "signup.error_name"}, {Field: "email", Key: "login.error_email_format"},
		}},
	}
}

// Samples are the states of the page that says why the button of a mail does not work.
func (LinkPage) Samples() []Sample {
	page := func(name, title, body, again string) Sample {
		return Sample{Name: name, Data: LinkPage{Title: title, Body: body, Again: again, Action: sampleLink, LoginURL: sampleHome}}
	}
	sent := page("sent again", "forgot_sent.title", "", "")
	sent.Data = LinkPage{Title: "forgot_sent.title", SentTo: "a•••@example.org", Action: sampleLink, LoginURL: sampleHome}
	return []Sample{
		page("expired welcome", "link.expired_title", "link.expired_welcome", "link.send_welcome"),
		page("expired reset", "link.expired_title", "link.expired_reset", "link.send_reset"),
		page("expired sign-up", "link.expired_title", "link.expired_confirm", "link.send_reset"),
		page("expired unblock", "link.expired_title", "link.expired_unblock", ""),
		page("expired freeze", "link.expired_title", "link.expired_freeze", ""),
		page("expired after a reset", "link.expired_title", "link.expired_after_reset", ""),
		page("used after a reset", "link.used_title", "link.used_after_reset", ""),
		page("expired stop", "link.expired_title", "link.expired_stop", ""),
		page("expired new address", "link.expired_title", "link.expired_email_change", ""),
		sent,
		page("not active", "inactive.title", "inactive.helper", ""),
		page("used", "link.used_title", "link.used_body", ""),
		page("newer", "link.newer_title", "link.newer_body", ""),
		page("broken", "link.broken_title", "link.broken_body", ""),
	}
}

// Samples are the states of the page that confirms a new address.
func (EmailChangePage) Samples() []Sample {
	page := EmailChangePage{Action: sampleLink, Email: sampleEmail}
	return []Sample{{Name: "plain", Data: page}, {Name: "staff", Data: page, Staff: true}}
}

// Samples are the states of the page after that.
func (EmailChangedPage) Samples() []Sample {
	return []Sample{
		{Name: "done", Data: EmailChangedPage{Email: sampleEmail, LoginURL: sampleHome}},
		{Name: "taken", Data: EmailChangedPage{Email: sampleEmail, Taken: true, LoginURL: sampleHome}},
	}
}
