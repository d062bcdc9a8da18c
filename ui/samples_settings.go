package ui

import (
	"slices"
	"strings"
	"time"
)

const sampleSettings = "/settings"

// sampleNoon is a moment after which, and before which, the samples happened.
var sampleNoon = time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)

// Samples are the states of the overview of the settings.
func (SettingsPage) Samples() []Sample {
	page := func(notice string, rows ...SettingsLink) SettingsPage {
		p := SettingsPage{Email: sampleEmail, Notice: notice, LogoutURL: "/logout", HomeURL: sampleHome}
		p.Links = []SettingsLink{
			{Key: "settings.account", URL: sampleSettings + "/account"},
			{Key: "settings.password", URL: sampleSettings + "/password"},
			{Key: "settings.two_step", URL: sampleSettings + "/two-step", State: []State{{Key: "settings.off"}}},
			{Key: "settings.devices", URL: sampleSettings + "/devices", State: []State{{Key: "settings.browsers", N: 1}}},
			{Key: "settings.language", URL: sampleSettings + "/language", State: []State{{Text: "Nederlands", Lang: "nl"}}},
			{Key: "settings.activity", URL: sampleSettings + "/activity"},
		}
		for _, row := range rows {
			if i := slices.IndexFunc(p.Links, func(l SettingsLink) bool { return l.Key == row.Key }); i >= 0 {
				p.Links[i].State = row.State
			} else {
				p.Links = slices.Insert(p.Links, 4, row)
			}
		}
		return p
	}
	return []Sample{
		{Name: "plain", Data: page("")},
		{Name: "in use", Data: page("",
			SettingsLink{Key: "settings.two_step", State: []State{{Key: "settings.on"}}},
			SettingsLink{Key: "settings.devices", State: []State{{Key: "settings.apps", N: 1}, {Key: "settings.browsers", N: 12}, {Key: "settings.sites", N: 2}}},
			SettingsLink{Key: "settings.consents", URL: sampleSettings + "/consents", State: []State{{Key: "settings.parties", N: 2}}})},
		{Name: "staff", Data: page(""), Staff: true},
		{Name: "new password", Data: page("change.done")},
		{Name: "saved", Data: page("common.saved")},
	}
}

// Samples are the states of the page about somebody's account.
func (AccountPage) Samples() []Sample {
	page := AccountPage{
		Name: "Anna van der Berg-Bakker", Email: sampleEmail, Language: Language{Code: "nl", Name: "Nederlands"},
		LanguageURL: sampleSettings + "/language", BackURL: sampleSettings, HomeURL: sampleHome,
	}
	nameless := page
	nameless.Name = ""
	return []Sample{{Name: "client", Data: page}, {Name: "staff", Data: page, Staff: true}, {Name: "nameless", Data: nameless}}
}

// Samples are the states of the page that asks for a language.
func (LanguagePage) Samples() []Sample {
	return []Sample{{Name: "plain", Data: LanguagePage{
		Action: sampleSettings + "/language", BackURL: sampleSettings, HomeURL: sampleHome,
		Languages: []Language{{Code: "nl", Name: "Nederlands", Current: true}, {Code: "en", Name: "English"}},
	}}}
}

// Samples are the states of the page that shows where somebody is logged in.
func (DevicesPage) Samples() []Sample {
	const devices = sampleSettings + "/devices"
	this := Device{Machine: Machine{Browser: "Firefox", System: "Windows"}, Places: "GGZ De Linde, Dagboek van Anders", AddedAt: sampleNoon.Add(-40 * time.Minute), UsedAt: sampleNoon, This: true, Network: "192.0.2.x"}
	others := []Device{
		this,
		{Machine: Machine{Browser: "Safari", System: "iPhone"}, Network: "192.0.2.x", Here: true, AddedAt: sampleNoon.Add(-5 * time.Hour), UsedAt: sampleNoon.Add(-4 * time.Hour), URL: devices + "/4xq2m7nkc5vbz3hdtw6ysgjp8r"},
		{Machine: Machine{}, AddedAt: sampleNoon.Add(-20 * time.Hour), UsedAt: sampleNoon.Add(-19 * time.Hour), URL: devices + "/5xq2m7nkc5vbz3hdtw6ysgjp8r"},
	}
	apps := []Device{
		{Machine: sampleDevice, How: "devices.by_qr", Network: "192.0.2.x", Here: true, Places: "De Linde op je telefoon", AddedAt: sampleNoon.Add(-2000 * time.Hour), UsedAt: sampleNoon.Add(-time.Minute), URL: devices + "/app/2xq2m7nkc5vbz3hdtw6ysgjp8r"},
		{Machine: Machine{App: true}, How: "devices.by_password", AddedAt: sampleNoon.Add(-900 * time.Hour), UsedAt: sampleNoon.Add(-800 * time.Hour), URL: devices + "/app/3xq2m7nkc5vbz3hdtw6ysgjp8r"},
		{Machine: Machine{System: "Android"}, Network: "198.51.100.x", Places: "GGZ De Linde", AddedAt: sampleNoon.Add(-23 * time.Hour), UsedAt: sampleNoon.Add(-time.Hour), URL: devices + "/6xq2m7nkc5vbz3hdtw6ysgjp8r"},
		{Machine: Machine{}, AddedAt: sampleNoon.Add(-22 * time.Hour), UsedAt: sampleNoon.Add(-21 * time.Hour), URL: devices + "/7xq2m7nkc5vbz3hdtw6ysgjp8r"},
	}
	sites := []Device{
		{Machine: Machine{Browser: "Chrome", System: "Windows"}, Network: "2001:db8:x", Places: "Dagboek van Anders", AddedAt: sampleNoon.Add(-300 * time.Hour), UsedAt: sampleNoon.Add(-time.Hour), URL: devices + "/8xq2m7nkc5vbz3hdtw6ysgjp8r/anders"},
		{AddedAt: sampleNoon.Add(-900 * time.Hour), UsedAt: sampleNoon.Add(-800 * time.Hour), URL: devices + "/9xq2m7nkc5vbz3hdtw6ysgjp8r/gone"},
	}
	page := func(change func(*DevicesPage)) DevicesPage {
		p := DevicesPage{Browsers: others, LogoutAll: devices, BackURL: sampleSettings, HomeURL: sampleHome}
		change(&p)
		return p
	}
	return []Sample{
		{Name: "app and browsers", Data: page(func(p *DevicesPage) { p.Apps = apps })},
		{Name: "browsers", Data: page(func(*DevicesPage) {})},
		{Name: "no app in use", Data: page(func(p *DevicesPage) { p.App = true })},
		{Name: "only this one", Data: page(func(p *DevicesPage) { p.Browsers = others[:1] })},
		{Name: "apps, browsers and web sites", Data: page(func(p *DevicesPage) { p.Apps, p.Sites, p.More = apps, sites, true })},
		{Name: "web sites", Data: page(func(p *DevicesPage) { p.Browsers, p.Sites = others[:1], sites })},
		{Name: "stopped", Data: page(func(p *DevicesPage) { p.Browsers, p.Notice = others[:1], "devices.stopped" })},
		{Name: "logged out everywhere", Data: page(func(p *DevicesPage) { p.Browsers, p.Notice = others[:1], "devices.logout_all_done" })},
		{Name: "logged out of one", Data: page(func(p *DevicesPage) {
			p.Notice, p.Subject = "devices.logged_out", Machine{Browser: "Chrome", System: "Android"}
		})},
		{Name: "removed", Data: page(func(p *DevicesPage) { p.Notice = "devices.removed" })},
		{Name: "revoked", Data: page(func(p *DevicesPage) { p.Notice = "devices.revoked" })},
	}
}

// Samples are the states of the page that asks before an app is logged out.
func (RevokePage) Samples() []Sample {
	page := RevokePage{Action: sampleSettings + "/devices/6xq2m7nkc5vbz3hdtw6ysgjp8r", Machine: Machine{System: "Android"}, BackURL: sampleSettings + "/devices", HomeURL: sampleHome}
	unknown := page
	unknown.Machine = Machine{}
	named, unnamed := page, page
	named.Machine, unnamed.Machine = sampleDevice, Machine{App: true}
	return []Sample{
		{Name: "known", Data: page}, {Name: "unknown", Data: unknown}, {Name: "with a PIN", Data: named}, {Name: "with a PIN, unnamed", Data: unnamed},
	}
}

// sampleDevice has as long a name as one may have.
var sampleDevice = Machine{App: true, Name: "TelefoonVanAnnaVanDerBergBakkerUitDeLind"}

// SampleActivity is the page with one past login, by ways of a part, as text keys.
func SampleActivity(how ...string) []Sample {
	page := ActivityPage{
		Logins:      []Login{{At: sampleNoon, Place: "GGZ De Linde", How: how}},
		PasswordURL: sampleSettings + "/password", LogoutAll: sampleSettings + "/devices", BackURL: sampleSettings, HomeURL: sampleHome,
	}
	return []Sample{{Name: strings.Join(how, " "), Data: page}}
}

// Samples are the states of the page with past logins.
func (ActivityPage) Samples() []Sample {
	page := ActivityPage{
		PasswordURL: sampleSettings + "/password", LogoutAll: sampleSettings + "/devices", BackURL: sampleSettings, HomeURL: sampleHome,
		Logins: []Login{
			{At: sampleNoon, Machine: Machine{Browser: "Firefox", System: "Windows"}, Place: "GGZ De Linde", This: true},
			{At: sampleNoon.Add(-5 * time.Hour), Machine: Machine{Browser: "Safari", System: "iPhone"}, Place: "Dagboek van Anders", How: []string{"activity.by_remembered"}, Told: []NotifiedParty{
				{Party: "Agenda van De Linde"}, {Party: "Dagboek van Anders", At: sampleNoon}, {Party: "GGZ De Linde", Waits: true},
			}},
			{At: sampleNoon.Add(-300 * time.Hour), Machine: Machine{Browser: "Chrome", System: "Android"}, Place: "GGZ De Linde", How: []string{"activity.by_link"}},
			{At: sampleNoon.Add(-3000 * time.Hour)},
		},
	}
	helped := page
	helped.Logins = page.Logins[:1]
	helped.Acts = []HelperAct{
		{At: sampleNoon.Add(-time.Hour), What: "activity.did_two_step_reset", Who: "activity.who_professional", Name: "Sam Bakker"},
		{At: sampleNoon.Add(-2 * time.Hour), What: "activity.did_account_unblock", Who: "activity.who_helpdesk", Name: "Henk de Vries"},
		{At: sampleNoon.Add(-3 * time.Hour), What: "activity.did_session_end_all", Who: "activity.who_manager", Name: "Mo Jansen"},
		{At: sampleNoon.Add(-24 * time.Hour), What: "activity.did_account_deactivate", Who: "activity.who_operator"},
		{At: sampleNoon.Add(-25 * time.Hour), What: "activity.did_account_reactivate", Who: "activity.who_unnamed_professional"},
		{At: sampleNoon.Add(-26 * time.Hour), What: "activity.did_email_ask", Who: "activity.who_unnamed_helpdesk"},
		{At: sampleNoon.Add(-300 * time.Hour), What: "activity.did_account_invite", Who: "activity.who_somebody"},
		{At: sampleNoon.Add(-301 * time.Hour), What: "activity.did_account_change", Who: "activity.who_operator"},
		{At: sampleNoon.Add(-302 * time.Hour), What: "activity.did_account_add", Who: "activity.who_operator"},
	}
	helped.Acts = append(helped.Acts, HelperAct{At: sampleNoon.Add(-303 * time.Hour), What: "activity.did_app_remove", Who: "activity.who_helpdesk", Name: "Henk de Vries"})
	app := page
	app.Logins = page.Logins[:1]
	app.App = []AppAct{
		{At: sampleNoon, What: "activity.own_app_remove_by_pins"}, {At: sampleNoon.Add(-time.Minute), What: "activity.own_pin_refuse"},
		{At: sampleNoon.Add(-time.Hour), What: "activity.own_app_remove"}, {At: sampleNoon.Add(-20 * time.Hour), What: "activity.own_pin_set"},
		{At: sampleNoon.Add(-20 * time.Hour), What: "activity.own_app_add"},
	}
	helped.Mails = []SentMail{
		{At: sampleNoon.Add(-time.Hour), Subject: "mail_off.subject"}, {At: sampleNoon.Add(-26 * time.Hour), Subject: "mail_email_changed.subject"},
		{At: sampleNoon.Add(-300 * time.Hour), Subject: "mail_welcome.subject"},
	}
	return []Sample{{Name: "plain", Data: page}, {Name: "helped", Data: helped}, {Name: "with the app", Data: app}}
}
