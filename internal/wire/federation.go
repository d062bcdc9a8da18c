package wire

import (
	"context"
	"net/http"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/upstream/oidc"
	"github.com/minddistrict/idp/login/federated"
)

// protocols are those with which organisations' sign-ins are spoken to.
func protocols(h *House) map[federation.Kind]federated.Protocol {
	return map[federation.Kind]federated.Protocol{
		federation.OIDC: byOIDC{oidc.New(oidc.Options{Client: h.Outbound, Open: h.Sealer.Open, Now: h.clock.Now, Log: h.Log})},
	}
}

// byOIDC is OpenID Connect as the door wants it.
type byOIDC struct{ *oidc.Upstream }

// Ended is a logout token, which a server posts.
func (u byOIDC) Ended(ctx context.Context, c *federation.Connection, _ string, r *http.Request) (federation.Ended, federation.Away, error) {
	ended, err := u.Upstream.Ended(ctx, c, r)
	return ended, federation.Away{}, err
}

// Published are the keys that our client assertions are checked with.
func (u byOIDC) Published(c *federation.Connection, _ string) (contentType string, body []byte, err error) {
	body, err = u.JWKS(c)
	return "application/jwk-set+json", body, err
}

// federatedOptions are those of the sign-ins of organisations.
func federatedOptions(h *House) federated.Options {
	o := federated.Options{Store: h.DB, Sealer: h.Sealer, Log: h.Log, Protocols: h.upstreams}
	if h.settings != nil {
		o.Connections = h.settings.Connections
	}
	return o
}
