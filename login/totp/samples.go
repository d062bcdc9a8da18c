package totp

import (
	"github.com/minddistrict/idp/internal/qr"
	"github.com/minddistrict/idp/ui"
)

const (
	sampleAction = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/password"
)

// samples are the states of the factor's pages.
func samples() map[string][]ui.Sample {
	return map[string][]ui.Sample{"totp": codeSamples(), "app": appSamples(), "activity": ui.SampleActivity("activity.by_totp")}
}

// codeSamples are the states of the page that asks a code.
func codeSamples() []ui.Sample {
	page := func(change func(*ui.CodePage)) ui.CodePage {
		p := ui.CodePage{Action: sampleAction, Cancel: true}
		if change != nil {
			change(&p)
		}
		return p
	}
	why := func(reason, party string) ui.CodePage {
		return page(func(p *ui.CodePage) { p.Reason, p.Party = reason, party })
	}
	remember := func(key string, ticked bool) ui.CodePage {
		return page(func(p *ui.CodePage) { p.Remember, p.Ticked = key, ticked })
	}
	wrong := func(key string) []ui.FieldError { return []ui.FieldError{{Field: "code", Key: key}} }
	return ui.WithWays([]ui.Sample{
		{Name: "app", Data: page(nil)},
		{Name: "remember", Data: remember("duration.3d", false)},
		{Name: "remember for 12 hours", Data: remember("duration.12h", false)},
		{Name: "nothing typed", Data: page(nil), Errors: wrong("code.error_empty")},
		{Name: "not six digits", Data: page(nil), Errors: wrong("code.error_format")},
		{Name: "wrong, remember ticked", Data: remember("duration.1w", true), Errors: wrong("code.error_wrong_app")},
		{Name: "idle", Data: why("code.reason_idle", ""), Staff: true},
		{Name: "changing the password", Data: page(func(p *ui.CodePage) { p.Reason, p.Step, p.Steps = "code.reason_password", 2, 3 })},
		{Name: "forgotten password", Data: why("code.reason_forgot", "")},
		{Name: "a QR code", Data: why("code.reason_qr", "")},
		{Name: "turning off", Data: why("code.reason_off", "")},
		{Name: "new recovery codes", Data: why("code.reason_codes", "")},
		{Name: "changing two-step", Data: why("code.reason_two_step", "")},
		{Name: "for pages of staff", Data: why("code.reason_staff", ""), Staff: true},
		{Name: "asked by a party", Data: why("code.reason_platform", "Dagboek van De Linde")},
		{Name: "no recovery codes", Data: page(nil), Ways: []ui.Way{ui.SampleNoCode}},
	}, ui.SampleRecovery, ui.SampleNoCode)
}

// appSamples are the states of the page that connects an app.
func appSamples() []ui.Sample {
	page := appPage{
		Action: sampleAction, QR: sampleQR(sampleURI), Cancel: true, Key: []string{"JBSW", "Y3DP", "EHPK", "3PXP", "JBSW", "Y3DP", "EHPK", "3PXP"},
		URL: sampleURI,
	}
	other := page
	other.Others = []string{"another"}
	return []ui.Sample{
		{Name: "app only", Data: page},
		{Name: "app or another way", Data: other},
		{Name: "wrong", Data: page, Errors: []ui.FieldError{{Field: "code", Key: "code.error_wrong_app"}}},
	}
}

// sampleURI is of an account that does not exist.
const sampleURI = "otpauth://totp/Minddistrict:anna@example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Minddistrict"

func sampleQR(uri string) qr.Drawing {
	drawn, err := qr.Draw(uri)
	if err != nil {
		panic(err) // it is shorter than a code can be
	}
	return drawn
}
