package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// assertionType says that a client assertion is a JWT (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// signingKey is the first private key of a party, which its assertions and request objects are signed with.
func (c Client) signingKey() (jose.JSONWebKey, error) {
	if len(c.JWKS.Keys) == 0 || c.JWKS.Keys[0].IsPublic() || c.JWKS.Keys[0].Algorithm == "" {
		return jose.JSONWebKey{}, fmt.Errorf("the configuration has no private key with alg for %s", c.ID)
	}
	return c.JWKS.Keys[0], nil
}

// statement is a JWT of a party, about nothing yet.
func (c Client) statement() (*jwt, error) {
	key, err := c.signingKey()
	if err != nil {
		return nil, err
	}
	return &jwt{header: map[string]any{"kid": key.KeyID}, claims: map[string]any{}, alg: key.Algorithm, key: key.Key}, nil
}

// assertion makes what a party proves itself with (RFC 7523 section 3): for the issuer alone, as FAPI 2.0 Security
// Profile section 5.3.2.1 has it, good for a minute.
func (c Client) assertion(issuer string, now time.Time) (*jwt, error) {
	j, err := c.statement()
	if err != nil {
		return nil, err
	}
	j.claims = map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": issuer, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	return j, nil
}

// requestObject makes a request object of an authorization request (RFC 9101 section 4), good for five minutes.
func (c Client) requestObject(parameters url.Values, issuer string, now time.Time) (*jwt, error) {
	j, err := c.statement()
	if err != nil {
		return nil, err
	}
	for name, values := range parameters {
		j.claims[name] = values[0]
		if name == "claims" { // an object there (OpenID Connect Core 1.0 section 6.1)
			j.claims[name] = json.RawMessage(values[0])
		}
	}
	j.claims["iss"], j.claims["aud"] = c.ID, issuer
	j.claims["nbf"], j.claims["exp"] = now.Unix(), now.Add(5*time.Minute).Unix()
	return j, nil
}

// proofKey makes a key for proofs: for the algorithm of the configuration, ES256 by default.
func (c Client) proofKey() (jose.JSONWebKey, error) {
	var key any
	var err error
	alg := c.ProofAlg
	switch alg {
	case "", "ES256":
		alg = "ES256"
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "PS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("dpop_signing_alg %s: ES256, PS256 or EdDSA", alg)
	}
	return jose.JSONWebKey{Key: key, Algorithm: alg}, err
}

// proof makes a proof of possession (RFC 9449 section 4.2) for one request; with an access token it is bound to that.
func proof(key jose.JSONWebKey, method, address, access string, now time.Time) *jwt {
	public := key.Public()
	public.Algorithm = ""
	j := &jwt{
		header: map[string]any{"typ": "dpop+jwt", "jwk": public},
		claims: map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": now.Unix()},
		alg:    key.Algorithm, key: key.Key,
	}
	if access != "" {
		j.claims["ath"] = accessHash(access)
	}
	return j
}

// accessHash is what a proof says of an access token (RFC 9449 section 4.2), and S256 of a verifier (RFC 7636 section
// 4.2).
func accessHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// thumbprint is dpop_jkt (RFC 9449 section 10).
func thumbprint(key jose.JSONWebKey) (string, error) {
	public := key.Public()
	sum, err := public.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// nonceAsked is the nonce that a server wants in the next proof (RFC 9449 section 8); empty: it wants none.
func nonceAsked(answer *reply) string {
	if answer.status != http.StatusBadRequest && answer.status != http.StatusUnauthorized {
		return ""
	}
	if o, err := object(answer.body); err == nil && text(o, "error") == "use_dpop_nonce" {
		return answer.header.Get("DPoP-Nonce")
	}
	return ""
}

// jarm reads a signed authorization response (JARM section 2.4): verified by a key of the server, for this party, not
// expired; what remains are the parameters of the response.
func (r *run) jarm(response string, client Client) (url.Values, error) {
	claims, alg, err := r.verifiedBy("authorization response", "authorization_signing_alg_values_supported", response)
	if err != nil {
		return nil, err
	}
	r.checkFAPIAlg("authorization response", alg)
	if text(claims, "iss") != text(r.meta, "issuer") {
		r.fail("authorization response: iss %v", claims["iss"])
	}
	if all, _ := texts(claims["aud"]); text(claims, "aud") != client.ID && (len(all) != 1 || all[0] != client.ID) {
		r.fail("authorization response: aud %v, wanted %s", claims["aud"], client.ID)
	}
	exp, ok := number(claims, "exp")
	left := time.Unix(exp, 0).Sub(r.Now())
	if !ok || left < -skew {
		r.fail("authorization response: exp %v", claims["exp"])
	} else if left > skew+10*time.Minute || left < 10*time.Second {
		r.warn("authorization response: good for %s, recommended are at most 10 minutes", left)
	}
	if iat, has := number(claims, "iat"); has && time.Unix(iat, 0).After(r.Now().Add(skew)) {
		r.fail("authorization response: iat %d lies ahead", iat)
	}
	values := url.Values{}
	for name, value := range claims {
		switch name {
		case "iss", "sub", "aud", "exp", "nbf", "iat", "jti":
			continue
		}
		s, ok := value.(string)
		if !ok {
			r.fail("authorization response: %s %v is not a text", name, value)
		}
		values.Set(name, s)
	}
	return values, nil
}
