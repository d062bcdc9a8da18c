package oidc

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// assertionLife is how long a client assertion counts.
const assertionLife = 60 * time.Second

// assertion says who we are (RFC 7523 section 3), to one audience: with several, one of these could show it to another.
func (u *Upstream) assertion(c *federation.Connection, m metadata) (string, error) {
	own, err := u.ownKeys(c)
	if err != nil || len(own) == 0 {
		return "", refuse(federation.Misconfigured, "the connection has no key of its own, or it cannot be opened")
	}
	alg := jose.RS256
	if len(m.assertions) > 0 && !slices.Contains(m.assertions, string(jose.RS256)) && slices.Contains(m.assertions,
		string(jose.PS256)) {
		alg = jose.PS256
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if thumbprint := own[0].public.CertificateThumbprintSHA256; thumbprint != nil {
		options.WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(thumbprint)) // by which Entra finds the key
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: own[0].private,
		KeyID: own[0].public.KeyID}}, options)
	if err != nil {
		return "", refuse(federation.Misconfigured, "the connection's own key does not sign")
	}
	audience := c.OIDC.Audience
	if audience == "" {
		audience = c.OIDC.Issuer
	}
	now := u.now()
	body, _ := json.Marshal(map[string]any{ // of texts and numbers
		"iss": c.OIDC.ClientID, "sub": c.OIDC.ClientID, "aud": audience, "jti": secret.Token(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	signed, err := signer.Sign(body)
	if err != nil {
		return "", refuse(federation.Misconfigured, "the connection's own key does not sign")
	}
	return signed.CompactSerialize()
}

// JWKS are the public keys of a connection, all of them, as a JSON Web Key Set (RFC 7517 section 5): the upstream takes
// the next one over before it signs.
func (u *Upstream) JWKS(c *federation.Connection) ([]byte, error) {
	own, err := u.ownKeys(c)
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range own {
		set.Keys = append(set.Keys, k.public)
	}
	return json.Marshal(set)
}

type ownKey struct {
	private *rsa.PrivateKey
	public  jose.JSONWebKey // its kid is the thumbprint of the key (RFC 7638)
}

// ownKeys opens the keys of a connection; none: none were made yet.
func (u *Upstream) ownKeys(c *federation.Connection) (all []ownKey, err error) {
	if c.Keys == nil {
		return nil, nil
	}
	plain, err := u.open(c.Keys, c.Binding("keys"))
	if err != nil {
		return nil, fmt.Errorf("opening keys of connection %s: %w", c.ID, err)
	}
	var sealed federation.OwnKeys
	if err := json.Unmarshal(plain, &sealed); err != nil {
		return nil, fmt.Errorf("reading keys of connection %s: %w", c.ID, fault.Invalid)
	}
	for _, k := range sealed.Keys {
		parsed, err := x509.ParsePKCS8PrivateKey(k.Private)
		private, ok := parsed.(*rsa.PrivateKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("reading keys of connection %s: not RSA: %w", c.ID, fault.Invalid)
		}
		public := jose.JSONWebKey{Key: private.Public(), Use: "sig"}
		thumbprint, err := public.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("reading keys of connection %s: %w", c.ID, err)
		}
		public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
		if certificate, err := x509.ParseCertificate(k.Certificate); err == nil {
			sum := sha256.Sum256(k.Certificate)
			public.Certificates, public.CertificateThumbprintSHA256 = []*x509.Certificate{certificate}, sum[:]
		}
		all = append(all, ownKey{private, public})
	}
	return all, nil
}
