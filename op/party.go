package op

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	oidcop "github.com/zitadel/oidc/v3/pkg/op"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// VerifyClient authenticates the party of a token or revocation request.
func (s *Server) VerifyClient(ctx context.Context, r *oidcop.Request[oidcop.ClientCredentials]) (oidcop.Client, error) {
	party, err := s.authenticate(ctx, r.Header, r.Data.ClientID, r.Data.ClientSecret, r.Data.ClientAssertion)
	if err != nil {
		return nil, err
	}
	return client{party}, nil
}

// authenticate checks that a party proves itself by the one method it registered (RFC 9700 section 2.5); a public party
// presents no secret.
func (s *Server) authenticate(ctx context.Context, header http.Header, id, presented, assertion string) (*grant.Party, error) {
	p := platform.FromContext(ctx)
	party, known := s.Registry.Party(p.ID, grant.PartyID(id))
	used := grant.AuthNone
	_, _, basic := (&http.Request{Header: header}).BasicAuth()
	switch {
	case basic:
		used = grant.AuthBasic
	case header.Get("Authorization") != "":
		known = false // some other scheme proves no party
	case presented != "":
		used = grant.AuthPost
	}
	if !known || !party.DisabledAt.IsZero() || assertion != "" || used != party.Auth ||
		used != grant.AuthNone && !party.SecretMatches(presented) {
		if party != nil {
			s.note(ctx, account.PartyRefused, party, whyRefused(party))
		}
		return nil, s.fail(ctx, "client authentication", refuse("invalid_client", "unknown, or not proven as registered"))
	}
	return party, nil
}

// whyRefused is a word for the audit record.
func whyRefused(party *grant.Party) string {
	if !party.DisabledAt.IsZero() {
		return "disabled"
	}
	return "not proven"
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
