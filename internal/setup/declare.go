package setup

import (
	"maps"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// These functions are the way back of read.go: what is in the database, as a file would declare all of it. Secrets, and
// what the database has instead of files, are not in it.

func declaredPlatform(p platform.Platform) Platform {
	return Platform{
		Name: string(p.ID), Issuer: string(p.Issuer), Organisation: p.Organisation, Title: p.Name, HomeURL: p.HomeURL,
		LoginParty: p.LoginParty, Country: p.Country,
		Locale: p.Locale, NeutralName: p.NeutralName, Help: p.HelpPublic, HelpStaff: p.HelpStaff, PrivacyURL: p.PrivacyURL,
		Accessibility: p.AccessURL, Colour: p.Branding.Colour, Mail: p.Mail, Policy: declaredPolicy(p.Policy), BreakGlass: p.Policy.BreakGlass,
	}
}

func declaredPolicy(p platform.Policy) Policy {
	rule, aliases, devices := p.Password, map[string]string{}, p.MaxAppDevices()
	maps.Copy(aliases, p.ACRAliases)
	return Policy{
		SecondFactor: platform.ByGroup[SecondFactor]{Client: declaredFactor(p.SecondFactor.Client), Staff: declaredFactor(p.SecondFactor.Staff)},
		CodeMethods:  emptied(p.CodeMethods), AppCode: &p.AppCode,
		Remember:  platform.ByGroup[*Remember]{Client: declaredRemember(p.Remember.Client), Staff: declaredRemember(p.Remember.Staff)},
		Password:  &PasswordRule{MinLength: &rule.MinLength, Special: &rule.Special, MinScore: &rule.MinScore},
		LoginForm: &p.LoginForm, SelfSignUp: &p.SelfSignUp, AppPassword: &p.AppPassword, AppQR: &p.AppQR, AppDevices: &devices, IdleAfter: &p.IdleAfter,
		SessionEnds: p.SessionEnds, MinimumACR: p.MinimumACR, ACRAliases: aliases, SMSCountries: emptied(p.SMSCountries),
		SMSPerDay: &p.SMSPerDay, SMSBound: &p.SMSBound,
	}
}

func declaredFactor(s platform.SecondFactor) SecondFactor {
	if s.Demand == "" {
		s.Demand = platform.Off
	}
	return SecondFactor{Demand: s.Demand, From: s.RequiredFrom, OfferEvery: s.OfferEvery}
}

func declaredRemember(r platform.Remember) *Remember {
	if r.Decides {
		return &Remember{Fixed: &r.Fixed}
	}
	return &Remember{Choices: emptied(r.Choices)}
}

func declaredParty(p grant.Party) Party {
	d := Party{
		ClientID: string(p.ID), Name: p.Name, Type: string(p.Type), Auth: string(p.Auth), PKCE: "required", Redirects: p.Redirects,
		LogoutURIs: p.LogoutURIs, InitiateURI: p.InitiateURI, Backchannel: p.BackchannelLogoutURI, NeedsSID: p.BackchannelSession, EndsIdle: p.LogoutOnIdle, Origins: emptied(p.Origins), Grants: emptied(p.Grants), Scopes: emptied(p.Scopes),
		ScopeTexts: p.ScopeTexts, ReadOnly: p.ReadOnly, IDTokenAlg: p.IDTokenAlg, AccessToken: "opaque", Rotate: p.Rotates(), ThirdParty: p.ThirdParty, MobileApp: p.MobileApp,
		SubjectType: "public", Sector: p.Sector, IDClaims: p.IDClaims, AMRDetails: p.AMRDetails, Audience: p.Audience,
		MinimumACR: p.MinimumACR, PolicyURI: p.PolicyURI, TermsURI: p.TermsURI,
		Lifetimes: Lifetimes{IDToken: p.Lifetimes.IDToken, Access: p.Lifetimes.Access, RefreshIdle: p.Lifetimes.RefreshIdle, RefreshEnd: p.Lifetimes.RefreshEnd},
		Profile:   string(p.Profile), JWKS: KeySet(p.JWKS), JWKSURI: p.JWKSURI, AuthAlg: p.AuthAlg, RequestAlg: p.RequestAlg,
		PARRequired: p.PARRequired, RequestRequired: p.RequestRequired, DPoPRequired: p.DPoPRequired,
	}
	if p.PKCEOptional {
		d.PKCE = "optional"
	}
	if p.AccessJWT {
		d.AccessToken = "jwt"
	}
	if p.Pairwise {
		d.SubjectType = "pairwise"
	}
	return d
}

func declaredAccount(a account.Account) Account {
	verified, deactivated := !a.EmailVerifiedAt.IsZero(), a.State == account.Deactivated
	p := a.Profile
	return Account{
		Email: a.Email.Address, Role: string(a.Role), Locale: a.Locale, Name: Name{Given: p.GivenName, Middle: p.MiddleName, Family: p.FamilyName},
		Nickname: p.Nickname, Username: p.Username, ProfileURL: p.PageURL, PictureURL: p.PictureURL, Website: p.Website, Gender: p.Gender,
		Birthdate: p.Birthdate, Zoneinfo: p.Zoneinfo, Phone: p.Phone, Address: p.Address, EmailVerified: &verified, Deactivated: &deactivated,
	}
}

// newAccount is what an account has that sets nothing.
func newAccount() account.Account {
	return account.Account{Role: platform.Client, EmailVerifiedAt: time.Unix(0, 0)}
}

// dropDefaults leaves out of a declaration what nobody set: a value that is what it would be anyhow goes on following
// what it follows (the title the organisation, the helpdesk of staff the other one).
func (d *Platform) dropDefaults() {
	if d.Title == d.Organisation {
		d.Title = ""
	}
	if d.HelpStaff == d.Help {
		d.HelpStaff = platform.Contact{}
	}
	usual := declaredPolicy(platform.DefaultPolicy()).Remember
	for have, usual := range map[*Remember]*Remember{d.Policy.Remember.Client: usual.Client, d.Policy.Remember.Staff: usual.Staff} {
		if have.Fixed != nil { // where the organisation does not decide any more, people choose from the usual
			have.Choices = usual.Choices
		}
	}
}

// dropDefaults is that of platforms, for a party: what its type and its addresses say anyhow.
func (d *Party) dropDefaults() {
	probe := grant.Party{Type: grant.Type(d.Type), Redirects: d.Redirects}
	probe.Defaults()
	usual := declaredParty(probe)
	if d.Auth == usual.Auth {
		d.Auth = ""
	}
	for _, list := range []struct{ have, usual *[]string }{
		{&d.Grants, &usual.Grants}, {&d.Scopes, &usual.Scopes}, {&d.Origins, &usual.Origins},
	} {
		if slices.Equal(*list.have, *list.usual) {
			*list.have = nil
		}
	}
}

// settle lets one of two ways of saying a thing take the place of the other that was there.
func (d *Policy) settle(said map[string]bool) {
	for half, r := range map[string]*Remember{"client": d.Remember.Client, "staff": d.Remember.Staff} {
		path := "policy.remember." + half + "."
		if said[path+"choices"] && !said[path+"fixed"] {
			r.Fixed = nil
		}
	}
}

// emptied is a copy that is never nil: an empty list is a choice, none is the default.
func emptied[T any](list []T) []T { return append([]T{}, list...) }
