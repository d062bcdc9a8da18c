package op

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// Error codes beyond those of RFC 6749 section 5.2, and two that are never said.
const (
	unsupportedResponseType  = "unsupported_response_type" // RFC 6749 section 4.1.2.1
	requestURINotSupported   = "request_uri_not_supported" // OpenID Connect Core 1.0 section 3.1.2.6
	registrationNotSupported = "registration_not_supported"
	unmetRequirements        = "unmet_authentication_requirements" // OpenID Connect Core Error Code 1.0
	temporarilyUnavailable   = "temporarily_unavailable"
	invalidToken             = "invalid_token"          // RFC 6750 section 3.1
	unsupportedTokenType     = "unsupported_token_type" // RFC 7009 section 2.2.1
	insufficientScope        = "insufficient_scope"
	invalidProof             = "invalid_dpop_proof"     // RFC 9449 section 5
	invalidRequestObject     = "invalid_request_object" // RFC 9101 section 7
	invalidRequestURI        = "invalid_request_uri"
	tooManyRequests          = "too_many_requests"     // ours; said as temporarily_unavailable
	proofAtResource          = "proof_at_resource"     // ours; said as invalid_dpop_proof, with the status of a resource
	proofRequired            = "proof_required"        // ours; said as invalid_request, with a text of its own
	useNonce                 = "use_dpop_nonce"        // RFC 9449 section 8
	useNonceAtResource       = "use_nonce_at_resource" // ours; said as use_dpop_nonce, with the status of a resource
	slowDown                 = "slow_down"             // RFC 8628 section 3.5
	authorizationPending     = "authorization_pending" // RFC 8628 section 3.5
	expiredToken             = "expired_token"         // RFC 8628 section 3.5
	accessDenied             = "access_denied"
	interactionRequired      = "interaction_required" // OpenID Connect Core 1.0 section 3.1.2.6
	tokenMissing             = "token_missing"        // ours; never said: whoever shows no token gets no error code
	notUTF8                  = "not_utf8"             // ours; said as invalid_request, with a text of its own
)

// protocolError is an error that a party may read: a code of the protocol and a sentence of our own. The sentence stands
// in the log. Of an authorization response it is the error_description too (answerError), so it is written for a party;
// a machine endpoint sends its row of texts instead.
type protocolError struct {
	code, text string
	// For operators: which parameter it is about, and of a redirect URI what came and what is registered; empty: not said.
	parameter, received string
	registered          []string
}

func (e *protocolError) Error() string { return e.code + ": " + e.text }

func refuse(code, text string) *protocolError { return &protocolError{code: code, text: text} }

// about says which parameter an error is about, by a name of ours.
func (e *protocolError) about(parameter string) *protocolError {
	e.parameter = parameter
	return e
}

// unknownClient refuses a request that names no party, or none that there is.
func unknownClient(id string) *protocolError {
	if id == "" {
		return refuse("unauthorized_client", "client_id is missing").about("client_id")
	}
	e := refuse("unauthorized_client", "unknown client").about("client_id")
	e.received = quoted(id)
	return e
}

// toldError is one whose own sentence goes out: it says what is wrong with a request that somebody writes a program
// for.
type toldError struct{ *protocolError }

func (e *toldError) Unwrap() error { return e.protocolError }

// members are what an error says beside its code.
type members map[string]any

// memberedError is one that says more than its code, to a program that is written for it (docs/app.md).
type memberedError struct {
	*protocolError
	members
}

func (e *memberedError) Unwrap() error { return e.protocolError }

// redirectError is one of a request whose answer was to go where the party never said.
type redirectError struct {
	*protocolError
	party grant.PartyID
}

func (e *redirectError) Unwrap() error { return e.protocolError }

// recorded is what the record says of it.
func (e *redirectError) recorded() string {
	return "redirect" + audit.Received + e.received + ", registered " + strings.Join(e.registered, " ")
}

// unregistered refuses a redirect URI that the party did not register.
func unregistered(party *grant.Party, uri, text string) *protocolError {
	e := refuse("invalid_request", text).about("redirect_uri")
	e.received, e.registered = shownURI(uri), someOf(party.Redirects)
	return e
}

const (
	longestShown    = 200 // characters of what came from outside
	mostShown       = 10  // of the addresses that a party registered …
	longestAllShown = 800 // … and bytes of them together
)

// shownURI is an address from outside as operators see it: without its query, its fragment and what stands before the
// host, which may be secrets, in ASCII, and cut. An address that is right has no other characters (RFC 3986 section 2).
func shownURI(uri string) string {
	if i := strings.IndexAny(uri, "?#"); i >= 0 {
		uri = uri[:i]
	}
	if scheme, rest, ok := strings.Cut(uri, "//"); ok {
		host, path, more := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			uri = scheme + "//" + host[at+1:]
			if more {
				uri += "/" + path
			}
		}
	}
	return quoted(uri)
}

// quoted is what came from outside as operators see it: in ASCII, and cut.
func quoted(text string) string {
	all := strconv.QuoteToASCII(text[:min(len(text), longestShown)])
	return all[1:min(len(all)-1, longestShown+1)]
}

// someOf are registered addresses, as many as fit a line.
func someOf(uris []string) (some []string) {
	length := 0
	for i, uri := range uris {
		if length += len(uri); i >= mostShown || length > longestAllShown && i > 0 {
			return append(some, "…")
		}
		some = append(some, uri)
	}
	return some
}

// systemActor is who does what a party or the provider does, as events name an actor.
const systemActor = "system"

// texts are all descriptions that leave the machine endpoints. A code that is not listed is not answered: what the
// database says stays in the log.
var texts = map[string]struct {
	status int
	text   string
	said   string // the code that is answered, where it is another one
}{
	"invalid_request":        {400, "The request is missing a parameter, repeats one, or has one that is malformed.", ""},
	notUTF8:                  {400, "The form must be UTF-8, in its charset and in its bytes.", "invalid_request"},
	"invalid_client":         {401, "Client authentication failed.", ""},
	"invalid_grant":          {400, "The code or refresh token is invalid, expired, revoked, or was issued for something else.", ""},
	"unauthorized_client":    {400, "This client may not use this grant type.", ""},
	"unsupported_grant_type": {400, "This grant type is not supported.", ""},
	"invalid_scope":          {400, "The scope is unknown, malformed, or more than was granted.", ""},
	unsupportedTokenType:     {400, "This token cannot be revoked: it ends by itself.", ""},
	invalidToken:             {401, "The access token is invalid, expired or revoked.", ""},
	tokenMissing:             {401, "", ""},
	invalidProof:             {400, "The DPoP proof is missing, malformed, for another request, or was used before.", ""},
	proofRequired:            {400, "This client must prove a key: the DPoP header is missing (RFC 9449).", "invalid_request"},
	proofAtResource:          {401, "The DPoP proof is missing, malformed, for another request, or was used before.", invalidProof},
	useNonce:                 {400, "The DPoP proof needs the nonce of the DPoP-Nonce header.", ""},
	useNonceAtResource:       {401, "The DPoP proof needs the nonce of the DPoP-Nonce header.", useNonce},
	slowDown:                 {400, "Not so fast: wait and try again.", ""},
	authorizationPending:     {400, "Nobody has typed the number yet.", ""},
	expiredToken:             {400, "Nobody typed the number in time.", ""},
	accessDenied:             {400, "It was stopped.", ""},
	interactionRequired:      {400, "The person must sign in again.", ""},
	invalidRequestObject:     {400, "The request object is malformed, not signed as registered, or not for us.", ""},
	tooManyRequests:          {429, "Too many requests of this client, or from here, wait for their browsers.", temporarilyUnavailable},
	unsupportedResponseType:  {400, "Only response_type code is supported.", ""},
	"request_not_supported":  {400, "Request objects are not supported for this client: it has registered no keys.", ""},
	requestURINotSupported:   {400, "request_uri is not supported here.", ""},
	registrationNotSupported: {400, "registration is not supported.", ""},
	insufficientScope:        {403, "The access token does not have the scope this needs.", ""},
	temporarilyUnavailable:   {503, "Temporarily unavailable. Try again later.", ""},
	"server_error":           {500, "Something went wrong on our side.", ""},
}

// fail is what a program is told of an error: a code of the protocol. What is wrong with us is in the log only.
func (s *Server) fail(ctx context.Context, what string, err error) error {
	code := codeOf(err)
	if code == "server_error" || code == temporarilyUnavailable && !fault.Quiet(err) {
		s.Log.ErrorContext(ctx, what, slog.String("reference", web.From(ctx).Reference), slog.Any("error", err))
	}
	return refuse(code, what+": "+safeText(err))
}

// safeText is what an error says in words of ours: what stands around a sentinel may have come from outside.
func safeText(err error) string {
	if own, ok := errors.AsType[*protocolError](err); ok {
		return own.text
	}
	return fault.Word(err)
}

// logRefusal adds to the line of a request in the log that it is refused, and why.
func logRefusal(w http.ResponseWriter, err error) {
	logError(w, codeOf(err), err)
}

// logError adds to the line of a request in the log the code of an error, and why.
func logError(w http.ResponseWriter, code string, err error) {
	web.LogRefusal(w, code, safeText(err))
	own, ok := errors.AsType[*protocolError](err)
	if !ok || own.parameter == "" {
		return
	}
	web.AddLogAttrs(w, slog.String("parameter", own.parameter))
	if own.received != "" || len(own.registered) > 0 {
		web.AddLogAttrs(w, slog.String("received", own.received))
	}
	if len(own.registered) > 0 {
		web.AddLogAttrs(w, slog.String("registered", strings.Join(own.registered, " ")))
	}
}

// recordOnce records something that a party did, once a minute for each source; "" is a party that nobody registered.
// That it cannot be recorded changes no answer.
func (s *Server) recordOnce(ctx context.Context, kind audit.Kind, party grant.PartyID, reason string) {
	e := origin(ctx).Of(audit.Event{
		At: s.Now(), Platform: platform.FromContext(ctx).ID, Kind: kind, Actor: systemActor, Party: string(party), Outcome: audit.Failure, Reason: reason,
	})
	if err := s.Record.RecordOnce(ctx, e, web.From(ctx).Source()); err != nil && !fault.Quiet(err) {
		s.Log.ErrorContext(ctx, "noting refusal", slog.String("reference", e.Reference), slog.Any("error", err))
	}
}

// origin is where a machine's request came from, for the audit record.
func origin(ctx context.Context) audit.Origin { return audit.Origin(web.From(ctx)) }

// codeOf is the protocol's code for an error.
func codeOf(err error) string {
	var own *protocolError
	switch {
	case errors.As(err, &own):
		return own.code
	case errors.Is(err, fault.Unavailable):
		return temporarilyUnavailable
	case errors.Is(err, fault.NotFound), errors.Is(err, fault.Spent), errors.Is(err, fault.Expired), errors.Is(err, fault.Refused):
		return "invalid_grant"
	}
	return "server_error"
}

// page runs a handler for people: an error becomes a page with a reference number, never a redirect.
func (s *Server) page(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		if !fault.Quiet(err) && (errors.Is(err, fault.Unavailable) || !isKnown(err)) {
			s.Log.ErrorContext(r.Context(), "protocol page", slog.String("reference", web.From(r.Context()).Reference), slog.Any("error", err))
		}
		s.showError(w, r, err)
	})
}

func isKnown(err error) bool {
	var own *protocolError
	return errors.As(err, &own) || errors.Is(err, fault.NotFound) || errors.Is(err, fault.Spent) || errors.Is(err, fault.Expired) ||
		errors.Is(err, fault.Invalid) || errors.Is(err, fault.Refused) || errors.Is(err, fault.Stale) || errors.Is(err, fault.Throttled)
}
