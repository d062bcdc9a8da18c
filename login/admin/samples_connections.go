package admin

import (
	"fmt"
	"strings"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// sampleOIDC and sampleSAML have every setting between them.
var (
	sampleOIDC = &federation.Connection{
		ID: "lindehof", Kind: federation.OIDC, Names: sampleLink.Names, Contact: "ict@lindehof.example",
		Domains:  []federation.Domain{{Name: "lindehof.example", Proven: true}, {Name: "hof.example", Proven: true, Vouched: true}, {Name: "lh.example"}},
		Key:      federation.KeyRule{By: federation.ByEntra},
		Contract: federation.Contract{Preset: federation.EntraOIDC, Counts: true, MaxAge: 12 * time.Hour},
		Access: federation.Access{
			JIT: federation.JITCreate, Role: platform.Professional, Strict: true, Manages: []platform.Role{platform.Helpdesk},
			Table: []federation.RoleRow{{Value: "Helpdesk", Role: platform.Helpdesk}, {Value: "0f2c7a5e-3b1d-4c8e-9a6f-1d2e3f405162", Role: platform.Professional}},
		},
		OIDC:     federation.OIDCSettings{Issuer: "https://login.microsoftonline.com/0f2c7a5e-3b1d-4c8e-9a6f-1d2e3f405162/v2.0"},
		Baseline: &federation.Baseline{At: sampleNoon, ACR: authn.TwoFactor, Domain: "lindehof.example", Claims: []string{"acrs", "email", "family_name", "oid", "tid"}},
	}
	sampleSAML = &federation.Connection{
		ID: "wilgenhof-oost", Kind: federation.SAML,
		Names: map[string]string{"nl": "Stichting Geestelijke Gezondheidszorg en Verslavingszorg Wilgenhof-Oost en Omstreken"},
		Key:   federation.KeyRule{By: federation.ByAttribute, Attribute: "urn:mace:dir:attribute-def:employeeNumber", Unique: true},
		Contract: federation.Contract{Preset: federation.ADFS, Rows: []federation.ContractRow{
			{Claim: federation.ByContext, Value: "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI", ACR: authn.TwoFactor, AMR: []string{"sc"}},
		}},
		Idle: federation.IdleBounce, Place: federation.NoPlace, Roles: []platform.Role{platform.Professional},
		SAML: federation.SAMLSettings{EntityID: "http://sts.wilgenhof-oost-en-omstreken.example/adfs/services/trust"},
	}
)

// sampleConnection is one that was made from another, under a name of its own.
func sampleConnection(from *federation.Connection, id string, change func(*federation.Connection)) *federation.Connection {
	c := *from
	c.ID = federation.ID(id)
	change(&c)
	return &c
}

func sampleConnectionLine(c *federation.Connection, use ConnectionUse) ConnectionLine {
	l := lineOf(c, connectionsPath+"/"+string(c.ID))
	l.Use = use
	return l
}

var sampleUse = ConnectionUse{Linked: 214, UsedAt: sampleNoon, RefusedAt: sampleNoon.Add(-time.Hour), Refused: "staff.why_federated_refuse_foreign_domain"}

// samples are the states of the page.
func (ConnectionsPage) samples() []ui.Sample {
	page := func(all ...ConnectionLine) ConnectionsPage {
		if len(all) == 0 {
			return ConnectionsPage{Chrome: sampleChrome("")}
		}
		return ConnectionsPage{Chrome: sampleChrome("staff.connections_menu"), Connections: all}
	}
	one := sampleConnectionLine(sampleOIDC, sampleUse)
	off := sampleConnection(sampleOIDC, "elders", func(c *federation.Connection) {
		c.Disabled, c.Names, c.Access.JIT = true, map[string]string{"nl": "Huize Elders", "en": "Elders House"}, federation.JITInvited
	})
	var many []ConnectionLine
	for i := range 50 {
		c := sampleConnection(sampleOIDC, fmt.Sprintf("huis-%d", i+1), func(c *federation.Connection) {
			c.Names = map[string]string{"nl": fmt.Sprintf("Zorghuis %d", i+1), "en": fmt.Sprintf("Care house %d", i+1)}
		})
		many = append(many, sampleConnectionLine(c, ConnectionUse{Linked: i, UsedAt: sampleNoon.Add(-time.Duration(i) * time.Hour)}))
	}
	long := sampleConnection(sampleSAML, strings.Repeat("abcd", 8), func(c *federation.Connection) {
		c.Names, c.Contact = map[string]string{"nl": strings.Repeat("Wilgenhof", 12)}, strings.Repeat("ict", 15)+"@"+strings.Repeat("hof.", 10)+"example"
		c.Domains = []federation.Domain{{Name: strings.Repeat("wilgenhof.", 12) + "example"}}
	})
	return []ui.Sample{
		{Name: "one", Data: page(one), Staff: true},
		{Name: "three", Data: page(sampleConnectionLine(off, ConnectionUse{Linked: 1}), one, sampleConnectionLine(sampleSAML, ConnectionUse{})), Staff: true},
		{Name: "fifty", Data: page(many...), Staff: true},
		{Name: "long names", Data: page(sampleConnectionLine(long, sampleUse)), Staff: true},
		{Name: "none", Data: page(), Staff: true},
	}
}

// samples are the states of the page.
func (ConnectionPage) samples() []ui.Sample {
	page := func(c *federation.Connection, use ConnectionUse) ConnectionPage {
		p := connectionPage(c)
		p.Chrome, p.ConnectionLine, p.Back = sampleChrome("staff.connections_menu"), sampleConnectionLine(c, use), connectionsPath
		p.Confirmed = confirmedOf(c, Named{Key: "staff.by_operator"})
		return p
	}
	all := page(sampleOIDC, sampleUse)
	for i, why := range []string{"foreign_domain", "misset", "unreachable", "drift"} {
		number := "7KQ4-MXD" + string("ABCD"[i])
		all.Refusals = append(all.Refusals, Refusal{
			At: sampleNoon.Add(-time.Duration(i) * time.Hour), Why: []Why{{Key: "staff.why_federated_refuse_" + why}}, Reference: number,
			URL: root + "/reference?number=" + number,
		})
	}
	off := sampleConnection(sampleOIDC, "elders", func(c *federation.Connection) {
		c.Disabled, c.Baseline, c.Contact, c.Domains, c.Access, c.Contract = true, nil, "", nil, federation.Access{JIT: federation.JITInvited}, federation.Contract{}
		c.Key, c.Place = federation.KeyRule{By: federation.BySubject}, federation.BelowForm
	})
	hub := sampleConnection(sampleSAML, "surf", func(c *federation.Connection) {
		c.Names, c.Key, c.Contract = map[string]string{"nl": "SURFconext"}, federation.KeyRule{By: federation.ByNameID}, federation.Contract{Preset: federation.SURFconext, Counts: true}
		c.Baseline = &federation.Baseline{At: sampleNoon, ACR: authn.OneFactor, Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"}
		c.Access = federation.Access{JIT: federation.JITCreate, Table: []federation.RoleRow{{Value: "employee", Role: platform.Professional}}}
	})
	entra := sampleConnection(sampleSAML, "entra", func(c *federation.Connection) { c.Contract = federation.Contract{Preset: federation.EntraSAML} })
	return []ui.Sample{
		{Name: "all", Data: all, Staff: true},
		{Name: "never confirmed", Data: page(sampleSAML, ConnectionUse{}), Staff: true},
		{Name: "off", Data: page(off, ConnectionUse{Linked: 1}), Staff: true},
		{Name: "a hub", Data: page(hub, sampleUse), Staff: true},
		{Name: "another product", Data: page(entra, sampleUse), Staff: true},
	}
}
