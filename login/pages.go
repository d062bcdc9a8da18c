package login

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/errorpage"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Look is what a page needs beside its data.
type Look struct {
	Locale string // language that the journey asks for; empty: none
	Person string // language of the account; empty: unknown
	Staff  bool   // which helpdesk is shown
	Errors []ui.FieldError
	Ways   []ui.Way
	Typing bool // what is typed goes along when another language is chosen
	Fixed  bool // the page answers something that was done, so its address must not be opened again for another language

	Reference string // of the event that the page tells of; empty: of the request
}

// Look is the look of a journey's page.
func (v *Visit) Look(mistakes []authn.Mistake) Look {
	l := Look{Locale: v.Journey.Locale, Ways: v.Ways}
	for _, m := range mistakes {
		l.Errors = append(l.Errors, ui.FieldError(m))
	}
	if a := v.Facts.Account; a != nil {
		l.Person = a.Locale
		// Before the first proof the public contact is shown, so that a page does not tell whose account it is. After it a
		// therapist without their phone is not sent to "your therapist".
		l.Staff = a.Role.Staff() && (v.Facts.Session != nil || len(v.Journey.Proofs) > 0)
	}
	return l
}

// ShowPage writes a page in the person's language: the one chosen on a page, asked by the party, of the account, of
// the browser, of the platform. A choice by ?lang= is remembered until the browser closes.
func (s *Server) ShowPage(w http.ResponseWriter, r *http.Request, status int, page string, data any, look Look) error {
	p := platform.FromContext(r.Context())
	query := r.URL.Query()
	if chosen := ui.Match(query.Get("lang")); chosen != "" && r.Method == http.MethodGet && !look.Fixed {
		web.SetCookie(w, p.ID, web.LangCookie, chosen)
		query.Del("lang")
		return web.SeeOther(w, r, strings.TrimSuffix(p.URL(r.URL.Path)+"?"+query.Encode(), "?"))
	}
	frame := ui.Frame{
		Platform: p, Staff: look.Staff, Reference: cmp.Or(look.Reference, web.From(r.Context()).Reference),
		AssetsPath: p.Issuer.Path() + "/assets", Errors: look.Errors, Ways: look.Ways, Typing: look.Typing, Status: status,
	}
	frame.Lang = LanguageOf(r, look.Locale, look.Person)
	offered := Languages()
	if look.Fixed {
		offered = nil
	}
	for _, l := range offered {
		query.Set("lang", l.Code)
		l.URL, l.Current = "?"+query.Encode(), l.Code == frame.Lang
		frame.Languages = append(frame.Languages, l)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", frame.Lang)
	w.Header().Add("Vary", "Accept-Language, Cookie")
	return s.UI.Render(&late{w: w, status: status}, page, frame, data)
}

// LanguageOf is the language of a page: the one chosen on a page, then the given wishes in order, then what the browser
// says, then the platform's.
func LanguageOf(r *http.Request, wishes ...string) string {
	p := platform.FromContext(r.Context())
	all := append([]string{web.Cookie(r, p.ID, web.LangCookie)}, wishes...)
	for _, wish := range append(all, r.Header.Get("Accept-Language")) {
		if lang := ui.Match(wish); lang != "" {
			return lang
		}
	}
	return p.Locale
}

// Languages are those a page offers.
func Languages() []ui.Language {
	return []ui.Language{{Code: "nl", Name: "Nederlands"}, {Code: "en", Name: "English"}}
}

// late sends the status with the first byte: a template that fails leaves room for an error page.
type late struct {
	w      http.ResponseWriter
	status int
}

func (l *late) Write(b []byte) (int, error) {
	if l.status != 0 {
		l.w.WriteHeader(l.status)
		l.status = 0
	}
	return l.w.Write(b)
}

var errCookies = errors.New("browser sends no cookies")

// errorRows are errors that only pages of this door have.
var errorRows = []errorpage.Row{{
	Err: errCookies, Status: http.StatusBadRequest, Retry: true,
	Page: ui.ErrorPage{Title: "error.cookies_title", Body: "error.cookies_body", Code: "no_cookies"},
}}

func partyID(j *authn.Journey) grant.PartyID { return grant.PartyID(j.Party) }

// page runs a handler: its error becomes a page with a reference and a way on, never a raw text.
func (s *Server) page(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		pages := errorpage.Pages{Own: errorRows, Retry: true, Now: s.Now}
		status, page := pages.Of(w, r, err)
		if status >= 500 && !fault.Quiet(err) {
			s.Log.ErrorContext(r.Context(), "login page", slog.String("reference", web.From(r.Context()).Reference), slog.Any("error", err))
		}
		web.LogRefusal(w, page.Code, reasonOf(err, status, page.Code))
		look := Look{Reference: s.refusedPage(r, status, audit.Event{Kind: audit.PageRefused, Reason: page.Code})}
		if err := s.ShowPage(w, r, status, "error", page, look); err != nil {
			s.Log.ErrorContext(r.Context(), "showing error page", slog.Any("error", err))
		}
	})
}

// reasonOf is why a page says that it does not go on: the way in which something went wrong, or what the page says,
// where the error is one of those that have a page of their own.
func reasonOf(err error, status int, code string) string {
	for _, row := range errorRows {
		if status < http.StatusInternalServerError && errors.Is(err, row.Err) {
			return code
		}
	}
	return fault.Word(err)
}

// NotFound is the page for an address of a platform that does not exist.
func (s *Server) NotFound(w http.ResponseWriter, r *http.Request) {
	p := platform.FromContext(r.Context())
	page := ui.ErrorPage{Title: "error.not_found_title", Body: "error.request_body", Code: "not_found", HomeURL: p.HomeURL}
	web.LogRefusal(w, page.Code, "the platform has no such address")
	if err := s.ShowPage(w, r, http.StatusNotFound, "error", page, Look{}); err != nil {
		s.Log.ErrorContext(r.Context(), "showing error page", slog.Any("error", err))
	}
}
