package grant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
)

// scopeClaims are the claims that a scope asks for (OpenID Connect Core 1.0 section 5.4).
var scopeClaims = map[string][]string{
	"profile": strings.Fields(`name given_name middle_name family_name nickname preferred_username profile picture website
		gender birthdate zoneinfo locale updated_at`),
	"email":   {"email", "email_verified"},
	"phone":   {"phone_number", "phone_number_verified"},
	"address": {"address"},
}

// ClaimNames lists every claim that can be asked for, for discovery.
var ClaimNames = append(strings.Fields("sub iss aud exp iat auth_time nonce acr amr sid amr_details"),
	slices.Concat(scopeClaims["profile"], scopeClaims["email"], scopeClaims["phone"], scopeClaims["address"])...)

// Claims are the claims about a person that the scopes and single names ask for. Empty ones are left out; `sub` is the
// caller's to add, because it may be pairwise.
func Claims(a *account.Account, scopes, names []string) map[string]any {
	wanted := slices.Clone(names)
	for _, s := range scopes {
		wanted = append(wanted, scopeClaims[s]...)
	}
	claims := map[string]any{}
	if len(wanted) == 0 {
		return claims
	}
	all := allClaims(a)
	for _, name := range wanted {
		if value, ok := all[name]; ok {
			claims[name] = value
		}
	}
	return claims
}

// AboutPerson tells whether any of the names is a claim that comes from the account.
func AboutPerson(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(scopeClaims)), func(of []string) bool { return slices.Contains(of, n) })
	})
}

// allClaims are all that is known of a person.
func allClaims(a *account.Account) map[string]any {
	p := a.Profile
	claims := map[string]any{
		"name": p.Name(), "given_name": p.GivenName, "middle_name": p.MiddleName, "family_name": p.FamilyName, "nickname": p.Nickname,
		"preferred_username": p.Username, "profile": p.PageURL, "picture": p.PictureURL, "website": p.Website, "gender": p.Gender,
		"birthdate": p.Birthdate, "zoneinfo": p.Zoneinfo, "locale": a.Locale, "email": a.Email.Address, "phone_number": p.Phone,
	}
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == "" })
	if !a.UpdatedAt.IsZero() {
		claims["updated_at"] = a.UpdatedAt.Unix()
	}
	if a.Email.Address != "" {
		claims["email_verified"] = !a.EmailVerifiedAt.IsZero()
	}
	if p.Phone != "" {
		claims["phone_number_verified"] = p.PhoneOK
	}
	if p.Address != (account.Address{}) {
		claims["address"] = addressClaim(p.Address)
	}
	return claims
}

// addressClaim fills `formatted` from the parts when it was not given.
func addressClaim(a account.Address) account.Address {
	if a.Formatted == "" {
		lines := []string{a.Street, strings.TrimSpace(a.PostalCode + " " + a.Locality), a.Region, a.Country}
		a.Formatted = strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
	}
	return a
}

// Requested are single claims that the `claims` parameter asks for (OpenID Connect Core 1.0 section 5.5).
type Requested struct {
	UserInfo []string `json:"userinfo,omitempty"`
	IDToken  []string `json:"id_token,omitempty"`
}

// maxClaims bounds the parameter: more names than exist are a mistake or an attack.
const maxClaims = 100

// ParseClaims reads the `claims` parameter. Names that we do not know are ignored, as section 5.5.1 wants; values are
// honoured for `acr` (any one of them suffices) and `sub`.
func ParseClaims(text string) (r Requested, acr []string, sub string, err error) {
	type wish struct {
		Value  string   `json:"value"`
		Values []string `json:"values"`
	}
	var asked struct {
		UserInfo map[string]*wish `json:"userinfo"`
		IDToken  map[string]*wish `json:"id_token"`
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := d.Decode(&asked); err != nil || d.More() || len(asked.UserInfo)+len(asked.IDToken) > maxClaims {
		return r, nil, "", fmt.Errorf("claims: %w", fault.Invalid)
	}
	known := func(names map[string]*wish) []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(n string) bool { return !slices.Contains(ClaimNames, n) })
	}
	r = Requested{UserInfo: known(asked.UserInfo), IDToken: known(asked.IDToken)}
	for _, names := range []map[string]*wish{asked.IDToken, asked.UserInfo} {
		if w := names["acr"]; w != nil {
			if acr = append(acr, w.Values...); w.Value != "" {
				acr = append(acr, w.Value)
			}
		}
		if w := names["sub"]; w != nil && w.Value != "" {
			sub = w.Value
		}
	}
	return r, acr, sub, nil
}

// Detail is one entry of `amr_details`, our own claim: how, when and where something was proven.
type Detail struct {
	Method string `json:"method"`
	Time   int64  `json:"time"`
	Source string `json:"source"` // here, or the upstream that vouched for it
}

// AMRDetails lists the proofs of a grant in the order they were given.
func AMRDetails(proofs []authn.Proof) []Detail {
	details := make([]Detail, len(proofs))
	for i, p := range proofs {
		details[i] = Detail{Method: p.Method, Time: p.At.Unix(), Source: "here"}
		switch {
		case p.Issuer != "":
			details[i].Source = p.Issuer
		case p.Use == account.Waiver:
			details[i].Source = "remembered browser" // nothing was shown
		}
	}
	return details
}
