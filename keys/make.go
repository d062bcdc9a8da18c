package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// algs are the algorithms there are, in the order of the JWKS: what every relying party understands comes first.
var algs = []string{"RS256", "ES256", "EdDSA", "PS256"}

// rsaBits is the size that every relying party accepts; RFC 7518 section 3.3 allows no less.
const rsaBits = 2048

// Binding is the additional data that ties Sealed to its row.
func (k Key) Binding() string { return "key/" + string(k.Platform) + "/" + k.KID }

// newKey makes a key that signs from useAt on.
func newKey(p platform.ID, alg string, s *Sealer, now, useAt time.Time) (Key, error) {
	private, err := s.draw(alg)
	if err != nil {
		return Key{}, fmt.Errorf("making %s key of platform %s: %w", alg, p, err)
	}
	public, err := publicJWK(private, alg)
	if err != nil {
		return Key{}, fmt.Errorf("making %s key of platform %s: %w", alg, p, err)
	}
	document, err := json.Marshal(public)
	if err != nil {
		return Key{}, fmt.Errorf("writing public %s key of platform %s: %w", alg, p, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, fmt.Errorf("writing private %s key of platform %s: %w", alg, p, err)
	}
	k := Key{KID: public.KeyID, Platform: p, Alg: alg, Public: document, MadeAt: now, UseAt: useAt}
	k.Sealed = s.Seal(pkcs8, k.Binding())
	return k, nil
}

// generate draws a private key. RS256 and PS256 get separate keys, though both are RSA: one key, one algorithm.
func generate(alg string) (crypto.Signer, error) {
	switch alg {
	case "RS256", "PS256":
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("%w: algorithm %q: %s", fault.Invalid, alg, strings.Join(algs, ", "))
}

// publicJWK is the public half of a key as relying parties see it.
func publicJWK(private crypto.Signer, alg string) (jose.JSONWebKey, error) {
	public := jose.JSONWebKey{Key: private.Public(), Algorithm: alg, Use: "sig"}
	kid, err := thumbprint(public)
	public.KeyID = kid
	return public, err
}

// thumbprint names a key by what it is (RFC 7638 section 3), so that a kid never names two keys.
func thumbprint(k jose.JSONWebKey) (string, error) {
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
