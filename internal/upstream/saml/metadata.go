package saml

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
)

const (
	leastRSA = 2048 // bits of a key of an upstream (NIST SP 800-131A)
	mostKeys = 16   // of an upstream
)

// entity is what we use of an upstream's metadata. The library is given no more.
type entity struct {
	described    *crewjam.EntityDescriptor
	certificates []*x509.Certificate // that it signs with
	wantsSigned  bool                // WantAuthnRequestsSigned
	readAt       time.Time           // at its address; zero: it was uploaded
}

// readMetadata reads the metadata of an upstream. fault.Invalid, with words for who looks after the connection: it is
// none, not of the entity that is wanted, not signed as it must be, or has a key that is too weak.
func readMetadata(s federation.SAMLSettings, body []byte, now time.Time) (*entity, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) // a byte order mark, which AD FS writes
	if len(body) > federation.MaxMetadata {
		return nil, broken("more than %d bytes: of one provider, not of a whole federation", federation.MaxMetadata)
	}
	if _, err := lookMetadata(body); err != nil {
		return nil, broken("%w", err)
	}
	if s.MetadataKey != "" {
		var err error
		if body, err = signedMetadata(s.MetadataKey, body); err != nil {
			return nil, err
		}
	}
	found, until, err := findEntity(body, s.EntityID)
	if err != nil {
		return nil, err
	}
	if !until.IsZero() && s.MetadataKey != "" && now.After(until) {
		return nil, broken("validUntil was %s", until.UTC().Format(time.RFC3339))
	}
	return newEntity(found)
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: metadata: "+format, append([]any{fault.Invalid}, args...)...)
}

// signedMetadata is what a signature by one of the certificates in a PEM file covers.
func signedMetadata(keys string, body []byte) ([]byte, error) {
	var trusted []*x509.Certificate
	for rest := []byte(keys); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, broken("metadata_key: %w", err)
		}
		if err := strong(c); err != nil {
			return nil, err
		}
		trusted = append(trusted, c)
	}
	if len(trusted) == 0 {
		return nil, broken("metadata_key: no certificate in PEM")
	}
	document := etree.NewDocument()
	if err := document.ReadFromBytes(body); err != nil {
		return nil, broken("%w", err)
	}
	for _, method := range append(document.FindElements("/*/Signature/SignedInfo/SignatureMethod"),
		document.FindElements("/*/Signature/SignedInfo/Reference/DigestMethod")...) {
		if a := method.SelectAttrValue("Algorithm", ""); strings.HasSuffix(a, "sha1") {
			return nil, broken("signed with %s", a)
		}
	}
	signed, err := crewjam.VerifyMetadataSignature(body, trusted)
	if err != nil {
		return nil, broken("%w", err)
	}
	return signed, nil
}

// findEntity finds an entity in metadata of one or of many, and until when it counts; zero: it does not say.
func findEntity(body []byte, id string) (*crewjam.EntityDescriptor, time.Time, error) {
	var one crewjam.EntityDescriptor
	errOne := xml.Unmarshal(body, &one)
	if errOne == nil {
		if one.EntityID != id {
			return nil, time.Time{}, broken("of entity %q, wanted is %q", one.EntityID, id)
		}
		return &one, one.ValidUntil, nil
	}
	var many crewjam.EntitiesDescriptor
	if err := xml.Unmarshal(body, &many); err != nil {
		return nil, time.Time{}, broken("%w", errOne)
	}
	if found, until := entityAmong(&many, id, time.Time{}); found != nil {
		return found, until, nil
	}
	return nil, time.Time{}, broken("entity %q is not in it", id)
}

func entityAmong(all *crewjam.EntitiesDescriptor, id string, until time.Time) (*crewjam.EntityDescriptor, time.Time) {
	if all.ValidUntil != nil {
		until = sooner(until, *all.ValidUntil)
	}
	for i := range all.EntityDescriptors {
		if e := &all.EntityDescriptors[i]; e.EntityID == id && len(e.IDPSSODescriptors) > 0 {
			return e, sooner(until, e.ValidUntil)
		}
	}
	for i := range all.EntitiesDescriptors {
		if e, at := entityAmong(&all.EntitiesDescriptors[i], id, until); e != nil {
			return e, at
		}
	}
	return nil, time.Time{}
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// newEntity takes what we use of a descriptor: the keys that sign, and the addresses that may be called.
func newEntity(found *crewjam.EntityDescriptor) (*entity, error) {
	e := &entity{}
	role := crewjam.IDPSSODescriptor{}
	for _, d := range found.IDPSSODescriptors {
		if !slices.Contains(strings.Fields(d.ProtocolSupportEnumeration), nsProtocol) {
			continue
		}
		e.wantsSigned = e.wantsSigned || d.WantAuthnRequestsSigned != nil && *d.WantAuthnRequestsSigned
		role.SingleSignOnServices = append(role.SingleSignOnServices, callable(d.SingleSignOnServices)...)
		for _, s := range callable(d.SingleLogoutServices) {
			if s.ResponseLocation != "" { // we only ever answer there
				s.Location = s.ResponseLocation
			}
			role.SingleLogoutServices = append(role.SingleLogoutServices, s)
		}
		for _, a := range d.SSODescriptor.ArtifactResolutionServices {
			if safe(a.Location) {
				role.SSODescriptor.ArtifactResolutionServices = append(role.SSODescriptor.ArtifactResolutionServices, a)
			}
		}
		for _, k := range d.KeyDescriptors {
			if k.Use == "encryption" {
				continue
			}
			if err := e.take(k); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case len(e.certificates) == 0:
		return nil, broken("no certificate that an identity provider of SAML 2.0 signs with")
	case len(e.certificates) > mostKeys:
		return nil, broken("%d certificates", len(e.certificates))
	case len(role.SingleSignOnServices) == 0:
		return nil, broken("no address (SingleSignOnService) by https")
	}
	for _, c := range e.certificates {
		k := crewjam.KeyDescriptor{Use: "signing"}
		k.KeyInfo.X509Data.X509Certificates = []crewjam.X509Certificate{{Data: base64.StdEncoding.EncodeToString(c.Raw)}}
		role.KeyDescriptors = append(role.KeyDescriptors, k)
	}
	role.ProtocolSupportEnumeration = nsProtocol
	e.described = &crewjam.EntityDescriptor{EntityID: found.EntityID, IDPSSODescriptors: []crewjam.IDPSSODescriptor{role}}
	return e, nil
}

// take takes the certificates of a key.
func (e *entity) take(k crewjam.KeyDescriptor) error {
	for _, data := range k.KeyInfo.X509Data.X509Certificates {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data.Data), ""))
		if err != nil {
			return broken("certificate: %w", err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return broken("certificate: %w", err)
		}
		if err := strong(c); err != nil {
			return err
		}
		if !slices.ContainsFunc(e.certificates, c.Equal) {
			e.certificates = append(e.certificates, c)
		}
	}
	return nil
}

// strong refuses a key that is too weak, or of a kind that no signature here can be of.
func strong(c *x509.Certificate) error {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < leastRSA {
			return broken("certificate %s: RSA key of %d bits, wanted are %d", fingerprint(c), k.N.BitLen(), leastRSA)
		}
		return nil
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize >= 256 {
			return nil
		}
	}
	return broken("certificate %s: a key that is no RSA key, nor on P-256, P-384 or P-521", fingerprint(c))
}

// expires is when the last of its certificates expires: until then, one is as it should be.
func (e *entity) expires() (last time.Time) {
	for _, c := range e.certificates {
		if c.NotAfter.After(last) {
			last = c.NotAfter
		}
	}
	return last
}

// certificateLike is a certificate as it stands in metadata: the library is given copies that never expire.
func (e *entity) certificateLike(c *x509.Certificate) *x509.Certificate {
	if i := slices.IndexFunc(e.certificates, c.Equal); i >= 0 {
		return e.certificates[i]
	}
	return nil
}

func callable(all []crewjam.Endpoint) (some []crewjam.Endpoint) {
	for _, e := range all {
		if safe(e.Location) && (e.ResponseLocation == "" || safe(e.ResponseLocation)) {
			some = append(some, e)
		}
	}
	return some
}

// safe reports whether a browser or we may be sent to an address: by https, or to this machine.
func safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isOurs(u)
}

func isOurs(u *url.URL) bool {
	return u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || u.Hostname() == "127.0.0.1"
}

// address is where messages by a binding go; empty: nowhere.
func address(all []crewjam.Endpoint, binding string) string {
	for _, e := range all {
		if e.Binding == binding {
			return e.Location
		}
	}
	return ""
}
