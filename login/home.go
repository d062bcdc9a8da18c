package login

import (
	"net/http"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// HomeRealmFinder is a way that sends people where their address is at home.
type HomeRealmFinder interface {
	Way
	Redirector
	// HomeRealm is the place of an address; empty: none is known. It says the same of addresses that nobody has.
	HomeRealm(*Visit, account.Email) (place string)
	// RequestedRealm is the place that whoever asks named, or hinted at; empty: none.
	RequestedRealm(*Visit) (place string)
}

// PasswordHolder is a step that knows who keeps passwords elsewhere. Nobody is looked up.
type PasswordHolder interface {
	Step
	// PasswordHeldBy is the name, by language, of the organisation that keeps the password of an address; of the zero
	// address that of all people of a platform. nil: none does, or it is not known which.
	PasswordHeldBy(p platform.ID, email account.Email) map[string]string
}

// passwordHeldBy is what the steps know of it.
func (s *Server) passwordHeldBy(p platform.ID, email account.Email) map[string]string {
	for _, step := range s.steps {
		if k, ok := step.(PasswordHolder); ok {
			if names := k.PasswordHeldBy(p, email); names != nil {
				return names
			}
		}
	}
	return nil
}

// realmFinders are the ways from what is wanted now that know such places.
func (s *Server) realmFinders(v *Visit) (all []HomeRealmFinder) {
	for _, step := range s.steps {
		if h, ok := step.(HomeRealmFinder); ok && h.Way(v) != "" {
			all = append(all, h)
		}
	}
	return all
}

// requestedRealmURL is the address of the place where whoever asks wants the person to sign in; empty: there is none,
// or somebody has filled in a page of this journey, or was there: then it is theirs to say.
func (s *Server) requestedRealmURL(v *Visit, from Step) string {
	if v.Journey.Version != authn.Unstored {
		return ""
	}
	for _, h := range s.realmFinders(v) {
		if place := h.RequestedRealm(v); place != "" && h.Name() != from.Name() {
			return RedirectPath(v, h.Name(), place)
		}
	}
	return ""
}

// redirectToRealm leads to where the address is at home that was typed alone, with the address; done: it is known
// where.
func (s *Server) redirectToRealm(w http.ResponseWriter, r *http.Request, v *Visit, email account.Email) (done bool, err error) {
	for _, h := range s.realmFinders(v) {
		place := h.HomeRealm(v, email)
		if place == "" {
			continue
		}
		v.Journey.Mistakes = nil
		if err := s.save(r.Context(), v, authn.Change{}); err != nil {
			return true, s.answerStale(w, r, v, err)
		}
		return true, web.SeeOther(w, r, RedirectPath(v, h.Name(), place))
	}
	return false, nil
}
