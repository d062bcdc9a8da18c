package op

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/errorpage"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// PageFormPost is the page that carries an answer to the party; showing it again would answer again.
const PageFormPost = "form_post"

// answerCode gives the party a code: one grant, written before the answer leaves.
func (s *Server) answerCode(v *visit) error {
	if err := s.canAnswer(v); err != nil {
		return err
	}
	req := v.request
	req.Claims.ACR = req.Ask.Alias(authn.ACROf(req.Ask.ReportedProofs(v.session.Proofs)), v.platform.Policy.ACRAliases)
	g, code := grant.New(req, v.session, v.party, v.now)
	to := grant.Answered{Pushed: req.Pushed}
	if v.stored {
		to.Request = req.ID
	}
	if v.party.ThirdParty {
		to.StandsOn = v.consent
	}
	if v.party.Pairwise {
		to.Subject = v.party.SectorOf(v.platform.Salt).Of(g.Account)
	}
	var err error
	if to.Displaces, err = s.displaced(v); err != nil {
		return err
	}
	err = s.Requests.Answer(v.r.Context(), to, g)
	switch {
	case requestOver(err):
		return s.restart(v)
	case errors.Is(err, fault.Refused): // signed out or deactivated since the session was read
		return s.answerError(v, refuse("login_required", "The session has just ended."))
	case err != nil:
		return err
	}
	if v.stored && len(req.Browser) == 0 || req.Pushed != "" && v.party.Public() {
		s.RateRefund(v.r) // it came by POST or was pushed, when nobody could know that a session answers it
	}
	if !req.PromptNone {
		if err := s.Visitors.Seen(v.r, v.session, v.now); err != nil {
			return err
		}
	}
	return s.send(v, url.Values{"code": {code}})
}

// displaced is the device that the person chose to be removed, on the way to this answer; empty: none.
func (s *Server) displaced(v *visit) (grant.DeviceID, error) {
	if !v.party.MobileApp || !v.stored {
		return "", nil
	}
	j, err := s.Requests.Journey(v.r.Context(), v.platform.ID, v.request.ID)
	if errors.Is(err, fault.NotFound) || err == nil && j.Account != v.account.ID {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return grant.DeviceID(j.Displaces()), nil
}

// answerError tells the party why there is no code (OpenID Connect Core 1.0 section 3.1.2.6), the way it asked for. An
// error is an answer too: a stored request gets no other one.
func (s *Server) answerError(v *visit, e *protocolError) (err error) {
	if err := s.canAnswer(v); err != nil {
		return err
	}
	if v.stored {
		err = s.Requests.SaveChange(v.r.Context(), authn.Change{Answered: v.request.ID, Platform: v.platform.ID}, v.now)
	} else if v.request.Pushed != "" {
		err = s.Pushes.SpendPushed(v.r.Context(), v.platform.ID, v.request.Pushed, v.now)
	}
	if requestOver(err) {
		return s.restart(v)
	}
	if err != nil {
		return err
	}
	web.AddLogAttrs(v.w, slog.String("party", string(v.party.ID)))
	logRefusal(v.w, e)
	return s.send(v, url.Values{"error": {e.code}, "error_description": {e.text}})
}

// send is the only place that writes an authorization response. Every one names us as the issuer (RFC 9207), and a
// redirect after a form is a 303, never a 307 that would carry a password along (RFC 9700 section 4.12).
func (s *Server) send(v *visit, values url.Values) error {
	req := v.request
	if journey := web.JourneyCookie(req.ID); web.Cookie(v.r, v.platform.ID, journey) != "" {
		web.DropCookie(v.w, v.platform.ID, journey)
	}
	values.Set("iss", string(v.platform.Issuer))
	if req.State != "" {
		values.Set("state", req.State)
	}
	if req.Mode.Signed() {
		signed, err := s.signAnswer(v, values)
		if err != nil {
			return err
		}
		values = url.Values{"response": {signed}}
	}
	if req.Mode.Posted() {
		page := ui.FormPostPage{Action: req.RedirectURI, Name: v.party.CalledAs(v.platform.Name)}
		for _, name := range []string{"response", "code", "error", "error_description", "state", "iss"} {
			if values.Has(name) {
				page.Fields = append(page.Fields, ui.Field{Name: name, Value: values.Get(name)})
			}
		}
		return s.Show(v.w, v.r, http.StatusOK, PageFormPost, page)
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
	v.w.Header().Set("Location", u.String())
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// canAnswer reports whether an answer can be signed, where it must be.
func (s *Server) canAnswer(v *visit) error {
	if !v.request.Mode.Signed() {
		return nil
	}
	return s.signs(v.platform, v.party, v.now)
}

// answerLife is how long a signed answer may be read; a code is spent sooner (JARM section 2.1 wants at most ten
// minutes).
const answerLife = 5 * time.Minute

// signAnswer makes the JWT that carries an answer (JARM section 2.1), signed like the party's ID tokens. It has a type
// of its own, so that it is never taken for one of those.
func (s *Server) signAnswer(v *visit, values url.Values) (string, error) {
	claims := map[string]any{"aud": v.party.ID, "exp": v.now.Add(answerLife).Unix()}
	for name := range values {
		claims[name] = values.Get(name)
	}
	return s.sign(v.platform.ID, v.party.IDTokenAlg, "oauth-authz-resp+jwt", claims)
}

// errorRows are errors whose page is another one here. What is refused or malformed is answered as an error of the
// protocol: as anything else it is a mistake of ours.
var errorRows = []errorpage.Row{
	{
		Err: web.ErrNotUTF8, Status: http.StatusBadRequest,
		Page: ui.ErrorPage{Title: "error.form_title", Body: "error.form_body", Code: "invalid_request"},
	},
	{Err: fault.Refused, Status: errorpage.Ours.Status, Page: errorpage.Ours.Page},
	{Err: fault.Invalid, Status: errorpage.Ours.Status, Page: errorpage.Ours.Page},
}

// refusedRequest is what the record says of a request that is not answered at all; the protocol's code comes after it.
const refusedRequest = "request"

// showError turns an error into a page with a reference and a way on; never a redirect, never a raw text. The reference
// is that of an event, where one is left. It has no button to try again: without its parameters an address of ours asks
// for nothing.
func (s *Server) showError(w http.ResponseWriter, r *http.Request, err error) {
	p := platform.FromContext(r.Context())
	pages := errorpage.Pages{Own: errorRows, Now: s.Now}
	var own *protocolError
	if errors.As(err, &own) {
		page := ui.ErrorPage{Title: "error.request_title", Body: "error.request_body", Code: own.code}
		pages.Own = []errorpage.Row{{Err: own, Status: http.StatusBadRequest, Page: page}}
	}
	status, page := pages.Of(w, r, err)
	if own != nil && s.Explain {
		page.Wrong = ui.Wrong{Parameter: own.parameter, Received: own.received, Registered: own.registered}
	}
	e := audit.Event{Kind: audit.PageRefused, Reason: page.Code}
	if own != nil {
		e.Reason = refusedRequest + ": " + own.code
	}
	if id := r.FormValue("client_id"); id != "" {
		if party, ok := s.enabled(p.ID, grant.PartyID(id)); ok {
			page.Party, e.Party = string(party.ID), string(party.ID)
		}
	}
	if to, ok := errors.AsType[*redirectError](err); ok {
		e.Kind, e.Actor, e.Party, e.Reason = audit.RedirectRefused, systemActor, string(to.party), to.recorded()
	}
	if e.Party != "" {
		web.AddLogAttrs(w, slog.String("party", e.Party))
	}
	logError(w, page.Code, err)
	if err := s.Refused(w, r, status, page, e); err != nil {
		s.Log.ErrorContext(r.Context(), "showing error page", "error", err)
	}
}
