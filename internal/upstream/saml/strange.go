package saml

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
)

// mostShown is how many certificates of an upstream a detail names: more make a line that nobody reads.
const mostShown = 4

// fingerprint is that of a certificate, SHA-256 in the way in which OpenSSL and identity providers show it.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

// shown is a certificate as a person can find it among those that a product lists.
func shown(c *x509.Certificate) string {
	subject := []rune(clean(c.Subject.String()))
	if len(subject) > 80 {
		subject = append(subject[:80], '…')
	}
	return fmt.Sprintf("SHA-256 %s (%s, ends %s)", fingerprint(c), string(subject), c.NotAfter.UTC().Format(time.DateOnly))
}

// claimed is the certificate that a signature names as its own, without believing it; nil: it names none that can be read.
func claimed(signature *etree.Element) *x509.Certificate {
	for _, info := range named(signature, dsig.KeyInfoTag) {
		for _, data := range named(info, dsig.X509DataTag) {
			for _, one := range named(data, dsig.X509CertificateTag) {
				der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(one.Text()), ""))
				if err != nil {
					continue
				}
				if c, err := x509.ParseCertificate(der); err == nil {
					return c
				}
			}
		}
	}
	return nil
}

// knows are the certificates that an upstream may sign with, and since when that is known.
func (e *entity) knows() string {
	var all []string
	for i, c := range e.certificates {
		if i == mostShown {
			all = append(all, fmt.Sprintf("%d more", len(e.certificates)-i))
			break
		}
		all = append(all, shown(c))
	}
	from := "its metadata, an uploaded file, has "
	if !e.readAt.IsZero() {
		from = "its metadata, read " + e.readAt.UTC().Format(time.RFC3339) + ", has "
	}
	return from + strings.Join(all, ", ")
}

// explained says of a refusal for a signature by which certificate it is and which are known: that is what IT compares.
// The library says that a verification failed, and no more. hidden: nothing may be told of what was encrypted.
func (e *entity) explained(err error, v *verifier, hidden bool) error {
	if federation.ReasonOf(err) != federation.BadSignature || !v.foreign || hidden {
		return err
	}
	by := "signed by a certificate that the answer does not name"
	switch {
	case v.claimed == nil:
	case slices.ContainsFunc(e.certificates, v.claimed.Equal):
		by = "changed after it was signed by " + shown(v.claimed) + ", or signed by another key"
	default:
		by = "signed by " + shown(v.claimed) + ", which is not known"
	}
	return federation.Refuse(federation.BadSignature, "%s; %s", by, e.knows())
}
