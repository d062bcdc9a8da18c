package conformance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// jwt is what a party is about to sign: a client assertion, a request object, a proof. It is right as it is made; a
// module changes what it tries.
type jwt struct {
	header map[string]any // beside alg
	claims map[string]any
	alg    string              // none: it is not signed
	key    any                 // private
	spoil  func(string) string // changes what was signed; nil: nothing
}

// sign signs with go-jose and returns the compact serialization (RFC 7515 section 7.1).
func (j *jwt) sign() (string, error) {
	payload, err := json.Marshal(j.claims)
	if err != nil {
		return "", err
	}
	token, err := j.compact(payload)
	if err == nil && j.spoil != nil {
		token = j.spoil(token)
	}
	return token, err
}

func (j *jwt) compact(payload []byte) (string, error) {
	if j.alg == "none" {
		header := maps.Clone(j.header)
		header["alg"] = j.alg
		text, err := json.Marshal(header)
		encode := base64.RawURLEncoding.EncodeToString
		return encode(text) + "." + encode(payload) + ".", err
	}
	options := &jose.SignerOptions{}
	for name, value := range j.header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(j.alg), Key: j.key}, options)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return signed.CompactSerialize()
}

// set changes a claim; nil takes it away.
func (j *jwt) set(name string, value any) { put(j.claims, name, value) }

// head changes a member of the header; nil takes it away.
func (j *jwt) head(name string, value any) { put(j.header, name, value) }

func put(o map[string]any, name string, value any) {
	if o[name] = value; value == nil {
		delete(o, name)
	}
}

// brokenSignature changes every byte of a signature.
func brokenSignature(token string) string {
	at := strings.LastIndex(token, ".") + 1
	signature, err := base64.RawURLEncoding.DecodeString(token[at:])
	if err != nil {
		return token + "x"
	}
	for i := range signature {
		signature[i] ^= 0x5A
	}
	return token[:at] + base64.RawURLEncoding.EncodeToString(signature)
}

// withoutSignature has two parts only.
func withoutSignature(token string) string { return token[:max(strings.LastIndex(token, "."), 0)] }

// otherAlgName calls the member alg of the header alg2.
func otherAlgName(token string) string {
	header, rest, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return rest
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(text), `"alg"`, `"alg2"`, 1))) + "." + rest
}
