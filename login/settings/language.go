package settings

import (
	"net/http"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// languageNow is the language in which this person reads our pages.
func languageNow(r *http.Request, v *login.Visit) (now ui.Language) {
	for _, l := range login.Languages() {
		if l.Code == login.LanguageOf(r, v.Facts.Account.Locale) {
			now = l
		}
	}
	return now
}

func languageState(r *http.Request, v *login.Visit) ([]ui.State, error) {
	now := languageNow(r, v)
	return []ui.State{{Text: now.Name, Lang: now.Code}}, nil
}

func (s *Server) showLanguage(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p := v.Platform
	page := ui.LanguagePage{Action: v.Action, Languages: login.Languages(), BackURL: p.URL(pathSettings), HomeURL: p.HomeURL}
	now := login.LanguageOf(r, v.Facts.Account.Locale)
	for i, l := range page.Languages {
		page.Languages[i].Current = l.Code == now
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "language", page, v.Look(nil))
}

// submitLanguage keeps the language for every page and message to this person; in this browser it wins over one chosen
// before.
func (s *Server) submitLanguage(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	chosen := ui.Match(v.Form.Get("language"))
	if chosen == "" {
		return web.SeeOther(w, r, v.Action)
	}
	a := v.Facts.Account
	if chosen != a.Locale {
		e := v.Event(audit.AccountChanged, audit.Success, a.ID)
		e.Session, e.Reason = v.Facts.Session.ID, "language"
		err := s.Store.SaveChange(r.Context(), authn.Change{
			Platform: v.Platform.ID, Account: &authn.AccountChange{ID: a.ID, Locale: chosen}, Events: []audit.Event{e},
		}, v.Now)
		if err != nil {
			return err
		}
	}
	web.SetCookie(w, v.Platform.ID, web.LangCookie, chosen)
	setNotice(w, v.Platform.ID, doneSaved, ui.Machine{})
	return web.SeeOther(w, r, v.Platform.URL(pathSettings))
}
