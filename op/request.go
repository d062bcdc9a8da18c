package op

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// onceOnly are the parameters that must not repeat (RFC 6749 section 3.1). Unknown ones are ignored.
var onceOnly = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
	"code_challenge_method", "prompt", "max_age", "display", "ui_locales", "claims_locales", "id_token_hint", "login_hint",
	"acr_values", "claims", "dpop_jkt", "request", "request_uri", "registration", "post_logout_redirect_uri", "logout_hint",
	"idp_hint", "domain_hint",
}

const (
	longestState = 2048 // characters; anything longer is refused, not cut
	longestList  = 1024 // characters of a list of values
	longestMax   = 100 * 365 * 24 * time.Hour

	longestClaims  = 8 << 10 // bytes of the claims parameter: every claim there is, wanted in both places, with values
	longestSubject = 255     // characters (OpenID Connect Core 1.0 section 2)
)

// parseRequest checks an authorization request. Without a known party and a registered redirect URI the request is
// nil, and the error is a page of ours; with them it is never nil, and a *protocolError goes to the party.
func (s *Server) parseRequest(ctx context.Context, p *platform.Platform, form url.Values) (*grant.AuthRequest, *grant.Party, error) {
	party, known := s.enabled(p.ID, grant.PartyID(form.Get("client_id")))
	if !known {
		return nil, nil, unknownClient(form.Get("client_id"))
	}
	text := form.Get("request")
	if text == "" || !party.HasKeys() {
		req, party, err := s.parseParameters(p, party, form)
		if err == nil && party.SignsRequests() {
			err = refuse("invalid_request", "This client must sign its requests (RFC 9101 section 10.5).").about("request")
		}
		return req, party, err
	}
	o, err := s.openObject(ctx, p, party, text)
	var refused *protocolError
	if errors.As(err, &refused) {
		req, _, _ := s.parseParameters(p, party, form) // by which it can be told
		return req, party, refused
	}
	if err != nil {
		return nil, party, err
	}
	req, party, err := s.parseParameters(p, party, o.form)
	if err == nil {
		err = s.spendObject(ctx, party, o)
	}
	return req, party, err
}

// parseParameters is parseRequest for parameters that are those of the party.
func (s *Server) parseParameters(p *platform.Platform, party *grant.Party, form url.Values) (*grant.AuthRequest, *grant.Party, error) {
	redirect := form.Get("redirect_uri")
	if !party.RedirectMatches(redirect) {
		return nil, party, &redirectError{unregistered(party, redirect, "redirect_uri is not registered"), party.ID}
	}
	now, id := s.Now(), secret.ID()
	req := &grant.AuthRequest{
		ID: id, Platform: p.ID, Party: party.ID, RedirectURI: redirect, Mode: answerMode(party, redirect, form),
		Ask:       authn.Ask{Purpose: authn.SignIn, Channel: party.Channel(), Journey: id, Impersonable: !party.Assured(redirect)},
		CreatedAt: now, Expiry: now.Add(grant.RequestLife),
	}
	req.Ask.MinimumACR = minimums(p, party)
	if req.State = form.Get("state"); len(req.State) > longestState || !web.IsPlain(req.State) {
		req.State = ""
		return req, party, refuse("invalid_request", "state is too long, or not plain text.").about("state")
	}
	return req, party, s.readParameters(p, party, req, form)
}

// minimums are what platform and party want of every sign-in, at least: values of `acr`.
func minimums(p *platform.Platform, party *grant.Party) (least []string) {
	for _, acr := range []string{party.MinimumACR, p.Policy.MinimumACR} {
		if acr != "" {
			least = append(least, acr)
		}
	}
	return least
}

// answerMode is how answers and errors travel: as asked, where the redirect URI can take a form, and signed where the
// party is held to that. A request object that is refused travels as it asks (OpenID Connect Core 1.0 section 6.1: what
// is inside supersedes). That it is not verified does no harm: who sent it could have asked the same outside.
func answerMode(party *grant.Party, redirect string, form url.Values) grant.ResponseMode {
	wanted := form.Get("response_mode")
	if inside := modeInside(form.Get("request")); inside != "" {
		wanted = inside
	}
	takesForms := strings.HasPrefix(redirect, "https://") || strings.HasPrefix(redirect, "http://")
	mode := grant.ModeQuery
	switch {
	case wanted == string(grant.ModeFormPost) && takesForms:
		mode = grant.ModeFormPost
	case wanted == string(grant.ModeFormPostJWT) && takesForms:
		return grant.ModeFormPostJWT
	case wanted == modeJWT, wanted == string(grant.ModeQueryJWT):
		return grant.ModeQueryJWT
	}
	if party.SignsAnswers() {
		return map[grant.ResponseMode]grant.ResponseMode{grant.ModeQuery: grant.ModeQueryJWT, grant.ModeFormPost: grant.ModeFormPostJWT}[mode]
	}
	return mode
}

// modeJWT is the usual signed mode of the response type, which for a code is query.jwt (JARM section 2.3.4).
const modeJWT = "jwt"

// responseModes are those that are served.
var responseModes = []string{string(grant.ModeQuery), string(grant.ModeFormPost), string(grant.ModeQueryJWT), string(grant.ModeFormPostJWT), modeJWT}

// checkMode wants one that is served, and that the redirect URI and the party allow.
func checkMode(party *grant.Party, req *grant.AuthRequest, mode string) error {
	switch {
	case mode == "":
		return nil
	case !slices.Contains(responseModes, mode):
		return refuse("invalid_request", "response_mode must be query, form_post, query.jwt, form_post.jwt or jwt.").about("response_mode")
	case grant.ResponseMode(mode).Posted() && !req.Mode.Posted():
		return refuse("invalid_request", "response_mode "+mode+" needs an http or https redirect_uri.").about("response_mode")
	case party.SignsAnswers() && !grant.ResponseMode(mode).Signed() && mode != modeJWT:
		return refuse("invalid_request", "response_mode must be jwt: this client is held to FAPI 2.0 Message Signing.").about("response_mode")
	}
	return nil
}

// modeInside is the response mode that a request object asks for; empty when it asks for none or cannot be read.
func modeInside(object string) string {
	parts := strings.Split(object, ".")
	if len(parts) != 3 || len(object) > longestToken {
		return ""
	}
	var claims struct {
		Mode string `json:"response_mode"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Mode
}

// unsupported refuses what is not served to the party, before anything else is read.
func unsupported(party *grant.Party, req *grant.AuthRequest, form url.Values) error {
	has := func(name string) bool { return form.Get(name) != "" }
	switch {
	case has("request"):
		return refuse("request_not_supported", "Request objects are not supported.").about("request")
	case has("request_uri"):
		return refuse(requestURINotSupported, "request_uri is not supported.").about("request_uri")
	case has("registration"):
		return refuse(registrationNotSupported, "registration is not supported.").about("registration")
	case !has("response_type"):
		return refuse("invalid_request", "response_type is missing.").about("response_type")
	case form.Get("response_type") != "code":
		return refuse(unsupportedResponseType, "Only response_type code is supported.").about("response_type")
	case !party.Allows(grant.AuthorizationCode):
		return refuse("unauthorized_client", "This client may not use the authorization code grant.")
	}
	return checkMode(party, req, form.Get("response_mode"))
}

// readParameters fills the request from parameters whose mistakes the party may hear of.
func (s *Server) readParameters(p *platform.Platform, party *grant.Party, req *grant.AuthRequest, form url.Values) error {
	if err := unsupported(party, req, form); err != nil {
		return err
	}
	if req.JKT = form.Get("dpop_jkt"); req.JKT != "" && !grant.ChallengeValid(req.JKT) { // a SHA-256 in base64url, like a challenge
		return refuse("invalid_request", "dpop_jkt must be 43 characters of base64url (RFC 7638).").about("dpop_jkt")
	}
	if party.MobileApp && req.JKT == "" {
		return refuse("invalid_request", "dpop_jkt is required of the mobile app (docs/app.md).").about("dpop_jkt")
	}
	req.Ask.JKT = req.JKT
	if req.Nonce = form.Get("nonce"); len(req.Nonce) > longestState || !web.IsPlain(req.Nonce) {
		return refuse("invalid_request", "nonce is too long, or not plain text.").about("nonce")
	}
	for _, read := range []func(*grant.Party, *grant.AuthRequest, url.Values) error{readPKCE, readScopes, readPrompt, readMaxAge} {
		if err := read(party, req, form); err != nil {
			return err
		}
	}
	if hint := form.Get("id_token_hint"); hint != "" {
		claims, err := s.readHint(p, hint)
		if err != nil || claims.Audience != party.ID && party.Pairwise {
			return refuse("invalid_request", "id_token_hint is not an ID token of ours.").about("id_token_hint")
		}
		req.HintSubject = claims.Subject
	}
	if err := readClaims(party, req, form); err != nil {
		return err
	}
	askConsent(party, req)
	// Only an address is taken over into the page: any other text could be a message to the person.
	if hint, err := account.ParseEmail(form.Get("login_hint")); err == nil {
		req.LoginHint = hint.Address
	}
	if len(form.Get("acr_values")) > longestList {
		return refuse("invalid_request", "acr_values is too long.").about("acr_values")
	}
	s.readElsewhere(p, req, form)
	if len(form.Get("ui_locales")) <= longestList {
		if suits := ui.Match(strings.Fields(form.Get("ui_locales"))...); suits != "" {
			req.Locales = []string{suits}
		}
	}
	return nil
}

// readPKCE: S256 for everyone; a confidential party may be exempted, but a challenge that was sent always binds
// (RFC 7636 section 4.3, RFC 9700 section 2.1.1).
func readPKCE(party *grant.Party, req *grant.AuthRequest, form url.Values) error {
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	switch {
	case challenge == "" && method == "" && party.PKCEOptional:
		return nil
	case challenge == "":
		return refuse("invalid_request", "code_challenge is required (PKCE).").about("code_challenge")
	case method != "S256":
		return refuse("invalid_request", "code_challenge_method must be S256.").about("code_challenge_method")
	case !grant.ChallengeValid(challenge):
		return refuse("invalid_request", "code_challenge must be 43 characters of base64url.").about("code_challenge")
	}
	req.Challenge = challenge
	return nil
}

// readScopes keeps the scopes that we and the party know, and a person can grant; others are ignored (OpenID Connect
// Core 1.0 section 3.1.2.1).
func readScopes(party *grant.Party, req *grant.AuthRequest, form url.Values) error {
	asked := strings.Fields(form.Get("scope"))
	if len(asked) > 100 {
		return refuse("invalid_scope", "Too many scopes.").about("scope")
	}
	for _, scope := range asked {
		if slices.Contains(grant.OwnScopes, scope) {
			continue
		}
		if slices.Contains(party.Scopes, scope) && !slices.Contains(req.Scopes, scope) {
			req.Scopes = append(req.Scopes, scope)
		}
	}
	if len(req.Scopes) == 0 {
		return refuse("invalid_scope", "No scope that this client may ask for.").about("scope")
	}
	if !party.Allows(grant.RefreshToken) {
		req.Scopes = slices.DeleteFunc(req.Scopes, func(s string) bool { return s == "offline_access" })
	}
	return nil
}

func readPrompt(party *grant.Party, req *grant.AuthRequest, form url.Values) error {
	prompts := strings.Fields(form.Get("prompt"))
	// What a session proved before says nothing of who holds the phone now: otherwise whoever has the phone would get past
	// a PIN by forgetting it.
	req.Ask.PromptLogin = party.MobileApp
	for _, prompt := range prompts {
		switch prompt {
		case "none":
			req.PromptNone = true
		case "login":
			req.Ask.PromptLogin = true
		case "consent":
			req.Ask.PromptConsent = true
		case "select_account":
			req.Ask.PromptSelectAccount = true
		default:
			return refuse("invalid_request", "prompt has a value that is not none, login, consent or select_account.").about("prompt")
		}
	}
	if req.PromptNone && len(prompts) > 1 {
		return refuse("invalid_request", "prompt none goes with no other value.").about("prompt")
	}
	return nil
}

func readMaxAge(_ *grant.Party, req *grant.AuthRequest, form url.Values) error {
	text := form.Get("max_age")
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return refuse("invalid_request", "max_age must be a number of seconds, 0 or more.").about("max_age")
	}
	age := longestMax
	if seconds < int64(longestMax/time.Second) {
		age = time.Duration(seconds) * time.Second
	}
	req.Ask.MaxAge = &age
	return nil
}

// readClaims reads single claims (OpenID Connect Core 1.0 section 5.5). One that belongs to a scope which the party may
// not ask for is ignored, like an unknown one. A wanted `acr` counts like acr_values and beside them, a wanted `sub`
// like an id_token_hint.
func readClaims(party *grant.Party, req *grant.AuthRequest, form url.Values) error {
	text := form.Get("claims")
	if text == "" {
		return nil
	}
	if len(text) > longestClaims {
		return refuse("invalid_request", "claims is too long.").about("claims")
	}
	requested, acr, sub, err := grant.ParseClaims(text)
	if err != nil {
		return refuse("invalid_request", "claims is not the JSON object of OpenID Connect Core section 5.5.").about("claims")
	}
	if len(strings.Join(slices.Concat(acr...), " ")) > longestList || len(sub) > longestSubject {
		return refuse("invalid_request", "claims: the values of acr or sub are too long.").about("claims")
	}
	req.Claims = grant.Requested{
		UserInfo: grant.Within(party.Scopes, requested.UserInfo), IDToken: grant.Within(party.Scopes, requested.IDToken),
	}
	req.Ask.ClaimedACR = acr
	if sub != "" {
		req.HintSubject = sub
	}
	return nil
}

// askConsent says what the person must have allowed: the scopes, and those that single claims belong to, of the request
// and of the party's registration (OpenID Connect Core 1.0 section 3.1.2.4). It is asked only of parties that are not
// the platform's own, or when a party wants the page.
func askConsent(party *grant.Party, req *grant.AuthRequest) {
	if !party.ThirdParty && !req.Ask.PromptConsent {
		return
	}
	req.Ask.Consent = slices.Clone(req.Scopes)
	if !slices.Contains(req.Scopes, "openid") {
		return // neither ID token nor userinfo
	}
	registered := party.IDClaims
	if party.ThirdParty {
		registered = grant.Within(party.Scopes, registered)
	}
	for _, scope := range grant.ScopesOf(slices.Concat(req.Claims.UserInfo, req.Claims.IDToken, registered)) {
		if !slices.Contains(req.Scopes, scope) {
			req.Claims.Allowed = append(req.Claims.Allowed, scope)
		}
	}
	req.Ask.Consent = append(req.Ask.Consent, req.Claims.Allowed...)
}
