package program

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"testing"
	"time"
)

// Certificate is one for localhost, signed by an authority that nobody else knows; each is the path of a PEM file.
type Certificate struct {
	Authority, Chain, Key string

	Transport *http.Transport // believes that authority only
}

// Certify makes an authority and a certificate for localhost.
func (i *Install) Certify() Certificate {
	i.T.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Tests"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	rootKey, leafKey := NewKey(i.T), NewKey(i.T)
	sign := func(template *x509.Certificate, public any) string {
		der, err := x509.CreateCertificate(rand.Reader, template, root, public, rootKey)
		if err != nil {
			i.T.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		i.T.Fatal(err)
	}
	authority := sign(root, rootKey.Public())
	believed := x509.NewCertPool()
	believed.AppendCertsFromPEM([]byte(authority))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: believed}, ForceAttemptHTTP2: true}
	i.T.Cleanup(transport.CloseIdleConnections)
	return Certificate{
		Authority: i.File("authority.pem", authority), Chain: i.File("certificate.pem", sign(leaf, leafKey.Public())),
		Key:       i.File("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))),
		Transport: transport,
	}
}

// NewKey is a key for ES256 (P-256).
func NewKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
