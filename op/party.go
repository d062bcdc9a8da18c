package op

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	oidcop "github.com/zitadel/oidc/v3/pkg/op"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// shown is what a machine request says of its party, read once by the gate.
type shown struct {
	id, secret string
	way        grant.Auth // how the secret came; otherScheme: something that proves no party
	code       string     // why the request is refused, for the gate
}

type shownKey struct{}

// otherScheme is an Authorization header that is no Basic one.
const otherScheme grant.Auth = "another scheme"

// readParty reads the party's identifier and its secret from header or body: servers must take the header and may take
// the body (RFC 6749 section 2.3.1), and libraries choose either. A party may name itself and show its secret in both
// alike, as some libraries do; what differs is refused (section 2.3). An empty secret is none, like every empty
// parameter (section 3.2).
func readParty(r *http.Request) (shown, error) {
	id, inBody := r.Form.Get("client_id"), r.Form.Get("client_secret")
	user, password, basic := r.BasicAuth()
	switch {
	case r.Header.Get("Authorization") == "":
		return shown{id: id, secret: inBody, way: wayOf("", inBody)}, nil
	case !basic:
		return shown{id: id, secret: inBody, way: otherScheme}, nil
	}
	name, err := url.QueryUnescape(user)
	inHeader, errSecret := url.QueryUnescape(password)
	switch broken := err != nil || errSecret != nil; {
	case id != "" && (err != nil || id != name), inBody != "" && (errSecret != nil || inHeader != "" && inBody != inHeader):
		return shown{}, refuse("invalid_request", "two kinds of client authentication")
	case broken || name == "":
		return shown{}, refuse("invalid_client", "malformed header")
	}
	return shown{id: name, secret: cmp.Or(inHeader, inBody), way: wayOf(inHeader, inBody)}, nil
}

func wayOf(inHeader, inBody string) grant.Auth {
	switch {
	case inHeader != "":
		return grant.AuthBasic
	case inBody != "":
		return grant.AuthPost
	}
	return grant.AuthNone
}

// hand leaves the library one way of reading who asks.
func (a shown) hand(r *http.Request) {
	if a.way == otherScheme {
		return
	}
	r.Header.Del("Authorization")
	for _, form := range []url.Values{r.Form, r.PostForm} {
		form.Set("client_id", a.id)
		form.Set("client_secret", a.secret)
	}
}

// VerifyClient authenticates the party of a token or revocation request.
func (s *Server) VerifyClient(ctx context.Context, r *oidcop.Request[oidcop.ClientCredentials]) (oidcop.Client, error) {
	party, err := s.authenticate(ctx, r.Data)
	if err != nil {
		return nil, err
	}
	return client{party}, nil
}

// authenticate checks that a party proves itself: one that has a secret shows it, in header or body, and one that has
// none shows none. A disabled party and an unknown one are refused alike, and both are on record, so that they take the
// same time.
func (s *Server) authenticate(ctx context.Context, c *oidcop.ClientCredentials) (*grant.Party, error) {
	party, known := s.Registry.Party(platform.FromContext(ctx).ID, grant.PartyID(c.ClientID))
	a, _ := ctx.Value(shownKey{}).(*shown)
	var reason string
	switch {
	case !known:
		reason, party = "unknown", &grant.Party{}
	case !party.DisabledAt.IsZero():
		reason = "disabled"
	case c.ClientAssertion != "":
		reason = "not proven: assertion"
	case a == nil || a.way == otherScheme || !party.Proves(c.ClientSecret):
		reason = "not proven: " + string(wayUsed(a))
	default:
		return party, nil
	}
	s.note(ctx, audit.PartyRefused, party.ID, reason)
	return nil, s.fail(ctx, "client authentication", refuse("invalid_client", "unknown, or not proven as registered"))
}

func wayUsed(a *shown) grant.Auth {
	if a == nil {
		return otherScheme
	}
	return a.way
}

// client shows a party to the library. Only what it asks on the token and revocation routes matters.
type client struct{ *grant.Party }

func (c client) GetID() string                    { return string(c.ID) }
func (c client) RedirectURIs() []string           { return c.Redirects }
func (c client) PostLogoutRedirectURIs() []string { return c.LogoutURIs }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) LoginURL(string) string                  { return "" } // our own authorize endpoint leads people
func (c client) AccessTokenType() oidcop.AccessTokenType { return oidcop.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration          { return c.EffectiveLives().IDToken }
func (c client) DevMode() bool                           { return false }
func (c client) IsScopeAllowed(scope string) bool        { return slices.Contains(c.Scopes, scope) }
func (c client) IDTokenUserinfoClaimsAssertion() bool    { return false }
func (c client) ClockSkew() time.Duration                { return 0 }
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func([]string) []string { return nil }
}
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func([]string) []string { return nil }
}

func (c client) ApplicationType() oidcop.ApplicationType {
	if c.Type == grant.Native {
		return oidcop.ApplicationTypeNative
	}
	return oidcop.ApplicationTypeWeb
}

func (c client) AuthMethod() oidc.AuthMethod {
	return map[grant.Auth]oidc.AuthMethod{
		grant.AuthBasic: oidc.AuthMethodBasic, grant.AuthPost: oidc.AuthMethodPost, grant.AuthNone: oidc.AuthMethodNone,
	}[c.Auth]
}

func (c client) GrantTypes() []oidc.GrantType {
	types := make([]oidc.GrantType, len(c.Grants))
	for i, g := range c.Grants {
		types[i] = oidc.GrantType(g)
	}
	return types
}
