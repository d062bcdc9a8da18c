package login

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/ui"
)

// Redirect is where a step sends somebody to prove who they are: an address that is opened, or a form that is posted
// there.
type Redirect struct {
	URL  string
	Form url.Values // nil: it is opened
	Name string     // of who is there
}

// Redirector is a step that sends people elsewhere. What comes back is bound by what it was sent with and not by a form
// of ours, so it arrives beside the journey; the step keeps it under a handle and leads the browser to ReturnPath.
type Redirector interface {
	Step
	// Redirect is where somebody goes for a place that the page of the step names. It changes nothing.
	Redirect(ctx context.Context, v *Visit, place string) (Redirect, error)
	// Immediate is the place where people are sent without a page; empty: the page is shown.
	Immediate(v *Visit) string
	// Return takes what came back, as Submit takes a form. It is taken once: a Change has it (authn.Change.Taken).
	Return(ctx context.Context, v *Visit, handle string) (Outcome, error)
}

// ErrNotOver is what a Finisher returns where no session may come of a journey: it is saved as the step left it, with
// the change, and goes on at Visit.Action.
var ErrNotOver = errors.New("the journey goes on")

// Finisher is a step with something to save when a journey ends in a session that it did not end itself.
type Finisher interface {
	Finish(context.Context, *Visit) (authn.Change, error)
}

// RedirectPath is the address that leads elsewhere from a page of a step; ReturnPath is where what came back is taken.
func RedirectPath(v *Visit, step, place string) string { return v.PathOf(step) + "/to/" + place }

// ReturnPath is where a browser goes with what came back from elsewhere, below the issuer.
func ReturnPath(journey, step, handle string) string {
	return "/login/" + journey + "/" + step + "/back/" + handle
}

// redirector is the step in the address, if it sends people elsewhere and is wanted now, or a way from what is.
func (s *Server) redirector(v *Visit, name string) (Redirector, error) {
	step, err := s.submitted(v, name)
	if err != nil || step == nil {
		return nil, err
	}
	if step.Name() != name {
		return nil, nil
	}
	l, _ := step.(Redirector)
	return l, nil
}

// serveRedirect leads elsewhere.
func (s *Server) serveRedirect(w http.ResponseWriter, r *http.Request) error {
	v, err := s.load(r)
	if err != nil {
		return s.answerStale(w, r, v, err)
	}
	step, err := s.redirector(v, mux.Vars(r)["step"])
	if err != nil {
		return err
	}
	if step == nil {
		return web.SeeOther(w, r, JourneyPath(v.Platform, v.Journey.ID))
	}
	v.Request = r
	to, err := step.Redirect(r.Context(), v, mux.Vars(r)["place"])
	if err != nil {
		return err
	}
	return s.redirect(w, r, v, to)
}

// immediateURL is the address that leads elsewhere without the page of a step; empty: the page is shown.
func (s *Server) immediateURL(v *Visit, shown, current Step) string {
	if l, ok := shown.(Redirector); ok {
		if place := l.Immediate(v); place != "" {
			return RedirectPath(v, shown.Name(), place)
		}
	}
	if shown.Name() != current.Name() {
		return ""
	}
	return s.requestedRealmURL(v, shown)
}

// redirect sends a browser elsewhere.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, v *Visit, to Redirect) error {
	if to.Form == nil {
		return web.SeeOther(w, r, to.URL)
	}
	return s.post(w, r, to, v.Look(nil))
}

// Post sends a browser elsewhere with a form, beside a journey.
func (s *Server) Post(w http.ResponseWriter, r *http.Request, to Redirect) error {
	return s.post(w, r, to, Look{})
}

func (s *Server) post(w http.ResponseWriter, r *http.Request, to Redirect, look Look) error {
	page := ui.FormPostPage{Action: to.URL, Name: to.Name}
	for _, name := range slices.Sorted(maps.Keys(to.Form)) {
		for _, value := range to.Form[name] {
			page.Fields = append(page.Fields, ui.Field{Name: name, Value: value})
		}
	}
	look.Fixed = true
	return s.ShowPage(w, r, http.StatusOK, "form_post", page, look)
}

// serveReturn takes what came back from elsewhere.
func (s *Server) serveReturn(w http.ResponseWriter, r *http.Request) error {
	v, err := s.load(r)
	if err != nil {
		return s.answerStale(w, r, v, err)
	}
	step, err := s.redirector(v, mux.Vars(r)["step"])
	if err != nil {
		return err
	}
	if step == nil {
		return web.SeeOther(w, r, JourneyPath(v.Platform, v.Journey.ID))
	}
	v.Request, v.Form = r, url.Values{}
	out, err := step.Return(r.Context(), v, mux.Vars(r)["handle"])
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Spent) {
		return web.SeeOther(w, r, JourneyPath(v.Platform, v.Journey.ID)) // taken before, as by a reload
	}
	if err != nil {
		return err
	}
	return s.applyOutcome(w, r, v, step, out)
}

// finishing is what steps have to save with the end of a journey, which the change that ends it has not.
func (s *Server) finishing(ctx context.Context, v *Visit, change authn.Change) (authn.Change, error) {
	for _, step := range s.steps {
		f, ok := step.(Finisher)
		if !ok {
			continue
		}
		more, over := f.Finish(ctx, v)
		if over != nil && !errors.Is(over, ErrNotOver) {
			return change, over
		}
		var err error
		if change, err = change.And(more); err != nil {
			return change, err
		}
		if over != nil {
			return change, over
		}
	}
	return change, nil
}
