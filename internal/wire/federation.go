package wire

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/upstream/oidc"
	"github.com/minddistrict/idp/internal/upstream/saml"
	"github.com/minddistrict/idp/login/federated"
)

// protocols are those with which organisations' sign-ins are spoken to.
func protocols(h *House) map[federation.Kind]federated.Protocol {
	return map[federation.Kind]federated.Protocol{
		federation.OIDC: byOIDC{oidc.New(oidc.Options{Client: h.Outbound, Open: h.Sealer.Open, Now: h.clock.Now, Log: h.Log})},
		federation.SAML: bySAML{saml.New(saml.Options{
			Store: h.DB, Client: h.Outbound, Open: h.Sealer.Open, Now: h.clock.Now, Log: h.Log, Tell: tellOfKeys(h),
		})},
	}
}

// tellOfKeys tells who looks after a connection what became known of the keys of its upstream.
func tellOfKeys(h *House) func(context.Context, *federation.Connection, saml.News) {
	return func(ctx context.Context, c *federation.Connection, news saml.News) {
		p, ok := h.settings.Platform(c.Platform)
		if !ok {
			return
		}
		about := map[string]string{} // what is told of each
		if len(news.Keys) > 0 {
			about[federated.NewKey] = "SHA-256 " + strings.Join(news.Keys, ", ")
		}
		if !news.Expires.IsZero() {
			about[federated.Certificate] = "ends " + news.Expires.UTC().Format(time.DateOnly)
		}
		for _, what := range []string{federated.NewKey, federated.Certificate} {
			if about[what] == "" {
				continue
			}
			err := federatedOptions(h).Alarm(ctx, p, c, what, about[what], audit.Event{At: h.clock.Now()})
			if err != nil && ctx.Err() == nil {
				h.Log.ErrorContext(ctx, "telling of the keys of an upstream", slog.String("platform", string(c.Platform)),
					slog.String("connection", string(c.ID)), slog.Any("error", err))
			}
		}
	}
}

// metadataEvery is how often connections are looked at whose metadata is due: it is read daily, and an hour after it
// could not be.
const metadataEvery = 10 * time.Minute

// readMetadata reads what upstreams publish that speak SAML, where it is due. What cannot be read is said in the log.
func readMetadata(h *House) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, done := context.WithTimeout(ctx, upkeepTime)
		defer done()
		upstream, ok := h.upstreams[federation.SAML].(bySAML)
		if !ok {
			return nil
		}
		for _, c := range h.settings.Open(federation.SAML) {
			// What an upstream does not publish is said already; everything else is the database's.
			if err := upstream.Refresh(ctx, c); err != nil && federation.ReasonOf(err) == "" {
				return err
			}
		}
		return nil
	}
}

// bySAML is SAML 2.0 as the door wants it.
type bySAML struct{ *saml.Upstream }

// Published is our metadata.
func (u bySAML) Published(c *federation.Connection, back string) (contentType string, body []byte, err error) {
	body, err = u.Metadata(c, back)
	return "application/samlmetadata+xml", body, err
}

// byOIDC is OpenID Connect as the door wants it.
type byOIDC struct{ *oidc.Upstream }

// Ended is a logout token, which a server posts.
func (u byOIDC) Ended(ctx context.Context, c *federation.Connection, _ string, r *http.Request) (federation.Logout, federation.Redirect, error) {
	ended, err := u.Upstream.Ended(ctx, c, r)
	return ended, federation.Redirect{}, err
}

// Published are the keys that our client assertions are checked with.
func (u byOIDC) Published(c *federation.Connection, _ string) (contentType string, body []byte, err error) {
	body, err = u.JWKS(c)
	return "application/jwk-set+json", body, err
}

// federatedOptions are those of the sign-ins of organisations.
func federatedOptions(h *House) federated.Options {
	o := federated.Options{Store: h.DB, Answers: h.DB, Tests: h.DB, Codes: h.DB, Sealer: h.Sealer, Log: h.Log, Protocols: h.upstreams, Budget: h.budget()}
	if h.DB != nil {
		o.Managers = h.DB.Managers
	}
	if h.settings != nil {
		o.Connections = h.settings.Connections
	}
	return o
}
