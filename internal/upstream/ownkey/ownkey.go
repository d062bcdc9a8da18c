// Package ownkey makes the keys with which we sign and open for one connection to an organisation's sign-in: a key of 3072
// bits and a certificate that it signs itself, because metadata of SAML wants one.
//
// It knows no protocol and keeps nothing: internal/setup and the command seal what it makes (federation.OwnKeys). It
// refuses nothing.
package ownkey

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"github.com/minddistrict/idp/federation"
)

const (
	bits = 3072 // BSI TR-02102-1: beyond 2023
	life = 10   // years: nobody verifies the end of a certificate in metadata, and some products refuse a past one
)

// New makes an RSA key. Entity is our name at the organisation, whose host its certificate is for.
func New(entity string, now time.Time) (federation.OwnKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return federation.OwnKey{}, fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // RFC 5280 section 4.1.2.2: at most 20 octets
	if err != nil {
		return federation.OwnKey{}, fmt.Errorf("making a key: %w", err)
	}
	name := entity
	if u, err := url.Parse(entity); err == nil && u.Host != "" {
		name = u.Hostname() // a common name has at most 64 characters
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(life, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return federation.OwnKey{}, fmt.Errorf("making a certificate: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return federation.OwnKey{}, fmt.Errorf("making a key: %w", err)
	}
	return federation.OwnKey{Private: der, Certificate: certificate, MadeAt: now}, nil
}
