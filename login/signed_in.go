package login

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// Handler answers a request of somebody who is signed in.
type Handler func(w http.ResponseWriter, r *http.Request, v *Visit) error

// SignedIn lets people in whose browser has a session that would also do for the platform itself: by the same rules.
// Others prove first who they are, and come back to the page at path. That somebody goes to such a page is activity: the
// idle hour begins anew. That a page of another host asks for one is not.
func (s *Server) SignedIn(path string, h Handler) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, in, err := s.Look(r)
		if err != nil {
			return err
		}
		if !in {
			return s.Start(w, r, authn.SignIn, path, "")
		}
		if r.Method == http.MethodPost {
			if err := web.ParseForm(r); err != nil {
				return err
			}
			v.Form = r.PostForm
		} else if err := s.Visitors.Seen(r, v.Facts.Session, v.Now); err != nil {
			return err
		}
		return h(w, r, v)
	}
}

// Look is a look at pages beside a login: a journey that is never stored, and asks for nothing but being signed in. in
// reports whether the session of this browser does for that.
func (s *Server) Look(r *http.Request) (v *Visit, in bool, err error) {
	p := platform.FromContext(r.Context())
	v = &Visit{
		Platform: p, Caller: web.From(r.Context()), Now: s.Now(), Action: p.URL(r.URL.Path),
		Journey: &authn.Journey{Platform: p.ID, Ask: authn.Ask{Purpose: authn.SignIn, Channel: authn.Browser}},
	}
	if err := s.facts(r, v); err != nil {
		return v, false, err
	}
	return v, v.Facts.Session != nil && len(authn.Missing(v.Journey.Ask, v.Facts, nil)) == 0, nil
}

// Pages adds pages to the router that all platforms share: errors of theirs become pages. Nobody goes on by settings
// that are too old: a journey that began before would end by a policy that was changed since.
func (s *Server) Pages(r *mux.Router) func(path, name string, h func(http.ResponseWriter, *http.Request) error, methods ...string) {
	return func(path, name string, h func(http.ResponseWriter, *http.Request) error, methods ...string) {
		r.Handle(path, web.Route(name, s.page(web.Guard(s.Fresh, h)))).Methods(methods...)
	}
}
