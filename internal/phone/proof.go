package phone

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Proof is what a DPoP proof says (RFC 9449 section 4.2).
type Proof struct {
	Method string // htm
	URL    string // htu, without query and fragment
	ID     string // jti: 128 random bits or more, new for each request
	Nonce  string // the newest that the server gave; empty: none yet
	Token  string // access token that goes with it, of which ath is made; empty: none does
	At     time.Time
}

// Sign makes the value of the DPoP header. The key is on P-256, and the signature ES256.
func (p Proof) Sign(key crypto.Signer) (string, error) {
	jwk, err := publicJWK(key)
	if err != nil {
		return "", err
	}
	claims := struct {
		ID     string `json:"jti"`
		Method string `json:"htm"`
		URL    string `json:"htu"`
		At     int64  `json:"iat"`
		Nonce  string `json:"nonce,omitempty"`
		Hash   string `json:"ath,omitempty"`
	}{p.ID, p.Method, p.URL, p.At.Unix(), p.Nonce, ""}
	if p.Token != "" {
		claims.Hash = hash(p.Token)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := encode([]byte(`{"typ":"dpop+jwt","alg":"ES256","jwk":`+jwk+`}`)) + "." + encode(payload)
	digest := sha256.Sum256([]byte(text))
	der, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("signing a proof: %w", err)
	}
	// Key stores answer in ASN.1; a JWS has both numbers as 32 bytes each (RFC 7518 section 3.4).
	var signature struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &signature); err != nil {
		return "", fmt.Errorf("signing a proof: %w", err)
	}
	raw := make([]byte, 64)
	signature.R.FillBytes(raw[:32])
	signature.S.FillBytes(raw[32:])
	return text + "." + encode(raw), nil
}

// Thumbprint is the jkt of a device key: the SHA-256 of its public JWK in the one spelling of RFC 7638.
func Thumbprint(key crypto.Signer) (string, error) {
	jwk, err := publicJWK(key)
	if err != nil {
		return "", err
	}
	return hash(jwk), nil
}

// publicJWK has the members in the order of the alphabet and no white space, as RFC 7638 section 3.3 asks.
func publicJWK(key crypto.Signer) (string, error) {
	public, ok := key.Public().(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return "", errors.New("the device key must be on P-256")
	}
	point, err := public.Bytes() // 04, x and y
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, encode(point[1:33]), encode(point[33:])), nil
}

// Challenge is the code_challenge of a code_verifier by S256 (RFC 7636 section 4.2).
func Challenge(verifier string) string { return hash(verifier) }

// hash is the base64url of a SHA-256, as ath, jkt and code_challenge are.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return encode(sum[:])
}

// random is 256 random bits as 43 characters: a jti, a state, a code_verifier.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return encode(b)
}
