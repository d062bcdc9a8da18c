package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/strict"
	"github.com/minddistrict/idp/platform"
)

// File is what `idp apply` reads. A key that is left out stays as it is in the database, or has a safe default where
// the item is new. The tag null says of which keys that are empty are refused, and why; the others get their default.
type File struct {
	Platforms []Platform `yaml:"platforms,omitempty"`
}

// Platform declares one organisation's platform.
type Platform struct {
	Name          string           `yaml:"name,omitempty" null:"it is required"` // identifier in addresses and commands, such as linde; never changes
	Issuer        string           `yaml:"issuer,omitempty" null:"it is required"`
	Organisation  string           `yaml:"organisation,omitempty" null:"it is required"`
	Title         string           `yaml:"title,omitempty"` // what people call the platform; the organisation unless set
	HomeURL       string           `yaml:"home_url,omitempty" null:"it is required"`
	LoginParty    string           `yaml:"login_party,omitempty"` // client_id of the party where people log in who come by a link
	Country       string           `yaml:"country,omitempty"`
	Locale        string           `yaml:"locale,omitempty"`
	NeutralName   string           `yaml:"neutral_name,omitempty"`
	Help          platform.Contact `yaml:"help,omitempty"`
	HelpStaff     platform.Contact `yaml:"help_staff,omitempty"`
	PrivacyURL    string           `yaml:"privacy_url,omitempty"`
	Accessibility string           `yaml:"accessibility_url,omitempty"`
	Colour        string           `yaml:"colour,omitempty"`
	LogoFile      string           `yaml:"logo_file,omitempty"`      // PNG, at most 64 KiB and 1200 x 400 pixels
	LogoDarkFile  string           `yaml:"logo_dark_file,omitempty"` // the same for dark mode
	Mail          platform.Mail    `yaml:"mail,omitempty"`
	Policy        Policy           `yaml:"policy,omitempty"`
	BreakGlass    []string         `yaml:"break_glass,omitempty"` // addresses of managers who keep their password where policy.login_form is false
	Parties       []Party          `yaml:"parties,omitempty"`
	Connections   []Connection     `yaml:"connections,omitempty"`
	Accounts      []Account        `yaml:"accounts,omitempty"`
}

// Policy declares what differs from platform.DefaultPolicy.
type Policy struct {
	SecondFactor platform.ByGroup[SecondFactor]  `yaml:"second_factor,omitempty"`
	CodeMethods  []string                        `yaml:"code_methods,omitempty"`
	AppCode      *bool                           `yaml:"app_code,omitempty"`
	Remember     platform.ByGroup[*Remember]     `yaml:"remember,omitempty"`
	Password     *PasswordRule                   `yaml:"password,omitempty"`
	LoginForm    *bool                           `yaml:"login_form,omitempty"`
	SelfSignUp   *bool                           `yaml:"self_sign_up,omitempty"`
	AppPassword  *bool                           `yaml:"app_password,omitempty"`
	AppQR        *bool                           `yaml:"app_qr,omitempty"`
	AppDevices   *int                            `yaml:"app_devices,omitempty"`
	IdleAfter    *time.Duration                  `yaml:"idle_after,omitempty"` // 0s: never
	SessionEnds  platform.ByGroup[time.Duration] `yaml:"session_ends,omitempty"`
	MinimumACR   string                          `yaml:"minimum_acr,omitempty"`
	ACRAliases   map[string]string               `yaml:"acr_aliases,omitempty"`
	SMSCountries []string                        `yaml:"sms_countries,omitempty"`
	SMSPerDay    *int                            `yaml:"sms_per_day,omitempty"`
	SMSBound     *bool                           `yaml:"sms_bound,omitempty"`
}

// SecondFactor is off, optional or required; or a mapping, where a date or an offer goes with it.
type SecondFactor struct {
	Demand     platform.Demand `yaml:"demand,omitempty"`
	From       time.Time       `yaml:"from,omitempty"`
	OfferEvery time.Duration   `yaml:"offer_every,omitempty"`
}

// UnmarshalYAML reads both forms.
func (s *SecondFactor) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		// YAML 1.1 readers take a bare "off" for false.
		if s.Demand = platform.Demand(n.Value); n.Value == "false" {
			s.Demand = platform.Off
		}
		return nil
	}
	type plain SecondFactor
	return n.Decode((*plain)(s))
}

// Remember declares how long a browser may go without a code. Fixed: the organisation decides.
type Remember struct {
	Choices []time.Duration `yaml:"choices,omitempty"`
	Fixed   *time.Duration  `yaml:"fixed,omitempty"`
}

// PasswordRule declares what differs from the published rule.
type PasswordRule struct {
	MinLength *int `yaml:"min_length,omitempty"`
	Special   *int `yaml:"special,omitempty"`
	MinScore  *int `yaml:"min_score,omitempty"`
}

// Party declares an OAuth client.
type Party struct {
	ClientID    string           `yaml:"client_id,omitempty" null:"it is required"`
	Name        string           `yaml:"name,omitempty"`
	Type        string           `yaml:"type,omitempty"` // web (default), spa, native or service
	Auth        string           `yaml:"auth,omitempty"` // basic (default), post, private_key_jwt or none
	Secret      string           `yaml:"secret,omitempty"`
	SecretFile  string           `yaml:"secret_file,omitempty"`
	PKCE        string           `yaml:"pkce,omitempty"` // required (default) or optional
	Redirects   []string         `yaml:"redirect_uris,omitempty"`
	LogoutURIs  []string         `yaml:"post_logout_redirect_uris,omitempty"`
	InitiateURI string           `yaml:"initiate_login_uri,omitempty"`
	Backchannel string           `yaml:"backchannel_logout_uri,omitempty"` // told there when a session ends
	NeedsSID    bool             `yaml:"backchannel_logout_session_required,omitempty"`
	EndsIdle    bool             `yaml:"logout_on_idle,omitempty"`
	Origins     []string         `yaml:"origins,omitempty"`
	Grants      []string         `yaml:"grant_types,omitempty"`
	Scopes      []string         `yaml:"scopes,omitempty"`
	ScopeTexts  grant.ScopeTexts `yaml:"scope_texts,omitempty"`      // what people read of the scopes of an API
	ReadOnly    []string         `yaml:"read_only_scopes,omitempty"` // scopes of an API by which nothing can be changed
	IDTokenAlg  string           `yaml:"id_token_alg,omitempty"`
	AccessToken string           `yaml:"access_token,omitempty"` // opaque (default) or jwt
	Rotate      bool             `yaml:"rotate_refresh_tokens,omitempty"`
	ThirdParty  bool             `yaml:"third_party,omitempty"`  // not the platform's own: consent is asked
	MobileApp   bool             `yaml:"mobile_app,omitempty"`   // the platform's own mobile app
	SubjectType string           `yaml:"subject_type,omitempty"` // public (default) or pairwise
	Sector      string           `yaml:"sector,omitempty"`       // host that pairwise parties share subjects by
	IDClaims    []string         `yaml:"id_token_claims,omitempty"`
	AMRDetails  bool             `yaml:"amr_details,omitempty"`
	Audience    []string         `yaml:"audience,omitempty"` // parties its access tokens are for; they may introspect them
	MinimumACR  string           `yaml:"minimum_acr,omitempty"`
	PolicyURI   string           `yaml:"policy_uri,omitempty"`
	TermsURI    string           `yaml:"tos_uri,omitempty"`
	Lifetimes   Lifetimes        `yaml:"lives,omitempty"`

	Profile         string `yaml:"profile,omitempty"` // fapi2 or fapi2_message_signing
	JWKS            KeySet `yaml:"jwks,omitempty"`
	JWKSURI         string `yaml:"jwks_uri,omitempty"`
	AuthAlg         string `yaml:"token_endpoint_auth_signing_alg,omitempty"`
	RequestAlg      string `yaml:"request_object_signing_alg,omitempty"`
	PARRequired     bool   `yaml:"require_pushed_authorization_requests,omitempty"`
	RequestRequired bool   `yaml:"require_signed_request_object,omitempty"`
	DPoPRequired    bool   `yaml:"dpop_bound_access_tokens,omitempty"`
}

// KeySet is a JSON Web Key Set, as JSON: in the file a mapping, which JSON is, or a text that has it.
type KeySet string

// Allowed says what a key set is.
func (KeySet) Allowed() string { return "a JSON Web Key Set" }

// UnmarshalYAML reads either.
func (k *KeySet) UnmarshalYAML(n *yaml.Node) error {
	var text string
	if n.Kind == yaml.ScalarNode {
		if err := n.Decode(&text); err != nil {
			return err
		}
	} else {
		var set map[string]any
		if err := n.Decode(&set); err != nil {
			return err
		}
		written, err := json.Marshal(set)
		if err != nil {
			return err
		}
		text = string(written)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return fmt.Errorf("%w: not JSON", fault.Invalid)
	}
	*k = KeySet(compact.String())
	return nil
}

// Lifetimes shorten what the party gets.
type Lifetimes struct {
	IDToken     time.Duration `yaml:"id_token,omitempty"`
	Access      time.Duration `yaml:"access_token,omitempty"`
	RefreshIdle time.Duration `yaml:"refresh_idle,omitempty"`
	RefreshEnd  time.Duration `yaml:"refresh_end,omitempty"`
}

// Account declares someone, for demonstrations and tests.
type Account struct {
	Email         string          `yaml:"email,omitempty" null:"it is required"`
	Role          string          `yaml:"role,omitempty"` // client (default), relative, professional, helpdesk or manager
	Locale        string          `yaml:"locale,omitempty"`
	Name          Name            `yaml:"name,omitempty"`
	Nickname      string          `yaml:"nickname,omitempty"`
	Username      string          `yaml:"username,omitempty"`
	ProfileURL    string          `yaml:"profile_url,omitempty"`
	PictureURL    string          `yaml:"picture_url,omitempty"`
	Website       string          `yaml:"website,omitempty"`
	Gender        string          `yaml:"gender,omitempty"`
	Birthdate     string          `yaml:"birthdate,omitempty"`
	Zoneinfo      string          `yaml:"zoneinfo,omitempty"`
	Phone         string          `yaml:"phone,omitempty"` // a claim; never the number for codes
	Address       account.Address `yaml:"address,omitempty"`
	EmailVerified *bool           `yaml:"email_verified,omitempty"`                                                // true unless said otherwise
	Password      string          `yaml:"password,omitempty" null:"a file takes no proof away from a person"`      // none: invited
	PasswordHash  string          `yaml:"password_hash,omitempty" null:"a file takes no proof away from a person"` // made by another system; counts while the account has no password
	TOTPSecret    string          `yaml:"totp_secret,omitempty" null:"a file takes no proof away from a person"`
	CodePhone     string          `yaml:"phone_for_codes,omitempty" null:"a file takes no proof away from a person"`
	RecoveryCodes []string        `yaml:"recovery_codes,omitempty" null:"a file takes no proof away from a person"`
	Deactivated   *bool           `yaml:"deactivated,omitempty" null:"true or false"` // not said: stays as it is
}

// Name is split as Dutch names are.
type Name struct {
	Given  string `yaml:"given,omitempty"`
	Middle string `yaml:"middle,omitempty"` // tussenvoegsel
	Family string `yaml:"family,omitempty"`
}

// Parse reads a file strictly: an unknown key, or a value that cannot be read, is an error that names its line.
func Parse(text []byte) (*File, *Lines, error) {
	root, err := strict.Document(text)
	switch {
	case err != nil:
		return nil, nil, err
	case root == nil:
		return nil, nil, fmt.Errorf("%w: the file is empty: it needs platforms", fault.Invalid)
	}
	var wrong []error
	for _, key := range strict.Keys(root, reflect.TypeFor[File]()) {
		if key.Err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %s: %w", key.Line, key.Name(), key.Err))
		}
	}
	if wrong != nil {
		return nil, nil, errors.Join(wrong...)
	}
	var f File
	if err := root.Decode(&f); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	if len(f.Platforms) == 0 {
		return nil, nil, fmt.Errorf("%w: the file declares no platforms", fault.Invalid)
	}
	return &f, &Lines{root: root, written: true}, nil
}

// Lines knows what a file says and where.
type Lines struct {
	root    *yaml.Node
	written bool // a file, not made by a program
}

// unwritten is what a program says in place of a file: it leaves out what is zero.
func unwritten(f *File) (*Lines, error) {
	n, err := spoken(f)
	return &Lines{root: n}, err
}

// spoken is a declaration as a file would have it.
func spoken(d any) (*yaml.Node, error) {
	var n yaml.Node
	if err := n.Encode(d); err != nil {
		return nil, fmt.Errorf("declaring: %w", err)
	}
	return &n, nil
}

// Of is the line of an item: a path of keys and indexes. It is as deep as the file goes; 0 when there is no file.
func (l *Lines) Of(path ...any) int {
	_, line := l.find(path)
	return line
}

// at is what the file says at a path, or at the last part of it that is there.
func (l *Lines) at(path ...any) *yaml.Node {
	n, _ := l.find(path)
	return n
}

// find follows a path as deep as the file goes. The line is that of the last key.
func (l *Lines) find(path []any) (n *yaml.Node, line int) {
	if l == nil {
		return nil, 0
	}
	n = l.root
	line = n.Line
	for _, step := range path {
		var next *yaml.Node
		switch step := step.(type) {
		case int:
			if n.Kind == yaml.SequenceNode && step < len(n.Content) {
				next, line = n.Content[step], n.Content[step].Line
			}
		case string:
			for _, e := range entries(n) {
				if e.key.Value == step {
					next, line = e.value, e.key.Line
				}
			}
		}
		if next == nil {
			break
		}
		n = strict.Resolve(next)
	}
	if !l.written {
		line = 0
	}
	return n, line
}

// blame puts a line before an error, if there is a file: that of the key the error begins with, as nouns refuse a
// setting ("invalid: policy.idle_after 1s: …"), or of the entry of its list that is refused. Where the file does not
// say that key of a party, it is the line of the first other one that the error speaks of: that contradicts a default,
// or what was there. What is missing has no line but that of the whole item.
func (l *Lines) blame(err error, item string, path ...any) error {
	if line := l.blamed(withoutKind(err), path); line > 0 {
		return fmt.Errorf("line %d: %s: %w", line, item, err)
	}
	return fmt.Errorf("%s: %w", item, err)
}

// withoutKind is the text of an error without the words of fault that it begins with.
func withoutKind(err error) string {
	text := err.Error()
	for _, kind := range []error{fault.Invalid, fault.Taken, fault.Refused} {
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	return text
}

func (l *Lines) blamed(text string, path []any) int {
	key, rest, _ := strings.Cut(text, " ")
	whole := append(slices.Clone(path), keyPath(strings.TrimSuffix(key, ":"))...)
	if n, line := l.find(whole); l.has(whole...) {
		return lineOfEntry(n, rest, line)
	}
	if !slices.Contains(path, any("parties")) || strings.HasPrefix(rest, "is missing") {
		return l.Of(whole...)
	}
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) }) {
		if other := append(slices.Clone(path), word); l.has(other...) {
			return l.Of(other...)
		}
	}
	return l.Of(whole...)
}

// has reports whether the file has all of a path.
func (l *Lines) has(path ...any) bool {
	if l == nil {
		return false
	}
	n, _ := l.find(path[:len(path)-1])
	key, _ := path[len(path)-1].(string)
	return n != nil && slices.ContainsFunc(entries(n), func(e entry) bool { return e.key.Value == key })
}

// lineOfEntry is the line of the entry of a list whose value a text quotes first, or else the line that is given.
func lineOfEntry(n *yaml.Node, text string, line int) int {
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil || n.Kind != yaml.SequenceNode {
		return line
	}
	value, _ := strconv.Unquote(quoted) // QuotedPrefix found it to be one
	for _, item := range n.Content {
		if strict.Resolve(item).Value == value {
			return item.Line
		}
	}
	return line
}
