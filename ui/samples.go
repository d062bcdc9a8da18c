package ui

import (
	"net/http"
	"time"
)

// Sample is one state of a page: tests render all of them in every language.
type Sample struct {
	Name   string
	Data   any
	Errors []FieldError
	Ways   []Way
	Staff  bool
	Status int // HTTP status with which it is answered; zero: 200
}

// Ways to which pages of a sign-in lead, for samples.
var (
	SampleForgot   = Way{Step: "forgot", Text: "login.forgot", URL: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/forgot"}
	SampleSignUp   = Way{Step: "sign-up", Text: "login.signup", URL: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/sign-up"}
	SampleRecovery = Way{Step: "recovery-code", Text: "code.use_recovery", URL: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/recovery-code", Proves: true}
	SampleNoCode   = Way{Step: "no-code", Text: "code.no_access", URL: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/no-code"}
)

// SampleOrganisation is the way to the account that somebody has at an organisation.
func SampleOrganisation(name string, slot Slot) Way {
	return Way{
		Step: "sso", Text: "login.sso", URL: "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/sso/to/linde", Proves: true,
		Names: map[string]string{"nl": name}, Slot: slot,
	}
}

// WithWays gives ways to the samples that have none.
func WithWays(samples []Sample, ways ...Way) []Sample {
	for i := range samples {
		if samples[i].Ways == nil {
			samples[i].Ways = ways
		}
	}
	return samples
}

// samples are the states of the pages of this package.
func samples() map[string][]Sample {
	return map[string][]Sample{
		"switch":        SwitchPage{}.Samples(),
		"go_on":         ContinueAsPage{}.Samples(),
		"room":          DeviceRemovalPage{}.Samples(),
		"consent":       ConsentPage{}.Samples(),
		"consents":      ConsentsPage{}.Samples(),
		"withdraw":      WithdrawPage{}.Samples(),
		"closed":        ClosedPage{}.Samples(),
		"app_closed":    AppClosedPage{}.Samples(),
		"inactive":      InactivePage{}.Samples(),
		"wait":          WaitPage{}.Samples(),
		"logout":        LogoutPage{}.Samples(),
		"logged_out":    LoggedOutPage{}.Samples(),
		"form_post":     FormPostPage{}.Samples(),
		"error":         ErrorPage{}.Samples(),
		"setup":         SetUpPage{}.Samples(),
		"no_code":       NoCodePage{}.Samples(),
		"two_step_off":  TwoStepOffPage{}.Samples(),
		"wrong_codes":   WrongCodesPage{}.Samples(),
		"codes_later":   CodesLaterPage{}.Samples(),
		"settings":      SettingsPage{}.Samples(),
		"account":       AccountPage{}.Samples(),
		"language":      LanguagePage{}.Samples(),
		"devices":       DevicesPage{}.Samples(),
		"revoke":        RevokePage{}.Samples(),
		"activity":      ActivityPage{}.Samples(),
		"forgot":        ForgotPage{}.Samples(),
		"forgot_sent":   SentPage{}.Samples(),
		"forgot_kept":   ForgotKeptPage{}.Samples(),
		"check_mail":    CheckMailPage{}.Samples(),
		"signup":        SignUpPage{}.Samples(),
		"signup_sent":   SentPage{}.Samples(),
		"link":          LinkPage{}.Samples(),
		"freeze":        FreezePage{}.Samples(),
		"stop":          StopPage{}.Samples(),
		"email_change":  EmailChangePage{}.Samples(),
		"email_changed": EmailChangedPage{}.Samples(),
	}
}

const (
	sampleAction = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/password"
	sampleHome   = "https://linde.example.net/"
	sampleEmail  = "anna@example.org"
)

func (SwitchPage) Samples() []Sample {
	return []Sample{{Name: "plain", Data: SwitchPage{Action: sampleAction, Email: sampleEmail}}}
}

func (ContinueAsPage) Samples() []Sample {
	return []Sample{{Name: "plain", Data: ContinueAsPage{Action: sampleAction, Party: "Dagboek van Anders", Email: sampleEmail}}}
}

func (DeviceRemovalPage) Samples() []Sample {
	page := DeviceRemovalPage{Action: sampleAction, Email: sampleEmail, Most: 5}
	for i, name := range []string{"iPhone van Anna", "Tablet", "", "Pixel 9", "Telefoon van mijn werk, de tweede al weer"} {
		page.Remove = append(page.Remove, AppDevice{
			ID: string(rune('a' + i)), Name: name, UsedAt: sampleNoon.Add(-time.Duration(i) * 50 * time.Hour), How: "devices.by_qr",
		})
	}
	page.Remove[4].How = ""
	return []Sample{
		{Name: "plain", Data: page}, {Name: "nothing chosen", Data: page, Errors: []FieldError{{Field: "remove", Key: "room.error"}}},
	}
}

func (InactivePage) Samples() []Sample {
	return []Sample{{Name: "plain", Data: InactivePage{HomeURL: sampleHome}}, {Name: "staff", Data: InactivePage{HomeURL: sampleHome}, Staff: true}}
}

func (LogoutPage) Samples() []Sample {
	return []Sample{
		{Name: "plain", Data: LogoutPage{Action: "/logout", StayURL: sampleHome}},
		{Name: "asked by a party", Data: LogoutPage{Action: "/logout", StayURL: sampleHome, Hidden: []Field{
			{"client_id", "linde-web"}, {"post_logout_redirect_uri", sampleHome}, {"state", "xyz"},
		}}},
	}
}

func (LoggedOutPage) Samples() []Sample {
	return []Sample{
		{Name: "plain", Data: LoggedOutPage{AgainURL: sampleHome}},
		{Name: "party", Data: LoggedOutPage{AgainURL: sampleHome, PartyURL: "https://dagboek.example.net/", PartyName: "Dagboek van De Linde"}},
		{Name: "nowhere to go", Data: LoggedOutPage{}},
		{Name: "confirmed", Data: LoggedOutPage{AgainURL: sampleHome, Told: []NotifiedParty{
			{Party: "Dagboek van De Linde", At: sampleNoon}, {Party: "GGZ De Linde", At: sampleNoon},
		}}},
		{Name: "not confirmed", Data: LoggedOutPage{AgainURL: sampleHome, Told: []NotifiedParty{
			{Party: "Agenda van De Linde"}, {Party: "Dagboek van De Linde", At: sampleNoon}, {Party: "GGZ De Linde", Waits: true},
		}}},
	}
}

func (FormPostPage) Samples() []Sample {
	return []Sample{{Name: "code", Data: FormPostPage{
		Action: "https://linde.example.net/callback", Name: "GGZ De Linde",
		Fields: []Field{{"code", "SplxlOBeZQQYbYS6WxSbIA"}, {"state", "xyz"}, {"iss", "https://linde.example.org"}},
	}}}
}

func (ErrorPage) Samples() []Sample {
	answered := func(status int, s Sample) Sample {
		s.Status = status
		return s
	}
	page := func(name, title, body, tip string, change func(*ErrorPage)) Sample {
		p := ErrorPage{Title: title, Body: body, Tip: tip, Code: "invalid_request", At: "2026-11-25 21:07:31 UTC", HomeURL: sampleHome}
		if change != nil {
			change(&p)
		}
		return Sample{Name: name, Data: p, Status: http.StatusBadRequest}
	}
	return []Sample{
		answered(http.StatusInternalServerError, page("ours", "error.title", "error.body", "", func(p *ErrorPage) { p.Code, p.Again, p.Crisis, p.RetryURL = "server_error", true, true, "/login" })),
		page("request", "error.request_title", "error.request_body", "", func(p *ErrorPage) { p.Party = "linde-web" }),
		page("developer", "error.request_title", "error.request_body", "", func(p *ErrorPage) {
			p.Party, p.Wrong = "linde-web", Wrong{
				"redirect_uri", "https://linde.example.net/callback/",
				[]string{"https://linde.example.net/callback", "https://app.linde.example.net/callback"},
			}
		}),
		page("stale", "error.stale_title", "error.stale_body", "error.stale_tip", nil),
		page("cookies", "error.cookies_title", "error.cookies_body", "", func(p *ErrorPage) { p.RetryURL = "/login" }),
		page("twice", "error.twice_title", "error.twice_body", "", nil),
		page("form", "error.form_title", "error.form_body", "", func(p *ErrorPage) { p.RetryURL = "/login" }),
		answered(http.StatusServiceUnavailable, page("busy", "error.busy_title", "error.busy_body", "", func(p *ErrorPage) { p.RetryURL, p.Again = "/login", true })),
		answered(http.StatusTooManyRequests, page("many", "error.many_title", "error.many_body", "error.many_tip", func(p *ErrorPage) { p.Code, p.Again, p.Crisis = "too_many_requests", true, true })),
		answered(http.StatusNotFound, page("not found", "error.not_found_title", "error.request_body", "", nil)),
		answered(http.StatusNotFound, page("nothing to add", "error.not_found_title", "", "", func(p *ErrorPage) { p.HomeURL = "" })),
		answered(http.StatusForbidden, page("stronger", "error.stronger_title", "error.stronger_body", "error.stronger_helper", nil)),
		answered(http.StatusForbidden, page("not allowed", "error.not_allowed_title", "error.not_allowed_body", "", func(p *ErrorPage) { p.Crisis = true })),
	}
}
