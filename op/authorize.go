package op

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// authorize reads an authorization request (OpenID Connect Core 1.0 section 3.1.2.1) and answers it at once, or sends
// the person to sign in.
//
// A request by POST carries no cookie when another site sends it (SameSite), so it is stored and met again by a GET of
// ours (resume) before anything is decided.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	p := platform.FromContext(r.Context())
	form, err := readOnce(r)
	s.exposed(r, "authorize")
	foreign := form != nil && errors.Is(err, web.ErrNotUTF8)
	if err != nil && !foreign {
		return err
	}
	req, party, err := s.parseRequest(p, form)
	if foreign && req != nil {
		err = refuse("invalid_request", "The form is not UTF-8.")
	}
	var refused *protocolError
	if errors.As(err, &refused) && req != nil {
		return s.answerError(w, r, p, party, req, "", refused)
	}
	if refused != nil && party != nil {
		s.note(r.Context(), audit.RedirectRefused, party.ID, "redirect")
	}
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost {
		if err := s.Arrive(r); err != nil {
			return err
		}
		if err := s.Requests.SaveRequest(r.Context(), *req, nil); err != nil {
			return err
		}
		http.Redirect(w, r, p.URL(pathContinue)+"?request="+req.ID, http.StatusSeeOther)
		return nil
	}
	return s.decide(w, r, p, party, req, false)
}

// resume meets a stored request in the browser that it is for.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) error {
	p := platform.FromContext(r.Context())
	req, party, err := s.storedRequest(r, p)
	if err != nil {
		return err
	}
	if here := web.CookieHash(r, p.ID, web.BrowserCookie); req.Open(s.Now()) && len(req.Browser) > 0 && secret.Equal(req.Browser, here) {
		_, first := s.Begin(p, req) // reloaded: the journey goes on
		http.Redirect(w, r, first, http.StatusSeeOther)
		return nil
	}
	if len(req.Browser) > 0 || !req.Open(s.Now()) {
		return s.restart(w, r, p, party)
	}
	return s.decide(w, r, p, party, req, true)
}

// decide answers from the session when it suffices; otherwise it starts a journey, or says why it may not.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, p *platform.Platform, party *grant.Party, req *grant.AuthRequest, stored bool) error {
	session, a, err := s.session(r, p.ID, req.Ask.Channel)
	if err != nil {
		return err
	}
	storedID := ""
	if stored {
		storedID = req.ID
	}
	if a != nil && !req.Silent && s.notHinted(p, party, req, a) {
		req.Ask.Choose = true // somebody else is signed in than the party means
	}
	if req.Ask.Choose && session != nil && !req.Silent {
		a = nil // not known before the person chose
	}
	now := s.Now()
	missing, err := s.missing(r.Context(), p, party, req, session, a, now)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		if weak := tooWeak(p, party, req, session, now); weak != nil {
			return s.answerError(w, r, p, party, req, storedID, weak)
		}
		return s.answerCode(w, r, p, party, req, session, storedID)
	}
	if req.Silent {
		return s.answerError(w, r, p, party, req, storedID, silentError(missing))
	}
	if !stored { // otherwise it was counted when it was stored
		if err := s.Arrive(r); err != nil {
			return err
		}
	}
	browser := web.Cookie(r, p.ID, web.BrowserCookie)
	if !secret.IsToken(browser) {
		browser = secret.Token()
		web.SetCookie(w, p.ID, web.BrowserCookie, browser)
	}
	req.Browser = secret.Hash(browser)
	journey, first := s.Begin(p, req)
	if stored {
		err = s.Requests.BindRequest(r.Context(), p.ID, req.ID, req.Browser, &journey)
		if errors.Is(err, fault.Spent) {
			return s.restart(w, r, p, party)
		}
	} else {
		err = s.Requests.SaveRequest(r.Context(), *req, &journey)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, first, http.StatusSeeOther)
	return nil
}

// callback is where a journey leads when it is over. The request is answered only in the browser that brought it, only
// once, and only if the session now has what the request asked.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) error {
	p := platform.FromContext(r.Context())
	req, party, err := s.storedRequest(r, p)
	if err != nil {
		return err
	}
	if !secret.Equal(req.Browser, web.CookieHash(r, p.ID, web.BrowserCookie)) || len(req.Browser) == 0 || !req.Open(s.Now()) {
		return s.restart(w, r, p, party)
	}
	if r.URL.Query().Get("outcome") == string(web.Denied) {
		return s.answerError(w, r, p, party, req, req.ID, refuse("access_denied", "The person stopped."))
	}
	session, a, err := s.session(r, p.ID, req.Ask.Channel)
	if err != nil {
		return err
	}
	req.Ask.Choose = false // who goes on was chosen on the way here
	if req.Ask.Unsure, err = s.stillUnsure(r.Context(), req, a); err != nil {
		return err
	}
	now := s.Now()
	missing, err := s.missing(r.Context(), p, party, req, session, a, now)
	if err != nil {
		return err
	}
	if len(missing) > 0 && r.URL.Query().Get("outcome") == string(web.Over) {
		return s.restart(w, r, p, party) // its journey is over and did not bring what was asked
	}
	if len(missing) > 0 {
		_, first := s.Begin(p, req)
		http.Redirect(w, r, first, http.StatusSeeOther)
		return nil
	}
	// OpenID Connect Core 1.0 section 3.1.2.2: somebody else than the hinted person is not an answer.
	if s.notHinted(p, party, req, a) {
		return s.answerError(w, r, p, party, req, req.ID, refuse("login_required", "Another person is signed in."))
	}
	if weak := tooWeak(p, party, req, session, now); weak != nil {
		return s.answerError(w, r, p, party, req, req.ID, weak)
	}
	return s.answerCode(w, r, p, party, req, session, req.ID)
}

// stillUnsure tells whether a request that wants a form has not had one yet. A page that proves nothing leaves no trace
// in the session, so its journey is asked: who knows the identifier of a request has not passed its page.
func (s *Server) stillUnsure(ctx context.Context, req *grant.AuthRequest, a *account.Account) (bool, error) {
	if !req.Ask.Unsure || a == nil {
		return req.Ask.Unsure, nil
	}
	j, err := s.Requests.Journey(ctx, req.Platform, req.ID)
	if errors.Is(err, fault.NotFound) {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	return j.Account != a.ID || len(j.Done) == 0, nil
}

// tooWeak compares a complete sign-in with what the request, the party and the platform want at least; where it must be
// fresh, only what is counts. What no page of ours can raise is told the party (OpenID Connect Core Error Code
// unmet_authentication_requirements).
func tooWeak(p *platform.Platform, party *grant.Party, req *grant.AuthRequest, session *authn.Session, now time.Time) *protocolError {
	acr, aliases := authn.ACROf(req.Ask.Counted(session.Proofs, now)), p.Policy.ACRAliases
	enough := req.Ask.Enough(acr, aliases)
	for _, least := range []string{party.MinimumACR, p.Policy.MinimumACR} {
		enough = enough && (least == "" || acr.Satisfies(least, aliases))
	}
	if enough {
		return nil
	}
	return refuse(unmetRequirements, "The sign-in cannot be made as strong as asked.")
}

// missing asks the rules what a session lacks for a request.
func (s *Server) missing(
	ctx context.Context, p *platform.Platform, party *grant.Party, req *grant.AuthRequest, session *authn.Session,
	a *account.Account, now time.Time,
) ([]authn.Requirement, error) {
	f := authn.Facts{
		Account: a, Policy: p.Policy, Methods: s.Methods, Session: session,
		MobileApp: party.AsksAsMobileApp(req.Ask.Channel), Now: now,
	}
	if a != nil && len(req.Ask.Consent) > 0 {
		consent, err := s.Requests.Consent(ctx, p.ID, a.ID, string(party.ID))
		if err != nil && !errors.Is(err, fault.NotFound) {
			return nil, err
		}
		f.Consent = consent
	}
	missing := authn.Missing(req.Ask, f, nil)
	if len(missing) == 0 && req.Silent && s.notHinted(p, party, req, a) {
		return []authn.Requirement{{Need: authn.NeedPrimary}}, nil
	}
	return missing, nil
}

// notHinted tells whether somebody else is signed in than the party hinted at.
func (s *Server) notHinted(p *platform.Platform, party *grant.Party, req *grant.AuthRequest, a *account.Account) bool {
	return req.HintSubject != "" && party.Subject(a.ID, p.Salt) != req.HintSubject
}

// silentError says why prompt=none cannot be met (OpenID Connect Core 1.0 section 3.1.2.6).
func silentError(missing []authn.Requirement) *protocolError {
	switch first := missing[0]; {
	case first.Need == authn.NeedPrimary && first.Why != authn.ForTwoStep:
		return refuse("login_required", "Nobody is signed in, or not recently enough.")
	case first.Need == authn.NeedConsent:
		return refuse("consent_required", "The person has not allowed this yet.")
	}
	return refuse("interaction_required", "Something must be asked of the person first.")
}

// storedRequest loads the request that the URL names, of this platform, and its party.
func (s *Server) storedRequest(r *http.Request, p *platform.Platform) (*grant.AuthRequest, *grant.Party, error) {
	id := r.URL.Query().Get("request")
	if !secret.IsID(id) {
		return nil, nil, fmt.Errorf("request: %w", fault.NotFound)
	}
	req, err := s.Requests.Request(r.Context(), p.ID, id)
	if err != nil {
		return nil, nil, err
	}
	party, known := s.enabled(p.ID, req.Party)
	if !known {
		return nil, nil, refuse("unauthorized_client", "unknown client")
	}
	req.Ask.Unsure = !party.Assured(req.RedirectURI) // a node of the release before did not say
	return req, party, nil
}

// restart leads a stale request on: never finished late, because the party has forgotten its state, but begun anew
// where the party or the platform begins. Nobody ends on a page without a way on.
func (s *Server) restart(w http.ResponseWriter, r *http.Request, p *platform.Platform, party *grant.Party) error {
	http.Redirect(w, r, RestartURL(p, party), http.StatusSeeOther)
	return nil
}

// RestartURL is where a login of this party begins anew: its initiate_login_uri (OpenID Connect Core 1.0 section 4),
// or the platform's home. The party may be nil; a disabled one leads nowhere.
func RestartURL(p *platform.Platform, party *grant.Party) string {
	if party == nil || party.InitiateURI == "" || !party.DisabledAt.IsZero() {
		return p.HomeURL
	}
	u, err := url.Parse(party.InitiateURI)
	if err != nil {
		return p.HomeURL
	}
	q := u.Query()
	q.Set("iss", string(p.Issuer))
	u.RawQuery = q.Encode()
	return u.String()
}

// readOnce reads the parameters of a page request: form and query counted together, none twice. Of a form whose bytes
// are not UTF-8 it returns what can be read, beside the error.
func readOnce(r *http.Request) (url.Values, error) {
	if err := web.ParseForm(r); errors.Is(err, web.ErrNotUTF8) {
		return r.Form, err
	} else if err != nil {
		return nil, refuse("invalid_request", "malformed parameters")
	}
	for name, values := range r.Form {
		if len(values) > 1 && slices.Contains(onceOnly, name) {
			return nil, refuse("invalid_request", "repeated parameter")
		}
	}
	return r.Form, nil
}
