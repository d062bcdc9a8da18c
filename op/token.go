package op

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

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
	WrongBefore  *int   `json:"wrong_before,omitempty"` // wrong PINs in a row before this right one; nil: it was no PIN
}

// grantType is a way of getting tokens (RFC 6749 section 1.3).
type grantType struct {
	name     oidc.GrantType
	exchange func(*Server, context.Context, *call) (*tokenResponse, error)
}

// grantTypes are those that are served; discovery lists them.
var grantTypes = []grantType{
	{oidc.GrantTypeCode, (*Server).redeemCode},
	{oidc.GrantTypeRefreshToken, (*Server).refresh},
	{oidc.GrantTypeClientCredentials, (*Server).clientCredentials},
	{grant.HandoffGrant, (*Server).enterHandoff},
	{grant.PINGrant, (*Server).enterPIN},
}

// grantNamed wants a grant type that is served.
func grantNamed(form url.Values) error {
	_, err := grantTypeOf(form)
	return err
}

func grantTypeOf(form url.Values) (grantType, error) {
	name := oidc.GrantType(form.Get("grant_type"))
	i := slices.IndexFunc(grantTypes, func(g grantType) bool { return g.name == name })
	switch {
	case name == "":
		return grantType{}, refuse("invalid_request", "no grant_type")
	case i < 0:
		return grantType{}, refuse("unsupported_grant_type", "not served")
	}
	return grantTypes[i], nil
}

// token answers a token request (RFC 6749 section 3.2).
func (s *Server) token(ctx context.Context, c *call) (any, error) {
	g, err := grantTypeOf(c.form)
	if err != nil {
		return nil, err
	}
	if !c.party.Allows(string(g.name)) {
		return nil, refuse("unauthorized_client", "not registered for this grant type")
	}
	if c.party.MobileApp {
		if err := s.requireProof(ctx, c); err != nil {
			return nil, err
		}
	}
	return g.exchange(s, ctx, c)
}

// list reads a list of values that spaces part; an empty parameter is none (RFC 6749 section 3.2).
func list(text string) (values oidc.SpaceDelimitedArray) {
	if text != "" {
		_ = values.UnmarshalText([]byte(text)) // every text is one
	}
	return values
}

// redeemCode redeems an authorization code. Party, redirect URI and code challenge are compared in the statement
// that spends it, so of many parallel tries exactly one gets tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
func (s *Server) redeemCode(ctx context.Context, c *call) (*tokenResponse, error) {
	party, p, now := c.party, c.platform, c.now
	r := oidc.AccessTokenRequest{
		Code: c.form.Get("code"), RedirectURI: c.form.Get("redirect_uri"), CodeVerifier: c.form.Get("code_verifier"),
	}
	if r.Code == "" || r.RedirectURI == "" {
		return nil, refuse("invalid_request", "code or redirect_uri is missing")
	}
	if err := s.signs(p, party, now); err != nil {
		return nil, s.fail(ctx, "redeeming code", err)
	}
	var challenge string
	if r.CodeVerifier != "" {
		var ok bool
		if challenge, ok = grant.ChallengeOf(r.CodeVerifier); !ok {
			return nil, s.fail(ctx, "redeeming code", refuse("invalid_grant", "malformed code_verifier"))
		}
	}
	id, ok := grant.IDOf(r.Code)
	if !ok {
		return nil, s.fail(ctx, "redeeming code", refuse("invalid_grant", "malformed code"))
	}
	jkt, err := c.binding()
	if err != nil {
		return nil, s.fail(ctx, "redeeming code", err)
	}
	var refresh string
	redemption := grant.Redemption{
		Platform: p.ID, Party: party.ID, Grant: id, CodeHash: secret.Hash(r.Code), RedirectURI: r.RedirectURI, Challenge: challenge,
		Consented: party.ThirdParty, Key: grant.Key{JKT: jkt, Binds: party.Public()}, From: origin(ctx), Now: now,
	}
	if party.MobileApp {
		return s.enterDevice(ctx, c, redemption)
	}
	if party.Allows(grant.RefreshToken) {
		refresh = grant.NewToken(id)
		redemption.RefreshHash = secret.Hash(refresh)
		redemption.RefreshEnds = now.Add(party.EffectiveLifetimes().RefreshIdle)
	}
	g, err := s.Grants.Redeem(ctx, redemption)
	if err != nil {
		return nil, s.fail(ctx, "redeeming code", err)
	}
	return s.tokens(ctx, issuance{platform: p, party: party, grant: g, scopes: g.Scopes, nonce: g.Nonce, jkt: jkt}, refresh)
}

// refresh answers a refresh (RFC 6749 section 6). Scopes may be fewer than granted, which changes the access
// token and not the grant. A rotated token's successor is computed, so a repeat within ten seconds gets the same.
func (s *Server) refresh(ctx context.Context, c *call) (*tokenResponse, error) {
	party, p, now := c.party, c.platform, c.now
	r := oidc.RefreshTokenRequest{RefreshToken: c.form.Get("refresh_token"), Scopes: list(c.form.Get("scope"))}
	if r.RefreshToken == "" {
		return nil, refuse("invalid_request", "refresh_token is missing")
	}
	if err := s.signs(p, party, now); err != nil {
		return nil, s.fail(ctx, "refreshing", err)
	}
	presented := r.RefreshToken
	token, ok := s.readRefresh(party, presented)
	if !ok {
		return nil, s.fail(ctx, "refreshing", refuse("invalid_grant", "malformed refresh token"))
	}
	jkt, err := c.binding()
	if err != nil {
		return nil, s.fail(ctx, "refreshing", err)
	}
	rotation := grant.Rotation{
		Refresh: token, Platform: p.ID, Party: party.ID, Next: token.Hash, Key: grant.Key{JKT: jkt, Binds: party.Public()},
		RefreshEnds: now.Add(party.EffectiveLifetimes().RefreshIdle), IdleAfter: p.Policy.IdleAfter, From: origin(ctx), Now: now,
	}
	next := presented
	if party.Rotates() {
		next = grant.Successor(s.Secrets.Successor, presented)
		rotation.Next = secret.Hash(next)
	}
	if err := s.checkNarrowing(ctx, rotation, r.Scopes); err != nil {
		return nil, s.fail(ctx, "refreshing", err)
	}
	g, err := s.Grants.Rotate(ctx, rotation)
	if err != nil {
		return nil, s.fail(ctx, "refreshing", err)
	}
	scopes := g.Scopes
	if len(r.Scopes) > 0 {
		if scopes = r.Scopes; !within(scopes, g.Scopes) { // a repeat, whose token is no longer the current one
			return nil, s.fail(ctx, "refreshing", refuse("invalid_scope", "more than was granted"))
		}
	}
	return s.tokens(ctx, issuance{platform: p, party: party, grant: g, scopes: scopes, jkt: jkt}, next)
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
	g, err := s.Grants.GrantByRefresh(ctx, r.Platform, r.Refresh, r.IdleAfter, r.Now)
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

// tokenType is how an access token is shown (RFC 6750 section 2.1, RFC 9449 section 7.1).
func tokenType(jkt string) string {
	if jkt != "" {
		return "DPoP"
	}
	return "Bearer"
}

// within reports whether all scopes were granted.
func within(scopes, granted []string) bool {
	return !slices.ContainsFunc(scopes, func(sc string) bool { return !slices.Contains(granted, sc) })
}

// tokens builds the answer of both grants: one sealed handle, one signature.
func (s *Server) tokens(ctx context.Context, i issuance, refresh string) (*tokenResponse, error) {
	now := s.Now()
	i.scopes = i.party.Granted(i.scopes)
	ends := now.Add(i.party.EffectiveLifetimes().Access)
	if i.grant.EndsAt.Before(ends) {
		ends = i.grant.EndsAt
	}
	access, err := s.issueAccess(i, ends)
	if err != nil {
		return nil, s.fail(ctx, "making access token", err)
	}
	answer := &tokenResponse{
		AccessToken: access, TokenType: tokenType(i.jkt), ExpiresIn: int64(ends.Sub(now) / time.Second), RefreshToken: refresh,
		Scope: strings.Join(i.scopes, " "),
	}
	if slices.Contains(i.scopes, "openid") {
		if answer.IDToken, err = s.issueID(ctx, i, access); err != nil {
			return nil, s.fail(ctx, "signing ID token", err)
		}
	}
	return answer, nil
}

// clientCredentials gives a party a token of its own (RFC 6749 section 4.4). Nothing is written: the token names
// the party and ends with its state. Scopes about people are not given.
func (s *Server) clientCredentials(ctx context.Context, c *call) (*tokenResponse, error) {
	party, p, now := c.party, c.platform, c.now
	r := oidc.ClientCredentialsRequest{Scope: list(c.form.Get("scope"))}
	if party.Public() {
		return nil, refuse("invalid_client", "a public party proves nothing")
	}
	if err := s.signs(p, party, now); err != nil {
		return nil, s.fail(ctx, "client credentials", err)
	}
	allowed := slices.DeleteFunc(slices.Clone(party.Scopes), func(sc string) bool { return slices.Contains(grant.Scopes, sc) })
	if party.ThirdParty {
		allowed = withoutOwn(allowed)
	}
	scopes := withoutOwn(allowed)
	if len(r.Scope) > 0 {
		if scopes = r.Scope; slices.ContainsFunc(scopes, func(sc string) bool { return !slices.Contains(allowed, sc) }) {
			return nil, s.fail(ctx, "client credentials", refuse("invalid_scope", "not registered"))
		}
	}
	jkt, err := c.binding()
	if err != nil {
		return nil, s.fail(ctx, "client credentials", err)
	}
	life := party.EffectiveLifetimes().Access
	access, err := s.issueAccess(issuance{platform: p, party: party, scopes: scopes, jkt: jkt}, now.Add(life))
	if err != nil {
		return nil, s.fail(ctx, "client credentials", err)
	}
	return &tokenResponse{
		AccessToken: access, TokenType: tokenType(jkt), ExpiresIn: int64(life / time.Second), Scope: strings.Join(scopes, " "),
	}, nil
}

// withoutOwn are scopes without those of our own API.
func withoutOwn(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(sc string) bool { return slices.Contains(grant.OwnScopes, sc) })
}

// idToken is what every ID token says (OpenID Connect Core 1.0 section 2). Nothing about the person beyond `sub`: that
// is asked of userinfo (section 5.4), unless the request or the party's registration wants a claim here by name.
type idToken struct {
	Issuer   platform.Issuer   `json:"iss"`
	Subject  string            `json:"sub"`
	Audience grant.PartyID     `json:"aud"`
	Expiry   int64             `json:"exp"`
	IssuedAt int64             `json:"iat"`
	AuthTime int64             `json:"auth_time,omitempty"` // zero: not known
	Nonce    string            `json:"nonce,omitempty"`
	ACR      authn.ACR         `json:"acr,omitempty"`
	AMR      []string          `json:"amr,omitempty"`
	Session  string            `json:"sid"`
	AtHash   string            `json:"at_hash,omitempty"`
	Details  []grant.AMRDetail `json:"amr_details,omitempty"`
}

// issueID makes the ID token of a grant. A claim that comes from the account costs a read, so only a request or a
// registration that names one pays it.
func (s *Server) issueID(ctx context.Context, i issuance, access string) (string, error) {
	p, party, g, now := i.platform, i.party, i.grant, s.Now()
	token := idToken{
		Issuer: p.Issuer, Subject: party.Subject(g.Account, p.Salt), Audience: g.Party, Expiry: now.Add(party.EffectiveLifetimes().IDToken).Unix(),
		IssuedAt: now.Unix(), AuthTime: grant.AuthTime(g.Proofs), Nonce: i.nonce, ACR: g.ACR(), AMR: authn.AMR(g.Proofs),
		Session: party.Session(g.SIDSource(), p.Salt), AtHash: leftHalf(party.IDTokenAlg, access),
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

// signs reports whether what a party gets can be signed (fault.Unavailable), before anything is used up for it: another
// node may have the key.
func (s *Server) signs(p *platform.Platform, party *grant.Party, now time.Time) error {
	if err := s.Registry.Signs(p.ID, party.IDTokenAlg, now); errors.Is(err, fault.Unavailable) {
		return err
	}
	return nil
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
