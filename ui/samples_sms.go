package ui

// Samples are the states of the page that asks a number.
func (PhonePage) Samples() []Sample {
	page := func(hint string) PhonePage {
		return PhonePage{Action: sampleAction, Hint: hint, Other: true, Cancel: true}
	}
	typed := func(number, key string, args ...any) Sample {
		p := page("phone.hint_nl")
		p.Typed = number
		return Sample{Name: key, Data: p, Errors: []FieldError{{Field: "phone", Key: key, Args: args}}}
	}
	return []Sample{
		{Name: "plain", Data: page("phone.hint_nl")},
		{Name: "GB", Data: page("phone.hint_gb")},
		{Name: "DE", Data: page("phone.hint_de")},
		{Name: "elsewhere, text message only", Data: PhonePage{Action: sampleAction, Cancel: true}},
		typed("", "phone.error_empty"),
		typed("06 1234 567", "phone.error_invalid"),
		typed("020 123 45 67", "phone.error_landline"),
		typed("+1 201 555 0123", "phone.error_country"),
		typed("06 12 34 56 16", "phone.error_limit", "minutes", 14),
	}
}

// Samples are the states of the page that asks the code that was sent to a new number.
func (SMSPage) Samples() []Sample {
	page := func(wait int, resent bool) SMSPage {
		return SMSPage{Action: sampleAction, PhoneEnd: "16", Resend: true, Wait: wait, Resent: resent, Other: true, Cancel: true}
	}
	wrong := func(key string, args ...any) Sample {
		return Sample{Name: key, Data: page(0, false), Errors: []FieldError{{Field: "code", Key: key, Args: args}}}
	}
	return []Sample{
		{Name: "sent", Data: page(30, false)},
		{Name: "may be sent again", Data: page(0, false)},
		{Name: "sent again", Data: page(27, true)},
		{Name: "text message only", Data: SMSPage{Action: sampleAction, PhoneEnd: "16", Resend: true, Cancel: true}},
		wrong("code.error_wrong_sms"),
		wrong("code.error_expired"),
		wrong("code.error_send_limit", "minutes", 12),
		wrong("phone.error_failed"),
	}
}
