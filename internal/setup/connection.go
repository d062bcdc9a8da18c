package setup

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/upstream/ownkey"
	"github.com/minddistrict/idp/platform"
)

// Connection declares how the people of an organisation sign in with the account that they have there.
type Connection struct {
	Name     string              `yaml:"name,omitempty" null:"it is required"` // identifier in addresses and commands; never changes
	Kind     string              `yaml:"kind,omitempty" null:"it is required"` // oidc or saml
	Names    map[string]string   `yaml:"names,omitempty" null:"it is required"`
	Contact  string              `yaml:"contact,omitempty"`
	Roles    []string            `yaml:"roles,omitempty"`
	Domains  []Domain            `yaml:"domains,omitempty"`
	Place    string              `yaml:"place,omitempty"` // above (default), below or none
	Key      federation.KeyRule  `yaml:"key,omitempty" null:"it is required"`
	Contract federation.Contract `yaml:"contract,omitempty"`
	Idle     string              `yaml:"idle,omitempty"` // fresh (default) or bounce
	Mapping  federation.Mapping  `yaml:"mapping,omitempty"`
	Access   Access              `yaml:"access,omitempty"`
	OIDC     OIDC                `yaml:"oidc,omitempty"`
	SAML     SAML                `yaml:"saml,omitempty"`
	Disabled bool                `yaml:"disabled,omitempty"`
}

// Access declares who may come in that has no account yet, and as what.
type Access struct {
	JIT     string               `yaml:"jit,omitempty"` // off (default), invited or create
	Role    string               `yaml:"role,omitempty"`
	Table   []federation.RoleRow `yaml:"table,omitempty"`
	Strict  bool                 `yaml:"strict,omitempty"`
	Manages []string             `yaml:"manages,omitempty"`
}

// OIDC declares an upstream that speaks OpenID Connect.
type OIDC struct {
	Issuer     string   `yaml:"issuer,omitempty"`
	ClientID   string   `yaml:"client_id,omitempty"`
	Auth       string   `yaml:"auth,omitempty"` // client_secret_basic (default), client_secret_post or private_key_jwt
	Secret     string   `yaml:"secret,omitempty"`
	SecretFile string   `yaml:"secret_file,omitempty"`
	Audience   string   `yaml:"assertion_audience,omitempty"`
	Scopes     []string `yaml:"scopes,omitempty"`
	FormPost   bool     `yaml:"form_post,omitempty"`
}

// SAML declares an upstream that speaks SAML 2.0.
type SAML struct {
	EntityID     string   `yaml:"entity_id,omitempty"`
	MetadataURL  string   `yaml:"metadata_url,omitempty"`
	MetadataFile string   `yaml:"metadata_file,omitempty"`
	MetadataKey  string   `yaml:"metadata_key_file,omitempty"`
	NameIDFormat string   `yaml:"name_id_format,omitempty"`
	SignRequests bool     `yaml:"sign_requests,omitempty"`
	Artifact     bool     `yaml:"artifact,omitempty"`
	PostRequests bool     `yaml:"post_requests,omitempty"`
	CBC          bool     `yaml:"cbc_in_assertions,omitempty"`
	Decides      []string `yaml:"requested_context,omitempty"`
	Scoping      []string `yaml:"requested_providers,omitempty"`
}

// Domain is a name, or a mapping where the operator vouches for it.
type Domain struct {
	Name   string `yaml:"name,omitempty"`
	Proven string `yaml:"proven,omitempty"` // operator: by his word; by DNS it is proven with the command, and never here
}

// UnmarshalYAML reads both forms.
func (d *Domain) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		d.Name = n.Value
		return nil
	}
	type plain Domain
	return n.Decode((*plain)(d))
}

const (
	vouched     = "operator"
	aboveForm   = "above"
	idleFresh   = "fresh"
	jitOff      = "off"
	secretBasic = "client_secret_basic"
)

// usualScopes are asked for beside openid where nothing else is said (federation.OIDCSettings).
var usualScopes = []string{"profile", "email"}

func connectionName(p platform.ID, c federation.ID) string {
	return "connection " + string(p) + "/" + string(c)
}

// declaredConnection is what the database has of a connection, as a file would declare it.
func declaredConnection(c federation.Connection) Connection {
	d := Connection{
		Name: string(c.ID), Kind: string(c.Kind), Names: c.Names, Contact: c.Contact, Roles: texts(c.Roles), Place: cmp.Or(string(c.Place), aboveForm),
		Key: c.Key, Contract: c.Contract, Idle: cmp.Or(string(c.Idle), idleFresh), Mapping: c.Mapping, Disabled: c.Disabled,
		Access: Access{
			JIT: cmp.Or(string(c.Access.JIT), jitOff), Role: string(c.Access.Role), Table: c.Access.Table, Strict: c.Access.Strict,
			Manages: texts(c.Access.Manages),
		},
	}
	for _, domain := range c.Domains {
		said := Domain{Name: domain.Name}
		switch {
		case domain.Vouched:
			said.Proven = vouched
		case domain.Proven:
			said.Proven = "dns"
		}
		d.Domains = append(d.Domains, said)
	}
	s, m := c.OIDC, c.SAML
	d.OIDC = OIDC{
		Issuer: s.Issuer, ClientID: s.ClientID, Auth: string(s.Auth), Audience: s.Audience, Scopes: s.Scopes, FormPost: s.FormPost,
	}
	if c.Kind == federation.OIDC {
		d.OIDC.Auth = cmp.Or(d.OIDC.Auth, secretBasic)
		if d.OIDC.Scopes == nil {
			d.OIDC.Scopes = usualScopes
		}
	}
	d.SAML = SAML{
		EntityID: m.EntityID, MetadataURL: m.MetadataURL, NameIDFormat: m.NameIDFormat, SignRequests: m.SignRequests, Artifact: m.Artifact,
		PostRequests: m.PostRequests, CBC: m.CBC, Decides: m.Decides, Scoping: m.Scoping,
	}
	return d
}

func texts[T ~string](list []T) (all []string) {
	for _, v := range list {
		all = append(all, string(v))
	}
	return all
}

func named[T ~string](list []string) (all []T) {
	for _, v := range list {
		all = append(all, T(v))
	}
	return all
}

// unless is a value, or nothing where it is the usual one.
func unless[T ~string](v, usual string) T {
	if v == usual {
		return ""
	}
	return T(v)
}

// connectionOf reads a connection of a platform. What no file says (keys, baseline, secret and documents that are kept,
// what DNS proved) it has from the connection that there is.
func (d *Connection) connectionOf(p platform.ID, have federation.Connection, said map[string]bool) (federation.Connection, error) {
	c := federation.Connection{
		Platform: p, ID: federation.ID(d.Name), Kind: federation.Kind(d.Kind), Names: d.Names, Contact: d.Contact, Roles: named[platform.Role](d.Roles),
		Place: unless[federation.Place](d.Place, aboveForm), Key: d.Key, Contract: d.Contract, Idle: unless[federation.Idle](d.Idle, idleFresh),
		Mapping: d.Mapping, Disabled: d.Disabled, Secret: have.Secret, Keys: have.Keys, Baseline: have.Baseline,
		Access: federation.Access{
			JIT: unless[federation.JIT](d.Access.JIT, jitOff), Role: platform.Role(d.Access.Role), Table: d.Access.Table, Strict: d.Access.Strict,
			Manages: named[platform.Role](d.Access.Manages),
		},
	}
	for language := range d.Names {
		if language != "nl" && language != "en" {
			return c, fmt.Errorf("%w: names: %q: nl and en", fault.Invalid, language)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(said)) {
		if other, _, _ := strings.Cut(path, "."); path != other && (other == "oidc" || other == "saml") && other != d.Kind {
			return c, fmt.Errorf("%w: %s: the connection is of kind %s", fault.Invalid, path, d.Kind)
		}
	}
	if err := d.domains(&c, have); err != nil {
		return c, err
	}
	switch c.Kind {
	case federation.OIDC:
		c.OIDC = federation.OIDCSettings{
			Issuer: d.OIDC.Issuer, ClientID: d.OIDC.ClientID, Auth: unless[federation.OIDCAuth](d.OIDC.Auth, secretBasic), Audience: d.OIDC.Audience,
			Scopes: d.OIDC.Scopes, FormPost: d.OIDC.FormPost,
		}
		if len(c.OIDC.Scopes) == 0 || slices.Equal(c.OIDC.Scopes, usualScopes) {
			c.OIDC.Scopes = nil
		}
	case federation.SAML:
		if err := d.SAML.settings(&c.SAML, have.SAML, said); err != nil {
			return c, err
		}
	}
	return c, c.Validate()
}

// domains takes the domains of the file over, with what DNS proved of them before.
func (d *Connection) domains(c *federation.Connection, have federation.Connection) error {
	for _, domain := range d.Domains {
		to := federation.Domain{Name: domain.Name, Proven: domain.Proven == vouched, Vouched: domain.Proven == vouched}
		i := slices.IndexFunc(have.Domains, func(o federation.Domain) bool { return o.Name == domain.Name })
		byDNS := i >= 0 && have.Domains[i].Proven && !have.Domains[i].Vouched
		switch {
		case domain.Proven != "" && domain.Proven != vouched && (domain.Proven != "dns" || !byDNS):
			return fmt.Errorf("%w: domains: %s: proven %q: operator, or left out; DNS is asked with `idp federation prove`",
				fault.Invalid, domain.Name, domain.Proven)
		case byDNS:
			to = have.Domains[i]
		}
		c.Domains = append(c.Domains, to)
	}
	return nil
}

// settings reads those of SAML, and the files that they name.
func (d *SAML) settings(s *federation.SAMLSettings, have federation.SAMLSettings, said map[string]bool) error {
	*s = federation.SAMLSettings{
		EntityID: d.EntityID, MetadataURL: d.MetadataURL, Metadata: have.Metadata, MetadataKey: have.MetadataKey, NameIDFormat: d.NameIDFormat,
		SignRequests: d.SignRequests, Artifact: d.Artifact, PostRequests: d.PostRequests, CBC: d.CBC, Decides: d.Decides, Scoping: d.Scoping,
	}
	if d.MetadataURL != "" && d.MetadataFile != "" {
		if said["saml.metadata_url"] {
			return fmt.Errorf("%w: saml.metadata_url and saml.metadata_file: one of them", fault.Invalid)
		}
		s.MetadataURL = ""
	}
	if said["saml.metadata_url"] && d.MetadataURL != "" {
		s.Metadata = ""
	}
	for _, file := range []struct {
		key, path string
		to        *string
	}{{"metadata_file", d.MetadataFile, &s.Metadata}, {"metadata_key_file", d.MetadataKey, &s.MetadataKey}} {
		if !said["saml."+file.key] {
			continue
		}
		if *file.to = ""; file.path == "" {
			continue
		}
		text, err := os.ReadFile(file.path)
		if err == nil && len(text) > federation.MaxMetadata {
			err = fmt.Errorf("%d bytes, at most %d: of one provider, not of a whole federation", len(text), federation.MaxMetadata)
		}
		if err != nil {
			return fmt.Errorf("%w: saml.%s: %w", fault.Invalid, file.key, err)
		}
		*file.to = string(text)
	}
	if s.Metadata != "" && s.EntityID != "" && !strings.Contains(s.Metadata, s.EntityID) {
		return fmt.Errorf("%w: saml.entity_id %q: the metadata does not have it", fault.Invalid, s.EntityID)
	}
	return nil
}

// connection compares a connection by its name. The node is what the file says of it.
func (p *plan) connection(ctx context.Context, on platform.Platform, d *Connection, said *yaml.Node, path ...any) error {
	var have federation.Connection
	i := slices.IndexFunc(p.connections, func(c federation.Connection) bool { return c.Platform == on.ID && string(c.ID) == d.Name })
	exists := i >= 0
	if exists {
		have = p.connections[i]
	}
	full := declaredConnection(have)
	keys, err := merge(said, &full, declaredConnection(federation.Connection{}))
	if err != nil {
		return err
	}
	c, err := full.connectionOf(on.ID, have, keys)
	if err != nil {
		return err
	}
	if err := p.unlinked(ctx, exists, &have, &c); err != nil {
		return err
	}
	secrets, err := p.connectionSecret(&c, have, &full.OIDC, keys)
	if err != nil {
		return err
	}
	made, err := p.ownKeys(on, &c)
	if err != nil {
		return err
	}
	all := slices.Concat(difference(declaredConnection(have), declaredConnection(c)), secrets, made,
		fileDifference("saml.metadata_file", []byte(have.SAML.Metadata), []byte(c.SAML.Metadata)),
		fileDifference("saml.metadata_key_file", []byte(have.SAML.MetadataKey), []byte(c.SAML.MetadataKey)))
	if exists {
		links, err := p.DB.Links(ctx, c.Platform, c.ID)
		if err != nil {
			return err
		}
		mark(all, "", c.WeakerInUse(&have, links))
		p.connections[i] = c
	} else {
		fresh(all)
		p.connections = append(p.connections, c)
	}
	if !p.differs(connectionName(on.ID, c.ID), all, path...) {
		return nil
	}
	p.setup.Connections = append(p.setup.Connections, c)
	p.connectionSet(&c, string(c.ID))
	if was := have.SAML.MetadataURL; was != "" && c.SAML.MetadataURL != "" && was != c.SAML.MetadataURL {
		p.report.Warnings = append(p.report.Warnings, fmt.Sprintf("%s: what was read at the old saml.metadata_url does not count any more; "+
			"the new one is read at the next sign-in, or within ten minutes, and nobody signs in before: look with `idp federation show %s`",
			connectionName(on.ID, c.ID), c.ID))
	}
	for _, domain := range c.Domains {
		if domain.Vouched && !slices.Contains(have.Domains, domain) {
			p.connectionSet(&c, fmt.Sprintf("%s: the operator vouches for domain %s", c.ID, domain.Name))
		}
	}
	return nil
}

func (p *plan) connectionSet(c *federation.Connection, reason string) {
	p.setup.Events = append(p.setup.Events, audit.Event{
		At: p.Now, Platform: c.Platform, Kind: audit.ConnectionSet, Actor: Operator(), Outcome: audit.Success, Reason: reason,
	})
}

// unlinked refuses another key of people, or another issuer of their keys, where people are linked by them: nobody would be
// known any more, or somebody else would be (federation.Connection.OtherKeys).
func (p *plan) unlinked(ctx context.Context, exists bool, was, is *federation.Connection) error {
	key := ""
	if exists {
		key = is.OtherKeys(was)
	}
	if key == "" {
		return nil
	}
	links, err := p.DB.Links(ctx, is.Platform, is.ID)
	if err != nil {
		return err
	}
	if links > 0 {
		return fmt.Errorf("%w: %s: %d accounts are linked by it, and would be somebody else's: declare a connection of another name beside it, "+
			"or remove each link with `idp federation link remove %s EMAIL`", fault.Invalid, key, links, is.ID)
	}
	return nil
}

// connectionSecret seals a client secret that is another one.
func (p *plan) connectionSecret(
	c *federation.Connection, have federation.Connection, d *OIDC, said map[string]bool,
) ([]Difference, error) {
	if c.Kind != federation.OIDC || c.OIDC.Auth == federation.PrivateKeyJWT {
		if said["oidc.secret"] && d.Secret != "" || said["oidc.secret_file"] && d.SecretFile != "" {
			return nil, fmt.Errorf("%w: oidc.secret: auth is private_key_jwt", fault.Invalid)
		}
		c.Secret = nil
		return fileDifference("oidc.secret", have.Secret, nil), nil
	}
	text := d.Secret
	if d.SecretFile != "" {
		content, err := secret.ReadFile(d.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("%w: oidc.secret_file: %w", fault.Invalid, err)
		}
		text = strings.TrimSpace(content)
	}
	if text == "" {
		if c.Secret == nil || said["oidc.secret"] || said["oidc.secret_file"] {
			return nil, fmt.Errorf("%w: oidc.secret is missing: as the upstream gave it", fault.Invalid)
		}
		return nil, nil
	}
	if have.Secret != nil {
		if opened, err := p.Sealer.Open(have.Secret, have.Binding("secret")); err == nil && string(opened) == text {
			return nil, nil
		}
	}
	c.Secret = p.Sealer.Seal([]byte(text), c.Binding("secret"))
	return []Difference{secretDifference("oidc.secret", have.Secret != nil, true)}, nil
}

// ownKeys makes the first key of ours for a connection that signs with one. A dry run makes none.
func (p *plan) ownKeys(on platform.Platform, c *federation.Connection) ([]Difference, error) {
	if c.Keys != nil || c.Kind == federation.OIDC && c.OIDC.Auth != federation.PrivateKeyJWT {
		return nil, nil
	}
	made := []Difference{{Key: "keys", New: "made"}}
	if p.DryRun {
		return made, nil
	}
	sealed, err := sealKeys(p.Sealer, c, federation.OwnKeys{}, string(on.Issuer), p.Now)
	c.Keys = sealed
	return made, err
}

// sealer is what seals for the servers.
type sealer interface {
	Seal(plain []byte, binding string) []byte
}

// sealKeys adds a new key at the end, and seals all.
func sealKeys(s sealer, c *federation.Connection, keys federation.OwnKeys, issuer string, now time.Time) ([]byte, error) {
	k, err := ownkey.New(issuer, now)
	if err != nil {
		return nil, err
	}
	keys.Keys = append(keys.Keys, k)
	text, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("sealing keys: %w", err)
	}
	return s.Seal(text, c.Binding("keys")), nil
}
