package login

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Pages of the settings, below the issuer.
const (
	pathSettings = "/settings"
	pathAccount  = "/settings/account"
	pathPassword = "/settings/password"
	pathLanguage = "/settings/language"
	pathDevices  = "/settings/devices"
	pathActivity = "/settings/activity"
)

// ChangePasswordPath is where password managers look for the page that changes a password, at the root of a site
// (A Well-Known URL for Changing Passwords, W3C). Below an issuer with a path it is for people.
const ChangePasswordPath = "/.well-known/change-password"

// ChangePasswordURL is that page.
func ChangePasswordURL(p *platform.Platform) string { return p.URL(pathPassword) }

// Row is a line of the overview that another page of settings adds: its text key, its path below /settings, and for
// whom it is there. Such a page calls Settings, so that it is seen by the same people.
type Row struct {
	Key, Path string
	For       func(authn.Facts) bool // nil: for everybody
}

// Handler answers a request of somebody who is signed in.
type Handler func(w http.ResponseWriter, r *http.Request, v *Visit) error

// settingsRoutes are those of what people see and change of their own account.
func (s *Server) settingsRoutes(add func(path, name string, h func(http.ResponseWriter, *http.Request) error, methods ...string)) {
	page := func(path, name string, show, submit Handler) {
		add(path, name, stillHere, "HEAD")
		if show != nil {
			add(path, name, s.Settings(path, show), "GET")
		}
		if submit != nil {
			add(path, "submit "+name, s.Settings(path, submit), "POST")
		}
	}
	page(pathSettings, "settings", s.showSettings, nil)
	page(pathAccount, "account", s.showAccount, nil)
	page(pathLanguage, "language", s.showLanguage, s.submitLanguage)
	page(pathDevices, "devices", s.showDevices, s.submitDevices)
	for _, path := range []string{pathDevices + "/{session}", pathDevices + "/{session}/{party}"} {
		add(path, "device", s.could(stillHere), "HEAD")
		add(path, "device", s.could(s.Settings(pathDevices, s.ofDevice(s.showDevice))), "GET")
		add(path, "submit device", s.could(s.Settings(pathDevices, s.ofDevice(s.submitDevice))), "POST")
	}
	page(pathActivity, "activity", s.showActivity, nil)
	page(pathTwoStep, "two-step", s.twoStep(s.showTwoStep), s.submitTwoStep)
	add(pathPassword, "change password", stillHere, "HEAD") // a GET begins a journey
	add(pathPassword, "change password", s.changePassword, "GET")
	add(ChangePasswordPath, "change password", func(w http.ResponseWriter, r *http.Request) error {
		return seeOther(w, r, ChangePasswordURL(platform.FromContext(r.Context())))
	}, "GET", "HEAD")
}

func stillHere(w http.ResponseWriter, r *http.Request) error {
	web.Still(w, r)
	return nil
}

// Settings lets people in whose browser has a session that would also do for the platform itself: by the same rules.
// Others prove first who they are, and come back to the page at path. That somebody goes to a page of settings is
// activity: the idle hour begins anew. That a page of another host asks for one is not.
func (s *Server) Settings(path string, h Handler) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.settingsVisit(r)
		if err != nil {
			return err
		}
		if !signedIn(v) {
			return s.start(w, r, authn.SignIn, path, "")
		}
		if r.Method == http.MethodPost {
			if err := web.ParseForm(r); err != nil {
				return err
			}
			v.Form = r.PostForm
		} else if session := v.Facts.Session; web.Activity(r) && v.Now.Sub(session.SeenAt) >= authn.SeenEvery {
			if err := s.Store.TouchSession(r.Context(), v.Platform.ID, session.ID, v.Now); err != nil {
				return err
			}
		}
		return h(w, r, v)
	}
}

// settingsVisit is a look at the settings: a journey that is never stored, and asks for nothing but being signed in.
func (s *Server) settingsVisit(r *http.Request) (*Visit, error) {
	p := platform.FromContext(r.Context())
	v := &Visit{
		Platform: p, Caller: web.From(r.Context()), Now: s.Now(), Action: p.URL(r.URL.Path),
		Journey: &authn.Journey{Platform: p.ID, Ask: authn.Ask{Purpose: authn.SignIn, Channel: authn.Browser}},
	}
	return v, s.facts(r, v)
}

// showSettings is the overview.
func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, v *Visit) error {
	p := v.Platform
	page := ui.SettingsPage{LogoutURL: s.Logout(p), HomeURL: p.HomeURL}
	page.Notice, _ = noted(w, r, p.ID)
	for _, row := range slices.Concat([]Row{
		{Key: "settings.account", Path: pathAccount},
		{Key: "settings.password", Path: pathPassword},
		twoStepRow,
	}, s.Rows, []Row{
		{Key: "settings.devices", Path: pathDevices},
		{Key: "settings.language", Path: pathLanguage},
		{Key: "settings.activity", Path: pathActivity},
	}) {
		if row.For == nil || row.For(v.Facts) {
			page.Links = append(page.Links, ui.SettingsLink{Key: row.Key, URL: p.URL(row.Path)})
		}
	}
	return ShowPage(w, r, http.StatusOK, "settings", page, s.look(v, nil))
}

// showAccount shows what the organisation keeps of somebody. It is changed there.
func (s *Server) showAccount(w http.ResponseWriter, r *http.Request, v *Visit) error {
	p, a := v.Platform, v.Facts.Account
	page := ui.AccountPage{
		Name: a.Profile.Name(), Email: a.Email.Address,
		LanguageURL: p.URL(pathLanguage), BackURL: p.URL(pathSettings), HomeURL: p.HomeURL,
	}
	for _, l := range languages(false) {
		if l.Code == LanguageOf(r, a.Locale) {
			page.Language = l
		}
	}
	return ShowPage(w, r, http.StatusOK, "account", page, s.look(v, nil))
}

// changePassword begins the journey to a new password, signed in or not: who is not proves it freshly on the way.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) error {
	v, err := s.settingsVisit(r)
	if err != nil {
		return err
	}
	if !signedIn(v) {
		return s.start(w, r, authn.ChangePassword, pathSettings, "")
	}
	return s.startKnown(w, r, authn.ChangePassword, pathSettings, "")
}

// signedIn tells whether a look at the settings needs nothing more than the session of this browser.
func signedIn(v *Visit) bool {
	return v.Facts.Session != nil && len(authn.Missing(v.Journey.Ask, v.Facts, nil)) == 0
}

// Values of the cookie that carries what was just done to the next page of settings, which says so once. In an address
// it could be said to anybody, of something that never happened.
const (
	donePassword  = "password"
	doneSaved     = "saved"
	doneEverybody = "all"       // logged out everywhere else
	doneOne       = "one"       // logged out of one browser
	doneRevoked   = "revoked"   // … or app
	doneStopped   = "stopped"   // a web site goes on no longer
	doneMethod    = "method"    // codes come in another way
	doneOff       = "off"       // two-step authentication was turned off
	doneForgotten = "forgotten" // no browser is remembered
)

var doneTexts = map[string]string{
	donePassword: "change.done", doneSaved: "common.saved", doneEverybody: "devices.logout_all_done",
	doneOne: "devices.logged_out", doneRevoked: "devices.revoked", doneStopped: "devices.stopped",
	doneMethod: "two_step.changed", doneOff: "two_step.off_done", doneForgotten: "two_step.forgotten",
}

// doneOf is what is said after a journey that began in settings.
var doneOf = map[authn.Purpose]string{
	authn.ChangePassword: donePassword, authn.TwoStep: doneMethod, authn.TwoStepOff: doneOff, authn.NewCodes: doneSaved,
}

// noteLife is how long the next page may take.
const noteLife = time.Minute

// note leaves what was done, and to which machine.
func note(w http.ResponseWriter, p platform.ID, done string, m ui.Machine) {
	value := url.Values{"d": {done}}
	if m != (ui.Machine{}) {
		value.Set("b", m.Browser)
		value.Set("s", m.System)
	}
	web.KeepCookie(w, p, web.NoticeCookie, value.Encode(), noteLife)
}

// noted takes what was left: the key of a text, and the machine it is about. Whatever is not ours is nothing.
func noted(w http.ResponseWriter, r *http.Request, p platform.ID) (string, ui.Machine) {
	left := web.Cookie(r, p, web.NoticeCookie)
	if left == "" {
		return "", ui.Machine{}
	}
	web.DropCookie(w, p, web.NoticeCookie)
	value, err := url.ParseQuery(left)
	if err != nil {
		return "", ui.Machine{}
	}
	return doneTexts[value.Get("d")], known(ui.Machine{Browser: value.Get("b"), System: value.Get("s")})
}

// nameOf is what people call a party; empty when there is none.
func (s *Server) nameOf(p *platform.Platform, id string) string {
	if id == "" {
		return p.Name
	}
	party, ok := s.Party(p.ID, grant.PartyID(id))
	switch {
	case !ok:
		return ""
	case party.Name == "":
		return p.Name
	}
	return party.Name
}

// ended is the event of a session that its owner ends from another one.
func ended(v *Visit, kind audit.Kind, sid string) audit.Event {
	e := v.Event(kind, audit.Success, v.Facts.Account.ID)
	e.Session = sid
	return e
}
