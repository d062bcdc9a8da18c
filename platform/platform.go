// Package platform owns what one care organisation is to us: its issuer, its policy and its looks.
//
// A platform is a tenant. Accounts, parties, keys, sessions and grants all belong to exactly one, and a request finds
// its platform first, by host and path (Directory), before anything else is looked at. Everything here is a pure
// value: no storage, no clock, no HTTP. The package refuses impossible settings (Validate) so that the rules in authn
// can trust what they read, and says which change of a policy protects less than before (WeakerThan). It knows nothing
// of accounts, and of the protocol only names that a policy mentions: the issuer, and values of `acr`.
//
// A party is a relying party (OAuth client).
package platform

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// ID is the platform's name in configuration, paths and cookie names: a lower-case letter, then up to 39 letters,
// digits and single hyphens. It never changes and is never reused.
type ID string

var idPattern = regexp.MustCompile(`^[a-z](?:-?[a-z0-9]){0,39}$`)

// Platform is one organisation's login.
type Platform struct {
	ID           ID       `json:"id,omitzero"`
	Issuer       Issuer   `json:"issuer,omitzero"`
	Organisation string   `json:"organisation,omitzero"` // legal or public name, as in "Ask the helpdesk of GGZ De Linde"
	Name         string   `json:"name,omitzero"`         // what people call their platform; the organisation's name unless set
	HomeURL      string   `json:"home_url,omitzero"`     // where stale journeys and "back to" lead when a party has no initiate_login_uri
	LoginParty   string   `json:"login_party,omitzero"`  // client_id of the party where people log in who come by a link; empty: grant.LoginParty chooses
	Country      string   `json:"country,omitzero"`      // ISO 3166-1 alpha-2; chooses the help lines and how phone numbers are read
	Locale       string   `json:"locale,omitzero"`       // BCP 47 language of people who stated no preference
	NeutralName  string   `json:"neutral_name,omitzero"` // says nothing about care: sender of text messages and mails, label in authenticator apps
	HelpPublic   Contact  `json:"help_public,omitzero"`  // shown before login and to clients and relatives
	HelpStaff    Contact  `json:"help_staff,omitzero"`   // shown to signed-in staff; the public one unless set
	PrivacyURL   string   `json:"privacy_url,omitzero"`  // the organisation's privacy statement; no link without it
	AccessURL    string   `json:"access_url,omitzero"`   // the organisation's accessibility statement; no link without it
	Branding     Branding `json:"branding,omitzero"`
	Mail         Mail     `json:"mail,omitzero"`
	Salt         []byte   `json:"salt,omitzero"` // of pairwise subjects; random, made once, never changed
	Policy       Policy   `json:"policy,omitzero"`
}

// Contact is how an organisation's helpdesk is reached. Either part may be empty.
type Contact struct {
	Email string `json:"email,omitempty" yaml:"email,omitempty"`
	Phone string `json:"phone,omitempty" yaml:"phone,omitempty"`
}

// Address is what people know the platform by, as in "You are now at {platform} ({host})": the address of the home
// page, or of the issuer when there is none, without its scheme. Platforms at one host differ in their path.
func (p *Platform) Address() string {
	address := p.HomeURL
	if address == "" {
		address = string(p.Issuer)
	}
	_, address, _ = strings.Cut(address, "://")
	if host, path, _ := strings.Cut(address, "/"); path == "" {
		return host
	}
	return address
}

// Host is the host of that address.
func (p *Platform) Host() string {
	for _, s := range []string{p.HomeURL, string(p.Issuer)} {
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return ""
}

// URL joins a path that starts with a slash to the issuer.
func (p *Platform) URL(path string) string { return string(p.Issuer) + path }

// Validate returns the first setting that cannot work, wrapped around fault.Invalid.
func (p *Platform) Validate() error {
	if !idPattern.MatchString(string(p.ID)) {
		return fmt.Errorf("%w: name %q: a lower-case letter, then letters, digits and single hyphens, at most 40 characters", fault.Invalid, p.ID)
	}
	if p.Issuer == "" {
		return fmt.Errorf("%w: issuer is missing: a new platform needs one, such as https://login.example.org", fault.Invalid)
	}
	if _, err := ParseIssuer(string(p.Issuer)); err != nil {
		return err
	}
	if p.HomeURL == "" {
		return fmt.Errorf("%w: home_url is missing: where the platform begins, such as https://linde.example.org", fault.Invalid)
	}
	if p.Organisation == "" {
		return fmt.Errorf("%w: organisation is missing: the name people know, such as GGZ De Linde", fault.Invalid)
	}
	for field, value := range map[string]string{"home_url": p.HomeURL, "privacy_url": p.PrivacyURL, "accessibility_url": p.AccessURL} {
		if value == "" {
			continue
		}
		if u, err := url.Parse(value); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
			return fmt.Errorf("%w: %s %q: an http or https address", fault.Invalid, field, value)
		}
	}
	if _, known := countries[p.Country]; !known {
		return fmt.Errorf("%w: country %q: NL, DE, GB, BE or another ISO 3166-1 code in capitals", fault.Invalid, p.Country)
	}
	if p.Locale != "nl" && p.Locale != "en" {
		return fmt.Errorf("%w: locale %q: nl or en", fault.Invalid, p.Locale)
	}
	if err := p.Branding.validate(); err != nil {
		return err
	}
	if err := p.Mail.validate(); err != nil {
		return err
	}
	return p.Policy.Validate()
}

// Defaults fills what was left open, so that a missing setting is a safe one.
func (p *Platform) Defaults() {
	if p.Name == "" {
		p.Name = p.Organisation
	}
	if p.Country == "" {
		p.Country = "NL"
	}
	if p.Locale == "" {
		p.Locale = "nl"
	}
	if p.NeutralName == "" {
		p.NeutralName = "Minddistrict"
	}
	if p.HelpStaff == (Contact{}) {
		p.HelpStaff = p.HelpPublic
	}
	p.Branding.defaults()
}

// countries are those an organisation may be in: the European Economic Area, Switzerland and the United Kingdom.
var countries = func() map[string]struct{} {
	m := map[string]struct{}{}
	for _, c := range strings.Fields("AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK") {
		m[c] = struct{}{}
	}
	return m
}()

type contextKey struct{}

// NewContext returns a context that carries the platform a request belongs to.
func NewContext(ctx context.Context, p *Platform) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the platform of the request. It panics outside a platform's routes: that is a wiring mistake.
func FromContext(ctx context.Context) *Platform { return ctx.Value(contextKey{}).(*Platform) }
