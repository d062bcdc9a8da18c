package grant

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/fault"
)

// ParseKeys reads a party's key set (RFC 7517 section 5): public keys for signatures, at most MaxPartyKeys, RSA from
// MinRSABits to MaxRSABits, P-256 and Ed25519. Keys for encryption and of kinds that we do not know are left out
// (section 5); a private key, two signing keys with one `kid` and a set without a key that can be used are fault.Invalid.
// Keys without a `kid` are as many as there are: it is optional (section 4.5).
func ParseKeys(text []byte) (*jose.JSONWebKeySet, error) {
	refuse := func(format string, args ...any) (*jose.JSONWebKeySet, error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{fault.Invalid}, args...)...)
	}
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(text) > maxPartyKeySet {
		return refuse("more than %d bytes", maxPartyKeySet)
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return refuse("not a JSON Web Key Set (RFC 7517)")
	}
	if len(raw.Keys) > MaxPartyKeys {
		return refuse("%d keys: at most %d", len(raw.Keys), MaxPartyKeys)
	}
	set, seen := &jose.JSONWebKeySet{}, map[string]bool{}
	for i, text := range raw.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(text, &key); err != nil || key.Use == "enc" {
			continue
		}
		switch {
		case !key.IsPublic():
			return refuse("key %d is private or secret: register public keys only", i+1)
		case key.KeyID != "" && seen[key.KeyID]:
			return refuse("two keys with kid %q", key.KeyID)
		case SignsWith(key) == nil:
			continue
		}
		seen[key.KeyID] = true
		set.Keys = append(set.Keys, key)
	}
	if len(set.Keys) == 0 {
		return refuse("no public key for signatures: RSA of %d to %d bits, P-256 or Ed25519", MinRSABits, MaxRSABits)
	}
	return set, nil
}

// SignsWith lists the algorithms that a public key verifies, of PartyAlgs: its own `alg` where it has one. None: it is
// too small, too big, or of a kind that we do not take.
func SignsWith(key jose.JSONWebKey) []string {
	var algs []string
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= MinRSABits && bits <= MaxRSABits {
			algs = []string{"PS256", "RS256"}
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			algs = []string{"ES256"}
		}
	case ed25519.PublicKey:
		algs = []string{"EdDSA"}
	}
	if key.Algorithm == "" {
		return algs
	}
	for _, alg := range algs {
		if key.Algorithm == alg {
			return []string{alg}
		}
	}
	return nil
}
