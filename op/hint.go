package op

import (
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// longestHint bounds what is parsed at all; our own ID tokens are far shorter.
const longestHint = 8 << 10

var hintAlgs = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA, jose.PS256}

// hintClaims are what an id_token_hint is read for.
type hintClaims struct {
	Issuer   platform.Issuer `json:"iss"`
	Subject  string          `json:"sub"`
	Audience grant.PartyID   `json:"aud"`
	Session  string          `json:"sid"`
}

// readHint verifies an ID token of ours that comes back as a hint. It may have expired (OpenID Connect Core 1.0 section
// 3.1.2.1, RP-Initiated Logout 1.0 section 2), but it must be an ID token: an access token is not one, whatever signed
// it. Keys come from our own ring, never from the token's header (RFC 8725 section 3.1).
func (s *Server) readHint(p *platform.Platform, token string) (hintClaims, error) {
	no := func(why string) (hintClaims, error) {
		return hintClaims{}, fmt.Errorf("id_token_hint: %w: %s", fault.Invalid, why)
	}
	if len(token) > longestHint {
		return no("too long")
	}
	jws, err := jose.ParseSignedCompact(token, hintAlgs)
	if err != nil {
		return no("not a signed token")
	}
	header := jws.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "JWT" {
		return no("not an ID token")
	}
	for _, key := range s.Registry.Verification(p.ID, s.Now()).Key(header.KeyID) {
		if key.Algorithm != header.Algorithm {
			continue
		}
		payload, err := jws.Verify(key)
		if err != nil {
			return no("signature")
		}
		var c hintClaims
		if err := json.Unmarshal(payload, &c); err != nil || c.Issuer != p.Issuer || c.Subject == "" || c.Audience == "" {
			return no("claims")
		}
		return c, nil
	}
	return no("unknown key")
}
