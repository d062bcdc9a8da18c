package federation

import (
	"regexp"
	"slices"
	"strings"
)

// KeyRule says which of the values that an upstream sends is the person, for ever. It is fixed once a link exists.
type KeyRule struct {
	By        KeyBy  `json:"by" yaml:"by,omitempty"`
	Attribute string `json:"attribute,omitempty" yaml:"attribute,omitempty"`       // of ByAttribute
	Unique    bool   `json:"never_reused,omitempty" yaml:"never_reused,omitempty"` // … which the organisation declares never to give to another person
}

// KeyBy is where the key of a person is.
type KeyBy string

const (
	ByEntra     KeyBy = "entra"     // tenant and object identifier, the same by OpenID Connect and SAML
	BySubject   KeyBy = "sub"       // OpenID Connect: `sub`
	ByNameID    KeyBy = "nameid"    // SAML: a persistent NameID
	ByAttribute KeyBy = "attribute" // a named one, such as objectGUID, subject-id or an employee number
)

const (
	persistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	tenantClaim = "http://schemas.microsoft.com/identity/claims/tenantid"
	objectClaim = "http://schemas.microsoft.com/identity/claims/objectidentifier"
	longestKey  = 255
)

// weakKeys name an address or a login name, which the next employee of that name gets.
var weakKeys = []string{
	"email", "mail", "upn", "preferred_username", "unique_name", "name",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "urn:oid:0.9.2342.19200300.100.1.3", "urn:mace:dir:attribute-def:mail",
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "urn:mace:dir:attribute-def:eduPersonPrincipalName",
}

// citizen is what DigiD sends: a sector code and a citizen service number, for which there is no legal ground here.
var citizen = regexp.MustCompile(`^s0000000[01]:[0-9]{8,9}$`)

func (k KeyRule) validate(kind Kind) error {
	switch {
	case k.By == ByEntra:
	case k.By == BySubject && kind == OIDC:
	case k.By == ByNameID && kind == SAML:
	case k.By == ByAttribute && k.Attribute == "":
		return invalid("key.attribute: the name of the attribute")
	case k.By == ByAttribute && slices.ContainsFunc(weakKeys, func(weak string) bool { return strings.EqualFold(weak, k.Attribute) }):
		return invalid("key.attribute %s: an address or a login name is somebody else's one day", k.Attribute)
	case k.By == ByAttribute && !k.Unique:
		return invalid("key.never_reused: say so of attribute %s, or choose another key", k.Attribute)
	case k.By == ByAttribute:
	default:
		return invalid("key.by %q: entra, %s or attribute", k.By, map[Kind]string{OIDC: "sub", SAML: "nameid"}[kind])
	}
	return nil
}

// Of is the key of the person in an answer. A Refusal: it is not there, or it does not last.
func (k KeyRule) Of(a Answer) (string, error) {
	var key string
	switch k.By {
	case ByEntra:
		tenant, object := a.text("tid", tenantClaim), a.text("oid", objectClaim)
		if tenant == "" || object == "" {
			return "", refuse(KeyMissing, "tid and oid, or tenantid and objectidentifier, are not in the answer")
		}
		key = strings.ToLower(tenant + "/" + object)
	case BySubject:
		key = a.Subject
	case ByNameID:
		if a.Format != persistent {
			return "", refuse(KeyMissing, "NameID has format %q, wanted is %s", a.Format, persistent)
		}
		if citizen.MatchString(a.Subject) {
			return "", refuse(KeyMissing, "NameID carries a citizen service number (BSN)")
		}
		key = a.Qualifier + "!" + a.Subject
	case ByAttribute:
		all := a.list(k.Attribute)
		if s, ok := a.Claims[k.Attribute].(string); ok {
			all = []string{s}
		}
		if len(all) != 1 {
			return "", refuse(KeyMissing, "attribute %s has %d values, wanted is 1", k.Attribute, len(all))
		}
		key = all[0]
	}
	switch {
	case strings.TrimSpace(key) == "" || key == "!":
		return "", refuse(KeyMissing, "the key (%s) is empty", k.By)
	case len(key) > longestKey || strings.ContainsRune(key, 0) || strings.TrimSpace(key) != key:
		return "", refuse(KeyMissing, "the key (%s) begins or ends with a blank, or is longer than %d bytes", k.By, longestKey)
	}
	return key, nil
}

// OtherKeys is the setting by which a key stands for somebody else than it did in was, the connection as it was before;
// empty: a key stands for who it stood for. Keys of Entra name their tenant, and are the same by either protocol. A hub
// makes its own NameIDs, but hands on the attributes of whoever is behind it.
func (c *Connection) OtherKeys(was *Connection) string {
	hub := was.SAML.Scoping
	more := func(provider string) bool { return !slices.Contains(hub, provider) }
	switch {
	case c.Key != was.Key:
		return "key"
	case c.Key.By == ByEntra:
		return ""
	case c.OIDC.Issuer != was.OIDC.Issuer:
		return "oidc.issuer"
	case c.SAML.EntityID != was.SAML.EntityID:
		return "saml.entity_id"
	case c.Key.By == ByAttribute && len(hub) > 0 && (len(c.SAML.Scoping) == 0 || slices.ContainsFunc(c.SAML.Scoping, more)):
		return "saml.requested_providers"
	}
	return ""
}

// External is how a link is kept and found: a connection and the key of a person there.
func External(c ID, key string) string { return string(c) + "/" + key }

// ConnectionOf is the connection of a link; empty: it is none.
func ConnectionOf(external string) ID {
	c, _, _ := strings.Cut(external, "/")
	return ID(c)
}
