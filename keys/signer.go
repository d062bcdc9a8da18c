package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/minddistrict/idp/internal/fault"
)

// Signer signs with one key under one header, which is written once. Signing is in every answer with a token; go-jose
// builds the header anew each time, which costs a fifth of an ES256 signature (measured). It verifies what this makes.
type Signer struct {
	prefix string // the encoded header and its dot
	sign   func(text []byte) ([]byte, error)
}

// header is the protected header (RFC 7515 section 4.1).
type header struct {
	Alg string `json:"alg"`
	KID string `json:"kid"`
	Typ string `json:"typ"`
}

func newSigner(private crypto.Signer, h header) (*Signer, error) {
	sign, err := signing(private, h.Alg)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(h)
	return &Signer{prefix: base64.RawURLEncoding.EncodeToString(text) + ".", sign: sign}, err
}

// Sign returns the compact form (RFC 7515 section 7.1).
func (s *Signer) Sign(payload []byte) (string, error) {
	enc := base64.RawURLEncoding
	text := make([]byte, 0, len(s.prefix)+enc.EncodedLen(len(payload))+1+enc.EncodedLen(rsaBits/8))
	text = enc.AppendEncode(append(text, s.prefix...), payload)
	signature, err := s.sign(text)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return string(enc.AppendEncode(append(text, '.'), signature)), nil
}

// signing is how a key signs by an algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
func signing(private crypto.Signer, alg string) (func([]byte) ([]byte, error), error) {
	switch key := private.(type) {
	case *rsa.PrivateKey:
		var options crypto.SignerOpts = crypto.SHA256
		if alg == "PS256" {
			options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256} // RFC 7518 section 3.5
		}
		if alg == "RS256" || alg == "PS256" {
			return func(text []byte) ([]byte, error) {
				sum := sha256.Sum256(text)
				return key.Sign(rand.Reader, sum[:], options)
			}, nil
		}
	case *ecdsa.PrivateKey:
		if size := (key.Params().BitSize + 7) / 8; alg == "ES256" && size == 32 {
			return func(text []byte) ([]byte, error) {
				sum := sha256.Sum256(text)
				r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
				if err != nil {
					return nil, err
				}
				out := make([]byte, 2*size) // RFC 7518 section 3.4
				r.FillBytes(out[:size])
				s.FillBytes(out[size:])
				return out, nil
			}, nil
		}
	case ed25519.PrivateKey:
		if alg == "EdDSA" {
			return func(text []byte) ([]byte, error) { return ed25519.Sign(key, text), nil }, nil
		}
	}
	return nil, fmt.Errorf("%w: a key of type %T does not sign with %q", fault.Invalid, private, alg)
}
