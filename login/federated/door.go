package federated

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// answerLife is how long a browser may take from the request that brings an answer to the one that shows its cookie.
const answerLife = 60 * time.Second

// maxAnswer bounds what a browser posts to us: a signed and encrypted answer of SAML.
const maxAnswer = 384 << 10

// Engine is what the door needs of the engine of journeys.
type Engine interface {
	Pages(r *mux.Router) func(path, name string, h func(http.ResponseWriter, *http.Request) error, methods ...string)
	ShowPage(w http.ResponseWriter, r *http.Request, status int, page string, data any, look login.Look) error
	Post(w http.ResponseWriter, r *http.Request, to login.Redirect) error
	Refuse(r *http.Request, e audit.Event) (reference string)
	NotFound(w http.ResponseWriter, r *http.Request)
}

// Door takes answers of upstreams. It sees no cookie.
type Door struct {
	Options
	engine Engine
	now    func() time.Time
}

// New makes the door.
func New(o Options, engine Engine, now func() time.Time) *Door { return &Door{o, engine, now} }

// Routes adds its addresses, which other sites post to (OpenToOthers).
func (d *Door) Routes(r *mux.Router) {
	add := d.engine.Pages(r)
	for _, what := range answerPaths {
		add("/federation/{connection}/"+what, "federated answer", d.back, "GET", "POST")
	}
	add("/federation/{connection}/{place:backchannel}", "federated logout", d.over, "POST")
	add("/federation/{connection}/{place:slo}", "federated logout", d.over, "GET", "POST")
	add("/federation/{connection}/{place:jwks|metadata}", "federated document", d.published, "GET", "HEAD")
	add("/federation/{connection}/test/{id}", "federated test", d.beginTest, "GET")
}

// arrived is an answer on its way from the door to the journey.
type arrived struct {
	Journey    string              `json:"journey"`
	Connection federation.ID       `json:"connection"`
	Answer     federation.Answer   `json:"answer"`
	Old        bool                `json:"old,omitempty"` // it is no new sign-in, and one was asked for
	Two        bool                `json:"two,omitempty"` // two factors were asked for
	Refused    *federation.Refusal `json:"refused,omitempty"`
}

// back takes an answer, and leads the browser to where it shows the cookie of the journey.
func (d *Door) back(w http.ResponseWriter, r *http.Request) error {
	ctx, p, now := r.Context(), platform.FromContext(r.Context()), d.now()
	c := d.any(p.ID, federation.ID(mux.Vars(r)["connection"]))
	if c == nil || d.Protocols[c.Kind] == nil || r.URL.Path != callbackPath(c) {
		return fault.NotFound
	}
	web.RaiseBodyLimit(r, maxAnswer)
	if err := r.ParseForm(); err != nil {
		return d.unsolicited(w, r, c, federation.Refuse(federation.BadForm, "the form cannot be read: %v", err))
	}
	t, err := federation.Returned(d.Sealer.MACs, p.ID, c.ID, stateOf(r), now)
	if err != nil {
		return d.unsolicited(w, r, c, err)
	}
	handle := secret.Token()
	if calls(r) {
		err = d.Answers.ClaimAnswer(ctx, p.ID, federation.StoredAnswer{State: t.Hash(), Handle: secret.Hash(handle)}, t.Expired())
	}
	if err != nil {
		return d.late(w, r, c, t, err)
	}
	answer, err := d.Protocols[c.Kind].Answer(ctx, c, t, p.URL(callbackPath(c)), r)
	if err != nil && federation.ReasonOf(err) == "" {
		return err
	}
	if t.Test {
		return d.tested(w, r, c, t, answer, err)
	}
	path, err := d.keep(ctx, p, c, t, answer, err, handle, now)
	if err != nil {
		return d.late(w, r, c, t, err)
	}
	return web.SeeOther(w, r, p.URL(path))
}

// calls reports whether an answer has us call its upstream, which is claimed first: a code or an artifact stands for
// the answer, and whoever has a state of their own can make up as many as they like.
func calls(r *http.Request) bool { return r.Form.Has("code") || r.Form.Has("SAMLart") }

// late leads on whoever brings another answer to a visit. Answered before: the journey goes on from where it is.
// Claimed, and nothing came of it, as where the node went away: the page says so, and another visit begins from there.
func (d *Door) late(w http.ResponseWriter, r *http.Request, c *federation.Connection, t federation.UpstreamRequest, err error) error {
	p, spent, taken := platform.FromContext(r.Context()), errors.Is(err, fault.Spent), errors.Is(err, fault.Taken)
	over := federation.Refuse(federation.Replayed, "an answer to this visit was here before")
	switch {
	case !spent && !taken:
		return err
	case t.Test: // what the first one brought stays
		return d.unsolicited(w, r, c, over)
	case spent:
		return web.SeeOther(w, r, p.URL("/login/"+t.Journey))
	}
	path, err := d.refused(p, c, t, over)
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, p.URL(path))
}

// stateOf is the one state of an answer; empty: it has none, or several.
func stateOf(r *http.Request) string {
	for _, name := range []string{"state", "RelayState"} {
		if all := r.Form[name]; len(all) > 0 {
			if len(all) == 1 {
				return all[0]
			}
			return ""
		}
	}
	return ""
}

// refusedPrefix begins a handle that is what it stands for: the reason for which there is no answer. It signs nobody
// in, so it need not work once, and nothing is stored: anybody can have as many as they like.
const refusedPrefix = "refused."

func refusedBinding(p platform.ID, journey string) string {
	return "refused/" + string(p) + "/" + journey
}

// refused seals the reason for which there is no answer, and is the path where the browser learns it.
func (o Options) refused(p *platform.Platform, c *federation.Connection, t federation.UpstreamRequest, cause error) (string, error) {
	came := arrived{Journey: t.Journey, Connection: c.ID}
	if !errors.As(cause, &came.Refused) {
		return "", cause
	}
	text, err := json.Marshal(came)
	if err != nil {
		return "", err
	}
	sealed := o.Sealer.Seal(text, refusedBinding(p.ID, t.Journey))
	return login.ReturnPath(t.Journey, stepName, refusedPrefix+base64.RawURLEncoding.EncodeToString(sealed)), nil
}

// keep seals an answer under a handle, or the reason for which there is none, and is the path where its browser takes
// it.
func (o Options) keep(
	ctx context.Context, p *platform.Platform, c *federation.Connection, t federation.UpstreamRequest, a federation.Answer, cause error,
	handle string, now time.Time,
) (string, error) {
	if cause != nil {
		return o.refused(p, c, t, cause)
	}
	text, err := json.Marshal(arrived{Journey: t.Journey, Connection: c.ID, Answer: a, Old: t.Stale(a), Two: t.TwoFactors})
	if err != nil {
		return "", err
	}
	kept := federation.StoredAnswer{State: t.Hash(), Handle: secret.Hash(handle)}
	kept.Sealed = o.Sealer.Seal(text, kept.Binding(p.ID))
	if err := o.Answers.KeepAnswer(ctx, p.ID, kept, now.Add(answerLife), t.Expired()); err != nil {
		return "", err
	}
	return login.ReturnPath(t.Journey, stepName, handle), nil
}

// unsolicited says to somebody that an answer is none to what began here, in this browser or at all.
func (d *Door) unsolicited(w http.ResponseWriter, r *http.Request, c *federation.Connection, cause error) error {
	page := startPage{About: About{ErrorKey: said(federation.ReasonOf(cause)).key, At: c.Names}}
	return d.notTaken(w, r, c, "an answer of an upstream that nobody waits for", page, cause)
}

// notTaken says to somebody that what the browser brought is not taken, with the number under which the log has why.
func (d *Door) notTaken(
	w http.ResponseWriter, r *http.Request, c *federation.Connection, what string, page startPage, cause error,
) error {
	page.HomeURL = platform.FromContext(r.Context()).HomeURL
	web.LogRefusal(w, "federated", string(federation.ReasonOf(cause)))
	page.Reference = d.engine.Refuse(r, audit.Event{
		Kind: audit.FederatedRefused, Connection: string(c.ID), Reason: string(federation.ReasonOf(cause)),
	})
	d.Log.WarnContext(r.Context(), what, slog.String("platform", string(c.Platform)), slog.String("connection", string(c.ID)),
		slog.String("reference", page.Reference), slog.Any("error", cause))
	return d.engine.ShowPage(w, r, http.StatusBadRequest, "sso", page, login.Look{Fixed: true, Reference: page.Reference})
}

// answerPaths are the addresses of answers, and openPaths all that other sites post to.
var (
	answerPaths = []string{"callback", "acs"}
	openPaths   = append(slices.Clone(answerPaths), backchannel, singleOut)
)

// OpenToOthers are the patterns of paths that other sites post to: no cookie is looked at there.
func OpenToOthers() (all []string) {
	for _, what := range openPaths {
		all = append(all, "/federation/{connection}/"+what)
	}
	return all
}

// IsOpen reports whether a path is one of these.
func IsOpen(path string) bool {
	rest, ok := strings.CutPrefix(path, "/federation/")
	id, what, _ := strings.Cut(rest, "/")
	return ok && id != "" && slices.Contains(openPaths, what)
}
