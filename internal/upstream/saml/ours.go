package saml

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
)

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
