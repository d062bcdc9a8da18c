package login

import (
	"net/http"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// Homer is a way that sends people where their address is at home.
type Homer interface {
	Way
	Leaver
	// Home is the place of an address; empty: none is known. It says the same of addresses that nobody has.
	Home(*Visit, account.Email) (place string)
	// Asked is the place that whoever asks named, or hinted at; empty: none.
	Asked(*Visit) (place string)
}

// Keeper is a step that knows who keeps passwords elsewhere. Nobody is looked up.
type Keeper interface {
	Step
	// Keeps is the name, by language, of the organisation that keeps the password of an address; of the zero address that of all
	// people of a platform. nil: none does, or it is not known which.
	Keeps(p platform.ID, email account.Email) map[string]string
}

// keeps is what the steps know of it.
func (s *Server) keeps(p platform.ID, email account.Email) map[string]string {
	for _, step := range s.steps {
		if k, ok := step.(Keeper); ok {
			if names := k.Keeps(p, email); names != nil {
				return names
			}
		}
	}
	return nil
}

// homers are the ways from what is wanted now that know such places.
func (s *Server) homers(v *Visit) (all []Homer) {
	for _, step := range s.steps {
		if h, ok := step.(Homer); ok && h.Way(v) != "" {
			all = append(all, h)
		}
	}
	return all
}

// askedElsewhere is the address of the place where whoever asks wants the person to sign in; empty: there is none, or
// somebody has filled in a page of this journey, or was there: then it is theirs to say.
func (s *Server) askedElsewhere(v *Visit, from Step) string {
	if v.Journey.Version != authn.Unstored {
		return ""
	}
	for _, h := range s.homers(v) {
		if place := h.Asked(v); place != "" && h.Name() != from.Name() {
			return LeavePath(v, h.Name(), place)
		}
	}
	return ""
}

// leadHome leads to where the address is at home that was typed alone, with the address; done: it is known where.
func (s *Server) leadHome(w http.ResponseWriter, r *http.Request, v *Visit, email account.Email) (done bool, err error) {
	for _, h := range s.homers(v) {
		place := h.Home(v, email)
		if place == "" {
			continue
		}
		v.Journey.Mistakes = nil
		if err := s.save(r.Context(), v, authn.Change{}); err != nil {
			return true, s.leadOn(w, r, v, err)
		}
		return true, web.SeeOther(w, r, LeavePath(v, h.Name(), place))
	}
	return false, nil
}
