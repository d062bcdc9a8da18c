package ownkey_test

import (
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/upstream/ownkey"
)

func TestOwnKeyIsWhatItSays(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	k, err := ownkey.New("https://linde.example.org/federation/lindehof/metadata", now)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(k.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	private := parsed.(*rsa.PrivateKey)
	if !private.PublicKey.Equal(c.PublicKey) || private.N.BitLen() != 3072 {
		t.Errorf("%d bits, and the certificate is of the key: %t", private.N.BitLen(), private.PublicKey.Equal(c.PublicKey))
	}
	if c.CheckSignatureFrom(c) == nil { // no authority: it signs itself and nothing else
		t.Error("the certificate can sign others")
	}
	if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil {
		t.Error(err)
	}
	if c.Subject.CommonName != "linde.example.org" || !c.NotAfter.Equal(now.AddDate(10, 0, 0)) || !k.MadeAt.Equal(now) {
		t.Errorf("%s until %s, made %s", c.Subject.CommonName, c.NotAfter, k.MadeAt)
	}
}
