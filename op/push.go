package op

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

const (
	// requestURN names a pushed request (RFC 9126 section 2.2).
	requestURN = "urn:ietf:params:oauth:request_uri:"
	// mostPushed is how many requests of one party may wait for their browsers: fifty a second.
	mostPushed = 3000
)

// pushed is the answer of RFC 9126 section 2.2.
type pushed struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

// push checks an authorization request that a party sends by itself, before any browser, and keeps it (RFC 9126). What
// is wrong with it is told in the words that the redirect would have.
func (s *Server) push(ctx context.Context, c *call) (any, error) {
	req, err := s.pushedRequest(ctx, c)
	var refused *protocolError
	if errors.As(err, &refused) {
		if to, ok := errors.AsType[*redirectError](err); ok {
			s.recordOnce(ctx, audit.RedirectRefused, to.party, to.recorded())
		}
		return nil, &toldError{refused}
	}
	if err != nil {
		return nil, err
	}
	if c.party.Public() { // anybody may push in its name: counted like what waits for a first form
		if err := s.RateLimit(c.request); err != nil {
			return nil, refuse(tooManyRequests, "too many requests were pushed from here")
		}
	}
	req.Expiry = c.now.Add(grant.PushedLife)
	err = s.Pushes.Push(ctx, *req, mostPushed)
	if errors.Is(err, fault.Throttled) {
		return nil, refuse(tooManyRequests, "too many pushed requests wait")
	}
	if err != nil {
		return nil, s.fail(ctx, "pushing a request", err)
	}
	return pushed{requestURN + req.ID, int64(grant.PushedLife / time.Second)}, nil
}

func (s *Server) pushedRequest(ctx context.Context, c *call) (*grant.AuthRequest, error) {
	form := c.form
	if named := form.Get("client_id"); named != "" && named != string(c.party.ID) {
		return nil, refuse("invalid_request", "client_id is another than the one that was proven.").about("client_id")
	}
	if form.Get("request_uri") != "" {
		return nil, refuse("invalid_request", "request_uri cannot be pushed (RFC 9126 section 2.1).").about("request_uri")
	}
	form.Set("client_id", string(c.party.ID))
	req, _, err := s.parseRequest(ctx, c.platform, form)
	if err != nil {
		return nil, err
	}
	if c.proof != nil {
		if req.JKT != "" && req.JKT != c.proof.jkt {
			return nil, refuse(invalidProof, "dpop_jkt names another key than the proof.").about("dpop_jkt")
		}
		req.JKT = c.proof.jkt
		req.Ask.JKT = req.JKT
	}
	return req, nil
}

// isPushed reports whether an authorization request names one that was pushed.
func isPushed(form url.Values) bool { return strings.HasPrefix(form.Get("request_uri"), requestURN) }

// bindPushed meets a pushed request in the browser that brings it: nothing beside it counts (RFC 9126 section 4). It
// becomes a request of this browser, which a reload finds again; another browser may bindPushed it too, until it is
// answered in one.
func (s *Server) bindPushed(w http.ResponseWriter, r *http.Request, form url.Values) error {
	p := platform.FromContext(r.Context())
	party, known := s.enabled(p.ID, grant.PartyID(form.Get("client_id")))
	if !known {
		return unknownClient(form.Get("client_id"))
	}
	if r.Method == http.MethodPost { // without a cookie, if another site sends it
		q := url.Values{"client_id": {string(party.ID)}, "request_uri": {form.Get("request_uri")}}
		return web.SeeOther(w, r, p.URL(pathAuthorize)+"?"+q.Encode())
	}
	id, gone := strings.TrimPrefix(form.Get("request_uri"), requestURN), refuse(invalidRequestURI, "answered, expired, or another party's").about("request_uri")
	if !secret.IsID(id) {
		return gone
	}
	v := &visit{w: w, r: r, platform: p, party: party, now: s.Now()}
	if met, err := s.resumePushed(v, id); met || err != nil {
		return err
	}
	req, err := s.Pushes.Pushed(r.Context(), p.ID, id)
	if errors.Is(err, fault.NotFound) {
		return gone
	}
	if err != nil {
		return err
	}
	if req.Party != party.ID || !req.Open(v.now) {
		return gone
	}
	if err := stillAllowed(party, req); err != nil {
		return err
	}
	req.ID, req.Pushed, req.CreatedAt, req.Expiry = "", id, v.now, v.now.Add(grant.RequestLife)
	v.request = req
	return s.decide(v)
}

// resumePushed goes on with the request that this browser made of a pushed one before, if it waits for its answer
// still.
func (s *Server) resumePushed(v *visit, pushed string) (bool, error) {
	browser := web.CookieHash(v.r, v.platform.ID, web.BrowserCookie)
	if len(browser) == 0 {
		return false, nil
	}
	req, err := s.Requests.Request(v.r.Context(), v.platform.ID, broughtID(pushed, browser))
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if req.Party != v.party.ID || !web.Bound(v.r, v.platform.ID, req.ID, req.Browser) || !req.Open(v.now) {
		return false, nil // the pushed one says what is wrong
	}
	v.request, v.stored = req, true
	return true, s.redirectToJourney(v)
}

// broughtID is the identifier of a pushed request in one browser. Only who has that browser's cookie can know it.
func broughtID(pushed string, browser []byte) string {
	return secret.DerivedID("brought\x00" + pushed + "\x00" + string(browser))
}
