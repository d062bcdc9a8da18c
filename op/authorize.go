package op

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// visit is one look of a browser at an authorization request: all that decides how it is answered.
type visit struct {
	w        http.ResponseWriter
	r        *http.Request
	platform *platform.Platform
	party    *grant.Party
	request  *grant.AuthRequest
	stored   bool             // the request is answered at most once; otherwise it was never saved
	session  *authn.Session   // of this browser; nil: nobody is signed in
	account  *account.Account // … and whose; nil: nobody's, or not known before the person chose
	consent  *authn.Consent   // … and what that person allowed the party; nil: nothing, or it need not be asked
	now      time.Time
}

// authorize reads an authorization request (OpenID Connect Core 1.0 section 3.1.2.1) and answers it at once, or sends
// the person to sign in.
//
// A request by POST carries no cookie when another site sends it (SameSite), so it is stored and met again by a GET of
// ours (resume) before anything is decided.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	p := platform.FromContext(r.Context())
	form, err := readOnce(r)
	s.recordExposedSecret(r, "authorize")
	foreign := form != nil && errors.Is(err, web.ErrNotUTF8)
	if err != nil && !foreign {
		return err
	}
	if isPushed(form) {
		return s.bindPushed(w, r, form)
	}
	req, party, err := s.parseRequest(r.Context(), p, form)
	if foreign && req != nil {
		err = refuse("invalid_request", "The form is not UTF-8.")
	}
	if err == nil && party.Pushes() {
		err = refuse("invalid_request", "This client must push its requests (RFC 9126 section 4).").about("request_uri")
	}
	v := &visit{w: w, r: r, platform: p, party: party, request: req, now: s.Now()}
	var refused *protocolError
	if errors.As(err, &refused) && req != nil {
		return s.answerError(v, refused)
	}
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost {
		if err := s.RateLimit(r); err != nil {
			return err
		}
		if err := s.Requests.SaveRequest(r.Context(), *req); err != nil {
			return err
		}
		return web.SeeOther(w, r, p.URL(pathContinue)+"?request="+req.ID)
	}
	return s.decide(v)
}

// resume meets a stored request in the browser that it is for.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) error {
	v, err := s.storedRequest(w, r)
	if err != nil {
		return err
	}
	if v.bound() && v.request.Open(v.now) {
		return s.redirectToJourney(v) // reloaded
	}
	if len(v.request.Browser) > 0 || !v.request.Open(v.now) {
		return s.restart(v)
	}
	return s.decide(v)
}

// bound reports whether the request is that of this browser.
func (v *visit) bound() bool { return web.Bound(v.r, v.platform.ID, v.request.ID, v.request.Browser) }

// redirectToJourney leads to the journey of a request.
func (s *Server) redirectToJourney(v *visit) error {
	return web.SeeOther(v.w, v.r, s.JourneyURL(v.platform, v.request.ID, authn.Requirement{}, authn.Facts{}))
}

// signIn reads who is signed in, in the channel of the request.
func (s *Server) signIn(v *visit) (err error) {
	v.session, v.account, err = s.Visitors.Session(v.r, v.platform.ID, v.request.Ask.Channel, v.now)
	return err
}

// decide answers from the session when it suffices; otherwise it starts a journey, or says why it may not.
func (s *Server) decide(v *visit) error {
	if err := s.signIn(v); err != nil {
		return err
	}
	if v.account != nil && !v.request.PromptNone && v.notHinted() {
		v.request.Ask.PromptSelectAccount = true // somebody else is signed in than the party means
	}
	if v.request.Ask.PromptSelectAccount && v.session != nil && !v.request.PromptNone {
		v.account = nil // not known before the person chose
	}
	missing, err := s.missing(v)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		if weak := v.tooWeak(); weak != nil {
			return s.answerError(v, weak)
		}
		return s.answerCode(v)
	}
	if v.request.PromptNone {
		return s.answerError(v, silentError(missing))
	}
	return s.begin(v, missing[0])
}

// begin starts the journey of a request, in this browser from now on, with the page for what is wanted first.
func (s *Server) begin(v *visit, wanted authn.Requirement) error {
	if !v.stored { // otherwise it was counted when it was stored
		if err := s.RateLimit(v.r); err != nil {
			return err
		}
	}
	v.request.Browser = web.Browser(v.w, v.r, v.platform.ID)
	if v.request.ID == "" { // it was pushed
		v.request.ID = broughtID(v.request.Pushed, v.request.Browser)
		v.request.Ask.Journey = v.request.ID
	}
	save := s.Requests.SaveRequest
	if v.stored {
		save = s.Requests.BindRequest
	}
	err := save(v.r.Context(), *v.request)
	if v.stored && requestOver(err) {
		return s.restart(v)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(v.w, v.r, s.JourneyURL(v.platform, v.request.ID, wanted, s.facts(v)))
}

// callback is where a journey leads when it is over. The request is answered only in the browser that brought it, only
// once, and only if the session now has what the request asked.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) error {
	v, err := s.storedRequest(w, r)
	if err != nil {
		return err
	}
	if !v.bound() || !v.request.Open(v.now) {
		return s.restart(v)
	}
	outcome := web.Outcome(r.URL.Query().Get("outcome"))
	if outcome == web.Denied {
		return s.answerError(v, refuse("access_denied", "The person stopped."))
	}
	if err := s.signIn(v); err != nil {
		return err
	}
	v.request.Ask.PromptSelectAccount = false // who goes on was chosen on the way here
	if v.request.Ask.Impersonable, err = s.stillImpersonable(v); err != nil {
		return err
	}
	missing, err := s.missing(v)
	if err != nil {
		return err
	}
	if len(missing) > 0 && outcome == web.Over {
		return s.restart(v) // its journey is over and did not bring what was asked
	}
	if len(missing) > 0 {
		return s.redirectToJourney(v)
	}
	// OpenID Connect Core 1.0 section 3.1.2.2: somebody else than the hinted person is not an answer.
	if v.notHinted() {
		return s.answerError(v, refuse("login_required", "Another person is signed in."))
	}
	if weak := v.tooWeak(); weak != nil {
		return s.answerError(v, weak)
	}
	return s.answerCode(v)
}

// stillImpersonable reports whether a request that wants a form has not had one yet. A page that proves nothing leaves
// no trace in the session, so its journey is asked: who knows the identifier of a request has not passed its page.
func (s *Server) stillImpersonable(v *visit) (bool, error) {
	if !v.request.Ask.Impersonable || v.account == nil {
		return v.request.Ask.Impersonable, nil
	}
	j, err := s.Requests.Journey(v.r.Context(), v.platform.ID, v.request.ID)
	if errors.Is(err, fault.NotFound) {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	return j.Account != v.account.ID || len(j.Done) == 0, nil
}

// tooWeak compares a complete sign-in with what the request, the party and the platform want at least; where it must be
// fresh, only what is counts. What no page of ours can raise is told the party (OpenID Connect Core Error Code
// unmet_authentication_requirements).
func (v *visit) tooWeak() *protocolError {
	acr, aliases := authn.ACROf(v.request.Ask.Counted(v.session.Proofs, v.now)), v.platform.Policy.ACRAliases
	enough := v.request.Ask.SatisfiedBy(acr, aliases)
	for _, least := range minimums(v.platform, v.party) {
		enough = enough && acr.Satisfies(least, aliases)
	}
	if enough {
		return nil
	}
	return refuse(unmetRequirements, "The sign-in cannot be made as strong as asked.")
}

// facts are what the rules may look at here.
func (s *Server) facts(v *visit) authn.Facts {
	return authn.Facts{
		Account: v.account, Policy: v.platform.Policy, Methods: s.Methods, Session: v.session,
		MobileApp: v.party.AsksAsMobileApp(v.request.Ask.Channel), Now: v.now,
		FederationFacts: authn.FederationFacts{Connected: s.Registry.Connected(v.platform.ID)},
	}
}

// missing asks the rules what the session lacks for the request.
func (s *Server) missing(v *visit) ([]authn.Requirement, error) {
	ask, f := v.request.Ask, s.facts(v)
	if v.account != nil && len(ask.Consent) > 0 {
		consent, err := s.Visitors.Consent(v.r.Context(), v.platform.ID, v.account.ID, string(v.party.ID))
		if err != nil {
			return nil, err
		}
		v.consent, f.Consent = consent, consent
	}
	missing := authn.Missing(ask, f, nil)
	if len(missing) == 0 && v.request.PromptNone && v.notHinted() {
		return []authn.Requirement{{Need: authn.NeedPrimary}}, nil
	}
	return missing, nil
}

// notHinted reports whether somebody else is signed in than the party hinted at.
func (v *visit) notHinted() bool {
	return v.request.HintSubject != "" && v.party.Subject(v.account.ID, v.platform.Salt) != v.request.HintSubject
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
func (s *Server) storedRequest(w http.ResponseWriter, r *http.Request) (*visit, error) {
	p, id := platform.FromContext(r.Context()), r.URL.Query().Get("request")
	if !secret.IsID(id) {
		return nil, fmt.Errorf("request: %w", fault.NotFound)
	}
	req, err := s.Requests.Request(r.Context(), p.ID, id)
	if err != nil {
		return nil, err
	}
	party, known := s.enabled(p.ID, req.Party)
	if !known {
		return nil, refuse("unauthorized_client", "the party is gone, or disabled")
	}
	if err := stillAllowed(party, req); err != nil {
		return nil, err
	}
	req.Ask.Impersonable = !party.Assured(req.RedirectURI) // a node of the release before did not say
	return &visit{w: w, r: r, platform: p, party: party, request: req, stored: true, now: s.Now()}, nil
}

// stillAllowed refuses a request that passed every check, where the party's registration was changed since: above all
// an answer at an address that was taken from it, because it is somebody else's by now, even if the person comes within
// grant.RequestLife.
func stillAllowed(party *grant.Party, req *grant.AuthRequest) error {
	switch {
	case !party.RedirectMatches(req.RedirectURI):
		return unregistered(party, req.RedirectURI, "redirect_uri is not registered any more")
	case !party.Allows(grant.AuthorizationCode):
		return refuse("unauthorized_client", "not registered for this grant type any more")
	case req.Challenge == "" && !party.PKCEOptional:
		return refuse("invalid_request", "code_challenge is required by now").about("code_challenge")
	case party.SignsAnswers() && !req.Mode.Signed():
		return refuse("invalid_request", "answers are signed by now").about("response_mode")
	}
	return nil
}

// requestOver reports whether a stored request has its answer, is another browser's, or is gone.
func requestOver(err error) bool {
	return errors.Is(err, fault.Spent) || errors.Is(err, fault.NotFound)
}

// restart leads a stale request on: never finished late, because the party has forgotten its state, but begun anew
// where the party or the platform begins. Nobody ends on a page without a way on.
func (s *Server) restart(v *visit) error {
	return web.SeeOther(v.w, v.r, RestartURL(v.platform, v.party))
}

// RestartURL is where a login of this party begins anew: its initiate_login_uri (OpenID Connect Core 1.0 section 4),
// or the platform's home. The party may be nil; a disabled one leads nowhere.
func RestartURL(p *platform.Platform, party *grant.Party) string {
	if !party.Begins() {
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
			return nil, refuse("invalid_request", "repeated parameter").about(name)
		}
	}
	return r.Form, nil
}
