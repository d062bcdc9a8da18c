package federation

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// Method is the name of this way of signing in, in credentials, proofs and the record.
const Method = "federated"

// ID is a connection's name within its platform, in addresses and commands: a lower-case letter, then up to 31 letters,
// digits and single hyphens. It never changes.
type ID string

var idPattern = regexp.MustCompile(`^[a-z](?:-?[a-z0-9]){0,31}$`)

// Kind is the protocol that a connection speaks.
type Kind string

const (
	OIDC Kind = "oidc" // OpenID Connect Core 1.0, authorization code flow
	SAML Kind = "saml" // SAML 2.0 Web Browser SSO, begun by us
)

// Connection is how the people of one organisation sign in with the account that they have there. A platform may have
// several. The body is what `idp apply` declares; what has its own column is not in it.
type Connection struct {
	Platform platform.ID       `json:"-"`
	ID       ID                `json:"-"`
	Kind     Kind              `json:"kind"`
	Names    map[string]string `json:"names"`             // what people call the organisation, by language; the button says it
	Contact  string            `json:"contact,omitempty"` // mail address of who looks after it there; empty: managers are told
	Roles    []platform.Role   `json:"roles,omitempty"`   // whom it is for; empty: the roles of staff
	Domains  []Domain          `json:"domains,omitempty"` // of mail addresses
	Place    Place             `json:"place,omitempty"`   // on the login page
	Key      KeyRule           `json:"key"`
	Contract Contract          `json:"contract,omitzero"`
	Idle     Idle              `json:"idle,omitempty"`
	Mapping  Mapping           `json:"mapping,omitzero"`
	Access   Access            `json:"access,omitzero"`
	OIDC     OIDCSettings      `json:"oidc,omitzero"`
	SAML     SAMLSettings      `json:"saml,omitzero"`
	Disabled bool              `json:"disabled,omitempty"` // nobody signs in by it; links stay

	Secret   []byte    `json:"-"` // client secret, sealed and bound to Binding("secret"); nil: none
	Keys     []byte    `json:"-"` // JSON of OwnKeys, sealed and bound to Binding("keys"); nil: none made yet
	Baseline *Baseline `json:"-"` // what the last confirmed test sign-in brought; nil: none was confirmed
}

// Binding is the additional data that ties what is sealed to its row and column.
func (c *Connection) Binding(what string) string {
	return "connection/" + string(c.Platform) + "/" + string(c.ID) + "/" + what
}

// Name is what people call the organisation, in their language where there is a name in it.
func (c *Connection) Name(language string) string {
	if name := c.Names[language]; name != "" {
		return name
	}
	for _, other := range []string{"nl", "en"} {
		if name := c.Names[other]; name != "" {
			return name
		}
	}
	return string(c.ID)
}

// For reports whether the connection is for people of a role.
func (c *Connection) For(r platform.Role) bool {
	if len(c.Roles) == 0 {
		return r.Staff()
	}
	return slices.Contains(c.Roles, r)
}

// Domain is a domain of mail addresses that belong to the organisation. Proven by DNS, an address of it says whose it
// is where the upstream verified it. One that a manager vouches for only leads from a typed address to the
// organisation.
type Domain struct {
	Name    string `json:"name"` // lower case, ASCII
	Proven  bool   `json:"proven,omitempty"`
	Vouched bool   `json:"vouched,omitempty"` // it is proven by the word of the operator, not by DNS
}

// Has reports whether an address is of one of the connection's domains, and whether that one is proven.
func (c *Connection) Has(e account.Email) (domain, proven bool) {
	_, host, _ := strings.Cut(e.Key, "@")
	for _, d := range c.Domains {
		if d.Name == host {
			return true, d.Proven
		}
	}
	return false, false
}

// Place is where the login page has the button of a connection.
type Place string

const (
	AboveForm Place = "" // before e-mail address and password
	BelowForm Place = "below"
	NoPlace   Place = "none" // reached by idp_hint or by the domain of an address only
)

// Idle says what the upstream has to show after the idle hour.
type Idle string

const (
	IdleFresh  Idle = ""       // that the person signed in there again
	IdleBounce Idle = "bounce" // that it still knows the person
)

// Access is who may come in that has no account yet, and as what.
type Access struct {
	JIT     JIT             `json:"jit,omitempty"`
	Role    platform.Role   `json:"role,omitempty"`    // of a new account that no row of Table names; empty: none is made
	Table   []RoleRow       `json:"table,omitempty"`   // applied at each sign-in, downwards too; the first row that fits counts
	Strict  bool            `json:"strict,omitempty"`  // who fits no row of Table does not come in
	Manages []platform.Role `json:"manages,omitempty"` // roles beyond professional that Table may give: helpdesk, manager
}

// JIT says who comes in that is not linked: each lets in more than the one before. Whoever has an account that is
// active proves it, whatever this is.
type JIT string

const (
	JITOff     JIT = ""        // nobody else
	JITInvited JIT = "invited" // whoever was invited: with the button of the mail, or by a trusted address
	JITCreate  JIT = "create"  // anybody: an account is made
)

// RoleRow gives a role to whom the upstream names a role or group, exactly.
type RoleRow struct {
	Value string        `json:"value" yaml:"value,omitempty"` // of a role or group
	Role  platform.Role `json:"role" yaml:"role,omitempty"`
}

// OIDCSettings are those of an upstream that speaks OpenID Connect.
type OIDCSettings struct {
	Issuer   string   `json:"issuer,omitempty"` // exactly one tenant's
	ClientID string   `json:"client_id,omitempty"`
	Auth     OIDCAuth `json:"auth,omitempty"`
	Audience string   `json:"assertion_audience,omitempty"` // `aud` of our client assertions; empty: the issuer
	Scopes   []string `json:"scopes,omitempty"`             // beside openid; nil: profile and email
	FormPost bool     `json:"form_post,omitempty"`          // answers come as a form (OAuth 2.0 Form Post Response Mode)
}

// OIDCAuth is how we prove ourselves at an upstream's token endpoint.
type OIDCAuth string

const (
	SecretBasic   OIDCAuth = "" // client_secret_basic
	SecretPost    OIDCAuth = "client_secret_post"
	PrivateKeyJWT OIDCAuth = "private_key_jwt" // RFC 7523 section 2.2, with the connection's own key
)

// SAMLSettings are those of an upstream that speaks SAML 2.0.
type SAMLSettings struct {
	EntityID     string   `json:"entity_id,omitempty"`           // of the identity provider, exactly as in its metadata
	MetadataURL  string   `json:"metadata_url,omitempty"`        // read daily; empty: Metadata was uploaded
	Metadata     string   `json:"metadata,omitempty"`            // XML as it was uploaded
	MetadataKey  string   `json:"metadata_key,omitempty"`        // certificate in PEM that federation metadata is signed with; empty: https vouches
	NameIDFormat string   `json:"name_id_format,omitempty"`      // asked for; empty: none, because some refuse formats that they do not issue
	SignRequests bool     `json:"sign_requests,omitempty"`       // authentication requests are signed, whatever metadata says
	Artifact     bool     `json:"artifact,omitempty"`            // answers come by HTTP-Artifact
	PostRequests bool     `json:"post_requests,omitempty"`       // requests go by HTTP-POST; otherwise by HTTP-Redirect where there is one
	CBC          bool     `json:"cbc_in_assertions,omitempty"`   // AES-CBC is taken outside a signed Response, too
	Decides      []string `json:"requested_context,omitempty"`   // RequestedAuthnContext that every request has; empty: none
	Scoping      []string `json:"requested_providers,omitempty"` // IDPList of the request, for a hub such as SURFconext
}

// MaxMetadata bounds a document of metadata, in bytes, wherever it is from: ten times what AD FS publishes, which is
// the longest of one provider. The file of a whole federation has many MiB and is not taken: each node keeps an
// uploaded one in memory, and reads metadata with each answer.
const MaxMetadata = 1 << 20

// MaxSkew is how far clocks may be apart: an answer that is this early or late is taken.
const MaxSkew = 60 * time.Second

// Validate returns the first setting that cannot work, wrapped around fault.Invalid.
func (c *Connection) Validate() error {
	switch {
	case !idPattern.MatchString(string(c.ID)):
		return invalid("name %q: a lower-case letter, then letters, digits and single hyphens, at most 32 characters", c.ID)
	case c.Name("nl") == string(c.ID):
		return invalid("names: what people call the organisation, by language (nl, en)")
	case c.Contact != "" && !isAddress(c.Contact):
		return invalid("contact %q: a mail address", c.Contact)
	case !slices.Contains([]Place{AboveForm, BelowForm, NoPlace}, c.Place):
		return invalid("place %q: above, below or none", c.Place)
	case !slices.Contains([]Idle{IdleFresh, IdleBounce}, c.Idle):
		return invalid("idle %q: fresh or bounce", c.Idle)
	}
	for _, r := range c.Roles {
		if !slices.Contains(platform.Roles, r) {
			return invalid("roles: %q is none", r)
		}
	}
	for _, d := range c.Domains {
		if email, err := account.ParseEmail("x@" + d.Name); err != nil || email.Key != "x@"+d.Name {
			return invalid("domains: %q: a domain in lower case, such as lindehof.example", d.Name)
		}
	}
	if err := c.Key.validate(c.Kind); err != nil {
		return err
	}
	if err := c.Contract.validate(); err != nil {
		return err
	}
	if err := c.Access.validate(c.For); err != nil {
		return err
	}
	switch c.Kind {
	case OIDC:
		return c.OIDC.validate()
	case SAML:
		return c.SAML.validate()
	}
	return invalid("kind %q: oidc or saml", c.Kind)
}

func isAddress(s string) bool { _, err := account.ParseEmail(s); return err == nil }

func (a Access) validate(takes func(platform.Role) bool) error {
	if !slices.Contains([]JIT{JITOff, JITInvited, JITCreate}, a.JIT) {
		return invalid("access.jit %q: off, invited or create", a.JIT)
	}
	if a.JIT == JITCreate && a.Role == "" && len(a.Table) == 0 {
		return invalid("access.jit create: a role, or a table of roles")
	}
	for _, r := range a.Manages {
		if r != platform.Helpdesk && r != platform.Manager {
			return invalid("access.manages: helpdesk or manager, not %q", r)
		}
	}
	given := []platform.Role{a.Role}
	for _, row := range a.Table {
		if row.Value == "" || row.Role == "" {
			return invalid("access.table: a value and a role in each row")
		}
		given = append(given, row.Role)
	}
	for _, r := range given {
		switch {
		case r == "":
		case !slices.Contains(platform.Roles, r):
			return invalid("access.role %q is none", r)
		case !takes(r):
			return invalid("access.role %s: the connection is not for it", r)
		case (r == platform.Helpdesk || r == platform.Manager) && !slices.Contains(a.Manages, r):
			return invalid("access.role %s: named in manages, because it helps others", r)
		}
	}
	if a.Role == platform.Helpdesk || a.Role == platform.Manager {
		return invalid("access.role %s: only a row of the table gives it", a.Role)
	}
	return nil
}

func (s OIDCSettings) validate() error {
	u, err := url.Parse(s.Issuer)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && !isLoopback(u) || u.RawQuery != "" || u.Fragment != "":
		return invalid("oidc.issuer %q: an https address", s.Issuer)
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(part string) bool {
		return slices.Contains([]string{"common", "organizations", "consumers"}, strings.ToLower(part))
	}) && strings.HasSuffix(strings.ToLower(u.Hostname()), "microsoftonline.com"):
		return invalid("oidc.issuer %q: anybody's Microsoft account; the address with your tenant's identifier", s.Issuer)
	case s.ClientID == "":
		return invalid("oidc.client_id: as the upstream gave it")
	case !slices.Contains([]OIDCAuth{SecretBasic, SecretPost, PrivateKeyJWT}, s.Auth):
		return invalid("oidc.auth %q: client_secret_basic, client_secret_post or private_key_jwt", s.Auth)
	}
	return nil
}

func (s SAMLSettings) validate() error {
	switch u, err := url.Parse(s.MetadataURL); {
	case s.MetadataURL == "" && s.Metadata == "":
		return invalid("saml.metadata_url or saml.metadata_file")
	case s.MetadataURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !isLoopback(u)):
		return invalid("saml.metadata_url %q: an https address", s.MetadataURL)
	case strings.HasSuffix(s.NameIDFormat, ":transient"), strings.HasSuffix(s.NameIDFormat, ":emailAddress"):
		return invalid("saml.name_id_format %q: not the same person each time, or somebody else's next year", s.NameIDFormat)
	case s.EntityID == "":
		return invalid("saml.entity_id: as in the metadata of the identity provider")
	}
	return nil
}

// isLoopback reports whether a URL is of this machine, to which plain http is allowed, for tests and demonstrations.
func isLoopback(u *url.URL) bool {
	return u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || u.Hostname() == "127.0.0.1")
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{fault.Invalid}, args...)...)
}
