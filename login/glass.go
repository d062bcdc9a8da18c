package login

import (
	"net/http"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// glassPath is the emergency login, where the managers whom a platform names sign in by password and code when the
// sign-in of their organisation does not work.
const glassPath = "/login/form"

// serveBreakGlass begins a journey at the emergency login. It is there wherever e-mail address and password are closed,
// whether or not anybody is named: who comes does not learn that.
func (s *Server) serveBreakGlass(w http.ResponseWriter, r *http.Request) error {
	p := platform.FromContext(r.Context())
	if p.Policy.LoginForm {
		return s.home(w, r)
	}
	if err := s.RateLimit(r); err != nil {
		return err
	}
	j := s.newJourney(w, r, authn.Ask{Purpose: authn.SignIn, Channel: authn.Browser})
	j.IgnoreSession, j.ReturnTo, j.Federation = true, "/staff", &authn.Federation{BreakGlass: true}
	if err := s.Store.StartJourney(r.Context(), j); err != nil {
		return err
	}
	return web.SeeOther(w, r, JourneyPath(p, j.ID))
}
