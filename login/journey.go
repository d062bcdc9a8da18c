package login

import (
	"net/http"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// newJourney makes a journey that answers no request, bound to this browser. It is not stored yet.
func (s *Server) newJourney(w http.ResponseWriter, r *http.Request, ask authn.Ask) authn.Journey {
	p, now := platform.FromContext(r.Context()), s.Now()
	ask.Journey = secret.ID()
	return authn.Journey{
		ID: ask.Journey, Platform: p.ID, Browser: web.Browser(w, r, p.ID), Ask: ask,
		StartedAt: now, ExpiresAt: now.Add(authn.JourneyLife),
	}
}

// Forget lets a journey go on with somebody else: what was proven, done and prepared so far was not theirs.
func (v *Visit) Forget() {
	v.Journey.ResetProgress()
	v.Facts.Account, v.Facts.Consent = nil, nil
}

// Start begins a journey of our own pages and leads to its first page; at its end the person is led to returnTo, a
// path below the issuer.
func (s *Server) Start(w http.ResponseWriter, r *http.Request, purpose authn.Purpose, returnTo, step string) error {
	if err := s.RateLimit(r); err != nil {
		return err
	}
	return s.StartKnown(w, r, purpose, returnTo, step)
}

// StartKnown is Start for somebody who is signed in: it does not count for where they are.
func (s *Server) StartKnown(w http.ResponseWriter, r *http.Request, purpose authn.Purpose, returnTo, step string) error {
	return s.start(w, r, authn.Ask{Purpose: purpose, Channel: authn.Browser}, returnTo, step)
}

// StartAt is StartKnown for a journey that leads to a connection.
func (s *Server) StartAt(w http.ResponseWriter, r *http.Request, purpose authn.Purpose, returnTo, connection string) error {
	return s.start(w, r, authn.Ask{Purpose: purpose, Channel: authn.Browser, IDPHint: connection}, returnTo, "")
}

func (s *Server) start(w http.ResponseWriter, r *http.Request, ask authn.Ask, returnTo, step string) error {
	j := s.newJourney(w, r, ask)
	j.ReturnTo = returnTo
	if err := s.Store.StartJourney(r.Context(), j); err != nil {
		return err
	}
	to := JourneyPath(platform.FromContext(r.Context()), j.ID)
	if step != "" {
		to += "/" + step
	}
	return web.SeeOther(w, r, to)
}
