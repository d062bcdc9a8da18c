package phone

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// idTokenAlgs are those that a party may have its ID tokens signed with.
var idTokenAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.PS256, jose.RS256}

// verify reads an ID token: signature, iss, aud, and that it lives. It came straight from the token endpoint in answer
// to a fresh proof, so its own iat stands for the time: the clock of the phone may be wrong by hours.
func (d *Device) verify(ctx context.Context, token string) (map[string]any, error) {
	no := func(why string) (map[string]any, error) {
		return nil, &Error{Code: badAnswer, Description: "ID token: " + why}
	}
	s, err := d.discover(ctx)
	if err != nil {
		return nil, err
	}
	jws, err := jose.ParseSignedCompact(token, idTokenAlgs)
	if err != nil {
		return no("malformed")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Keys, nil)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := d.app.send(req, d.issuer, &set); err != nil {
		return nil, err
	}
	keys := set.Key(jws.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		return no("unknown key")
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		return no("signature")
	}
	var times struct {
		Expires  int64 `json:"exp"`
		IssuedAt int64 `json:"iat"`
	}
	var claims map[string]any
	if json.Unmarshal(payload, &claims) != nil || json.Unmarshal(payload, &times) != nil {
		return no("not JSON")
	}
	switch {
	case claims["iss"] != d.issuer:
		return no("iss")
	case claims["aud"] != d.app.ClientID:
		return no("aud")
	case times.Expires <= times.IssuedAt:
		return no("exp")
	}
	return claims, nil
}
