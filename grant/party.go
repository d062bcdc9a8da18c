package grant

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// PartyID is the `client_id`.
type PartyID string

// Type is what kind of software a party is (RFC 6749 section 2.1, RFC 8252).
type Type string

const (
	Web     Type = "web"     // has a server that keeps a secret
	SPA     Type = "spa"     // runs in the browser: public
	Native  Type = "native"  // an app on a phone or desktop: public, channel app
	Service Type = "service" // no person: client credentials only
)

// Auth is how a party says that it proves itself (OpenID Connect Core 1.0 section 9). One that has a secret may send it
// either way; none has no secret.
type Auth string

const (
	AuthBasic Auth = "basic"
	AuthPost  Auth = "post"
	AuthNone  Auth = "none"

	PrivateKeyJWT Auth = "private_key_jwt" // RFC 7523: it signs with a key of its own
)

// Grant types that a party may use.
const (
	AuthorizationCode = "authorization_code"
	RefreshToken      = "refresh_token"
	ClientCredentials = "client_credentials"
)

// Algs are the signature algorithms a party may choose for its tokens (RFC 7518, RFC 8037).
var Algs = []string{"RS256", "ES256", "EdDSA", "PS256"}

// Scopes are those we know; others are ignored (OpenID Connect Core 1.0 section 3.1.2.1).
var Scopes = []string{"openid", "profile", "email", "phone", "address", RoleScope, "offline_access"}

// RoleScope asks for the claim of the same name: what somebody is on the platform (platform.Role). No standard has it,
// so a party has it only where its registration names it.
const RoleScope = "role"

// usualScopes are those of a party whose registration names none.
func usualScopes() []string {
	return slices.DeleteFunc(slices.Clone(Scopes), func(s string) bool { return s == RoleScope })
}

// OwnScopes are those of our own API. Parties have them as themselves (RFC 6749 section 4.4), each by its name only, so
// that a token for somebody else's API has none; no person grants them, and no third party has them.
var OwnScopes = []string{"accounts:refer"}

// Party is an OAuth client. "Client" alone is a person in care; the word stays in wire names only.
type Party struct {
	ID           PartyID     `json:"client_id"`
	Platform     platform.ID `json:"-"`
	Name         string      `json:"name,omitempty"` // shown to people; the platform's name unless set, which a third party must
	Type         Type        `json:"type"`
	Auth         Auth        `json:"auth"`
	Secrets      [][]byte    `json:"secrets,omitempty"`             // SHA-256 each, the newest first; at most MaxSecrets
	OlderEndsAt  time.Time   `json:"older_secret_ends_at,omitzero"` // of the second secret; zero: it has no end
	PKCEOptional bool        `json:"pkce_optional,omitempty"`
	Redirects    []string    `json:"redirect_uris,omitempty"`
	LogoutURIs   []string    `json:"post_logout_redirect_uris,omitempty"`
	InitiateURI  string      `json:"initiate_login_uri,omitempty"` // stale logins start again there

	// BackchannelLogoutURI is where the party is told that a session ended (OpenID Connect Back-Channel Logout 1.0 section
	// 2.2); empty: it is not told. Every logout token has `sid`, whether BackchannelSession demands it or not.
	BackchannelLogoutURI string `json:"backchannel_logout_uri,omitempty"`
	BackchannelSession   bool   `json:"backchannel_logout_session_required,omitempty"`
	LogoutOnIdle         bool   `json:"logout_on_idle,omitempty"` // an idle session has ended for this party

	Origins    []string   `json:"origins,omitempty"` // may call us from a browser (CORS)
	Grants     []string   `json:"grant_types"`
	Scopes     []string   `json:"scopes"`
	ScopeTexts ScopeTexts `json:"scope_texts,omitempty"`
	ReadOnly   []string   `json:"read_only_scopes,omitempty"` // scopes of APIs by which nothing can be changed there
	IDTokenAlg string     `json:"id_token_alg"`
	AccessJWT  bool       `json:"access_jwt,omitempty"`  // access tokens are JWTs (RFC 9068) instead of opaque
	Rotate     bool       `json:"rotate,omitempty"`      // refresh tokens rotate; always so for public parties
	ThirdParty bool       `json:"third_party,omitempty"` // not the platform's own: the person's consent is asked
	MobileApp  bool       `json:"mobile_app,omitempty"`  // the platform's own mobile app, whose people in care are asked no code
	Pairwise   bool       `json:"pairwise,omitempty"`
	Sector     string     `json:"sector,omitempty"`          // host that pairwise parties share a subject by; the redirects' host unless set
	IDClaims   []string   `json:"id_token_claims,omitempty"` // claims put into the ID token, whatever is asked
	AMRDetails bool       `json:"amr_details,omitempty"`     // our own claim goes into the ID token
	Audience   []string   `json:"audience,omitempty"`        // parties that its access tokens are for, beside itself; they may introspect them
	MinimumACR string     `json:"minimum_acr,omitempty"`
	Lifetimes  Lifetimes  `json:"lives,omitzero"`
	PolicyURI  string     `json:"policy_uri,omitempty"`
	TermsURI   string     `json:"tos_uri,omitempty"`
	DisabledAt time.Time  `json:"disabled_at,omitzero"`

	Strength
}

// ScopeTexts say to people what a scope of an API allows: scope -> language -> text.
type ScopeTexts map[string]map[string]string

const (
	CodeLife          = 60 * time.Second // RFC 9700 section 2.1.1 wants it short
	idTokenLife       = 5 * time.Minute
	opaqueAccessLife  = 15 * time.Minute
	jwtAccessLife     = 5 * time.Minute // cannot be taken back, so shorter
	refreshIdleLife   = 30 * 24 * time.Hour
	refreshEndLife    = 90 * 24 * time.Hour
	RefreshRepeat     = 10 * time.Second // a repeated refresh gets the same successor; later the family ends
	maxURI            = 2048
	maxRegisteredURIs = 50
)

// Granted are those of the scopes that the party may still have: taking one from its registration takes it from what
// was given before as well.
func (p *Party) Granted(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return !slices.Contains(p.Scopes, s) })
}

// Public reports whether the party can keep no secret.
func (p *Party) Public() bool { return p.Auth == AuthNone }

// HasSecret reports whether the party proves itself with a secret.
func (p *Party) HasSecret() bool { return p.Auth == AuthBasic || p.Auth == AuthPost }

// Rotates reports whether its refresh tokens rotate: always for public parties (RFC 9700 section 2.2.2).
func (p *Party) Rotates() bool { return p.Public() || p.Rotate }

// CalledAs is what people call the party: its name, or that of its platform. A third party never goes by the
// platform's: one that was registered before names were demanded goes by its client_id.
func (p *Party) CalledAs(platformName string) string {
	switch {
	case p.Name != "":
		return p.Name
	case p.ThirdParty:
		return string(p.ID)
	}
	return platformName
}

// Channel is where its people sign in.
func (p *Party) Channel() authn.Channel {
	if p.Type == Native {
		return authn.App
	}
	return authn.Browser
}

// AsksAsMobileApp reports whether what it asks in a channel is asked as the platform's own mobile app: the channel of a
// stored request is that of the party then, and a link of a mail that it had sent opens in a browser.
func (p *Party) AsksAsMobileApp(c authn.Channel) bool { return p.MobileApp && c == authn.App }

// Begins reports whether a login can begin at the party: it has an initiate_login_uri and is not disabled.
func (p *Party) Begins() bool { return p != nil && p.InitiateURI != "" && p.DisabledAt.IsZero() }

// TakesIn reports whether people of the platform may be led to the party to log in: it is the platform's own, in a
// browser.
func (p *Party) TakesIn() bool { return !p.ThirdParty && (p.Type == Web || p.Type == SPA) }

// LoginParty is where people of a platform log in who come by the link of a mail that no party had sent: the party that
// the platform names, or the only one where a login can begin; nil: there is none, or more than one.
func LoginParty(p *platform.Platform, parties map[PartyID]*Party) *Party {
	fits := func(party *Party) bool { return party.Begins() && party.TakesIn() }
	if named := parties[PartyID(p.LoginParty)]; fits(named) {
		return named
	}
	var only *Party
	for _, party := range parties {
		switch {
		case !fits(party):
		case only != nil:
			return nil
		default:
			only = party
		}
	}
	return only
}

// Allows reports whether the party may use a grant type. Those of a mobile app come with being one.
func (p *Party) Allows(grantType string) bool {
	if grantType == PINGrant || grantType == HandoffGrant {
		return p.MobileApp
	}
	return slices.Contains(p.Grants, grantType)
}

// RedirectMatches reports whether a redirect URI is registered: byte for byte, but for the port of a loopback address
// of a native party (RFC 8252 section 7.3, RFC 9700 section 2.1). A loopback address where no answer can arrive matches
// nothing, not even itself.
func (p *Party) RedirectMatches(uri string) bool {
	asked, port, loopback := withoutPort(uri)
	if loopback && !portWorks(port) {
		return false
	}
	if slices.Contains(p.Redirects, uri) {
		return true
	}
	return loopback && p.Type == Native && slices.ContainsFunc(p.Redirects, func(r string) bool {
		registered, _, ok := withoutPort(r)
		return ok && registered == asked
	})
}

// Assured reports whether an answer at a redirect URI reaches the party and no other program. Of a native party it does only
// at an https address that the app has claimed: any program can listen on a port or register a scheme (RFC 8252 section
// 8.6).
func (p *Party) Assured(uri string) bool {
	if p.Type != Native {
		return true
	}
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "https" && !platform.Loopback(u.Hostname())
}

var loopbackURI = regexp.MustCompile(`^(http://(?:127\.0\.0\.1|\[::1\]|localhost))(:[^/?#]*)?(/[^#\\\s]*)?$`)

// withoutPort cuts the port out of a loopback URI, with its colon; everything else stays byte for byte.
func withoutPort(uri string) (rest, port string, ok bool) {
	m := loopbackURI.FindStringSubmatch(uri)
	if m == nil {
		return "", "", false
	}
	return m[1] + m[3], m[2], true
}

var hostPort = regexp.MustCompile(`:[^:\]]*$`) // of a host, with its colon

var portPattern = regexp.MustCompile(`^:[1-9][0-9]{0,4}$`)

// portWorks reports whether a port with its colon is none, or one from 1 to 65535 in its only spelling.
func portWorks(port string) bool {
	if port == "" {
		return true
	}
	if !portPattern.MatchString(port) {
		return false
	}
	n, err := strconv.Atoi(port[1:])
	return err == nil && n <= 65535
}

// LogoutMatches reports whether a post-logout redirect URI is registered, byte for byte.
func (p *Party) LogoutMatches(uri string) bool { return slices.Contains(p.LogoutURIs, uri) }

// OriginAllowed reports whether a browser page of this origin may call token, userinfo and revocation.
func (p *Party) OriginAllowed(origin string) bool { return slices.Contains(p.Origins, origin) }

var partyIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$`)

// IsPartyID reports whether a text is one that a party can have as its `client_id`.
func IsPartyID(text string) bool { return partyIDPattern.MatchString(text) }

// Defaults fills what was left open.
func (p *Party) Defaults() {
	if p.Type == "" {
		p.Type = Web
	}
	if p.Auth == "" {
		p.Auth = AuthBasic
		if p.Type == SPA || p.Type == Native {
			p.Auth = AuthNone
		}
	}
	if p.Grants == nil {
		p.Grants = []string{AuthorizationCode, RefreshToken}
		if p.Type == Service {
			p.Grants = []string{ClientCredentials}
		}
	}
	if p.Scopes == nil {
		p.Scopes = usualScopes()
	}
	if p.IDTokenAlg == "" {
		p.IDTokenAlg = "RS256" // what every library expects (OpenID Connect Core 1.0 section 15.1)
	}
	if p.Origins == nil && p.Type == SPA {
		for _, r := range p.Redirects {
			if o := originOf(r); o != "" && !slices.Contains(p.Origins, o) {
				p.Origins = append(p.Origins, o)
			}
		}
	}
}

// originOf is the origin of an address as a browser sends it: lower case, without the default port.
func originOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// Validate returns the first setting that cannot work, wrapped around fault.Invalid.
func (p *Party) Validate() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{fault.Invalid}, args...)...)
	}
	switch {
	case !partyIDPattern.MatchString(string(p.ID)):
		return refuse("client_id %q: letters, digits and . _ ~ -, at most 100", p.ID)
	case !slices.Contains([]Type{Web, SPA, Native, Service}, p.Type):
		return refuse("type %q: web, spa, native or service", p.Type)
	case !slices.Contains([]Auth{AuthBasic, AuthPost, PrivateKeyJWT, AuthNone}, p.Auth):
		return refuse("auth %q: basic, post, private_key_jwt or none", p.Auth)
	case (p.Type == SPA || p.Type == Native) && p.Auth != AuthNone:
		return refuse("auth %q: none, because a party of type %s can keep no secret", p.Auth, p.Type)
	case p.MobileApp && p.Type != Native:
		return refuse("mobile_app: a party of type native, not %s", p.Type)
	case p.MobileApp && p.ThirdParty:
		return refuse("mobile_app: the platform's own app, not a third party")
	case p.Type == Service && p.Auth == AuthNone:
		return refuse("auth none: a party of type service needs a secret")
	case !p.HasSecret() && len(p.Secrets) > 0:
		return refuse("secret: a party with auth %s has none", p.Auth)
	case len(p.Secrets) > MaxSecrets:
		return refuse("secret: %d: at most %d", len(p.Secrets), MaxSecrets)
	case p.HasSecret() && len(p.Secrets) == 0:
		return refuse("secret is missing: at least %d characters, or secret_file", MinSecret)
	case p.PKCEOptional && p.Public():
		return refuse("pkce optional: required of parties without a secret (RFC 9700 section 2.1.1)")
	case !slices.Contains(Algs, p.IDTokenAlg):
		return refuse("id_token_alg %q: %s", p.IDTokenAlg, strings.Join(Algs, ", "))
	case p.Type != Service && p.Allows(AuthorizationCode) && len(p.Redirects) == 0:
		return refuse("redirect_uris is missing")
	case len(p.Redirects) > maxRegisteredURIs || len(p.LogoutURIs) > maxRegisteredURIs:
		return refuse("redirect_uris: at most %d", maxRegisteredURIs)
	}
	for _, check := range []func(func(string, ...any) error) error{p.checkGrants, p.checkClaims, p.checkConsent, p.checkAddresses, p.checkStrength} {
		if err := check(refuse); err != nil {
			return err
		}
	}
	return nil
}

func (p *Party) checkGrants(refuse func(string, ...any) error) error {
	for _, g := range p.Grants {
		if !slices.Contains([]string{AuthorizationCode, RefreshToken, ClientCredentials}, g) {
			return refuse("grant_types %q: authorization_code, refresh_token or client_credentials", g)
		}
		if g == ClientCredentials && p.Public() {
			return refuse("grant_types client_credentials: not for a party without a secret (RFC 6749 section 4.4)")
		}
	}
	for _, s := range p.Scopes {
		if !scopePattern.MatchString(s) {
			return refuse("scopes %q: not a scope (RFC 6749 section 3.3)", s)
		}
		if slices.Contains(OwnScopes, s) && (p.ThirdParty || !p.Allows(ClientCredentials)) {
			return refuse("scopes %s: of a party of the platform's own, with grant_types client_credentials", s)
		}
	}
	return nil
}

func (p *Party) checkClaims(refuse func(string, ...any) error) error {
	for _, c := range p.IDClaims {
		if !slices.Contains(ClaimNames, c) {
			return refuse("id_token_claims %q: one of %s", c, strings.Join(ClaimNames, ", "))
		}
	}
	if p.Pairwise && p.Sector == "" && differentHosts(p.Redirects) {
		return refuse("sector is missing: the redirect URIs have several hosts (OpenID Connect Core 1.0 section 8.1)")
	}
	return nil
}

// checkConsent: people must be able to read who asks them what.
func (p *Party) checkConsent(refuse func(string, ...any) error) error {
	if p.ThirdParty && p.Allows(AuthorizationCode) && strings.TrimSpace(p.Name) == "" {
		return refuse("name is missing: people are asked whether a third party may have their data, by its name")
	}
	if p.ThirdParty && len(Within(p.Scopes, p.IDClaims)) < len(p.IDClaims) {
		return refuse("id_token_claims: a third party gets claims of its scopes only")
	}
	for _, scope := range slices.Sorted(maps.Keys(p.ScopeTexts)) {
		texts := p.ScopeTexts[scope]
		switch {
		case slices.Contains(Scopes, scope):
			return refuse("scope_texts %s: has a text of ours", scope)
		case !slices.Contains(p.Scopes, scope):
			return refuse("scope_texts %s: not one of its scopes", scope)
		case len(texts) != 2 || !isScopeText(texts["nl"]) || !isScopeText(texts["en"]):
			return refuse("scope_texts %s: one line for nl and one for en, of at most 200 characters", scope)
		}
	}
	for _, scope := range p.ReadOnly {
		switch {
		case slices.Contains(Scopes, scope):
			return refuse("read_only_scopes %s: is one of ours, which change nothing", scope)
		case !slices.Contains(p.Scopes, scope):
			return refuse("read_only_scopes %s: not one of its scopes", scope)
		}
	}
	return nil
}

// isScopeText reports whether a text is one line of 1 to 200 characters without control characters and marks of writing
// direction.
func isScopeText(text string) bool {
	refused := func(r rune) bool { return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029' }
	length := utf8.RuneCountInString(text)
	return 1 <= length && length <= 200 && !strings.ContainsFunc(text, refused)
}

func (p *Party) checkAddresses(refuse func(string, ...any) error) error {
	for _, o := range p.Origins {
		if !originPattern.MatchString(o) || strings.HasSuffix(o, ":443") && strings.HasPrefix(o, "https:") || strings.HasSuffix(o, ":80") && strings.HasPrefix(o, "http:") {
			return refuse("origins %q: scheme and host as a browser sends them, such as https://app.example.org", o)
		}
	}
	for i, uri := range append(slices.Clone(p.Redirects), p.LogoutURIs...) {
		key := "redirect_uris"
		if i >= len(p.Redirects) {
			key = "post_logout_redirect_uris"
		}
		if err := checkRedirect(uri, p.Type); err != nil {
			return refuse("%s %q: %w", key, uri, err)
		}
	}
	switch {
	case p.BackchannelLogoutURI != "" && !p.Allows(AuthorizationCode):
		return refuse("backchannel_logout_uri: nobody signs in at a party without authorization_code")
	case p.BackchannelSession && p.BackchannelLogoutURI == "":
		return refuse("backchannel_logout_session_required: there is no backchannel_logout_uri")
	case p.LogoutOnIdle && p.BackchannelLogoutURI == "":
		return refuse("logout_on_idle: there is no backchannel_logout_uri")
	}
	for field, uri := range map[string]string{"initiate_login_uri": p.InitiateURI, "policy_uri": p.PolicyURI, "tos_uri": p.TermsURI, "backchannel_logout_uri": p.BackchannelLogoutURI} {
		if uri != "" && checkRedirect(uri, Web) != nil {
			return refuse("%s %q: an https address", field, uri)
		}
	}
	return nil
}

var originPattern = regexp.MustCompile(`^https?://[a-z0-9.-]+(:[0-9]{1,5})?$|^https?://\[[0-9a-f:]+\](:[0-9]{1,5})?$`)

func differentHosts(uris []string) bool {
	hosts := map[string]bool{}
	for _, uri := range uris {
		if u, err := url.Parse(uri); err == nil {
			hosts[u.Hostname()] = true
		}
	}
	return len(hosts) > 1
}

var (
	scopePattern  = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,100}$`)
	privateScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)
)

// checkRedirect says why a URI cannot be registered. Schemes that a browser would run (javascript, data) never can;
// private-use schemes contain a dot and belong to native parties (RFC 8252 section 7.1).
func checkRedirect(uri string, t Type) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxURI:
		return fmt.Errorf("%w: not an address of at most %d characters", fault.Invalid, maxURI)
	case strings.ContainsAny(uri, "#\\*") || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%w: no fragment, backslash, asterisk, blank or character outside ASCII", fault.Invalid)
	case u.User != nil:
		return fmt.Errorf("%w: no user name", fault.Invalid)
	case !portWorks(hostPort.FindString(u.Host)):
		return fmt.Errorf("%w: a port from 1 to 65535, without a zero in front", fault.Invalid)
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && platform.Loopback(u.Hostname()):
		return nil
	case t == Native && privateScheme.MatchString(u.Scheme) && u.Host == "":
		return nil
	case t == Native:
		return fmt.Errorf("%w: https, http on loopback, or a private scheme with a dot such as net.example.app:/callback", fault.Invalid)
	}
	return fmt.Errorf("%w: https, or http on localhost", fault.Invalid)
}
