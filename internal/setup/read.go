package setup

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// platformOf reads the platform itself. What no file says (the salt, the logos that were read before) it has from the
// platform that there is.
func (d *Platform) platformOf(have platform.Platform, said map[string]bool) (platform.Platform, error) {
	p := platform.Platform{
		ID: platform.ID(d.Name), Issuer: platform.Issuer(d.Issuer), Organisation: d.Organisation, Name: d.Title, HomeURL: d.HomeURL,
		LoginParty: d.LoginParty, Country: d.Country, Locale: d.Locale, NeutralName: d.NeutralName, HelpPublic: d.Help, HelpStaff: d.HelpStaff,
		PrivacyURL: d.PrivacyURL, AccessURL: d.Accessibility, Branding: platform.Branding{Colour: d.Colour}, Mail: d.Mail, Salt: have.Salt,
		Policy: d.Policy.policyOf(),
	}
	var err error
	if p.Policy.BreakGlass, err = keysOfAddresses(d.BreakGlass); err != nil {
		return p, err
	}
	if n := have.Policy.Password.MaxLength; n > 0 {
		p.Policy.Password.MaxLength = n
	}
	for _, logo := range []struct {
		key, path string
		have      []byte
		to        *[]byte
	}{
		{"logo_file", d.LogoFile, have.Branding.Logo, &p.Branding.Logo},
		{"logo_dark_file", d.LogoDarkFile, have.Branding.LogoDark, &p.Branding.LogoDark},
	} {
		if !said[logo.key] {
			*logo.to = logo.have
		}
		if logo.path == "" {
			continue
		}
		picture, err := os.ReadFile(logo.path)
		if err != nil {
			return p, fmt.Errorf("%w: %s: %w", fault.Invalid, logo.key, err)
		}
		*logo.to = picture
	}
	if d.LogoFile != "" || d.LogoDarkFile != "" {
		if err := p.Branding.CheckLogos(); err != nil {
			return p, err
		}
	}
	p.Defaults()
	return p, p.Validate()
}

// policyOf is the default policy with what the file changes.
func (d *Policy) policyOf() platform.Policy {
	p := platform.DefaultPolicy()
	p.SecondFactor = platform.ByGroup[platform.SecondFactor]{Client: d.SecondFactor.Client.factorOf(), Staff: d.SecondFactor.Staff.factorOf()}
	p.Remember = platform.ByGroup[platform.Remember]{
		Client: d.Remember.Client.rememberOf(p.Remember.Client), Staff: d.Remember.Staff.rememberOf(p.Remember.Staff),
	}
	if d.CodeMethods != nil {
		p.CodeMethods = d.CodeMethods
	}
	if d.ACRAliases != nil {
		p.ACRAliases = d.ACRAliases
	}
	if d.SMSCountries != nil {
		p.SMSCountries = d.SMSCountries
	}
	if r := d.Password; r != nil {
		set(&p.Password.MinLength, r.MinLength)
		set(&p.Password.Special, r.Special)
		set(&p.Password.MinScore, r.MinScore)
	}
	set(&p.AppCode, d.AppCode)
	set(&p.LoginForm, d.LoginForm)
	set(&p.SelfSignUp, d.SelfSignUp)
	set(&p.AppPassword, d.AppPassword)
	set(&p.AppQR, d.AppQR)
	set(&p.AppDevices, d.AppDevices)
	set(&p.IdleAfter, d.IdleAfter)
	set(&p.SMSPerDay, d.SMSPerDay)
	set(&p.SMSBound, d.SMSBound)
	p.MinimumACR = d.MinimumACR
	if d.SessionEnds.Client != 0 {
		p.SessionEnds.Client = d.SessionEnds.Client
	}
	if d.SessionEnds.Staff != 0 {
		p.SessionEnds.Staff = d.SessionEnds.Staff
	}
	return p
}

func (s SecondFactor) factorOf() platform.SecondFactor {
	if s.Demand == "" {
		s.Demand = platform.Off
	}
	return platform.SecondFactor{Demand: s.Demand, RequiredFrom: s.From.UTC(), OfferEvery: s.OfferEvery}
}

func (r *Remember) rememberOf(defaults platform.Remember) platform.Remember {
	if r == nil {
		return defaults
	}
	if r.Fixed != nil {
		return platform.Remember{Fixed: *r.Fixed, Decides: true}
	}
	return platform.Remember{Choices: r.Choices}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// partyOf reads a party of a platform. What no file says (that it is disabled, secrets that are kept) it has from the
// party that there is.
func (d *Party) partyOf(p platform.ID, have grant.Party, said map[string]bool) (grant.Party, error) {
	party := grant.Party{
		ID: grant.PartyID(d.ClientID), Platform: p, DisabledAt: have.DisabledAt, Name: d.Name, Type: grant.Type(d.Type), Auth: grant.Auth(d.Auth),
		PKCEOptional: d.PKCE == "optional", Redirects: d.Redirects, LogoutURIs: d.LogoutURIs, InitiateURI: d.InitiateURI, Origins: d.Origins,
		BackchannelLogoutURI: d.Backchannel, BackchannelSession: d.NeedsSID, LogoutOnIdle: d.EndsIdle,
		Grants: d.Grants, Scopes: d.Scopes, ScopeTexts: d.ScopeTexts, ReadOnly: d.ReadOnly, IDTokenAlg: d.IDTokenAlg,
		AccessJWT: d.AccessToken == "jwt", Rotate: d.Rotate,
		ThirdParty: d.ThirdParty, MobileApp: d.MobileApp, Pairwise: d.SubjectType == "pairwise", Sector: d.Sector,
		IDClaims: d.IDClaims, AMRDetails: d.AMRDetails,
		Audience: d.Audience, MinimumACR: d.MinimumACR, PolicyURI: d.PolicyURI, TermsURI: d.TermsURI,
		Lifetimes: grant.Lifetimes{IDToken: d.Lifetimes.IDToken, Access: d.Lifetimes.Access, RefreshIdle: d.Lifetimes.RefreshIdle, RefreshEnd: d.Lifetimes.RefreshEnd},
		Strength: grant.Strength{
			Profile: grant.Profile(d.Profile), JWKS: string(d.JWKS), JWKSURI: d.JWKSURI, AuthAlg: d.AuthAlg, RequestAlg: d.RequestAlg,
			PARRequired: d.PARRequired, RequestRequired: d.RequestRequired, DPoPRequired: d.DPoPRequired,
		},
	}
	if !slices.Contains([]string{"", "required", "optional"}, d.PKCE) {
		return party, fmt.Errorf("%w: pkce %q: required or optional", fault.Invalid, d.PKCE)
	}
	if !slices.Contains([]string{"", "opaque", "jwt"}, d.AccessToken) {
		return party, fmt.Errorf("%w: access_token %q: opaque or jwt", fault.Invalid, d.AccessToken)
	}
	if !slices.Contains([]string{"", "public", "pairwise"}, d.SubjectType) {
		return party, fmt.Errorf("%w: subject_type %q: public or pairwise", fault.Invalid, d.SubjectType)
	}
	if !said["secret"] && !said["secret_file"] && party.Auth != grant.PrivateKeyJWT {
		party.Secrets, party.OlderEndsAt = have.Secrets, have.OlderEndsAt
	}
	text := d.Secret
	if d.SecretFile != "" {
		content, err := secret.ReadFile(d.SecretFile)
		if err != nil {
			return party, fmt.Errorf("%w: secret_file: %w", fault.Invalid, err)
		}
		text = strings.TrimSpace(content)
	}
	if text != "" {
		if len(text) < grant.MinSecret {
			return party, fmt.Errorf("%w: secret: %d characters: at least %d, random", fault.Invalid, len(text), grant.MinSecret)
		}
		party.Secrets = [][]byte{secret.Hash(text)}
		if slices.ContainsFunc(have.Secrets, func(s []byte) bool { return secret.Equal(s, party.Secrets[0]) }) {
			party.Secrets, party.OlderEndsAt = have.Secrets, have.OlderEndsAt // one of the two that a rotation leaves
		}
	}
	party.Defaults()
	return party, party.Validate()
}

var (
	e164            = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	recoveryPattern = regexp.MustCompile(`^[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}$`)
	birthPattern    = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4})$`)
)

// accountOf reads an account. Identifier, state, credentials and what its owner chose are those of the account that
// there is.
func (d *Account) accountOf(have account.Account, email account.Email) (account.Account, error) {
	a, phone := have, have.Profile
	a.Email, a.Role, a.Locale, a.Profile = email, platform.Role(d.Role), d.Locale, account.Profile{

		GivenName: d.Name.Given, MiddleName: d.Name.Middle, FamilyName: d.Name.Family, Nickname: d.Nickname, Username: d.Username,
		PageURL: d.ProfileURL, PictureURL: d.PictureURL, Website: d.Website, Gender: d.Gender, Birthdate: d.Birthdate,
		Zoneinfo: d.Zoneinfo, Phone: d.Phone, PhoneOK: d.Phone != "", Address: d.Address,
	}
	if d.Phone == phone.Phone {
		a.Profile.PhoneOK = phone.PhoneOK
	}
	if a.Role == "" {
		a.Role = platform.Client
	}
	refuse := func(format string, args ...any) (account.Account, error) {
		return a, fmt.Errorf("%w: "+format, append([]any{fault.Invalid}, args...)...)
	}
	switch {
	case !slices.Contains(platform.Roles, a.Role):
		return refuse("role %q: client, relative, professional, helpdesk or manager", d.Role)
	case d.Locale != "" && d.Locale != "nl" && d.Locale != "en":
		return refuse("locale %q: nl or en", d.Locale)
	case d.Phone != "" && !e164.MatchString(d.Phone):
		return refuse("phone %q: international notation, such as +31612345678", d.Phone)
	case d.Password != "" && d.PasswordHash != "":
		return refuse("password and password_hash: one of them")
	case d.CodePhone != "" && !e164.MatchString(d.CodePhone):
		return refuse("phone_for_codes %q: international notation, such as +31612345678", d.CodePhone)
	case d.CodePhone != "" && d.TOTPSecret != "":
		return refuse("totp_secret and phone_for_codes: one way of getting codes at a time")
	case d.Birthdate != "" && !birthPattern.MatchString(d.Birthdate):
		return refuse("birthdate %q: YYYY-MM-DD or YYYY", d.Birthdate)
	case len(d.RecoveryCodes) > 0 && d.CodePhone == "" && d.TOTPSecret == "":
		return refuse("recovery_codes: only with totp_secret or phone_for_codes")
	}
	if d.TOTPSecret != "" {
		if _, err := totp.GenerateCode(d.TOTPSecret, time.Unix(0, 0)); err != nil || len(d.TOTPSecret) < 26 {
			return refuse("totp_secret: base32 of at least 16 bytes (26 characters)")
		}
	}
	for _, code := range d.RecoveryCodes {
		if !recoveryPattern.MatchString(code) {
			return refuse("recovery_codes: three groups of four letters and digits, such as K7QM-2XHP-9TRD")
		}
	}
	return a, nil
}
