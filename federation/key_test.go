package federation

import "testing"

// What changes whom the keys of a connection stand for is named, whatever the key rule; Entra's keys name their tenant.
func TestAnotherIssuerHasOtherKeys(t *testing.T) {
	rules := map[string]KeyRule{
		"entra": {By: ByEntra}, "sub": {By: BySubject}, "nameid": {By: ByNameID},
		"attribute": {By: ByAttribute, Attribute: "objectGUID", Unique: true},
	}
	for what, row := range map[string]struct {
		change func(*Connection)
		want   map[string]string
	}{
		"nothing":        {func(*Connection) {}, nil},
		"another rule":   {func(c *Connection) { c.Key.Attribute = "other" }, map[string]string{"entra": "key", "sub": "key", "nameid": "key", "attribute": "key"}},
		"the names":      {func(c *Connection) { c.Names = map[string]string{"nl": "Anders"} }, nil},
		"the metadata":   {func(c *Connection) { c.SAML.MetadataURL = "https://b.example/m" }, nil},
		"another issuer": {func(c *Connection) { c.OIDC.Issuer = "https://b.example" }, map[string]string{"sub": "oidc.issuer", "nameid": "oidc.issuer", "attribute": "oidc.issuer"}},
		"another entity": {func(c *Connection) { c.SAML.EntityID = "https://b.example" }, map[string]string{"sub": "saml.entity_id", "nameid": "saml.entity_id", "attribute": "saml.entity_id"}},
		"another protocol": {func(c *Connection) {
			c.Kind, c.SAML, c.OIDC = OIDC, SAMLSettings{}, OIDCSettings{Issuer: "https://a.example"}
		},
			map[string]string{"sub": "saml.entity_id", "nameid": "saml.entity_id", "attribute": "saml.entity_id"}},
		"another one behind the hub":  {func(c *Connection) { c.SAML.Scoping = []string{"https://c.example"} }, map[string]string{"attribute": "saml.requested_providers"}},
		"one more behind the hub":     {func(c *Connection) { c.SAML.Scoping = []string{"https://x.example", "https://c.example"} }, map[string]string{"attribute": "saml.requested_providers"}},
		"everybody behind the hub":    {func(c *Connection) { c.SAML.Scoping = nil }, map[string]string{"attribute": "saml.requested_providers"}},
		"one less behind the hub":     {func(c *Connection) { c.SAML.Scoping = []string{"https://y.example"} }, nil},
		"the same in another order":   {func(c *Connection) { c.SAML.Scoping = []string{"https://y.example", "https://x.example"} }, nil},
		"another one that is no such": {func(c *Connection) { c.OIDC.ClientID = "other" }, nil},
	} {
		for name, rule := range rules {
			was := Connection{Kind: SAML, Key: rule, OIDC: OIDCSettings{Issuer: "https://a.example"}}
			was.SAML = SAMLSettings{EntityID: "https://a.example", Scoping: []string{"https://x.example", "https://y.example"}}
			is := was
			row.change(&is)
			if got := is.OtherKeys(&was); got != row.want[name] {
				t.Errorf("%s, keys by %s: %q, want %q", what, name, got, row.want[name])
			}
		}
	}
	was := Connection{Key: rules["attribute"], Kind: SAML}
	is := was
	is.SAML.Scoping = []string{"https://x.example"}
	if got := is.OtherKeys(&was); got != "" {
		t.Errorf("only one behind the hub from now on: %q", got)
	}
}
