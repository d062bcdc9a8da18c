package federated

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// Ender is a Protocol by which an upstream says that sessions there are over.
type Ender interface {
	// Ended is what a request says is over, and where the browser goes that brought it; zero: no browser did. back is our
	// address for answers. A federation.Refusal: it is not the upstream that says so, or not to us.
	Ended(ctx context.Context, c *federation.Connection, back string, r *http.Request) (federation.Logout, federation.Redirect, error)
}

// Publisher is a Protocol with something that an upstream reads of us.
type Publisher interface {
	// Published is a document and its type.
	Published(c *federation.Connection, back string) (contentType string, body []byte, err error)
}

// Addresses of a connection for logouts and documents, below /federation/{connection}.
const (
	backchannel = "backchannel" // OpenID Connect Back-Channel Logout 1.0
	singleOut   = "slo"         // SAML 2.0 Single Logout
	keySet      = "jwks"
	metadata    = "metadata"
)

// places of a kind: for logouts, and of what is published.
var places = map[federation.Kind]struct{ out, published string }{
	federation.OIDC: {backchannel, keySet},
	federation.SAML: {singleOut, metadata},
}

// at is the connection of a request, at an address that its kind has; nil: there is none.
func (d *Door) at(r *http.Request, place func(federation.Kind) string) *federation.Connection {
	c := d.any(platform.FromContext(r.Context()).ID, federation.ID(mux.Vars(r)["connection"]))
	if c == nil || d.Protocols[c.Kind] == nil || mux.Vars(r)["place"] != place(c.Kind) {
		return nil
	}
	return c
}

// published shows what an upstream reads of us, whether the connection is open or not: it is set up before.
func (d *Door) published(w http.ResponseWriter, r *http.Request) error {
	c := d.at(r, func(k federation.Kind) string { return places[k].published })
	if c == nil {
		d.engine.NotFound(w, r)
		return nil
	}
	p, ok := d.Protocols[c.Kind].(Publisher)
	if !ok {
		d.engine.NotFound(w, r)
		return nil
	}
	contentType, body, err := p.Published(c, platform.FromContext(r.Context()).URL(callbackPath(c)))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentType)
	_, err = w.Write(body)
	return err
}

// noLogout is the line of the log of a logout that does not count.
const noLogout = "a logout that no upstream sent"

// over ends the sessions that came from those which are over at an upstream, and their parties are told (decided by
// what the upstream signed, never by a cookie).
func (d *Door) over(w http.ResponseWriter, r *http.Request) error {
	ctx, p := r.Context(), platform.FromContext(r.Context())
	c := d.at(r, func(k federation.Kind) string { return places[k].out })
	if c == nil {
		return fault.NotFound
	}
	ender, ok := d.Protocols[c.Kind].(Ender)
	if !ok {
		return fault.NotFound
	}
	web.RaiseBodyLimit(r, maxAnswer)
	ended, reply, err := ender.Ended(ctx, c, p.URL(callbackPath(c)), r)
	if federation.ReasonOf(err) != "" {
		if c.Kind == federation.SAML { // a browser brought it
			page := startPage{LoggingOut: true, About: About{ErrorKey: "sso.logout_failed", At: c.Names}}
			return d.notTaken(w, r, c, noLogout, page, err)
		}
		d.Log.WarnContext(ctx, noLogout, slog.String("platform", string(p.ID)), slog.String("connection", string(c.ID)), slog.Any("error", err))
		web.LogRefusal(w, "invalid_request", string(federation.ReasonOf(err)))
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, err := w.Write([]byte(`{"error":"invalid_request"}`))
		return err
	}
	if err != nil {
		return err
	}
	e := audit.Origin(web.From(ctx)).Of(audit.Event{
		At: d.now(), Platform: p.ID, Kind: audit.SessionEnded, Actor: system, Outcome: audit.Success, Reason: federation.Method,
	})
	_, err = d.Store.EndUpstream(ctx, p.ID, c.ID, ended, e, d.now())
	if err != nil && !errors.Is(err, fault.Spent) { // told twice is told
		return err
	}
	switch {
	case reply.Form != nil:
		return d.engine.Post(w, r, login.Redirect{URL: reply.URL, Form: reply.Form, Name: c.Name(p.Locale)})
	case reply.URL != "":
		return web.SeeOther(w, r, reply.URL)
	}
	w.Header().Set("Cache-Control", "no-store") // Back-Channel Logout 1.0 section 2.8
	w.WriteHeader(http.StatusOK)
	return nil
}
