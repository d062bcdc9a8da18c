package op

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// accessToken is a JWT access token (RFC 9068 section 2.2). Its grant stands in a claim of ours, so that it ends with
// the grant wherever we are asked.
type accessToken struct {
	Issuer   platform.Issuer `json:"iss"`
	Subject  string          `json:"sub"`
	Audience []grant.PartyID `json:"aud"`
	Expiry   int64           `json:"exp"`
	IssuedAt int64           `json:"iat"`
	ID       string          `json:"jti"`
	Party    grant.PartyID   `json:"client_id"`
	Scope    string          `json:"scope,omitempty"`
	AuthTime int64           `json:"auth_time,omitempty"`
	ACR      authn.ACR       `json:"acr,omitempty"`
	Grant    grant.ID        `json:"gid,omitempty"`
	Bound    *confirmation   `json:"cnf,omitempty"`
}

// confirmation names the key that a token is bound to (RFC 7800 section 3.1, RFC 9449 section 6.1).
type confirmation struct {
	JKT string `json:"jkt"`
}

// confirms is nil for a token that is bound to no key.
func confirms(jkt string) *confirmation {
	if jkt == "" {
		return nil
	}
	return &confirmation{jkt}
}

// issuance is what tokens are made of: for whom, from what, and with which scopes.
type issuance struct {
	platform *platform.Platform
	party    *grant.Party
	grant    *grant.Grant // nil: client credentials, which nobody granted
	scopes   []string
	nonce    string // of the request that is answered; empty: there was none, or this is a refresh
	jkt      string // of the key that the access token is bound to; empty: none
}

// issueAccess makes an access token: opaque unless the party asks for JWTs.
func (s *Server) issueAccess(i issuance, ends time.Time) (string, error) {
	p, party, g := i.platform, i.party, i.grant
	h := handle{Party: party.ID, Ends: ends, Scopes: i.scopes, JKT: i.jkt}
	if g != nil {
		h.Grant = g.ID
	}
	if !party.AccessJWT {
		return sealHandle(s.Secrets.Handles[0], p.ID, h, newNonce())
	}
	t := accessToken{
		Issuer: p.Issuer, Subject: string(party.ID), Audience: audienceOf(party), Expiry: ends.Unix(), IssuedAt: s.Now().Unix(),
		ID: secret.ID(), Party: party.ID, Scope: strings.Join(i.scopes, " "), Grant: h.Grant,
		Bound: confirms(i.jkt),
	}
	if g != nil {
		t.Subject, t.AuthTime, t.ACR = party.Subject(g.Account, p.Salt), grant.AuthTime(g.Proofs), authn.ACROf(g.Proofs)
	}
	return s.sign(p.ID, party.IDTokenAlg, "at+jwt", t)
}

// audienceOf are the parties that an access token is for: those registered, or the party itself.
func audienceOf(party *grant.Party) []grant.PartyID {
	if len(party.Audience) == 0 {
		return []grant.PartyID{party.ID}
	}
	audience := make([]grant.PartyID, len(party.Audience))
	for i, a := range party.Audience {
		audience[i] = grant.PartyID(a)
	}
	return audience
}

// openAccess reads an access token of this platform, opaque or JWT. An ID token is not one. Everything that is not one,
// or is over, is fault.NotFound.
func (s *Server) openAccess(p *platform.Platform, token string) (handle, error) {
	if isHandle(token) {
		return openHandle(s.Secrets.Handles, p.ID, token, s.Now())
	}
	payload, err := s.verifyOwn(p, token, "at+jwt")
	var t accessToken
	if err != nil || json.Unmarshal(payload, &t) != nil || t.Issuer != p.Issuer || !s.Now().Before(time.Unix(t.Expiry, 0)) {
		return handle{}, fmt.Errorf("access token: %w", fault.NotFound)
	}
	h := handle{Grant: t.Grant, Party: t.Party, Ends: time.Unix(t.Expiry, 0).UTC(), Scopes: strings.Fields(t.Scope)}
	if t.Bound != nil {
		h.JKT = t.Bound.JKT
	}
	return h, nil
}

// live is an access token that counts at this moment: its party is not disabled, and its grant, if it has one, stands.
type live struct {
	handle
	party *grant.Party
	grant *grant.Grant // nil: client credentials
}

// liveAccess checks an access token against what it derives from, with one read at most. One that does not count is
// fault.NotFound.
func (s *Server) liveAccess(ctx context.Context, p *platform.Platform, token string) (live, error) {
	return s.live(p, token, func(id grant.ID) (*grant.Grant, error) { return s.Grants.LiveGrant(ctx, p.ID, id, s.Now()) })
}

// livePerson is liveAccess with the account in the same read; nil for client credentials.
func (s *Server) livePerson(ctx context.Context, p *platform.Platform, token string) (l live, a *account.Account, err error) {
	l, err = s.live(p, token, func(id grant.ID) (g *grant.Grant, err error) {
		g, a, err = s.Grants.Grant(ctx, p.ID, id, s.Now())
		return g, err
	})
	return l, a, err
}

func (s *Server) live(p *platform.Platform, token string, find func(grant.ID) (*grant.Grant, error)) (live, error) {
	h, err := s.openAccess(p, token)
	if err != nil {
		return live{}, err
	}
	party, known := s.enabled(p.ID, h.Party)
	if !known {
		return live{}, fmt.Errorf("access token of party %s: %w", h.Party, fault.NotFound)
	}
	h.Scopes = party.Granted(h.Scopes)
	l := live{handle: h, party: party}
	if h.Grant == "" {
		if !party.Allows(grant.ClientCredentials) {
			return live{}, fmt.Errorf("access token of party %s: %w", h.Party, fault.NotFound)
		}
		return l, nil
	}
	l.grant, err = find(h.Grant)
	if err == nil && l.grant.Party != h.Party {
		err = fmt.Errorf("access token of another party's grant: %w", fault.NotFound)
	}
	return l, err
}

var ownAlgs = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA, jose.PS256}

// longestToken bounds what is parsed at all; our own tokens are far shorter.
const longestToken = 8 << 10

// verifyOwn verifies a token that we signed for this platform, with the type it must have. Keys come from our own ring,
// never from the token's header (RFC 8725 section 3.1).
func (s *Server) verifyOwn(p *platform.Platform, token, typ string) ([]byte, error) {
	no := func(why string) ([]byte, error) { return nil, fmt.Errorf("token: %w: %s", fault.Invalid, why) }
	if len(token) > longestToken {
		return no("too long")
	}
	if !canonical(token) {
		return no("not base64url")
	}
	jws, err := jose.ParseSignedCompact(token, ownAlgs)
	if err != nil {
		return no("not a signed token")
	}
	header := jws.Signatures[0].Protected
	if got, _ := header.ExtraHeaders[jose.HeaderType].(string); got != typ {
		return no("another type of token")
	}
	keys := s.Registry.Verification(p.ID, s.Now()).Key(header.KeyID)
	i := slices.IndexFunc(keys, func(k jose.JSONWebKey) bool { return k.Algorithm == header.Algorithm })
	if i < 0 {
		return no("unknown key")
	}
	payload, err := jws.Verify(keys[i])
	if err != nil {
		return no("signature")
	}
	return payload, nil
}

// canonical reports whether each part of a compact token is written in the one way that base64url has for it: the
// decoder skips line ends and unused bits, which nobody signed.
func canonical(token string) bool {
	if strings.ContainsAny(token, "\r\n") {
		return false
	}
	for part := range strings.SplitSeq(token, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return false
		}
	}
	return true
}

// deadToken turns "no such token" into the protocol's word for it.
func deadToken(err error) error {
	if errors.Is(err, fault.NotFound) {
		return refuse(invalidToken, "unknown, expired or revoked")
	}
	return err
}
