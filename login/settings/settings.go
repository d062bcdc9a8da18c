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
	"github.com/minddistrict/idp/outbox"
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
	pathConsents = "/settings/consents"
	pathActivity = "/settings/activity"
)

// ChangePasswordPath is where password managers look for the page that changes a password, at the root of a site
// (A Well-Known URL for Changing Passwords, W3C). Below an issuer with a path it is for people.
const ChangePasswordPath = "/.well-known/change-password"

// ChangePasswordURL is that page.
func ChangePasswordURL(p *platform.Platform) string { return p.URL(pathPassword) }

// Page is a page of the settings: its line in the overview and what is there. The engine's SignedIn lets people in, so
// that all pages are seen by the same people.
type Page struct {
	Key    string                 // text key of its line
	Path   string                 // below the issuer
	Name   string                 // of its route
	For    func(authn.Facts) bool // who has the line; nil: everybody
	State  State                  // nil: its line says nothing more
	Show   login.Handler          // nil: its routes are elsewhere
	Submit login.Handler          // nil: it takes no form
}

// State is how things stand on a page, as its line in the overview says it. Without any, there is nothing to see on the
// page, and it has no line.
type State func(r *http.Request, v *login.Visit) ([]ui.State, error)

// Store is what these pages need of storage; each method is one transaction.
type Store interface {
	Reach(ctx context.Context, p platform.ID, of account.ID, now time.Time) ([]authn.Session, []grant.Access, error)
	OwnsSession(ctx context.Context, p platform.ID, of account.ID, sid string) (bool, error)
	EndSession(ctx context.Context, p platform.ID, sid string, e audit.Event, now time.Time) error
	EndAccess(ctx context.Context, p platform.ID, of account.ID, sid string, party grant.PartyID, e audit.Event, now time.Time) error
	Devices(ctx context.Context, p platform.ID, of account.ID, now time.Time) ([]account.Device, error)
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
}

// AppStore has the devices on which somebody has the mobile app.
type AppStore interface {
	AppDevices(ctx context.Context, p platform.ID, of account.ID) ([]grant.Device, error)
	OwnsDevice(ctx context.Context, p platform.ID, of account.ID, id grant.DeviceID) (bool, error)
	RemoveDevice(ctx context.Context, d grant.Device, reason string, follows authn.Change, now time.Time) error
}

// PastStore is what happened with an account.
type PastStore interface {
	SignIns(ctx context.Context, p platform.ID, of account.ID, limit int) ([]audit.Event, error)
	DoneTo(ctx context.Context, p platform.ID, of account.ID, kinds []audit.Kind, reasons []string, limit int) ([]audit.Event, error)
	DoneWithApp(ctx context.Context, p platform.ID, of account.ID, limit int) ([]audit.Event, error)
	Persons(ctx context.Context, p platform.ID, ids []account.ID) ([]account.Person, error)
	Receipts(ctx context.Context, p platform.ID, of account.ID, limit int) ([]outbox.Receipt, error)
}

// Options are what the house passes in.
type Options struct {
	Store    Store
	Apps     AppStore
	Past     PastStore
	Consents ConsentStore
	Engine   *login.Server // lets people in, and begins the journeys that these pages ask for
	Pages    []Page        // further ones
	Party    func(p platform.ID, id grant.PartyID) (*grant.Party, bool)
	Logout   func(p *platform.Platform) string // where a form of ours signs out, as the person wants
}

// Server is the pages of all platforms; a request's platform is in its context.
type Server struct{ Options }

// New builds the pages.
func New(o Options) *Server { return &Server{o} }

// pages are all but the overview, in its order.
func (s *Server) pages() []Page {
	return slices.Concat([]Page{
		{Key: "settings.account", Path: pathAccount, Name: "account", Show: s.showAccount},
		{Key: "settings.password", Path: pathPassword, For: hasPassword}, // a GET begins a journey
		{
			Key: "settings.two_step", Path: pathTwoStep, Name: "two-step", For: hasTwoStep, State: twoStepState,
			Show: s.twoStep(s.showTwoStep), Submit: s.submitTwoStep,
		},
	}, s.Pages, []Page{
		{
			Key: "settings.devices", Path: pathDevices, Name: "devices", State: s.devicesState,
			Show: s.showDevices, Submit: s.submitDevices,
		},
		{Key: "settings.consents", Path: pathConsents, Name: "consents", State: s.consentsState, Show: s.showConsents},
		{
			Key: "settings.language", Path: pathLanguage, Name: "language", State: languageState,
			Show: s.showLanguage, Submit: s.submitLanguage,
		},
		{Key: "settings.activity", Path: pathActivity, Name: "activity", Show: s.showActivity},
	})
}

// hasPassword reports whether there is a password to change: whoever signs in with the account of an organisation alone
// has none to change.
func hasPassword(f authn.Facts) bool {
	_, has := f.Account.Credential(authn.Password)
	return has
}

// Routes adds the pages to the router that all platforms share.
func (s *Server) Routes(r *mux.Router) {
	add := s.Engine.Pages(r)
	for _, page := range append(s.pages(), Page{Path: pathSettings, Name: "settings", Show: s.showSettings}) {
		if page.Show == nil {
			continue
		}
		add(page.Path, page.Name, answerHead, "HEAD")
		add(page.Path, page.Name, s.Engine.SignedIn(page.Path, page.Show), "GET")
		if page.Submit != nil {
			add(page.Path, "submit "+page.Name, s.Engine.SignedIn(page.Path, page.Submit), "POST")
		}
	}
	below := func(page, path, name string, show, submit login.Handler) {
		could := s.Engine.ServePage
		add(page+path, name, could(answerHead), "HEAD")
		add(page+path, name, could(s.Engine.SignedIn(page, show)), "GET")
		add(page+path, "submit "+name, could(s.Engine.SignedIn(page, submit)), "POST")
	}
	below(pathDevices, "/app/{device}", "app device", s.ofAppDevice(s.showAppDevice), s.ofAppDevice(s.submitAppDevice))
	for _, path := range []string{"/{session}", "/{session}/{party}"} {
		below(pathDevices, path, "device", s.ofDevice(s.showDevice), s.ofDevice(s.submitDevice))
	}
	below(pathConsents, "/{party}", "consent", s.ofConsent(s.showConsent), s.ofConsent(s.submitConsent))
	add(pathPassword, "change password", answerHead, "HEAD") // a GET begins a journey
	add(pathPassword, "change password", s.changePassword, "GET")
	add(ChangePasswordPath, "change password", func(w http.ResponseWriter, r *http.Request) error {
		return web.SeeOther(w, r, ChangePasswordURL(platform.FromContext(r.Context())))
	}, "GET", "HEAD")
}

func answerHead(w http.ResponseWriter, r *http.Request) error {
	web.AnswerHead(w, r)
	return nil
}

// showSettings is the overview.
func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p := v.Platform
	page := ui.SettingsPage{Email: v.Facts.Account.Email.Address, LogoutURL: s.Logout(p), HomeURL: p.HomeURL}
	page.Notice, _ = takeNotice(w, r, p.ID)
	for _, row := range s.pages() {
		if row.For != nil && !row.For(v.Facts) {
			continue
		}
		link := ui.SettingsLink{Key: row.Key, URL: p.URL(row.Path)}
		if row.State != nil {
			var err error
			if link.State, err = row.State(r, v); err != nil {
				return err
			}
			if len(link.State) == 0 {
				continue
			}
		}
		page.Links = append(page.Links, link)
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
	page.Language = languageNow(r, v)
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
