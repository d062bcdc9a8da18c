package login

import (
	"net/http"
	"net/url"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/ui"
)

// InputKeeper is a step whose form can be left without sending it: for another language, or for a way beside it. Typed
// keeps in the journey what was typed so far, except secrets, and judges nothing (testdata/journeys/typed_stays.txt).
type InputKeeper interface{ KeepInput(*Visit) }

// Fields of a form that is left: the language chosen, and the step turned to.
const (
	langField = "lang"
	goField   = "go"
)

// leaves reports whether a form was not sent to be judged.
func leaves(form url.Values) bool { return form.Has(langField) || form.Has(goField) }

// leave keeps what was typed in a form and leads to where the person turned: the same page in another language, or the
// page of a way. What it does not know leads back to the page.
func (s *Server) leave(w http.ResponseWriter, r *http.Request, v *Visit, step Step) error {
	if typist, ok := step.(InputKeeper); ok {
		typist.KeepInput(v)
		if err := s.save(r.Context(), v, authn.Change{}); err != nil {
			return s.answerStale(w, r, v, err)
		}
	}
	if lang := ui.Match(v.Form.Get(langField)); lang != "" {
		web.SetCookie(w, v.Platform.ID, web.LangCookie, lang)
	}
	s.way(v, v.Form.Get(goField)) // changes where the answer leads, if there is such a way
	return web.SeeOther(w, r, v.Action)
}
