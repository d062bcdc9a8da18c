package grant

import (
	"slices"
	"strings"

	"github.com/minddistrict/idp/account"
)

// Claims are the claims about a person that the scopes ask for (OpenID Connect Core 1.0 section 5.4). Empty ones are
// left out. `sub` is always there.
func Claims(a *account.Account, scopes []string) map[string]any {
	claims := map[string]any{"sub": string(a.ID)}
	set := func(name, value string) {
		if value != "" {
			claims[name] = value
		}
	}
	p := a.Profile
	if slices.Contains(scopes, "profile") {
		set("name", p.Name())
		set("given_name", p.GivenName)
		set("middle_name", p.MiddleName)
		set("family_name", p.FamilyName)
		set("nickname", p.Nickname)
		set("preferred_username", p.Username)
		set("profile", p.PageURL)
		set("picture", p.PictureURL)
		set("website", p.Website)
		set("gender", p.Gender)
		set("birthdate", p.Birthdate)
		set("zoneinfo", p.Zoneinfo)
		set("locale", a.Locale)
		if !a.UpdatedAt.IsZero() {
			claims["updated_at"] = a.UpdatedAt.Unix()
		}
	}
	if slices.Contains(scopes, "email") && a.Email.Address != "" {
		claims["email"] = a.Email.Address
		claims["email_verified"] = !a.EmailVerifiedAt.IsZero()
	}
	if slices.Contains(scopes, "phone") && p.Phone != "" {
		claims["phone_number"] = p.Phone
		claims["phone_number_verified"] = p.PhoneOK
	}
	if slices.Contains(scopes, "address") && p.Address != (account.Address{}) {
		claims["address"] = addressClaim(p.Address)
	}
	return claims
}

// ClaimNames lists every claim that can be asked for, for discovery.
var ClaimNames = strings.Fields(`sub iss aud exp iat auth_time nonce acr amr sid name given_name middle_name family_name
	nickname preferred_username profile picture website gender birthdate zoneinfo locale updated_at
	email email_verified phone_number phone_number_verified address`)

// addressClaim fills `formatted` from the parts when it was not given.
func addressClaim(a account.Address) account.Address {
	if a.Formatted == "" {
		lines := []string{a.Street, strings.TrimSpace(a.PostalCode + " " + a.Locality), a.Region, a.Country}
		a.Formatted = strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
	}
	return a
}
