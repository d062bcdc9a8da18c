package op

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// PageFormPost is the page that carries an answer to the party; showing it again would answer again.
const PageFormPost = "form_post"

// answerCode gives the party a code: one grant, written before the answer leaves. requestID names a stored request,
// which is answered at most once; "" is a request that was never stored.
func (s *Server) answerCode(w http.ResponseWriter, r *http.Request, p *platform.Platform, party *grant.Party, req *grant.AuthRequest, session *authn.Session, requestID string) error {
	now := s.Now()
	req.Claims.ACR = req.Ask.Alias(authn.ACROf(req.Ask.Told(session.Proofs)), p.Policy.ACRAliases)
	g, code := grant.New(req, session, party, now)
	err := s.Requests.Answer(r.Context(), requestID, g)
	switch {
	case errors.Is(err, fault.Spent):
		return s.restart(w, r, p, party)
	case errors.Is(err, fault.Refused): // signed out or deactivated since the session was read
		return s.answerError(w, r, p, party, req, requestID, refuse("login_required", "The session has just ended."))
	case err != nil:
		return err
	}
	if requestID != "" && len(req.Browser) == 0 {
		s.Settle(r) // it came by POST, when nobody could know that a session answers it
	}
	if !req.Silent && web.Activity(r) && now.Sub(session.SeenAt) >= authn.SeenEvery {
		if err := s.Sessions.TouchSession(r.Context(), p.ID, session.ID, now); err != nil {
			return err
		}
	}
	return s.send(w, r, p, req, url.Values{"code": {code}})
}

// answerError tells the party why there is no code (OpenID Connect Core 1.0 section 3.1.2.6), the way it asked for.
// requestID as in answerCode: an error is an answer too.
func (s *Server) answerError(w http.ResponseWriter, r *http.Request, p *platform.Platform, party *grant.Party, req *grant.AuthRequest, requestID string, e *protocolError) error {
	if requestID != "" {
		err := s.Requests.SaveChange(r.Context(), authn.Change{Answered: requestID, Platform: p.ID}, s.Now())
		if errors.Is(err, fault.Spent) {
			return s.restart(w, r, p, party)
		}
		if err != nil {
			return err
		}
	}
	return s.send(w, r, p, req, url.Values{"error": {e.code}, "error_description": {e.text}})
}

// send is the only place that writes an authorization response. Every one names us as the issuer (RFC 9207), and a
// redirect after a form is a 303, never a 307 that would carry a password along (RFC 9700 section 4.12).
func (s *Server) send(w http.ResponseWriter, r *http.Request, p *platform.Platform, req *grant.AuthRequest, values url.Values) error {
	values.Set("iss", string(p.Issuer))
	if req.State != "" {
		values.Set("state", req.State)
	}
	if req.Mode == grant.ModeFormPost {
		page := ui.FormPostPage{Action: req.RedirectURI, Name: s.partyName(p, req.Party)}
		for _, name := range []string{"code", "error", "error_description", "state", "iss"} {
			if values.Has(name) {
				page.Fields = append(page.Fields, ui.Field{Name: name, Value: values.Get(name)})
			}
		}
		return s.Show(w, r, http.StatusOK, PageFormPost, page)
	}
	u, err := url.Parse(req.RedirectURI)
	if err != nil {
		return err
	}
	q := values.Encode()
	if u.RawQuery != "" {
		q = u.RawQuery + "&" + q // the registered query stays byte for byte
	}
	u.RawQuery = q
	w.Header().Set("Location", u.String())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// partyName is what people call the party.
func (s *Server) partyName(p *platform.Platform, id grant.PartyID) string {
	if party, ok := s.Registry.Party(p.ID, id); ok {
		return party.CalledAs(p.Name)
	}
	return p.Name
}

// showError turns an error into a page with a reference and a way on; never a redirect, never a raw text.
func (s *Server) showError(w http.ResponseWriter, r *http.Request, err error) {
	p := platform.FromContext(r.Context())
	status, page := http.StatusInternalServerError, ui.ErrorPage{Title: "error.title", Body: "error.body", Code: "server_error", Again: true, Crisis: true}
	var own *protocolError
	var many web.TooMany
	switch {
	case errors.As(err, &many):
		many.RetryAfter(w.Header())
		status, page = http.StatusTooManyRequests, ui.Crowded()
	case errors.As(err, &own):
		status, page = http.StatusBadRequest, ui.ErrorPage{Title: "error.request_title", Body: "error.request_body", Code: own.code}
	case errors.Is(err, web.ErrNotUTF8):
		status, page = http.StatusBadRequest, ui.ErrorPage{Title: "error.form_title", Body: "error.form_body", Code: "invalid_request"}
	case errors.Is(err, fault.NotFound), errors.Is(err, fault.Spent), errors.Is(err, fault.Expired), errors.Is(err, fault.Stale):
		status, page = http.StatusBadRequest, ui.ErrorPage{Title: "error.stale_title", Body: "error.stale_body", Tip: "error.stale_tip", Code: "stale"}
	case errors.Is(err, fault.Unavailable):
		w.Header().Set("Retry-After", "5")
		status, page = http.StatusServiceUnavailable, ui.ErrorPage{Title: "error.busy_title", Body: "error.busy_body", Code: temporarilyUnavailable, Again: true}
	}
	page.HomeURL = p.HomeURL
	page.At = s.Now().Format("2006-01-02 15:04:05 UTC")
	if id := r.FormValue("client_id"); id != "" {
		if party, ok := s.enabled(p.ID, grant.PartyID(id)); ok {
			page.Party = string(party.ID)
		}
	}
	if err := s.Show(w, r, status, "error", page); err != nil {
		s.Log.ErrorContext(r.Context(), "showing error page", "error", err)
	}
}
