package op

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// introspection is the answer of RFC 7662 section 2.2. An inactive token says nothing else.
type introspection struct {
	Active    bool            `json:"active"`
	Scope     string          `json:"scope,omitempty"`
	Party     grant.PartyID   `json:"client_id,omitempty"`
	TokenType string          `json:"token_type,omitempty"`
	Expiry    int64           `json:"exp,omitempty"`
	IssuedAt  int64           `json:"iat,omitempty"`
	Subject   string          `json:"sub,omitempty"`
	Audience  []grant.PartyID `json:"aud,omitempty"`
	Issuer    platform.Issuer `json:"iss,omitempty"`
	AuthTime  int64           `json:"auth_time,omitempty"`
	ACR       authn.ACR       `json:"acr,omitempty"`
	Session   string          `json:"sid,omitempty"`
	Bound     *confirmation   `json:"cnf,omitempty"`
}

// introspect tells a party about a token of its own, or one that is for it; about any other it says the same as about
// none (CVE-2024-47077). One read decides.
func (s *Server) introspect(ctx context.Context, c *call) (any, error) {
	p, asking := c.platform, c.party
	r := oidc.IntrospectionRequest{Token: c.form.Get("token")}
	switch {
	case asking.Public():
		return nil, refuse("invalid_client", "a public party proves nothing")
	case r.Token == "":
		return nil, refuse("invalid_request", "token is missing")
	}
	l, err := s.liveAccess(ctx, p, r.Token)
	kind := tokenType(l.JKT)
	if errors.Is(err, fault.NotFound) {
		kind = "refresh_token"
		l, err = s.liveRefresh(ctx, p, r.Token)
	}
	if errors.Is(err, fault.NotFound) {
		return introspection{}, nil
	}
	if err != nil {
		return nil, s.fail(ctx, "introspecting", err)
	}
	audience := audienceOf(l.party)
	if l.party.ID != asking.ID && (kind == "refresh_token" || !slices.Contains(audience, asking.ID)) {
		return introspection{}, nil
	}
	answer := introspection{
		Active: true, Scope: strings.Join(l.Scopes, " "), Party: l.party.ID, TokenType: kind, Expiry: l.Ends.Unix(),
		Subject: string(l.party.ID), Audience: audience, Issuer: p.Issuer,
		Bound: confirms(l.JKT),
	}
	if g := l.grant; g != nil {
		answer.Subject = l.party.Subject(g.Account, p.Salt)
		answer.AuthTime, answer.ACR, answer.Session = grant.AuthTime(g.Proofs), authn.ACROf(g.Proofs), l.party.Session(g.SIDSource(), p.Salt)
	}
	return answer, nil
}

// liveRefresh finds the grant of a current refresh token.
func (s *Server) liveRefresh(ctx context.Context, p *platform.Platform, token string) (live, error) {
	id, ok := grant.IDOf(token)
	if !ok {
		return live{}, fault.NotFound
	}
	g, err := s.Grants.GrantByRefresh(ctx, p.ID, grant.Refresh{Grant: id, Hash: secret.Hash(token)}, p.Policy.IdleAfter, s.Now())
	if err != nil {
		return live{}, err
	}
	ends := g.EndsAt
	if g.RefreshEnds.Before(ends) {
		ends = g.RefreshEnds
	}
	party, known := s.enabled(p.ID, g.Party)
	if !known {
		return live{}, fault.NotFound
	}
	return live{handle: handle{Grant: g.ID, Party: g.Party, Ends: ends, Scopes: party.Granted(g.Scopes)}, party: party, grant: g}, nil
}
