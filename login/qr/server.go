package qr

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/settings"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Addresses below the issuer. What a code says begins with CameraPath: a camera that is not the app's opens it.
const (
	Path         = "/settings/app"
	CameraPath   = "/app"
	pathSettings = "/settings"
)

// Store is what these pages need of storage; each method is one transaction.
type Store interface {
	AppDevices(ctx context.Context, p platform.ID, of account.ID) ([]grant.Device, error)
	MakeHandoff(ctx context.Context, m grant.Make, now time.Time) error
	Handoff(ctx context.Context, p platform.ID, id grant.HandoffID, of account.ID, sid string) (*grant.Handoff, error)
	ConfirmHandoff(ctx context.Context, c grant.Confirming) (right bool, end grant.HandoffEnd, err error)
	StopHandoff(ctx context.Context, h *grant.Handoff, e audit.Event, now time.Time) error
}

// Options are what the house passes in.
type Options struct {
	Store  Store
	Engine *login.Server // lets people in, and begins the journey that asks for fresh proofs
	Sealer login.Sealer
}

// Server is the pages of all platforms; a request's platform is in its context.
type Server struct{ Options }

// New builds the pages.
func New(o Options) *Server { return &Server{o} }

// Page is the line in the overview of the settings: only where there is an app that takes codes.
func (s *Server) Page() settings.Page {
	return settings.Page{Key: "qr.title", Path: Path, State: s.state}
}

func (s *Server) state(r *http.Request, v *login.Visit) ([]ui.State, error) {
	if !s.offered(v) {
		return nil, nil
	}
	all, err := s.Store.AppDevices(r.Context(), v.Platform.ID, v.Facts.Account.ID)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return []ui.State{{Key: "qr.none"}}, nil
	}
	return []ui.State{{Key: "settings.apps", N: len(all)}}, nil
}

// offered reports whether the platform has an app that takes codes.
func (s *Server) offered(v *login.Visit) bool {
	return v.Facts.Policy.AppQR && s.Engine.HasMobileApp(v.Platform.ID)
}

// Routes adds the pages to the router that all platforms share.
func (s *Server) Routes(r *mux.Router) {
	add := s.Engine.Pages(r)
	add(Path, "qr", answerHead, "HEAD")
	add(Path, "qr", s.Engine.SignedIn(Path, s.fresh(s.showStart)), "GET")
	add(Path, "submit qr", s.Engine.SignedIn(Path, s.fresh(s.submitStart)), "POST")
	add(Path+"/{handoff}", "qr code", answerHead, "HEAD")
	add(Path+"/{handoff}", "qr code", s.ofHandoff(s.showHandoff), "GET")
	add(Path+"/{handoff}", "submit qr code", s.ofHandoff(s.submitHandoff), "POST")
	add(Path+"/{handoff}/state", "qr state", s.ofHandoff(s.showState), "GET", "HEAD")
	add(CameraPath, "qr camera", s.showCamera, "GET", "HEAD")
}

func answerHead(w http.ResponseWriter, r *http.Request) error {
	web.AnswerHead(w, r)
	return nil
}

// fresh lets people in who have just shown what they have: whoever finds an open browser signs no phone in.
func (s *Server) fresh(h login.Handler) login.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
		if !s.offered(v) {
			return web.SeeOther(w, r, v.Platform.URL(pathSettings))
		}
		if len(authn.Missing(authn.Ask{Purpose: authn.ShowQR, Channel: authn.Browser}, v.Facts, nil)) > 0 {
			return s.Engine.StartKnown(w, r, authn.ShowQR, Path, "")
		}
		return h(w, r, v)
	}
}

// ofHandoff calls a handler with the handoff that the address names, in the session in which it was made. To anybody
// else there is nothing.
func (s *Server) ofHandoff(h func(http.ResponseWriter, *http.Request, *login.Visit, *grant.Handoff) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, in, err := s.Engine.Look(r)
		if err != nil {
			return err
		}
		if !in {
			s.Engine.NotFound(w, r)
			return nil
		}
		found, err := s.find(r, v)
		switch {
		case err != nil:
			return err
		case found == nil:
			s.Engine.NotFound(w, r)
			return nil
		}
		if r.Method == http.MethodPost {
			if err := web.ParseForm(r); err != nil {
				return err
			}
			v.Form = r.PostForm
		}
		return h(w, r, v, found)
	}
}

// showCamera says what the code is for, in whichever language: nobody is asked to sign in, and nothing is read of the
// part of the address that only the app knows what to do with.
func (s *Server) showCamera(w http.ResponseWriter, r *http.Request) error {
	v, _, err := s.Engine.Look(r)
	if err != nil {
		return err
	}
	if !s.offered(v) {
		s.Engine.NotFound(w, r)
		return nil
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "qr_camera", cameraPage{HomeURL: v.Platform.HomeURL}, login.Look{})
}
