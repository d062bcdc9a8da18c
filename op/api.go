package op

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// apiLimit is how many requests a minute one party makes of the API, counted over all nodes, whatever they are
// answered.
const apiLimit = 600

// api serves the servers of platforms: JSON both ways, an access token of the party itself that has a scope of ours,
// and errors of RFC 9457. Who asks comes before what is wrong with the question.
func api(scope string, answer answering) serving {
	return func(s *Server, e Endpoint) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			web.ToMachine(w)
			c, err := s.admitMachine(w, r, e, scope)
			if err == nil {
				c.body, err = readJSON(r)
			}
			var body any
			if err == nil {
				body, err = answer(s, r.Context(), c)
			}
			if err != nil {
				s.writeProblem(w, r, scope, err)
				return
			}
			writeAnswer(w, e, body)
		})
	}
}

// admitMachine lets in a party of the platform's own that shows an access token which nobody granted but the party
// got as itself, and counts the request.
func (s *Server) admitMachine(w http.ResponseWriter, r *http.Request, e Endpoint, scope string) (*call, error) {
	if err := s.Registry.Fresh(); err != nil {
		return nil, err
	}
	ctx, p := r.Context(), platform.FromContext(r.Context())
	var malformed error
	if r.URL.RawQuery != "" { // no parameter belongs there, a token least of all
		s.recordExposedSecret(r, e.Route)
		malformed = refuse("invalid_request", "a query")
	}
	if len(r.Header.Values("Authorization")) > 1 {
		malformed = refuse("invalid_request", "two ways of sending a token")
	}
	token, asDPoP, err := oneToken(r, malformed)
	if err != nil {
		return nil, err
	}
	c := &call{request: r, platform: p, token: token, asDPoP: asDPoP, now: s.Now()}
	if c.asDPoP {
		if c.proof, err = s.readProof(r, p, e.Path, false, c.now); err != nil {
			return nil, e.proofError(err)
		}
	}
	l, err := s.liveAccess(ctx, p, token)
	if err != nil {
		return nil, deadToken(err)
	}
	if err := c.shows(l.handle); err != nil {
		return nil, err
	}
	c.party, c.scopes = l.party, l.Scopes
	web.AddLogAttrs(w, slog.String("party", string(c.party.ID)))
	if l.grant != nil || l.party.ThirdParty || !slices.Contains(l.Scopes, scope) {
		return nil, refuse(insufficientScope, "needs "+scope)
	}
	if err := s.spend(ctx, p, c.proof); err != nil {
		return nil, e.proofError(err)
	}
	return c, s.countRequest(ctx, c)
}

// countRequest counts one request of a party.
func (s *Server) countRequest(ctx context.Context, c *call) error {
	key := s.Secrets.Sealer.MAC("requests of the API", string(c.platform.ID)+"\x00"+string(c.party.ID))
	limit := authn.Limit{Key: hex.EncodeToString(key), Max: apiLimit, Window: time.Minute}
	stand, err := s.Referrals.Count(ctx, c.platform.ID, []authn.Limit{limit}, c.now)
	switch {
	case err != nil:
		return err
	case stand[0].N > limit.Max:
		return &problem{status: http.StatusTooManyRequests, code: "too_many_requests", wait: stand[0].Until.Sub(c.now)}
	}
	return nil
}

// problem is an error that a platform's server is told (RFC 9457).
type problem struct {
	status int
	code   string
	detail string        // a sentence; empty: the status says it
	wait   time.Duration // until it works again; 0: nobody knows
}

func (p *problem) Error() string { return p.code }

// problemBody is what it is written as. The type is left out, so it is about:blank, whose title is that of the
// status; code is ours, for programs.
type problemBody struct {
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      string `json:"code,omitempty"`
	Reference string `json:"reference"`
}

// writeProblem is the last step of every refused request of the API.
func (s *Server) writeProblem(w http.ResponseWriter, r *http.Request, scope string, err error) {
	var told *problem
	if !errors.As(err, &told) {
		code := codeOf(s.fail(r.Context(), "request of the API", err))
		t, known := texts[code]
		if !known {
			code, t = "server_error", texts["server_error"]
		}
		told = &problem{status: t.status, code: cmp.Or(t.said, code), detail: t.text}
		logRefusal(w, err)
	} else {
		web.LogRefusal(w, told.code, cmp.Or(told.detail, told.code))
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch {
	case told.wait > 0:
		web.TooMany{Wait: told.wait}.RetryAfter(h)
	case told.status == http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	}
	realm := `realm="` + string(platform.FromContext(r.Context()).Issuer) + `"`
	switch {
	case told.code == tokenMissing: // whoever shows none gets no error code (RFC 6750 section 3.1)
		told.code = ""
		challenge(h, r, realm, "")
	case told.code == insufficientScope:
		challenge(h, r, realm, `, error="`+told.code+`", error_description="`+told.detail+`", scope="`+scope+`"`)
	case told.code == "invalid_request", told.status == http.StatusUnauthorized:
		challenge(h, r, realm, `, error="`+told.code+`", error_description="`+told.detail+`"`)
	}
	text, _ := json.Marshal(problemBody{
		http.StatusText(told.status), told.status, told.detail, told.code, web.From(r.Context()).Reference,
	})
	w.WriteHeader(told.status)
	_, _ = w.Write(text) // the caller is gone: nothing to do about it
}

// readJSON reads the object in the body of a request: one, of texts only, each named once.
func readJSON(r *http.Request) (map[string]string, error) {
	malformed := func(format string, args ...any) (map[string]string, error) {
		return nil, &problem{status: http.StatusBadRequest, code: "invalid_body", detail: fmt.Sprintf(format, args...)}
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset, said := parameters["charset"]; err != nil || kind != "application/json" || said && !strings.EqualFold(charset, "utf-8") {
		return nil, &problem{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", detail: "The body must be application/json."}
	}
	text, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &problem{
			status: http.StatusRequestEntityTooLarge, code: "body_too_large", detail: "At most " + strconv.FormatInt(large.Limit, 10) + " bytes are read.",
		}
	case err != nil:
		return malformed("The body did not arrive.")
	case !utf8.Valid(text) || !json.Valid(text):
		return malformed("The body is not JSON in UTF-8.")
	}
	scan := jsonScan{text: text}
	if scan.next() != '{' {
		return malformed("The body is not an object.")
	}
	members := scan.object()
	if scan.twice {
		return malformed("A member is there twice.")
	}
	body := map[string]string{}
	for name, value := range members {
		var text *string
		if json.Unmarshal(value, &text) != nil || text == nil {
			return malformed("Each member must be a text.")
		}
		body[name] = *text
	}
	return body, nil
}
