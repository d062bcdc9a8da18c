package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/federation"
)

const (
	maxKeys    = 100  // of an upstream; more are not looked at
	minRSABits = 2048 // NIST SP 800-131A
	maxRSABits = 8192 // more takes our time
)

// algs are the algorithms with which upstreams sign: never none, and none that we could sign with what they publish.
var algs = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.ES256, jose.EdDSA}

// keySet are the public keys of an upstream that can sign.
type keySet []jose.JSONWebKey

// keysRead are those that were at an address, and when that was.
type keysRead struct {
	keySet
	at time.Time
}

// mostShown is how many keys of an upstream a detail names: more make a line that nobody reads.
const mostShown = 8

// String names them, for whoever compares them with what a token names.
func (k keysRead) String() string {
	var all []string
	for i, key := range k.keySet {
		if i == mostShown {
			all = append(all, fmt.Sprintf("%d more", len(k.keySet)-i))
			break
		}
		all = append(all, fmt.Sprintf("%q", shown(key.KeyID)))
	}
	return "jwks_uri, read " + stamp(k.at) + ", has kid " + strings.Join(all, ", ")
}

// readKeys reads them. What is no such key is as if it was not there (RFC 7517 section 5).
func (u *Upstream) readKeys(ctx context.Context, address string) (keysRead, error) {
	all, err := u.published(ctx, "jwks_uri", address)
	if err != nil {
		return keysRead{}, err
	}
	list, _ := all["keys"].([]any)
	if len(list) > maxKeys {
		list = list[:maxKeys]
	}
	var set keySet
	for _, one := range list {
		text, err := json.Marshal(one)
		if err != nil {
			continue
		}
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(text); err != nil || !key.IsPublic() || key.Use != "" && key.Use != "sig" ||
			!strong(key) {
			continue
		}
		set = append(set, key)
	}
	if len(set) == 0 {
		return keysRead{}, refuse(federation.BadSignature,
			"jwks_uri has no public key that signs: RSA of %d bits or more, P-256 or Ed25519", minRSABits)
	}
	return keysRead{set, u.now()}, nil
}

func strong(key jose.JSONWebKey) bool {
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= minRSABits && k.N.BitLen() <= maxRSABits
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return true
	}
	return false
}

// of are the keys that may have signed something with this header. A key is never taken from the header itself.
func (s keySet) of(h jose.Header) (all keySet) {
	for _, key := range s {
		fits := false
		switch key.Key.(type) {
		case *rsa.PublicKey:
			fits = strings.HasPrefix(h.Algorithm, "RS") || strings.HasPrefix(h.Algorithm, "PS")
		case *ecdsa.PublicKey:
			fits = h.Algorithm == string(jose.ES256)
		case ed25519.PublicKey:
			fits = h.Algorithm == string(jose.EdDSA)
		}
		if fits && (h.KeyID == "" || key.KeyID == h.KeyID) && (key.Algorithm == "" || key.Algorithm == h.Algorithm) {
			all = append(all, key)
		}
	}
	return all
}

func (s keySet) verify(jws *jose.JSONWebSignature) ([]byte, bool) {
	for _, key := range s {
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// signed are the claims of a JWT that this upstream signed, and its `typ` in lower case. name is what it is called.
func (u *Upstream) signed(ctx context.Context, m metadata, name, raw string) (typ string, claims map[string]any,
	err error) {
	jws, err := jose.ParseSignedCompact(raw, algs)
	if err != nil {
		return "", nil, refuse(federation.BadSignature, "%s has alg %q, or is no JWT; wanted is one of %v", name, algOf(raw),
			algs)
	}
	h := jws.Signatures[0].Protected
	if h.ExtraHeaders["crit"] != nil || h.ExtraHeaders["b64"] != nil {
		return "", nil, refuse(federation.BadForm, "%s has a header with crit or b64, wanted is none", name)
	}
	// Without a kid there is no way to see that a key is new, other than that it does not verify.
	set, err := taken(ctx, u.keys, m.jwks, func(s keysRead) bool {
		if h.KeyID != "" {
			return len(s.of(h)) > 0
		}
		_, ok := s.of(h).verify(jws)
		return ok
	})
	if err != nil {
		return "", nil, err
	}
	fits := set.of(h)
	payload, ok := fits.verify(jws)
	switch {
	case len(fits) == 0:
		return "", nil, refuse(federation.BadSignature, "%s is signed with kid %q and %s, which is not known: %s", name,
			shown(h.KeyID), h.Algorithm, set)
	case !ok:
		return "", nil, refuse(federation.BadSignature, "%s says kid %q and %s, and is not signed with that key: %s", name,
			shown(h.KeyID), h.Algorithm, set)
	}
	if claims, err = object(payload); err != nil {
		return "", nil, refuse(federation.BadForm, "%s has no object in JSON", name)
	}
	typ, _ = h.ExtraHeaders[jose.HeaderType].(string)
	return strings.TrimPrefix(strings.ToLower(typ), "application/"), claims, nil
}

// algOf is the `alg` that a JWT says, for a detail.
func algOf(raw string) string {
	head, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil || len(text) > 4<<10 {
		return ""
	}
	header, _ := object(text)
	alg, _ := header["alg"].(string)
	return shown(alg)
}
