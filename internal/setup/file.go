package setup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// File is what `idp apply` reads. Every key that is left out has a safe default.
type File struct {
	Platforms []Platform `yaml:"platforms"`
}

// Platform declares one organisation's platform.
type Platform struct {
	Name          string           `yaml:"name"` // identifier in addresses and commands, such as linde; never changes
	Issuer        string           `yaml:"issuer"`
	Organisation  string           `yaml:"organisation"`
	Title         string           `yaml:"title"` // what people call the platform; the organisation unless set
	HomeURL       string           `yaml:"home_url"`
	Country       string           `yaml:"country"`
	Locale        string           `yaml:"locale"`
	NeutralName   string           `yaml:"neutral_name"`
	Help          platform.Contact `yaml:"help"`
	HelpStaff     platform.Contact `yaml:"help_staff"`
	PrivacyURL    string           `yaml:"privacy_url"`
	Accessibility string           `yaml:"accessibility_url"`
	Colour        string           `yaml:"colour"`
	LogoFile      string           `yaml:"logo_file"` // PNG, at most 64 KiB
	Mail          platform.Mail    `yaml:"mail"`
	Policy        Policy           `yaml:"policy"`
	Parties       []Party          `yaml:"parties"`
	Accounts      []Account        `yaml:"accounts"`
}

// Policy declares what differs from platform.DefaultPolicy.
type Policy struct {
	SecondFactor platform.ByGroup[SecondFactor]  `yaml:"second_factor"`
	CodeMethods  []string                        `yaml:"code_methods"`
	AppCode      *bool                           `yaml:"app_code"`
	Remember     platform.ByGroup[*Remember]     `yaml:"remember"`
	Password     *PasswordRule                   `yaml:"password"`
	LoginForm    *bool                           `yaml:"login_form"`
	SelfSignUp   *bool                           `yaml:"self_sign_up"`
	AppPassword  *bool                           `yaml:"app_password"`
	AppQR        *bool                           `yaml:"app_qr"`
	IdleAfter    *time.Duration                  `yaml:"idle_after"` // 0s: never
	SessionEnds  platform.ByGroup[time.Duration] `yaml:"session_ends"`
	MinimumACR   string                          `yaml:"minimum_acr"`
	ACRAliases   map[string]string               `yaml:"acr_aliases"`
	SMSCountries []string                        `yaml:"sms_countries"`
	SMSPerDay    *int                            `yaml:"sms_per_day"`
	SMSBound     *bool                           `yaml:"sms_bound"`
}

// SecondFactor is off, optional or required; or a mapping, where a date or an offer goes with it.
type SecondFactor struct {
	Demand     platform.Demand `yaml:"demand"`
	From       time.Time       `yaml:"from"`
	OfferEvery time.Duration   `yaml:"offer_every"`
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
	Choices []time.Duration `yaml:"choices"`
	Fixed   *time.Duration  `yaml:"fixed"`
}

// PasswordRule declares what differs from the published rule.
type PasswordRule struct {
	MinLength *int `yaml:"min_length"`
	Special   *int `yaml:"special"`
	MinScore  *int `yaml:"min_score"`
}

// Party declares an OAuth client.
type Party struct {
	ClientID    string           `yaml:"client_id"`
	Name        string           `yaml:"name"`
	Type        string           `yaml:"type"` // web (default), spa, native or service
	Auth        string           `yaml:"auth"` // basic (default), post or none
	Secret      string           `yaml:"secret"`
	SecretFile  string           `yaml:"secret_file"`
	PKCE        string           `yaml:"pkce"` // required (default) or optional
	Redirects   []string         `yaml:"redirect_uris"`
	LogoutURIs  []string         `yaml:"post_logout_redirect_uris"`
	InitiateURI string           `yaml:"initiate_login_uri"`
	Origins     []string         `yaml:"origins"`
	Grants      []string         `yaml:"grant_types"`
	Scopes      []string         `yaml:"scopes"`
	ScopeTexts  grant.ScopeTexts `yaml:"scope_texts"` // what people read of the scopes of an API
	IDTokenAlg  string           `yaml:"id_token_alg"`
	AccessToken string           `yaml:"access_token"` // opaque (default) or jwt
	Rotate      bool             `yaml:"rotate_refresh_tokens"`
	ThirdParty  bool             `yaml:"third_party"`  // not the platform's own: consent is asked
	MobileApp   bool             `yaml:"mobile_app"`   // the platform's own mobile app
	SubjectType string           `yaml:"subject_type"` // public (default) or pairwise
	Sector      string           `yaml:"sector"`       // host that pairwise parties share subjects by
	IDClaims    []string         `yaml:"id_token_claims"`
	AMRDetails  bool             `yaml:"amr_details"`
	Audience    []string         `yaml:"audience"` // parties its access tokens are for; they may introspect them
	MinimumACR  string           `yaml:"minimum_acr"`
	PolicyURI   string           `yaml:"policy_uri"`
	TermsURI    string           `yaml:"tos_uri"`
	Lives       Lives            `yaml:"lives"`
}

// Lives shorten what the party gets.
type Lives struct {
	IDToken     time.Duration `yaml:"id_token"`
	Access      time.Duration `yaml:"access_token"`
	RefreshIdle time.Duration `yaml:"refresh_idle"`
	RefreshEnd  time.Duration `yaml:"refresh_end"`
}

// Account declares someone, for demonstrations and tests.
type Account struct {
	Email         string          `yaml:"email"`
	Role          string          `yaml:"role"` // client (default), relative, professional, helpdesk or manager
	Locale        string          `yaml:"locale"`
	Name          Name            `yaml:"name"`
	Nickname      string          `yaml:"nickname"`
	Username      string          `yaml:"username"`
	ProfileURL    string          `yaml:"profile_url"`
	PictureURL    string          `yaml:"picture_url"`
	Website       string          `yaml:"website"`
	Gender        string          `yaml:"gender"`
	Birthdate     string          `yaml:"birthdate"`
	Zoneinfo      string          `yaml:"zoneinfo"`
	Phone         string          `yaml:"phone"` // a claim; never the number for codes
	Address       account.Address `yaml:"address"`
	EmailVerified *bool           `yaml:"email_verified"` // true unless said otherwise
	Password      string          `yaml:"password"`       // none: invited
	PasswordHash  string          `yaml:"password_hash"`  // made by another system; counts while the account has no password
	TOTPSecret    string          `yaml:"totp_secret"`
	CodePhone     string          `yaml:"phone_for_codes"`
	RecoveryCodes []string        `yaml:"recovery_codes"`
	Deactivated   *bool           `yaml:"deactivated"` // not said: stays as it is
}

// Name is split as Dutch names are.
type Name struct {
	Given  string `yaml:"given"`
	Middle string `yaml:"middle"` // tussenvoegsel
	Family string `yaml:"family"`
}

// Parse reads a file strictly: an unknown key, or a value that cannot be read, is an error that names its line.
func Parse(text []byte) (*File, *Lines, error) {
	var root yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	switch err := d.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, nil, fmt.Errorf("%w: the file is empty: it needs platforms", fault.Invalid)
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%w: more than one document", fault.Invalid)
	}
	var f File
	if err := checkShape(root.Content[0], &f); err != nil {
		return nil, nil, err
	}
	if err := root.Decode(&f); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	if len(f.Platforms) == 0 {
		return nil, nil, fmt.Errorf("%w: the file declares no platforms", fault.Invalid)
	}
	return &f, &Lines{&root}, nil
}

// Lines knows where things stand in the file.
type Lines struct{ root *yaml.Node }

// Of is the line of an item: a path of keys and indexes. It is as deep as the file goes; 0 when there is no file.
func (l *Lines) Of(path ...any) int {
	if l == nil || len(l.root.Content) == 0 {
		return 0
	}
	n := l.root.Content[0]
	for _, step := range path {
		var next *yaml.Node
		switch step := step.(type) {
		case int:
			if n.Kind == yaml.SequenceNode && step < len(n.Content) {
				next = n.Content[step]
			}
		case string:
			for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == step {
					next = n.Content[i+1]
				}
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return n.Line
}

// blame puts a line before an error, if there is a file: that of the key the error begins with, as nouns refuse a
// setting ("invalid: policy.idle_after 1s: …"), or else that of the whole item.
func (l *Lines) blame(err error, item string, path ...any) error {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), fault.Invalid.Error()+": "), fault.Taken.Error()+": ")
	key, _, _ := strings.Cut(text, " ")
	for part := range strings.SplitSeq(strings.TrimSuffix(key, ":"), ".") {
		path = append(path, part)
	}
	if line := l.Of(path...); line > 0 {
		return fmt.Errorf("line %d: %s: %w", line, item, err)
	}
	return fmt.Errorf("%s: %w", item, err)
}
