package op

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	oidcop "github.com/zitadel/oidc/v3/pkg/op"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// tokenResponse is RFC 6749 section 5.1 with OpenID Connect Core 1.0 section 3.1.3.3.
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// CodeExchange redeems an authorization code. Party, redirect URI and code challenge are compared in the statement
// that spends it, so of many parallel tries exactly one gets tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
func (s *Server) CodeExchange(ctx context.Context, r *oidcop.ClientRequest[oidc.AccessTokenRequest]) (*oidcop.Response, error) {
	party, p, now := r.Client.(client).Party, platform.FromContext(ctx), s.Now()
	if err := s.Registry.Signs(p.ID, party.IDTokenAlg, now); errors.Is(err, fault.Unavailable) {
		return nil, s.fail(ctx, "redeeming code", err)
	}
	var challenge string
	if r.Data.CodeVerifier != "" {
		var ok bool
		if challenge, ok = grant.ChallengeOf(r.Data.CodeVerifier); !ok {
			return nil, s.fail(ctx, "redeeming code", refuse("invalid_grant", "malformed code_verifier"))
		}
	}
	id, ok := grant.IDOf(r.Data.Code)
	if !ok {
		return nil, s.fail(ctx, "redeeming code", refuse("invalid_grant", "malformed code"))
	}
	var refresh string
	redemption := grant.Redemption{
		Platform: p.ID, Party: party.ID, Grant: id, CodeHash: secret.Hash(r.Data.Code), RedirectURI: r.Data.RedirectURI, Challenge: challenge,
		Consented: party.ThirdParty, From: origin(ctx), Now: now,
	}
	if party.Allows(grant.RefreshToken) {
		refresh = grant.NewToken(id)
		redemption.RefreshHash = secret.Hash(refresh)
		redemption.RefreshEnds = now.Add(party.EffectiveLives().RefreshIdle)
	}
	g, err := s.Grants.Redeem(ctx, redemption)
	if err != nil {
		return nil, s.fail(ctx, "redeeming code", err)
	}
	return s.tokens(ctx, issuance{platform: p, party: party, grant: g, scopes: g.Scopes, nonce: g.Nonce}, refresh)
}

// RefreshToken answers a refresh (RFC 6749 section 6). Scopes may be fewer than granted, which changes the access
// token and not the grant. A rotated token's successor is computed, so a repeat within ten seconds gets the same.
func (s *Server) RefreshToken(ctx context.Context, r *oidcop.ClientRequest[oidc.RefreshTokenRequest]) (*oidcop.Response, error) {
	party, p, now := r.Client.(client).Party, platform.FromContext(ctx), s.Now()
	if err := s.Registry.Signs(p.ID, party.IDTokenAlg, now); errors.Is(err, fault.Unavailable) {
		return nil, s.fail(ctx, "refreshing", err)
	}
	presented := r.Data.RefreshToken
	token, ok := s.readRefresh(party, presented)
	if !ok {
		return nil, s.fail(ctx, "refreshing", refuse("invalid_grant", "malformed refresh token"))
	}
	rotation := grant.Rotation{
		Refresh: token, Platform: p.ID, Party: party.ID, Next: token.Hash,
		RefreshEnds: now.Add(party.EffectiveLives().RefreshIdle), IdleAfter: p.Policy.IdleAfter, From: origin(ctx), Now: now,
	}
	next := presented
	if party.Rotates() {
		next = grant.Successor(s.Secrets.Successor, presented)
		rotation.Next = secret.Hash(next)
	}
	if err := s.checkNarrowing(ctx, rotation, r.Data.Scopes); err != nil {
		return nil, s.fail(ctx, "refreshing", err)
	}
	g, err := s.Grants.Rotate(ctx, rotation)
	if err != nil {
		return nil, s.fail(ctx, "refreshing", err)
	}
	scopes := g.Scopes
	if len(r.Data.Scopes) > 0 {
		if scopes = r.Data.Scopes; !within(scopes, g.Scopes) { // a repeat, whose token is no longer the current one
			return nil, s.fail(ctx, "refreshing", refuse("invalid_scope", "more than was granted"))
		}
	}
	return s.tokens(ctx, issuance{platform: p, party: party, grant: g, scopes: scopes}, next)
}

// readRefresh reads a refresh token that a party presents; not ok: it has not the form of one.
func (s *Server) readRefresh(party *grant.Party, presented string) (r grant.Refresh, ok bool) {
	r.Grant, ok = grant.IDOf(presented)
	r.Hash = secret.Hash(presented)
	if party.Rotates() {
		r.Outdated = func(current []byte) bool { return grant.Outdated(s.Secrets.Successor, presented, current) }
	}
	return r, ok
}

// checkNarrowing refuses scopes that were not granted before the token is used: a mistake must not cost the party its
// refresh token.
func (s *Server) checkNarrowing(ctx context.Context, r grant.Rotation, scopes []string) error {
	if len(scopes) == 0 {
		return nil
	}
	g, _, err := s.Grants.GrantByRefresh(ctx, r.Platform, r.Refresh, r.IdleAfter, r.Now)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil // the rotation says why
	case err != nil:
		return err
	case g.Party == r.Party && !within(scopes, g.Scopes):
		return refuse("invalid_scope", "more than was granted")
	}
	return nil
}

// within tells whether all scopes were granted.
func within(scopes, granted []string) bool {
	return !slices.ContainsFunc(scopes, func(sc string) bool { return !slices.Contains(granted, sc) })
}

// tokens builds the answer of both grants: one sealed handle, one signature.
func (s *Server) tokens(ctx context.Context, i issuance, refresh string) (*oidcop.Response, error) {
	now := s.Now()
	i.scopes = i.party.Granted(i.scopes)
	ends := now.Add(i.party.EffectiveLives().Access)
	if i.grant.EndsAt.Before(ends) {
		ends = i.grant.EndsAt
	}
	access, err := s.issueAccess(i, ends)
	if err != nil {
		return nil, s.fail(ctx, "making access token", err)
	}
	answer := &tokenResponse{
		AccessToken: access, TokenType: "Bearer", ExpiresIn: int64(ends.Sub(now) / time.Second), RefreshToken: refresh,
		Scope: strings.Join(i.scopes, " "),
	}
	if slices.Contains(i.scopes, "openid") {
		if answer.IDToken, err = s.issueID(ctx, i, access); err != nil {
			return nil, s.fail(ctx, "signing ID token", err)
		}
	}
	return oidcop.NewResponse(answer), nil
}

// ClientCredentialsExchange gives a party a token of its own (RFC 6749 section 4.4). Nothing is written: the token names
// the party and ends with its state. Scopes about people are not given.
func (s *Server) ClientCredentialsExchange(ctx context.Context, r *oidcop.ClientRequest[oidc.ClientCredentialsRequest]) (*oidcop.Response, error) {
	party, p, now := r.Client.(client).Party, platform.FromContext(ctx), s.Now()
	if err := s.Registry.Signs(p.ID, party.IDTokenAlg, now); errors.Is(err, fault.Unavailable) {
		return nil, s.fail(ctx, "client credentials", err)
	}
	allowed := slices.DeleteFunc(slices.Clone(party.Scopes), func(sc string) bool { return slices.Contains(grant.Scopes, sc) })
	scopes := allowed
	if len(r.Data.Scope) > 0 {
		if scopes = r.Data.Scope; slices.ContainsFunc(scopes, func(sc string) bool { return !slices.Contains(allowed, sc) }) {
			return nil, s.fail(ctx, "client credentials", refuse("invalid_scope", "not registered"))
		}
	}
	life := party.EffectiveLives().Access
	access, err := s.issueAccess(issuance{platform: p, party: party, scopes: scopes}, now.Add(life))
	if err != nil {
		return nil, s.fail(ctx, "client credentials", err)
	}
	return oidcop.NewResponse(&tokenResponse{
		AccessToken: access, TokenType: "Bearer", ExpiresIn: int64(life / time.Second), Scope: strings.Join(scopes, " "),
	}), nil
}

// idToken is what every ID token says (OpenID Connect Core 1.0 section 2). Nothing about the person beyond `sub`: that is
// asked of userinfo (section 5.4), unless the request or the party's registration wants a claim here by name.
type idToken struct {
	Issuer   platform.Issuer `json:"iss"`
	Subject  string          `json:"sub"`
	Audience grant.PartyID   `json:"aud"`
	Expiry   int64           `json:"exp"`
	IssuedAt int64           `json:"iat"`
	AuthTime int64           `json:"auth_time"`
	Nonce    string          `json:"nonce,omitempty"`
	ACR      authn.ACR       `json:"acr,omitempty"`
	AMR      []string        `json:"amr,omitempty"`
	Session  string          `json:"sid"`
	AtHash   string          `json:"at_hash,omitempty"`
	Details  []grant.Detail  `json:"amr_details,omitempty"`
}

// issueID makes the ID token of a grant. A claim that comes from the account costs a read, so only a request or a
// registration that names one pays it.
func (s *Server) issueID(ctx context.Context, i issuance, access string) (string, error) {
	p, party, g, now := i.platform, i.party, i.grant, s.Now()
	token := idToken{
		Issuer: p.Issuer, Subject: party.Subject(g.Account, p.Salt), Audience: g.Party, Expiry: now.Add(party.EffectiveLives().IDToken).Unix(),
		IssuedAt: now.Unix(), AuthTime: authn.AuthTime(g.Proofs).Unix(), Nonce: i.nonce, ACR: g.ACR(), AMR: authn.AMR(g.Proofs),
		Session: party.Session(g.Session, p.Salt), AtHash: leftHalf(party.IDTokenAlg, access),
	}
	named := g.IDTokenNames(party)
	if party.AMRDetails || slices.Contains(named, "amr_details") {
		token.Details = grant.AMRDetails(g.Proofs)
	}
	if !grant.AboutPerson(named) {
		return s.sign(p.ID, party.IDTokenAlg, "JWT", token)
	}
	_, a, err := s.Grants.Grant(ctx, p.ID, g.ID, now)
	if err != nil {
		return "", err
	}
	claims := grant.Claims(a, nil, named)
	own, err := json.Marshal(token)
	if err == nil {
		err = json.Unmarshal(own, &claims) // what every ID token says wins
	}
	if err != nil {
		return "", err
	}
	return s.sign(p.ID, party.IDTokenAlg, "JWT", claims)
}

func (s *Server) sign(p platform.ID, alg, typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", alg, err)
	}
	token, err := s.Registry.Sign(p, alg, typ, s.Now(), payload)
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", alg, err)
	}
	return token, nil
}

// leftHalf is `at_hash`: the left half of the hash that belongs to the signature (OpenID Connect Core 1.0 section
// 3.1.3.6); SHA-512 for Ed25519, whose signature uses it.
func leftHalf(alg, value string) string {
	if alg == "EdDSA" {
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// UserInfo answers with the claims of the token's scopes, and with single ones (OpenID Connect Core 1.0 sections 5.3 and
// 5.5). One read decides whether the grant still stands.
func (s *Server) UserInfo(ctx context.Context, r *oidcop.Request[oidc.UserInfoRequest]) (*oidcop.Response, error) {
	l, err := s.liveAccess(ctx, platform.FromContext(ctx), r.Data.AccessToken)
	if err != nil {
		return nil, s.fail(ctx, "userinfo", deadToken(err))
	}
	if l.grant == nil || !slices.Contains(l.Scopes, "openid") {
		return nil, s.fail(ctx, "userinfo", refuse(insufficientScope, "needs openid"))
	}
	named := l.grant.UserInfoNames(l.party)
	claims := grant.Claims(l.account, l.Scopes, named)
	maps.Copy(claims, l.grant.SignIn(named))
	claims["sub"] = l.party.Subject(l.account.ID, platform.FromContext(ctx).Salt)
	return oidcop.NewResponse(claims), nil
}

// Revocation ends the grant of a token (RFC 7009): every token of it is dead at once. Another party's token and an
// unknown one are answered alike, with nothing done (section 2.2). A token without a grant cannot be taken back, and
// its party is told so (section 2.2.1).
func (s *Server) Revocation(ctx context.Context, r *oidcop.ClientRequest[oidc.RevocationRequest]) (*oidcop.Response, error) {
	party, p := r.Client.(client).Party, platform.FromContext(ctx)
	ending := grant.Ending{Platform: p.ID, Party: party.ID, Reason: grant.Revoked, From: origin(ctx), Now: s.Now()}
	var err error
	if h, openErr := s.openAccess(p, r.Data.Token); openErr == nil {
		if h.Grant == "" && h.Party == party.ID {
			return nil, s.fail(ctx, "revoking", refuse(unsupportedTokenType, "a token of client credentials ends by itself"))
		}
		err = s.Grants.EndGrant(ctx, h.Grant, ending)
	} else if refresh, ok := s.readRefresh(party, r.Data.Token); ok {
		err = s.Grants.RevokeRefresh(ctx, refresh, ending)
	}
	if err != nil && !errors.Is(err, fault.NotFound) {
		return nil, s.fail(ctx, "revoking", err) // never 200 for something that was not done
	}
	return oidcop.NewResponse(nil), nil
}
