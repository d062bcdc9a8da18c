package op

import (
	"encoding/json"
	"fmt"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// hintClaims are what an id_token_hint is read for.
type hintClaims struct {
	Issuer   platform.Issuer `json:"iss"`
	Subject  string          `json:"sub"`
	Audience grant.PartyID   `json:"aud"`
	Session  string          `json:"sid"` // as the audience sees it
}

// readHint verifies an ID token of ours that comes back as a hint. It may have expired (OpenID Connect Core 1.0 section
// 3.1.2.1, RP-Initiated Logout 1.0 section 2), but it must be an ID token: an access token is not one, whatever signed it.
func (s *Server) readHint(p *platform.Platform, token string) (hintClaims, error) {
	payload, err := s.verifyOwn(p, token, "JWT")
	if err != nil {
		return hintClaims{}, err
	}
	var c hintClaims
	if err := json.Unmarshal(payload, &c); err != nil || c.Issuer != p.Issuer || c.Subject == "" || c.Audience == "" {
		return hintClaims{}, fmt.Errorf("id_token_hint: %w: claims", fault.Invalid)
	}
	return c, nil
}
