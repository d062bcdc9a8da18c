package ui

import "time"

// SettingsPage is the overview of what somebody can look at and change. do: logout.
type SettingsPage struct {
	Email     string // of whom it shows
	Notice    string // text key of what was just done; empty: nothing
	Links     []SettingsLink
	LogoutURL string
	HomeURL   string
}

// SettingsLink is a line of the overview.
type SettingsLink struct {
	Key   string // of its text
	URL   string
	State []State // how things stand there; empty: nothing is said of it
}

// State is how things stand with a setting, in a word or two.
type State struct {
	Key  string // of its text
	N    int    // how many, where the text says so
	Text string // instead of a text of ours
	Lang string // … in this language
}

// AccountPage shows what is known of somebody.
type AccountPage struct {
	Name        string // empty: unknown
	Email       string
	Language    Language
	LanguageURL string
	BackURL     string
	HomeURL     string
}

// LanguagePage asks in which language we speak. Field: language; do: continue.
type LanguagePage struct {
	Action    string
	Languages []Language
	BackURL   string
	HomeURL   string
}

// DevicesPage shows what can reach somebody's account. do: end in the form of one browser or web site, logout in the
// one of all.
type DevicesPage struct {
	Notice    string  // text key of what was just done; empty: nothing
	Subject   Machine // … and to which device
	App       bool    // the platform has a mobile app
	Apps      []Device
	Browsers  []Device // the first is the one that looks
	Sites     []Device // go on although nobody is logged in there
	More      bool     // there may be more than are shown
	LogoutAll string   // where the form goes
	BackURL   string
	HomeURL   string
}

// Device is an app or browser in which somebody is logged in.
type Device struct {
	Machine Machine
	AddedAt time.Time
	UsedAt  time.Time
	This    bool
	How     string // text key of how it was entered; only of a device with the mobile app
	Network string // where it began, shortened, such as "192.0.2.x"; empty: not known
	Here    bool   // … which is also where the person is now
	Places  string // names of the parties that it reaches; empty: none, or none with a name
	URL     string // of what logs it out, or asks about it first; empty: no such button
}

// Machine is what a browser or app runs on, in names that people know. Each may be empty.
type Machine struct {
	Browser, System string
	App             bool   // it is a device with the platform's mobile app
	Name            string // … as it calls itself (grant.DeviceName)
}

// RevokePage asks before the app on a device is logged out, or a device with the mobile app is removed. do: continue.
type RevokePage struct {
	Action  string
	Machine Machine
	BackURL string
	HomeURL string
}

// ActivityPage shows the last times that somebody logged in, what others did to the account, what happened with devices
// with the mobile app, and which mails about it were sent. do: logout.
type ActivityPage struct {
	Logins      []Login
	Acts        []HelperAct
	App         []AppAct
	Mails       []SentMail
	PasswordURL string
	LogoutAll   string // where the form goes
	BackURL     string
	HomeURL     string
}

// HelperAct is something that somebody else did to the account.
type HelperAct struct {
	At   time.Time
	What string // text key of a sentence; who did it is its {who}
	Who  string // text key; it has a {name}, or none
	Name string
}

// AppAct is something that happened with a device with the mobile app.
type AppAct struct {
	At   time.Time
	What string // text key of a sentence
}

// SentMail is a mail that was sent to the person.
type SentMail struct {
	At      time.Time
	Subject string // text key
}

// Login is one time that somebody logged in.
type Login struct {
	At      time.Time
	Machine Machine
	Place   string          // which party or platform it was for; empty: one that does not exist any more
	How     []string        // text keys
	Told    []NotifiedParty // of its end
	This    bool            // it is how they are logged in now
}

// Of is the view of a part of the page, for templates that several pages share.
func (v *View) Of(data any) *View { return &View{Frame: v.Frame, Data: data, from: v.from} }

// Day is a day as a page shows it.
func (v *View) Day(at time.Time) string { return Day(v.Lang, v.Platform, at) }

// Moment is a day and a time as a page shows it.
func (v *View) Moment(at time.Time) string { return Moment(v.Lang, v.Platform, at) }

// Named is what people call a machine.
func (v *View) Named(m Machine) string {
	switch {
	case m.App && m.Name != "":
		return m.Name
	case m.App:
		return v.T("devices.app")
	case m.Browser != "" && m.System != "":
		return v.T("devices.name", "browser", m.Browser, "system", m.System)
	case m.Browser != "":
		return m.Browser
	case m.System != "":
		return m.System
	}
	return v.T("devices.unknown")
}

// MethodKey is the text key that names a way of proving who you are, a text of the part that gives it; empty: this
// build does not know the way any more.
func (r *Renderer) MethodKey(method string) string {
	key := "activity.by_" + method
	if !r.Has(key) {
		return ""
	}
	return key
}
