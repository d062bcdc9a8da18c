package ui

import (
	"fmt"
	"strings"
	"time"
)

const (
	sampleRecovery = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/recovery-code"
	sampleNoCode   = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/no-code"
)

// Samples are the states of the page that asks a code.
func (CodePage) Samples() []Sample {
	page := func(change func(*CodePage)) CodePage {
		p := CodePage{Action: sampleAction, Body: "code.body_app", RecoveryURL: sampleRecovery, NoCodeURL: sampleNoCode, Cancel: true}
		if change != nil {
			change(&p)
		}
		return p
	}
	why := func(reason, party string) CodePage {
		return page(func(p *CodePage) { p.Reason, p.Party = reason, party })
	}
	remember := func(key string, ticked bool) CodePage {
		return page(func(p *CodePage) { p.Remember, p.Ticked = key, ticked })
	}
	wrong := func(key string) []FieldError { return []FieldError{{Field: "code", Key: key}} }
	return []Sample{
		{Name: "app", Data: page(nil)},
		{Name: "remember", Data: remember("duration.3d", false)},
		{Name: "remember for 12 hours", Data: remember("duration.12h", false)},
		{Name: "nothing typed", Data: page(nil), Errors: wrong("code.error_empty")},
		{Name: "not six digits", Data: page(nil), Errors: wrong("code.error_format")},
		{Name: "wrong, remember ticked", Data: remember("duration.1w", true), Errors: wrong("code.error_wrong_app")},
		{Name: "idle", Data: why("code.reason_idle", ""), Staff: true},
		{Name: "changing the password", Data: page(func(p *CodePage) { p.Reason, p.Step, p.Steps = "code.reason_password", 2, 3 })},
		{Name: "forgotten password", Data: why("code.reason_forgot", "")},
		{Name: "turning off", Data: why("code.reason_off", "")},
		{Name: "new recovery codes", Data: why("code.reason_codes", "")},
		{Name: "changing two-step", Data: why("code.reason_two_step", "")},
		{Name: "asked by a party", Data: why("code.reason_platform", "Dagboek van De Linde")},
		{Name: "no recovery codes", Data: page(func(p *CodePage) { p.RecoveryURL = "" })},
		{Name: "too many messages", Data: page(func(p *CodePage) { p.Body, p.PhoneEnd, p.Send, p.Later = "code.body_send", "16", true, 14 })},
		{Name: "message not sent", Data: page(func(p *CodePage) { p.Body, p.PhoneEnd, p.Resend = "code.body_sms", "16", true }), Errors: wrong("code.error_send_failed")},
		{Name: "message to send", Data: page(func(p *CodePage) { p.Body, p.PhoneEnd, p.Send = "code.body_send", "16", true })},
		{Name: "message sent", Data: page(func(p *CodePage) { p.Body, p.PhoneEnd, p.Resend, p.Wait = "code.body_sms", "16", true, 30 })},
		{Name: "message sent again", Data: page(func(p *CodePage) { p.Body, p.PhoneEnd, p.Resend, p.Resent = "code.body_sms", "16", true, true })},
	}
}

// Samples are the states of the page that connects an app.
func (AppPage) Samples() []Sample {
	page := AppPage{
		Action: sampleAction, QR: sampleQR(), Cancel: true, Key: []string{"JBSW", "Y3DP", "EHPK", "3PXP", "JBSW", "Y3DP", "EHPK", "3PXP"},
		URL: "otpauth://totp/Minddistrict:anna@example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Minddistrict",
	}
	other := page
	other.Other = true
	return []Sample{
		{Name: "app only", Data: page},
		{Name: "app or text message", Data: other},
		{Name: "wrong", Data: page, Errors: []FieldError{{Field: "code", Key: "code.error_wrong_app"}}},
	}
}

// sampleQR looks like a QR code of 33 modules and says nothing.
func sampleQR() QR {
	var b strings.Builder
	for _, corner := range []string{"0 0", "26 0", "0 26"} {
		b.WriteString("M" + corner + "h7v1h-7zm0 6h7v1h-7zm0-5h1v5h-1zm6 0h1v5h-1zm-4 1h3v3h-3z")
	}
	for y := 8; y < 25; y++ {
		for x := y * y % 5; x < 33; x += 2 + x*y%3 {
			fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
		}
	}
	return QR{Size: 33, Path: b.String()}
}

// Samples are the states of the page before the set-up.
func (SetUpPage) Samples() []Sample {
	from := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	return []Sample{
		{Name: "required", Data: SetUpPage{Action: sampleAction, Reason: "setup.required", Cancel: true}},
		{Name: "required from a date", Data: SetUpPage{Action: sampleAction, Reason: "setup.required_from", From: from, Later: true, Cancel: true}},
		{Name: "optional", Data: SetUpPage{Action: sampleAction, Reason: "setup.optional", Later: true, Cancel: true}},
		{Name: "asked by a party", Data: SetUpPage{Action: sampleAction, Reason: "setup.reason_platform", Party: "Dagboek van De Linde", Cancel: true}},
		{Name: "of one's own accord", Data: SetUpPage{Action: sampleAction, Cancel: true}},
	}
}

// Samples are the states of the choice between app and text message.
func (ChoosePage) Samples() []Sample {
	both := []string{"totp", "sms"}
	return []Sample{
		{Name: "first time", Data: ChoosePage{Action: sampleAction, Methods: both, Cancel: true}},
		{Name: "change", Data: ChoosePage{Action: sampleAction, Methods: both, Replace: true, Cancel: true}},
		{Name: "nothing chosen", Data: ChoosePage{Action: sampleAction, Methods: both, Cancel: true}, Errors: []FieldError{{Field: "method", Key: "choose.error"}}},
	}
}

// Samples are the states of the page that asks before two-step authentication is turned off.
func (TwoStepOffPage) Samples() []Sample {
	return []Sample{{Name: "plain", Data: TwoStepOffPage{Action: sampleAction, Cancel: true}}}
}

// Samples are the states of the page for who gets no code.
func (NoCodePage) Samples() []Sample {
	return []Sample{
		{Name: "app", Data: NoCodePage{BackURL: sampleAction, RecoveryURL: sampleRecovery}},
		{Name: "text message, staff", Data: NoCodePage{BackURL: sampleAction, RecoveryURL: sampleRecovery, ResendURL: sampleAction}, Staff: true},
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
		{Name: "plain", Data: CodesLaterPage{Until: until, RecoveryURL: sampleRecovery}},
		{Name: "no recovery codes, staff", Data: CodesLaterPage{Until: until}, Staff: true},
	}
}
