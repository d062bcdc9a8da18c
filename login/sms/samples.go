package sms

import "github.com/minddistrict/idp/ui"

const (
	sampleAction = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/password"
)

// samples are the states of the factor's pages.
func samples() map[string][]ui.Sample {
	return map[string][]ui.Sample{
		"sms_code": codeSamples(), "phone": phoneSamples(), "sms": numberSamples(),
		"activity": ui.SampleActivity("activity.by_sms"),
		"no_code":  {{Name: "text message, staff", Data: ui.NoCodePage{BackURL: sampleAction, ResendURL: sampleAction, Resend: "code.resend"}, Staff: true, Ways: []ui.Way{ui.SampleRecovery}}},
	}
}

// codeSamples are the states of the page that asks a code.
func codeSamples() []ui.Sample {
	page := func(change func(*codePage)) codePage {
		p := codePage{CodePage: ui.CodePage{Action: sampleAction, Cancel: true}, PhoneEnd: "16"}
		change(&p)
		return p
	}
	return ui.WithWays([]ui.Sample{
		{Name: "too many messages", Data: page(func(p *codePage) { p.Send, p.Later = true, 14 })},
		{Name: "message not sent", Data: page(func(p *codePage) { p.Resend, p.Failed = true, true })},
		{Name: "message to send", Data: page(func(p *codePage) { p.Send = true })},
		{Name: "message sent", Data: page(func(p *codePage) { p.Resend, p.Wait = true, 30 })},
		{Name: "message sent again", Data: page(func(p *codePage) { p.Resend, p.Resent = true, true })},
	}, ui.SampleRecovery, ui.SampleNoCode)
}

// phoneSamples are the states of the page that asks a number.
func phoneSamples() []ui.Sample {
	page := func(hint string) phonePage {
		return phonePage{Action: sampleAction, Hint: hint, Others: []string{"another"}, Cancel: true}
	}
	typed := func(number, key string, args ...any) ui.Sample {
		p := page("phone.hint_nl")
		p.Typed = number
		return ui.Sample{Name: key, Data: p, Errors: []ui.FieldError{{Field: "phone", Key: key, Args: args}}}
	}
	return []ui.Sample{
		{Name: "plain", Data: page("phone.hint_nl")},
		{Name: "GB", Data: page("phone.hint_gb")},
		{Name: "DE", Data: page("phone.hint_de")},
		{Name: "elsewhere, text message only", Data: phonePage{Action: sampleAction, Cancel: true}},
		typed("", "phone.error_empty"),
		typed("06 1234 567", "phone.error_invalid"),
		typed("020 123 45 67", "phone.error_landline"),
		typed("+1 201 555 0123", "phone.error_country"),
		typed("06 12 34 56 16", "phone.error_limit", "minutes", 14),
	}
}

// numberSamples are the states of the page that asks the code that was sent to a new number.
func numberSamples() []ui.Sample {
	page := func(wait int, resent bool) numberPage {
		return numberPage{Action: sampleAction, PhoneEnd: "16", Resend: true, Wait: wait, Resent: resent, Others: []string{"another"}, Cancel: true}
	}
	wrong := func(key string, args ...any) ui.Sample {
		return ui.Sample{Name: key, Data: page(0, false), Errors: []ui.FieldError{{Field: "code", Key: key, Args: args}}}
	}
	return []ui.Sample{
		{Name: "sent", Data: page(30, false)},
		{Name: "may be sent again", Data: page(0, false)},
		{Name: "sent again", Data: page(27, true)},
		{Name: "text message only", Data: numberPage{Action: sampleAction, PhoneEnd: "16", Resend: true, Cancel: true}},
		wrong("code.error_wrong_sms"),
		wrong("code.error_expired"),
		wrong("code.error_send_limit", "minutes", 12),
		{Name: "not sent", Data: numberPage{Action: sampleAction, PhoneEnd: "16", Resend: true, Failed: true, Cancel: true}},
	}
}
