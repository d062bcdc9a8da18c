package op

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// call is a request of a program that was read, and whose party has proven itself or whose access token was shown.
type call struct {
	request  *http.Request // to tell where it came from
	platform *platform.Platform
	party    *grant.Party // nil where an access token opens the endpoint
	token    string       // the access token; "" where a party proves itself
	asDPoP   bool         // … in the DPoP scheme
	proof    *proof       // of a key (RFC 9449); nil: none
	form     url.Values   // of the body; no parameter twice but resource and audience

	scopes []string          // of the access token, at the API
	body   map[string]string // … whose bodies are JSON
	now    time.Time
}

// answering makes the answer of an endpoint, which is written as JSON; nil is an empty one.
type answering func(*Server, context.Context, *call) (any, error)

// machine serves programs: no secrets in URLs, no repeated parameters, no other content types, no origins that nobody
// registered, and errors from our list only.
func machine(answer answering) serving {
	return func(s *Server, e Endpoint) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p := platform.FromContext(r.Context())
			if e.preflight() {
				s.cors(w, r, p.ID)
			}
			web.ToMachine(w)
			w.Header()["Pragma"] = noCache // RFC 6749 section 5.1
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			c, err := s.admit(w, r, e)
			s.offerNonce(w, r, e)
			var body any
			if err == nil {
				body, err = answer(s, r.Context(), c)
			}
			if err == nil {
				if err = e.proofError(s.spend(r.Context(), c.platform, c.proof)); err != nil {
					err = s.fail(r.Context(), "using a proof once", err)
				}
			}
			if err != nil {
				writeMachineError(w, r, e, err)
				return
			}
			writeAnswer(w, e, body)
		})
	}
}

// Values of headers that answers share: they are full, so whoever adds to one gets a copy.
var (
	noCache  = []string{"no-cache"}
	jsonType = []string{"application/json"}
)

// admit reads a request and lets in whoever may call the endpoint.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, e Endpoint) (*call, error) {
	if !e.Stale {
		if err := s.Registry.Fresh(); err != nil {
			return nil, err
		}
	}
	asks, err := inspect(r, e)
	if r.URL.RawQuery != "" { // refused
		s.recordExposedSecret(r, e.Route)
	}
	if err != nil {
		return nil, err
	}
	c := &call{request: r, platform: platform.FromContext(r.Context()), token: asks.token, asDPoP: asks.asDPoP, form: r.PostForm, now: s.Now()}
	if len(e.Auth) > 0 {
		s.logParty(w, c.platform.ID, asks.credentials)
		if err := e.check(c.form); err != nil {
			return nil, err
		}
		if c.party, err = s.authenticate(r.Context(), e, asks.credentials); err != nil {
			return nil, err
		}
	}
	if e.Proofs && (len(e.Auth) > 0 || c.asDPoP) { // beside a token of the Bearer scheme it says nothing
		c.proof, err = s.readProof(r, c.platform, e.Path, s.needsNonce(c, e), c.now)
	}
	return c, e.proofError(err)
}

// shown is what a request shows of who asks: credentials of a party, or an access token.
type shown struct {
	credentials
	token  string
	asDPoP bool // the token, in the scheme of RFC 9449 section 7.1
}

// inspect reads the form once, strictly, and looks for who asks.
func inspect(r *http.Request, e Endpoint) (asks shown, err error) {
	err = readForm(r, e)
	if len(e.Auth) == 0 {
		asks.token, asks.asDPoP, err = oneToken(r, err)
		return asks, err
	}
	if err == nil {
		asks.credentials, err = readCredentials(r)
	}
	return asks, err
}

// logParty names the party and the way that it used in the log, if it is one that somebody registered. Of another name
// only what cannot be a secret in the wrong place is said.
func (s *Server) logParty(w http.ResponseWriter, p platform.ID, c credentials) {
	if party, known := s.Registry.Party(p, grant.PartyID(c.id)); known {
		web.AddLogAttrs(w, slog.String("party", string(party.ID)))
	} else if len(c.id) < grant.MinSecret && grant.IsPartyID(c.id) {
		web.AddLogAttrs(w, slog.String("client_id", c.id))
	}
	web.AddLogAttrs(w, slog.String("auth", string(c.way().way)))
}

func readForm(r *http.Request, e Endpoint) error {
	malformed := func(why string) error { return refuse("invalid_request", why) }
	// No parameter of these endpoints belongs into a URL: logs and histories keep those (RFC 6750 section 5.3).
	if r.URL.RawQuery != "" {
		_ = r.ParseForm() // for the record: it is refused
		return malformed("the address has a query")
	}
	if len(r.Header.Values("Authorization")) > 1 {
		return malformed("two Authorization headers")
	}
	if (r.Method == http.MethodPost || r.Method == http.MethodPut) && !(slices.Contains(e.Methods, http.MethodGet) && r.ContentLength == 0) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/x-www-form-urlencoded" {
			return malformed("the body is not application/x-www-form-urlencoded")
		}
	}
	if err := web.ParseForm(r); errors.Is(err, web.ErrNotUTF8) {
		return refuse(notUTF8, "the form is not UTF-8")
	} else if err != nil {
		return malformed("the form cannot be read")
	}
	for name, values := range r.Form {
		// resource and audience may repeat (RFC 8707, RFC 8693); nothing else may (RFC 6749 section 3.2).
		if len(values) > 1 && name != "resource" && name != "audience" {
			return malformed("a parameter is there twice")
		}
	}
	return nil
}

// oneToken wants one access token, in the header or in the body (RFC 6750 section 2, RFC 9449 section 7.1). Whoever
// shows none learns only how to ask, whatever else is wrong (section 3.1); one in the URL was shown, and is refused.
func oneToken(r *http.Request, malformed error) (token string, asDPoP bool, err error) {
	scheme, inHeader, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	asDPoP = strings.EqualFold(scheme, "DPoP") // RFC 9110 section 11.1
	if !asDPoP && !strings.EqualFold(scheme, "Bearer") {
		inHeader = ""
	}
	inBody := r.PostForm.Get("access_token")
	switch {
	case malformed != nil && codeOf(malformed) == notUTF8: // its parameters are not known
		return "", asDPoP, malformed
	case inHeader == "" && inBody == "" && !r.URL.Query().Has("access_token"):
		return "", asDPoP, refuse(tokenMissing, "no access token")
	case malformed != nil:
		return "", asDPoP, malformed
	case inHeader != "" && inBody != "":
		return "", asDPoP, refuse("invalid_request", "two ways of sending a token")
	}
	return cmp.Or(inHeader, inBody), asDPoP && inHeader != "", nil
}

// cors answers the browser pages of registered origins, never with credentials. Others get no header, so browsers
// keep the answer from them (RFC 9700 section 2.6).
func (s *Server) cors(w http.ResponseWriter, r *http.Request, p platform.ID) {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !s.Registry.OriginAllowed(p, origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce, Retry-After")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
		h.Set("Access-Control-Max-Age", "600")
	}
}

// writeAnswer is the last step of every answered machine request. What is empty has no type.
func writeAnswer(w http.ResponseWriter, e Endpoint, answer any) {
	if answer != nil {
		w.Header()["Content-Type"] = jsonType
	}
	w.WriteHeader(cmp.Or(e.Answers, http.StatusOK))
	if answer == nil {
		return
	}
	_ = json.NewEncoder(w).Encode(answer) // structs and claims of ours can be written; if the caller is gone, nothing helps
}

// writeMachineError is the last step of every refused machine request (RFC 6749 section 5.2, RFC 6750 section 3).
func writeMachineError(w http.ResponseWriter, r *http.Request, e Endpoint, err error) {
	logRefusal(w, err)
	code := codeOf(err)
	t, known := texts[code]
	if !known {
		code, t = "invalid_request", texts["invalid_request"]
	}
	code = cmp.Or(t.said, code)
	var told *toldError
	if errors.As(err, &told) {
		t.text = told.text
	}
	body := map[string]any{"error": code, "error_description": t.text}
	var more *memberedError
	if errors.As(err, &more) {
		maps.Copy(body, more.members)
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Cache-Control", "no-store")
	realm := `realm="` + string(platform.FromContext(r.Context()).Issuer) + `"` // an issuer has no quotes
	switch {
	case code == temporarilyUnavailable:
		h.Set("Retry-After", "5")
	case code == "invalid_client":
		h.Set("WWW-Authenticate", "Basic "+realm+`, charset="UTF-8"`) // however the party tried (RFC 9110 section 15.5.2)
	case code == tokenMissing:
		challenge(h, r, realm, "") // no error code when there was no token (RFC 6750 section 3.1)
		body = map[string]any{}
	case len(e.Auth) == 0 && t.status < http.StatusInternalServerError:
		challenge(h, r, realm, `, error="`+code+`", error_description="`+t.text+`"`)
	}
	text, _ := json.Marshal(body)
	w.WriteHeader(t.status)
	_, _ = w.Write(text) // the caller is gone: nothing to do about it
}

// challenge says how a token is shown: in both schemes, with what is wrong at the one that was tried (RFC 6750 section
// 3, RFC 9449 section 7.1).
func challenge(h http.Header, r *http.Request, realm, wrong string) {
	bearer, dpop := "Bearer "+realm, "DPoP "+realm
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "DPoP") {
		dpop += wrong
	} else {
		bearer += wrong
	}
	h.Add("WWW-Authenticate", bearer)
	h.Add("WWW-Authenticate", dpop+`, algs="`+strings.Join(algNames(proofAlgs), " ")+`"`)
}
