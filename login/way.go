package login

import (
	"slices"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/ui"
)

// Way is a step that a person may turn to from the page of another one: another way of proving what is wanted, or help
// with it, such as "forgot your password?" beside the login page. Its form comes back to it, unless it proves or does
// something.
type Way interface {
	Step
	// Way is the text key of the link that leads here from the page of what is wanted now; empty: it is not offered.
	Way(*Visit) string
}

// Offerer is a Way that leads to several places where it sends people (Redirector), each by a button of its own.
type Offerer interface {
	Way
	// Offers are the buttons; none: there is the one link of Way.
	Offers(*Visit) []ui.Way
}

// submitted is the step that a form was sent to, if it still counts; nil when the person has moved on.
func (s *Server) submitted(v *Visit, name string) (Step, error) {
	current, err := s.current(v)
	if err != nil || s.blockedByStop(v, name) {
		return nil, err
	}
	i := slices.IndexFunc(s.steps, func(step Step) bool { return step.Name() == name })
	if i >= 0 && v.Journey.Account == "" && len(v.Journey.Proofs) == 0 {
		says, ok := s.steps[i].(Identifier)
		if ok && says.Identifies(v.Form) && s.steps[i].Handles(authn.Requirement{Need: authn.NeedPrimary}, v.Facts) {
			v.Journey.IgnoreSession = true
			v.Facts.Account, v.Facts.Consent = nil, nil
			if current, err = s.current(v); err != nil {
				return nil, err
			}
			v.form.way = current == nil || current.Name() != name
			v.Action = v.PathOf(name)
			return s.steps[i], nil
		}
	}
	if current == nil || current.Name() == name {
		return current, nil
	}
	v.form.way = true
	return s.way(v, name), nil
}

// way is the step of that name, if the person may turn to it from what is wanted now; nil otherwise.
func (s *Server) way(v *Visit, name string) Step {
	for _, step := range s.steps {
		if w, ok := step.(Way); ok && step.Name() == name && w.Way(v) != "" {
			v.Action = v.PathOf(name)
			return step
		}
	}
	return nil
}

// ways are those that the page of a step leads to, in the order of the house; a nil step is no page of theirs.
func (s *Server) ways(v *Visit, from Step) (ways []ui.Way) {
	for _, step := range s.steps {
		w, ok := step.(Way)
		if !ok || from != nil && step.Name() == from.Name() {
			continue
		}
		ways = append(ways, s.offers(v, w)...)
	}
	return ways
}

// offers is what a way is on a page: a link to its own, or the buttons that lead elsewhere.
func (s *Server) offers(v *Visit, w Way) []ui.Way {
	text := w.Way(v)
	if text == "" {
		return nil
	}
	all := []ui.Way{{Text: text, URL: v.PathOf(w.Name())}}
	if o, ok := w.(Offerer); ok {
		if buttons := o.Offers(v); len(buttons) > 0 {
			all = buttons
		}
	}
	for i := range all {
		all[i].Step, all[i].Proves = w.Name(), s.proves(w)
	}
	return all
}

// proves reports whether a step is a factor's way of proving.
func (s *Server) proves(step Step) bool {
	return slices.ContainsFunc(s.Factors, func(f Factor) bool { return f.Prove.Name() == step.Name() })
}
