package federation

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// weakening is one way in which a connection can protect less than it did: it lets in more people, counts for more, or
// believes somebody else.
type weakening struct {
	fields string // of Connection that it looks at, as Go names them
	key    string // of the file of `idp apply`
	weaker func(was, is *Connection) bool
}

// weakenings are all there are. Each field of Connection is in one of them, or in the list of those that cannot weaken
// anything, which the test has with a reason for each.
var weakenings = []weakening{
	{"Kind", "kind", func(was, is *Connection) bool { return was.Kind != is.Kind }},
	{"Roles", "roles", func(was, is *Connection) bool {
		return slices.ContainsFunc(platform.Roles, func(r platform.Role) bool { return is.For(r) && !was.For(r) })
	}},
	{"Domains", "domains", func(was, is *Connection) bool {
		return slices.ContainsFunc(is.Domains, func(d Domain) bool { return d.Proven && !was.proven(d.Name) })
	}},
	{"Key", "key", func(was, is *Connection) bool { return was.Key != is.Key }},
	{"Contract.Preset Contract.Rows Contract.Counts Contract.MaxAge", "contract", func(was, is *Connection) bool {
		return is.Contract.moreThan(was.Contract)
	}},
	{"Idle", "idle", func(was, is *Connection) bool { return was.Idle == IdleFresh && is.Idle != IdleFresh }},
	// What names the address or the role is another claim: somebody else may be able to fill that one in.
	{"Mapping.Email", "mapping.email", func(was, is *Connection) bool { return !slices.Equal(was.Mapping.Email, is.Mapping.Email) }},
	{"Mapping.Roles", "mapping.roles", func(was, is *Connection) bool { return !slices.Equal(was.Mapping.Roles, is.Mapping.Roles) }},
	{"Access.JIT", "access.jit", func(was, is *Connection) bool { return is.Access.JIT.rank() > was.Access.JIT.rank() }},
	{"Access.Role", "access.role", func(was, is *Connection) bool {
		return slices.Index(platform.Roles, is.Access.Role) > slices.Index(platform.Roles, was.Access.Role)
	}},
	// The first row that fits counts, so that a row less or another order can give more, too.
	{"Access.Table", "access.table", func(was, is *Connection) bool { return !slices.Equal(was.Access.Table, is.Access.Table) }},
	{"Access.Strict", "access.strict", func(was, is *Connection) bool { return was.Access.Strict && !is.Access.Strict }},
	{"Access.Manages", "access.manages", func(was, is *Connection) bool {
		return slices.ContainsFunc(is.Access.Manages, func(r platform.Role) bool { return !slices.Contains(was.Access.Manages, r) })
	}},
	{"OIDC.Issuer", "oidc.issuer", func(was, is *Connection) bool { return was.OIDC.Issuer != is.OIDC.Issuer }},
	{"OIDC.Auth", "oidc.auth", func(was, is *Connection) bool {
		return was.OIDC.Auth == PrivateKeyJWT && is.OIDC.Auth != PrivateKeyJWT
	}},
	{"SAML.EntityID", "saml.entity_id", func(was, is *Connection) bool { return was.SAML.EntityID != is.SAML.EntityID }},
	// By another address somebody else says who signs, and so does a file with another certificate: unless it is signed with the
	// key that it was before. A new certificate at the same address is taken over https, and told.
	{"SAML.MetadataURL", "saml.metadata_url", func(was, is *Connection) bool {
		return was.SAML.MetadataURL != is.SAML.MetadataURL && !is.SAML.pinned(was.SAML)
	}},
	{"SAML.Metadata", "saml.metadata_file", func(was, is *Connection) bool {
		return was.SAML.MetadataURL == "" && is.SAML.MetadataURL == "" && !is.SAML.pinned(was.SAML) && is.SAML.newCertificate(was.SAML)
	}},
	{"SAML.MetadataKey", "saml.metadata_key_file", func(was, is *Connection) bool {
		return was.SAML.MetadataKey != "" && was.SAML.MetadataKey != is.SAML.MetadataKey
	}},
	{"SAML.SignRequests", "saml.sign_requests", func(was, is *Connection) bool {
		return was.SAML.SignRequests && !is.SAML.SignRequests
	}},
	{"SAML.CBC", "saml.cbc_in_assertions", func(was, is *Connection) bool { return !was.SAML.CBC && is.SAML.CBC }},
}

// WeakerThan lists the keys, as the file of `idp apply` has them, in which the connection protects less than it did.
func (c *Connection) WeakerThan(was *Connection) (keys []string) {
	for _, w := range weakenings {
		if w.weaker(was, c) {
			keys = append(keys, w.key)
		}
	}
	return keys
}

// whose are the keys that say who is on the other side.
var whose = []string{"oidc.issuer", "saml.entity_id", "saml.metadata_url", "saml.metadata_file"}

// WeakerInUse is WeakerThan of a connection by which so many accounts are linked. Where nothing rests on who was on the other
// side, another may be there: nobody is linked, no test was confirmed and no domain is proven, so that the connection is as
// good as a new one. It is for a typo in what was declared last.
func (c *Connection) WeakerInUse(was *Connection, links int64) []string {
	rests := links > 0 || was.Baseline != nil || slices.ContainsFunc(was.Domains, func(d Domain) bool { return d.Proven })
	return slices.DeleteFunc(c.WeakerThan(was), func(key string) bool { return !rests && slices.Contains(whose, key) })
}

func (c *Connection) proven(domain string) bool {
	return slices.ContainsFunc(c.Domains, func(d Domain) bool { return d.Name == domain && d.Proven })
}

// moreThan reports whether something counts for more than it did, or longer.
func (c Contract) moreThan(was Contract) bool {
	longer := was.MaxAge != 0 && (c.MaxAge == 0 || c.MaxAge > was.MaxAge)
	return c.Counts && !was.Counts || longer || slices.ContainsFunc(c.rows(), func(row ContractRow) bool {
		return (row.ACR == authn.TwoFactor || len(row.AMR) > 0) && !slices.ContainsFunc(was.rows(), row.same)
	})
}

func (r ContractRow) same(o ContractRow) bool {
	return r.Claim == o.Claim && r.Value == o.Value && r.ACR == o.ACR && slices.Equal(r.AMR, o.AMR)
}

func (j JIT) rank() int { return slices.Index([]JIT{JITOff, JITInvited, JITCreate}, j) }

// pinned reports whether metadata is signed with the key that it was signed with before.
func (s SAMLSettings) pinned(was SAMLSettings) bool {
	return s.MetadataKey != "" && s.MetadataKey == was.MetadataKey
}

// newCertificate reports whether uploaded metadata has a certificate that it did not have. What cannot be read may.
func (s SAMLSettings) newCertificate(was SAMLSettings) bool {
	if s.Metadata == was.Metadata {
		return false
	}
	before, errBefore := certificates(was.Metadata)
	now, errNow := certificates(s.Metadata)
	return errBefore != nil || errNow != nil || slices.ContainsFunc(now, func(c string) bool { return !slices.Contains(before, c) })
}

// certificates are those in a document, of whatever use, in base64 without white space.
func certificates(document string) (all []string, err error) {
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(document, "\xef\xbb\xbf")))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "X509Certificate" {
			continue
		}
		var text string
		if err := d.DecodeElement(&text, &start); err != nil {
			return nil, err
		}
		all = append(all, strings.Join(strings.Fields(text), ""))
	}
}
