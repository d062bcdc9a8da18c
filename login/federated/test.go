package federated

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// Tested is what a test sign-in brought, as it is kept for its hour.
type Tested struct {
	Answer  federation.Answer   `json:"answer"`
	Old     bool                `json:"old,omitempty"`     // it is no new sign-in, which a test asks for
	Refused *federation.Refusal `json:"refused,omitempty"` // nil: it was an answer

	Reference string `json:"reference,omitempty"` // the number of the page that said that nobody comes in with it; empty: it did not
}

// TestPath is the address of a test sign-in, below the issuer. Whoever opens it signs in at the organisation, and
// nowhere here.
func TestPath(c federation.ID, id string) string { return "/federation/" + string(c) + "/test/" + id }

// beginTest leads to the organisation, whether the connection is disabled or not.
func (d *Door) beginTest(w http.ResponseWriter, r *http.Request) error {
	ctx, p, now := r.Context(), platform.FromContext(r.Context()), d.now()
	c, id := d.any(p.ID, federation.ID(mux.Vars(r)["connection"])), mux.Vars(r)["id"]
	if c == nil || d.Protocols[c.Kind] == nil || !secret.IsID(id) {
		return fault.NotFound
	}
	if running, err := d.Tests.TestID(ctx, p.ID, c.ID, now); err != nil || running != id {
		return errors.Join(fault.NotFound, err)
	}
	t := federation.NewUpstreamRequest(d.Sealer.MAC, p.ID, c.ID, id, true, true, now)
	if c.Contract.Proves() {
		t = t.WithTwoFactors(d.Sealer.MAC, p.ID, c.ID)
	}
	away, err := d.Protocols[c.Kind].SignInRedirect(ctx, c, t, p.URL(callbackPath(c)))
	if federation.ReasonOf(err) != "" {
		return d.tested(w, r, c, t, federation.Answer{}, err)
	}
	if err != nil {
		return err
	}
	if away.Form == nil {
		return web.SeeOther(w, r, away.URL)
	}
	return d.engine.Post(w, r, login.Redirect{URL: away.URL, Form: away.Form, Name: c.Name(p.Locale)})
}

// tested keeps what a test sign-in brought, and says whether somebody could come in with it. It makes no account, link
// or session.
func (d *Door) tested(
	w http.ResponseWriter, r *http.Request, c *federation.Connection, t federation.UpstreamRequest, a federation.Answer, cause error,
) error {
	result := Tested{Answer: a, Old: cause == nil && t.Stale(a)}
	if cause != nil && !errors.As(cause, &result.Refused) {
		return cause
	}
	refused := result.Refused
	if _, err := c.EvaluateTest(a, result.Old, d.now()); refused == nil && err != nil && !errors.As(err, &refused) {
		return err
	}
	page := testPage{At: c.Names, Old: result.Old}
	if refused != nil {
		page.Reason, page.Detail, page.Advice = string(refused.Reason), refused.Detail, said(refused.Reason).advice
		page.Reference = d.engine.Refuse(r, audit.Event{Kind: audit.FederatedRefused, Connection: string(c.ID), Reason: page.Reason})
		result.Reference = page.Reference
		d.Log.InfoContext(r.Context(), "test sign-in by an organisation refused", slog.String("platform", string(c.Platform)),
			slog.String("connection", string(c.ID)), slog.String("reference", page.Reference), slog.Any("error", refused))
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	sealed := d.Sealer.Seal(text, c.Binding("test"))
	if err := d.Tests.AnswerTest(r.Context(), c.Platform, c.ID, t.Journey, sealed, d.now()); err != nil {
		return err
	}
	return d.engine.ShowPage(w, r, http.StatusOK, "sso_test", page, login.Look{Fixed: true, Reference: page.Reference})
}

// any is the connection of that name, open or not; nil: there is none.
func (o Options) any(p platform.ID, id federation.ID) *federation.Connection {
	for _, c := range o.Connections(p) {
		if c.ID == id {
			return c
		}
	}
	return nil
}
