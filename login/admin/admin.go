package admin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// root is the first of these pages, below the issuer.
const (
	root   = "/staff"
	people = root + "/people"

	waiting = root + "/waiting"
	welcome = root + "/welcome"

	peopleExport = root + "/people.csv"
)

// Path is where these pages begin, below the issuer.
const Path = root

// Store is what these pages read; each method is one transaction. What they change they leave to staff.Acts.
type Store interface {
	Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error)
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
	Persons(ctx context.Context, p platform.ID, ids []account.ID) ([]account.Person, error)
	Record(ctx context.Context, q audit.Query, by audit.Reader, now time.Time) ([]audit.Recorded, error)
	Sessions(ctx context.Context, p platform.ID, of account.ID, now time.Time) ([]authn.Session, error)
	Devices(ctx context.Context, p platform.ID, of account.ID, now time.Time) ([]account.Device, error)
	AppDevices(ctx context.Context, p platform.ID, of account.ID) ([]grant.Device, error)
}

// Options are what the house passes in.
type Options struct {
	Store  Store
	People PeopleStore
	Cards  CardStore
	Uses   ConnectionStore
	Engine *login.Server // lets people in
	Acts   func(staff.Actor, audit.Origin, time.Time) *staff.Acts
	Files  func(staff.Actor, audit.Origin, time.Time) *staff.Files
	Sealer login.Sealer
	// LoginURL is where somebody goes on to the platform of a party: where logins begin there.
	LoginURL func(*platform.Platform, grant.PartyID) string
	// Connections are those of a platform, disabled ones too: what organisations are called.
	Connections func(platform.ID) []*federation.Connection
}

// Server is the pages of all platforms; a request's platform is in its context.
type Server struct {
	Options
	all []Page // as built by New
}

// New builds the pages.
func New(o Options) *Server {
	s := &Server{Options: o}
	s.all = s.pages()
	return s
}

// Visit is a visit of somebody who may see the page.
type Visit struct {
	*login.Visit
	By   staff.Actor
	Page Page
}

// Handler answers a request for a page of staff.
type Handler func(w http.ResponseWriter, r *http.Request, v *Visit) error

// Page is a row of the table of pages.
type Page struct {
	Path string // below the issuer; {person} is an account.ID
	Name string // of its route
	Menu string // text key of its line in the menu; empty: it has none
	// Where reports whether a platform has that line; nil: all have.
	Where  func(*Visit) bool
	Right  staff.Act // who has it over nobody has no such page
	Fresh  bool      // seen, and its form taken, after a fresh sign-in only
	Show   Handler   // nil: it takes forms only
	Submit Handler   // nil: it takes none
	// Early answers, before rights are looked at and anything is asked, for what there is nothing more to do at; false:
	// it did not. nil: nobody does.
	Early func(w http.ResponseWriter, r *http.Request, v *Visit) (answered bool, err error)
	Body  int64 // how many bytes its form may have, read after who sends it was let in; 0: web.MaxBody
}

// pages builds all of them, in the order of the menu.
func (s *Server) pages() []Page {
	return append([]Page{
		{
			Path: root, Name: "staff people", Menu: "staff.people", Right: staff.ActFind,
			Show: s.showPeople, Submit: s.submitPeople,
		},
		{Path: people + "/{person}", Name: "staff person", Right: staff.ActFind, Show: s.showPerson},
		{Path: waiting, Name: "staff waiting", Menu: "staff.waiting", Right: staff.ActFind, Show: s.showWaiting},
		{
			Path: waiting + "/{act}", Name: "staff waiting act", Right: staff.ActFind,
			Show: s.ofAsked(s.showAsked), Submit: s.ofAsked(s.submitAsked),
		},
		{
			Path: peopleExport, Name: "staff people export", Right: staff.ActExportPeople, Fresh: true,
			Show: s.showPeopleExport, Submit: s.submitPeopleExport,
		},
		{
			Path: welcome, Name: "staff welcome", Menu: "staff.welcome", Right: staff.ActInvite,
			Show: s.showWelcome, Submit: s.submitWelcome,
		},
		{
			Path: root + "/reference", Name: "staff reference", Menu: "staff.reference", Right: staff.ActFind,
			Show: s.showReference,
		},
		{
			Path: root + "/invite", Name: "staff invite", Menu: "staff.invite", Right: staff.ActInvite,
			Show: s.showInvite, Submit: s.submitInvite,
		},
		{
			Path: root + "/invite/many", Name: "staff invite many", Right: staff.ActInvite, Body: mostOfFile,
			Show: s.showInviteMany, Submit: s.submitInviteMany,
		},
		{
			Path: root + "/invite/many/example", Name: "staff invite example", Right: staff.ActInvite, Show: s.showInviteExample,
		},
		{
			Path: root + "/invite/many/{file}", Name: "staff invite file", Right: staff.ActInvite,
			Show: s.showInviteFile, Submit: s.submitInviteFile,
		},
		{
			Path: referralPath + "{token}", Name: "staff referral", Right: staff.ActReset, Fresh: true,
			Early: s.deadReferral, Show: s.showReferral, Submit: s.submitReferral,
		},
		{Path: root + "/roles", Name: "staff roles", Menu: "staff.roles", Right: staff.ActFind, Show: s.showRoles},
		{
			Path: recordPath, Name: "staff record", Menu: "staff.record", Right: staff.ActReadRecord,
			Show: s.showRecord,
		},
		{
			Path: recordExport, Name: "staff record export", Right: staff.ActExportRecord, Fresh: true,
			Show: s.showExport, Submit: s.submitExport,
		},
		{
			Path: connectionsPath, Name: "staff connections", Menu: "staff.connections_menu", Where: s.hasConnections,
			Right: staff.ActReadConnections, Show: s.showConnections,
		},
		{
			Path: connectionsPath + "/{connection}", Name: "staff connection", Right: staff.ActReadConnections,
			Show: s.showConnection,
		},
	}, s.deedPages()...)
}

// Pages are all pages, for tests that hold each of them against what people may do.
func Pages() []Page { return new(Server).pages() }

// Routes adds the pages to the router that all platforms share.
func (s *Server) Routes(r *mux.Router) {
	add := s.Engine.Pages(r)
	for _, page := range s.all {
		if page.Show != nil {
			add(page.Path, page.Name, s.Engine.ServePage(answerHead), "HEAD")
			add(page.Path, page.Name, s.Engine.ServePage(s.enter(page, page.Show)), "GET")
		}
		if page.Submit != nil {
			add(page.Path, "submit "+page.Name, s.Engine.ServePage(s.enter(page, page.Submit)), "POST")
		}
	}
}

// Cancelled is where somebody goes on who would not show who they are for one of these pages: back to the person of an
// act, of a referral back to the platform, and otherwise to the settings, because the page would ask the same again.
func Cancelled(page string) string {
	path, _, _ := strings.Cut(page, "?")
	switch below, ours := strings.CutPrefix(path, people+"/"); {
	case ours && strings.Contains(below, "/"):
		person, _, _ := strings.Cut(below, "/")
		return people + "/" + person
	case strings.HasPrefix(path, waiting+"/"):
		return waiting
	case strings.HasPrefix(path, referralPath):
		return "/"
	case path == root || strings.HasPrefix(path, root+"/"):
		return ownPath
	}
	return page
}

func answerHead(w http.ResponseWriter, r *http.Request) error {
	web.AnswerHead(w, r)
	return nil
}

// enter lets in who has the right of a page and was asked what the rules ask. Who has not is told nothing: the page
// does not exist. The pause is looked at before this visit ends it.
func (s *Server) enter(page Page, h Handler) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		seen, in, err := s.Engine.Look(r)
		if err != nil {
			return err
		}
		if page.Body > 0 && r.Method == http.MethodPost {
			web.RaiseBodyLimit(r, page.Body)
			defer web.Drain(r, page.Body) // where somebody is asked something first, the answer has to arrive
		}
		if !in {
			return s.Engine.Start(w, r, authn.SignIn, back(r), "")
		}
		v := &Visit{Visit: seen, By: actor(seen), Page: page}
		if page.Early != nil {
			if answered, err := page.Early(w, r, v); answered || err != nil {
				return err
			}
		}
		if !v.By.HasRight(page.Right) {
			s.Engine.NotFound(w, r)
			return nil
		}
		if purpose := wanted(v, page); purpose != "" {
			return s.Engine.StartKnown(w, r, purpose, back(r), "")
		}
		if r.Method == http.MethodPost {
			if err := web.ParseForm(r); err != nil {
				return err
			}
			v.Form = r.PostForm
		} else if err := s.Engine.Visitors.Seen(r, v.Facts.Session, v.Now); err != nil {
			return err
		}
		return h(w, r, v)
	}
}

// wanted is the purpose of which something is missing before a page is shown; empty: nothing is.
func wanted(v *Visit, page Page) authn.Purpose {
	if missing(v, authn.StaffPages) {
		return authn.StaffPages
	}
	if page.Fresh && missing(v, authn.StaffAct) {
		return authn.StaffAct
	}
	return ""
}

// Helps reports whether somebody may see these pages at all; that person's settings lead to them.
func Helps(f authn.Facts) bool { return of(f).HasRight(staff.ActFind) }

func missing(v *Visit, purpose authn.Purpose) bool {
	ask, f := authn.Ask{Purpose: purpose, Channel: authn.Browser}, v.Facts
	f.Policy = ask.Policy(v.Platform.Policy, f.Methods)
	return len(authn.Missing(ask, f, nil)) > 0
}

// back is where somebody goes on who was asked something: the page, without what its form held.
func back(r *http.Request) string {
	if r.Method == http.MethodGet && r.URL.RawQuery != "" {
		return r.URL.Path + "?" + r.URL.RawQuery
	}
	return r.URL.Path
}

// actor is who is signed in, by the row of the account as it was read with the session.
func actor(v *login.Visit) staff.Actor {
	by := of(v.Facts)
	by.FreshAt = v.Facts.Session.FreshAt()
	return by
}

// of is whose facts they are.
func of(f authn.Facts) staff.Actor {
	a := f.Account
	return staff.Actor{Name: string(a.ID), Platform: a.Platform, Account: a.ID, Role: a.Role, Active: a.State == account.Active}
}
