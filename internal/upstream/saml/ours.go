package saml

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"math/big"
	"net/url"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
)

const (
	ownBits = 3072 // BSI TR-02102-1: beyond 2023
	ownLife = 10   // years: nobody verifies the end of a certificate in metadata, and some products refuse a past one
)

// NewOwnKey makes a key of ours for a connection, whose entityID is the issuer's name in its certificate.
func NewOwnKey(entity string, now time.Time) (federation.OwnKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, ownBits)
	if err != nil {
		return federation.OwnKey{}, fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return federation.OwnKey{}, fmt.Errorf("making a key: %w", err)
	}
	name := entity
	if u, err := url.Parse(entity); err == nil && u.Host != "" {
		name = u.Hostname() // a common name has at most 64 characters
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(ownLife, 0, 0),
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

// Metadata is ours for a connection: what its organisation is given. It says how long it may be kept and not until when it
// counts, because some upload it once.
func (u *Upstream) Metadata(c *federation.Connection, back string) ([]byte, error) {
	keys, err := u.keys(c)
	if err != nil {
		return nil, err
	}
	yes, signs := true, c.SAML.SignRequests
	role := crewjam.SPSSODescriptor{AuthnRequestsSigned: &signs, WantAssertionsSigned: &yes}
	role.ProtocolSupportEnumeration = nsProtocol
	for i, k := range keys {
		info := crewjam.KeyInfo{X509Data: crewjam.X509Data{
			X509Certificates: []crewjam.X509Certificate{{Data: base64.StdEncoding.EncodeToString(k.certificate.Raw)}},
		}}
		role.KeyDescriptors = append(role.KeyDescriptors, crewjam.KeyDescriptor{Use: "signing", KeyInfo: info})
		if i > 0 {
			continue // products encrypt for one key, and not all take the first; all of ours open
		}
		role.KeyDescriptors = append(role.KeyDescriptors, crewjam.KeyDescriptor{
			Use: "encryption", KeyInfo: info, EncryptionMethods: []crewjam.EncryptionMethod{
				{Algorithm: "http://www.w3.org/2009/xmlenc11#aes256-gcm"}, {Algorithm: "http://www.w3.org/2009/xmlenc11#aes128-gcm"},
				{Algorithm: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"},
			},
		})
	}
	slo := logoutURL(back)
	role.SingleLogoutServices = []crewjam.Endpoint{
		{Binding: crewjam.HTTPRedirectBinding, Location: slo}, {Binding: crewjam.HTTPPostBinding, Location: slo},
	}
	if c.SAML.NameIDFormat != "" {
		role.NameIDFormats = []crewjam.NameIDFormat{crewjam.NameIDFormat(c.SAML.NameIDFormat)}
	}
	bindings := []string{crewjam.HTTPPostBinding}
	if c.SAML.Artifact {
		bindings = []string{crewjam.HTTPArtifactBinding, crewjam.HTTPPostBinding}
	}
	for i, binding := range bindings {
		first := i == 0
		role.AssertionConsumerServices = append(role.AssertionConsumerServices,
			crewjam.IndexedEndpoint{Binding: binding, Location: back, Index: i, IsDefault: &first})
	}
	all := crewjam.EntityDescriptor{
		EntityID: entityID(back), CacheDuration: 24 * time.Hour, SPSSODescriptors: []crewjam.SPSSODescriptor{role},
	}
	body, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("metadata of connection %s: %w: %w", c.ID, fault.Invalid, err)
	}
	return append([]byte(xml.Header), append(body, '\n')...), nil
}
