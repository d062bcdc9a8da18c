package settings

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
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
// whom it is there. Such a page is let in by the engine's SignedIn, so that it is seen by the same people.
type Row struct {
	Key, Path string
	For       func(authn.Facts) bool // nil: for everybody
}

// Store is what these pages need of storage; each method is one transaction.
type Store interface {
	Reach(ctx context.Context, p platform.ID, of account.ID, now time.Time) ([]authn.Session, []grant.Access, error)
	OwnsSession(ctx context.Context, p platform.ID, of account.ID, sid string) (bool, error)
	EndSession(ctx context.Context, p platform.ID, sid string, e audit.Event, now time.Time) error
	EndAccess(ctx context.Context, p platform.ID, of account.ID, sid string, party grant.PartyID, e audit.Event, now time.Time) error
	SignIns(ctx context.Context, p platform.ID, of account.ID, limit int) ([]audit.Event, error)
	Devices(ctx context.Context, p platform.ID, of account.ID, now time.Time) ([]account.Device, error)
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
}

// Options are what the house passes in.
type Options struct {
	Store  Store
	Engine *login.Server // lets people in, and begins the journeys that these pages ask for
	Rows   []Row         // further pages
	Party  func(p platform.ID, id grant.PartyID) (*grant.Party, bool)
	Logout func(p *platform.Platform) string // where a form of ours signs out, as the person wants
}

// Server is the pages of all platforms; a request's platform is in its context.
type Server struct{ Options }

// New builds the pages.
func New(o Options) *Server { return &Server{o} }

// Routes adds the pages to the router that all platforms share.
func (s *Server) Routes(r *mux.Router) {
	add := s.Engine.Pages(r)
	page := func(path, name string, show, submit login.Handler) {
		add(path, name, stillHere, "HEAD")
		if show != nil {
			add(path, name, s.Engine.SignedIn(path, show), "GET")
		}
		if submit != nil {
			add(path, "submit "+name, s.Engine.SignedIn(path, submit), "POST")
		}
	}
	page(pathSettings, "settings", s.showSettings, nil)
	page(pathAccount, "account", s.showAccount, nil)
	page(pathLanguage, "language", s.showLanguage, s.submitLanguage)
	page(pathDevices, "devices", s.showDevices, s.submitDevices)
	for _, path := range []string{pathDevices + "/{session}", pathDevices + "/{session}/{party}"} {
		could := s.Engine.Could
		add(path, "device", could(stillHere), "HEAD")
		add(path, "device", could(s.Engine.SignedIn(pathDevices, s.ofDevice(s.showDevice))), "GET")
		add(path, "submit device", could(s.Engine.SignedIn(pathDevices, s.ofDevice(s.submitDevice))), "POST")
	}
	page(pathActivity, "activity", s.showActivity, nil)
	page(pathTwoStep, "two-step", s.twoStep(s.showTwoStep), s.submitTwoStep)
	add(pathPassword, "change password", stillHere, "HEAD") // a GET begins a journey
	add(pathPassword, "change password", s.changePassword, "GET")
	add(ChangePasswordPath, "change password", func(w http.ResponseWriter, r *http.Request) error {
		return web.SeeOther(w, r, ChangePasswordURL(platform.FromContext(r.Context())))
	}, "GET", "HEAD")
}

func stillHere(w http.ResponseWriter, r *http.Request) error {
	web.Still(w, r)
	return nil
}

// showSettings is the overview.
func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
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
	return s.Engine.ShowPage(w, r, http.StatusOK, "settings", page, v.Look(nil))
}

// showAccount shows what the organisation keeps of somebody. It is changed there.
func (s *Server) showAccount(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p, a := v.Platform, v.Facts.Account
	page := ui.AccountPage{
		Name: a.Profile.Name(), Email: a.Email.Address,
		LanguageURL: p.URL(pathLanguage), BackURL: p.URL(pathSettings), HomeURL: p.HomeURL,
	}
	for _, l := range login.Languages() {
		if l.Code == login.LanguageOf(r, a.Locale) {
			page.Language = l
		}
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "account", page, v.Look(nil))
}

// changePassword begins the journey to a new password, signed in or not: who is not proves it freshly on the way.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) error {
	_, in, err := s.Engine.Look(r)
	if err != nil {
		return err
	}
	if !in {
		return s.Engine.Start(w, r, authn.ChangePassword, pathSettings, "")
	}
	return s.Engine.StartKnown(w, r, authn.ChangePassword, pathSettings, "")
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
func ended(v *login.Visit, kind audit.Kind, sid string) audit.Event {
	e := v.Event(kind, audit.Success, v.Facts.Account.ID)
	e.Session = sid
	return e
}
