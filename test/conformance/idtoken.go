package conformance

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// skew is how far the official suite lets clocks be apart.
const skew = 5 * time.Minute

var birthdate = regexp.MustCompile(`^[0-9]{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$`)

// signatures are the algorithms that an ID token may be signed with; none is not one.
var signatures = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

// idTokenClaims may stand in an ID token without being asked for (OpenID Connect Core 1.0 sections 2 and 3.3.2.11, RFC
// 7519 section 4.1, Front-Channel Logout 1.0 section 3).
var idTokenClaims = []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "nbf", "jti", "sid", "s_hash", "txn"}

// verified checks the signature of an ID token by the key that its header names, and returns its claims.
func (r *run) verified(token string) (map[string]any, string, error) {
	return r.verifiedBy("ID token", "id_token_signing_alg_values_supported", token)
}

// verifiedBy does so for anything that the server signs; what it signs with is listed in its metadata.
func (r *run) verifiedBy(what, listed, token string) (map[string]any, string, error) {
	jws, err := jose.ParseSignedCompact(token, signatures)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", what, err)
	}
	header := jws.Signatures[0].Protected
	if algs, _ := r.meta.list(listed); !slices.Contains(algs, header.Algorithm) {
		r.fail("%s: algorithm %s is not in discovery", what, header.Algorithm)
	}
	if header.KeyID == "" {
		r.fail("%s: no kid, and the server has several keys", what)
	}
	keys := r.keys.Key(header.KeyID)
	if len(keys) != 1 {
		return nil, "", fmt.Errorf("%s: %d keys with kid %q", what, len(keys), header.KeyID)
	}
	if keys[0].Algorithm != "" && keys[0].Algorithm != header.Algorithm {
		r.fail("%s: algorithm %s, its key is for %s", what, header.Algorithm, keys[0].Algorithm)
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		return nil, "", fmt.Errorf("%s: signature: %w", what, err)
	}
	claims, err := object(payload)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", what, err)
	}
	return claims, header.Algorithm, nil
}

// checkIDToken: OpenID Connect Core 1.0 section 3.1.3.7. An empty nonce must not be answered with one.
func (r *run) checkIDToken(in *signIn, nonce string) (map[string]any, error) {
	claims, alg, err := r.verified(in.idToken)
	if err != nil {
		return nil, err
	}
	if text(claims, "iss") != text(r.meta, "issuer") {
		r.fail("ID token: iss %v", claims["iss"])
	}
	if sub := text(claims, "sub"); sub == "" || len(sub) > 255 {
		r.fail("ID token: sub %v", claims["sub"])
	}
	r.checkAudience(claims)
	if got, has := claims["nonce"]; nonce != "" && got != nonce || nonce == "" && has {
		r.fail("ID token: nonce %v, sent %q", got, nonce)
	}
	r.checkTimes(claims)
	r.checkHash(claims, "at_hash", alg, in.access)
	r.checkHash(claims, "c_hash", alg, in.code)
	if acr, has := claims["acr"]; has && text(claims, "acr") == "" {
		r.fail("ID token: acr %v", acr)
	}
	if amr, has := claims["amr"]; has {
		if _, ok := texts(amr); !ok {
			r.fail("ID token: amr %v", amr)
		}
	}
	r.checkClaims("ID token", claims)
	return claims, nil
}

func (r *run) checkAudience(claims map[string]any) {
	audience, ok := texts(claims["aud"])
	if one := text(claims, "aud"); one != "" {
		audience, ok = []string{one}, true
	}
	if !ok || len(audience) != 1 || audience[0] != r.client.ID {
		r.fail("ID token: aud %v, wanted %s", claims["aud"], r.client.ID)
	}
	if azp, has := claims["azp"]; has && azp != r.client.ID {
		r.fail("ID token: azp %v", azp)
	}
}

func (r *run) checkTimes(claims map[string]any) {
	now := r.Now()
	at := func(name string) time.Time {
		seconds, ok := number(claims, name)
		if !ok {
			r.fail("ID token: %s %v", name, claims[name])
			return now
		}
		return time.Unix(seconds, 0)
	}
	issued, expires := at("iat"), at("exp")
	if issued.Before(now.Add(-skew)) || issued.After(now.Add(skew)) {
		r.fail("ID token: issued at %s, now is %s", issued.UTC(), now.UTC())
	}
	if !expires.After(issued) || !expires.After(now.Add(-skew)) {
		r.fail("ID token: expires at %s", expires.UTC())
	}
	for _, name := range []string{"auth_time", "nbf"} {
		if _, has := claims[name]; has && at(name).After(now.Add(skew)) {
			r.fail("ID token: %s %v lies ahead", name, claims[name])
		}
	}
}

// checkHash: OpenID Connect Core 1.0 section 3.1.3.6. With a code the hash is optional, but must be right.
func (r *run) checkHash(claims map[string]any, name, alg, value string) {
	got, has := claims[name]
	if has && got != leftHalf(alg, value) {
		r.fail("ID token: %s %v, wanted %s", name, got, leftHalf(alg, value))
	}
}

// leftHalf is the left half of the hash that belongs to an algorithm.
func leftHalf(alg, value string) string {
	var sum []byte
	switch alg[len(alg)-3:] {
	case "384":
		h := sha512.Sum384([]byte(value))
		sum = h[:]
	case "512", "DSA":
		h := sha512.Sum512([]byte(value))
		sum = h[:]
	default:
		h := sha256.Sum256([]byte(value))
		sum = h[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// checkUnasked warns of claims in the ID token that nobody asked for there (OpenID Connect Core 1.0 section 5.4).
func (r *run) checkUnasked(in *signIn) {
	for name := range in.claims {
		if !slices.Contains(idTokenClaims, name) {
			r.warn("ID token: %s was not asked for", name)
		}
	}
}

// authTime is when the person signed in; required where max_age was sent.
func authTime(in *signIn) (time.Time, error) {
	seconds, ok := number(in.claims, "auth_time")
	if !ok {
		return time.Time{}, errors.New("ID token: no auth_time")
	}
	return time.Unix(seconds, 0), nil
}

// checkSamePerson compares two ID tokens of one sign-in: the same person, signed in at the same moment.
func (r *run) checkSamePerson(first, second *signIn) {
	for _, name := range []string{"sub", "auth_time"} {
		if first.claims[name] != second.claims[name] {
			r.fail("ID token: %s %v, first it was %v", name, second.claims[name], first.claims[name])
		}
	}
}

// texts is a JSON array of texts.
func texts(value any) ([]string, bool) {
	all, ok := value.([]any)
	if !ok {
		return nil, false
	}
	list := make([]string, len(all))
	for i, one := range all {
		if list[i], ok = one.(string); !ok {
			return nil, false
		}
	}
	return list, true
}
