package op

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// gate stands before the library for the machine endpoints. It closes what the library leaves open: secrets in URLs,
// repeated parameters, other content types, origins nobody registered, answers that may be stored, raw error texts.
func (s *Server) gate(e Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := platform.FromContext(r.Context())
		if e.preflight() {
			s.cors(w, r, p.ID)
		}
		w.Header().Set("Pragma", "no-cache") // RFC 6749 section 5.1
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if err := s.Registry.Fresh(); err != nil {
			writeMachineError(w, r, codeOf(err))
			return
		}
		asks, err := s.inspect(r, e)
		if r.URL.RawQuery != "" { // refused
			s.exposed(r, e.Route)
		}
		if err != nil {
			writeMachineError(w, r, codeOf(err))
			return
		}
		if len(e.Auth) > 0 {
			s.sayParty(w, p.ID, asks)
			asks.hand(r)
		}
		ew := &errorWriter{ResponseWriter: w}
		s.machine.ServeHTTP(ew, r.WithContext(context.WithValue(r.Context(), shownKey{}, &asks)))
		if !ew.refused {
			return
		}
		if asks.code == "" {
			asks.code = ew.code()
		}
		writeMachineError(w, r, asks.code)
	})
}

// grantTypes are those we serve.
var grantTypes = []string{grant.AuthorizationCode, grant.RefreshToken, grant.ClientCredentials}

// inspect reads the form once, strictly, and looks for who asks; the library finds the form parsed.
func (s *Server) inspect(r *http.Request, e Endpoint) (shown, error) {
	err := readForm(r, e)
	if len(e.Auth) == 0 {
		return shown{}, oneToken(r, err)
	}
	if err != nil {
		return shown{}, err
	}
	if asked := r.Form.Get("grant_type"); asked != "" && !slices.Contains(grantTypes, asked) {
		return shown{}, refuse("unsupported_grant_type", "not served") // the library first asks whether the party may use it
	}
	if _, _, basic := r.BasicAuth(); !basic && !r.Form.Has("client_id") && !r.Form.Has("client_assertion") {
		return shown{}, refuse("invalid_client", "no client authentication") // RFC 6749 section 5.2; the library says invalid_request
	}
	return readParty(r)
}

// sayParty names the party and the way that it used in the log, if it is one that somebody registered.
func (s *Server) sayParty(w http.ResponseWriter, p platform.ID, asks shown) {
	if party, known := s.Registry.Party(p, grant.PartyID(asks.id)); known {
		web.Say(w, slog.String("party", string(party.ID)))
	}
	web.Say(w, slog.String("auth", string(asks.way)))
}

func readForm(r *http.Request, e Endpoint) error {
	malformed := refuse("invalid_request", "malformed")
	// No parameter of these endpoints belongs into a URL: logs and histories keep those (RFC 6750 section 5.3).
	if r.URL.RawQuery != "" {
		_ = r.ParseForm() // for the record: it is refused
		return malformed
	}
	if len(r.Header.Values("Authorization")) > 1 {
		return malformed
	}
	if r.Method == http.MethodPost && !(slices.Contains(e.Methods, http.MethodGet) && r.ContentLength == 0) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/x-www-form-urlencoded" {
			return malformed
		}
	}
	if err := web.ParseForm(r); errors.Is(err, web.ErrNotUTF8) {
		return refuse(notUTF8, "characters")
	} else if err != nil {
		return malformed
	}
	for name, values := range r.Form {
		// resource and audience may repeat (RFC 8707, RFC 8693); nothing else may (RFC 6749 section 3.2).
		if len(values) > 1 && name != "resource" && name != "audience" {
			return malformed
		}
	}
	return nil
}

// oneToken wants one access token, in the header or in the body (RFC 6750 section 2). Whoever shows none learns only
// how to ask, whatever else is wrong (section 3.1); one in the URL was shown, and is refused.
func oneToken(r *http.Request, malformed error) error {
	scheme, inHeader, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 section 11.1
		inHeader = ""
	}
	inBody := r.PostForm.Get("access_token")
	switch {
	case malformed != nil && codeOf(malformed) == notUTF8: // its parameters are not known
		return malformed
	case inHeader == "" && inBody == "" && !r.URL.Query().Has("access_token"):
		return refuse(tokenMissing, "no access token")
	case malformed != nil:
		return malformed
	case inHeader != "" && inBody != "":
		return refuse("invalid_request", "two ways of sending a token")
	}
	return nil
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
	h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
	}
}

// writeMachineError is the last step of every refused machine request (RFC 6749 section 5.2, RFC 6750 section 3).
func writeMachineError(w http.ResponseWriter, r *http.Request, code string) {
	t, known := texts[code]
	if !known {
		code, t = "invalid_request", texts["invalid_request"]
	}
	code = cmp.Or(t.said, code)
	body := map[string]string{"error": code, "error_description": t.text}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	realm := `realm="` + string(platform.FromContext(r.Context()).Issuer) + `"` // an issuer has no quotes
	switch {
	case code == temporarilyUnavailable:
		h.Set("Retry-After", "5")
	case code == "invalid_client":
		h.Set("WWW-Authenticate", "Basic "+realm+`, charset="UTF-8"`) // however the party tried (RFC 9110 section 15.5.2)
	case code == tokenMissing:
		h.Set("WWW-Authenticate", "Bearer "+realm) // no error code when there was no token (RFC 6750 section 3.1)
		body = map[string]string{}
	case r.URL.Path == pathUserinfo && t.status < http.StatusInternalServerError:
		h.Set("WWW-Authenticate", "Bearer "+realm+`, error="`+code+`", error_description="`+t.text+`"`)
	}
	text, _ := json.Marshal(body)
	w.WriteHeader(t.status)
	_, _ = w.Write(text) // the caller is gone: nothing to do about it
}

// errorWriter lets answers pass and swallows the library's errors.
type errorWriter struct {
	http.ResponseWriter
	refused bool
	body    bytes.Buffer
}

func (w *errorWriter) WriteHeader(status int) {
	if w.refused = status >= 400; !w.refused {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *errorWriter) Write(b []byte) (int, error) {
	if !w.refused {
		return w.ResponseWriter.Write(b)
	}
	if w.body.Len() < web.MaxBody {
		w.body.Write(b)
	}
	return len(b), nil
}

// code is the code of an error that the library itself wrote.
func (w *errorWriter) code() string {
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(w.body.Bytes(), &e) != nil {
		return "invalid_request"
	}
	return e.Error
}
