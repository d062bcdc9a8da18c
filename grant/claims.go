package grant

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
)

// scopeClaims are the claims that a scope asks for (OpenID Connect Core 1.0 section 5.4), and the one of ours.
var scopeClaims = map[string][]string{
	"profile": strings.Fields(`name given_name middle_name family_name nickname preferred_username profile picture website
		gender birthdate zoneinfo locale updated_at`),
	"email":   {"email", "email_verified"},
	"phone":   {"phone_number", "phone_number_verified"},
	"address": {"address"},
	RoleScope: {"role"},
}

// ClaimNames lists every claim that can be asked for, for discovery.
var ClaimNames = append(strings.Fields("sub iss aud exp iat auth_time nonce acr amr sid amr_details"),
	slices.Concat(scopeClaims["profile"], scopeClaims["email"], scopeClaims["phone"], scopeClaims["address"], scopeClaims[RoleScope])...)

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

// AboutPerson reports whether any of the names is a claim that comes from the account.
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
		"role": string(a.Role),
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

// Requested are single claims that the `claims` parameter asks for (OpenID Connect Core 1.0 section 5.5), and what
// became of them.
type Requested struct {
	UserInfo []string `json:"userinfo,omitempty"`
	IDToken  []string `json:"id_token,omitempty"`
	Allowed  []string `json:"allowed,omitempty"` // scopes, beyond those granted, whose claims may be given by name: consent was asked for them
	ACR      string   `json:"acr,omitempty"`     // the name under which the party asked the strength of the sign-in; empty: our own
}

// ScopesOf are the scopes that ask for claims of these names.
func ScopesOf(names []string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(scopeClaims)), func(scope string) bool { return !asksAny(scope, names) })
}

func asksAny(scope string, names []string) bool {
	return slices.ContainsFunc(scopeClaims[scope], func(c string) bool { return slices.Contains(names, c) })
}

// Within leaves out claims about a person that belong to none of the scopes.
func Within(scopes, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		of := ScopesOf([]string{n})
		return len(of) > 0 && !slices.Contains(scopes, of[0])
	})
}

// UserInfoNames are the single claims that the party gets from userinfo.
func (g *Grant) UserInfoNames(p *Party) []string { return Within(g.openScopes(p), g.Claims.UserInfo) }

// IDTokenNames are the single claims that the party gets in the ID token: those of the request, and those registered
// for it. Of the platform's own parties the organisation decided; what a third party has registered is consented to as
// well.
func (g *Grant) IDTokenNames(p *Party) []string {
	asked := Within(g.openScopes(p), g.Claims.IDToken)
	if p.ThirdParty {
		return append(asked, Within(g.openScopes(p), p.IDClaims)...)
	}
	return append(asked, p.IDClaims...)
}

// openScopes are those whose claims the party may have by name: those registered now and, of a third party, consented
// to when the grant was given.
func (g *Grant) openScopes(p *Party) []string {
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(s string) bool {
		return p.ThirdParty && !slices.Contains(g.Scopes, s) && !slices.Contains(g.Claims.Allowed, s)
	})
}

// ACR is how strongly the person signed in, in the words of the party's question.
func (g *Grant) ACR() authn.ACR {
	if g.Claims.ACR != "" {
		return authn.ACR(g.Claims.ACR)
	}
	return authn.ACROf(g.Proofs)
}

// SignIn are the claims about the sign-in that are asked by name.
func (g *Grant) SignIn(names []string) map[string]any {
	if len(names) == 0 {
		return nil
	}
	claims := map[string]any{"acr": g.ACR(), "amr": authn.AMR(g.Proofs), "amr_details": AMRDetails(g.Proofs)}
	if at := AuthTime(g.Proofs); at != 0 {
		claims["auth_time"] = at
	}
	maps.DeleteFunc(claims, func(name string, _ any) bool { return !slices.Contains(names, name) })
	return claims
}

// maxClaims bounds the parameter: more names than exist are a mistake or an attack.
const maxClaims = 100

// claimRequest is how one claim is wanted (OpenID Connect Core 1.0 section 5.5.1).
type claimRequest struct {
	Value  anyJSON   `json:"value"`
	Values []anyJSON `json:"values"`
}

// anyJSON is a wanted value, which need not be a text.
type anyJSON struct{ json.RawMessage }

func (v anyJSON) present() bool { return len(v.RawMessage) > 0 && string(v.RawMessage) != "null" }

// text is a value that is a text. Any other stays as it was written, which meets nothing.
func (v anyJSON) text() string {
	var text string
	if json.Unmarshal(v.RawMessage, &text) != nil {
		return string(v.RawMessage)
	}
	return text
}

// ParseClaims reads the `claims` parameter. Names that we do not know are ignored, as section 5.5.1 wants; values are
// honoured for `acr` (of each member that has any, one suffices) and `sub`.
func ParseClaims(text string) (r Requested, acr [][]string, sub string, err error) {
	var asked struct {
		UserInfo map[string]*claimRequest `json:"userinfo"`
		IDToken  map[string]*claimRequest `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(text), &asked); err != nil || len(asked.UserInfo)+len(asked.IDToken) > maxClaims {
		return r, nil, "", fmt.Errorf("claims: %w", fault.Invalid)
	}
	known := func(names map[string]*claimRequest) []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(n string) bool { return !slices.Contains(ClaimNames, n) })
	}
	r = Requested{UserInfo: known(asked.UserInfo), IDToken: known(asked.IDToken)}
	for _, names := range []map[string]*claimRequest{asked.IDToken, asked.UserInfo} {
		if wants := names["acr"].texts(); len(wants) > 0 {
			acr = append(acr, wants)
		}
		if w := names["sub"]; w != nil && w.Value.present() {
			sub = w.Value.text()
		}
	}
	return r, acr, sub, nil
}

// texts are all values of a wish.
func (w *claimRequest) texts() (all []string) {
	if w == nil {
		return nil
	}
	for _, value := range append(slices.Clone(w.Values), w.Value) {
		if value.present() {
			all = append(all, value.text())
		}
	}
	return all
}

// AuthTime is `auth_time`, in seconds since 1970: of the newest primary proof. Zero: an upstream vouched that did not
// say when, and the claim is left out.
func AuthTime(proofs []authn.Proof) int64 { return seconds(authn.AuthTime(proofs)) }

// seconds are those since 1970; zero: no time.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// AMRDetail is one entry of `amr_details`, our own claim: how, when and where something was proven.
type AMRDetail struct {
	Method string `json:"method"`
	Time   int64  `json:"time,omitempty"` // zero: the upstream did not say
	Source string `json:"source"`         // here, or the issuer of the upstream that vouched for it

	// Way is how the account came onto the device of a PIN, or the connection of an upstream; empty for anything else.
	Way string `json:"way,omitempty"`

	// Of a PIN; empty for anything else. What is kept of the session that let its device in is not told.
	Device string    `json:"device,omitempty"`
	Level  authn.ACR `json:"level,omitempty"`
}

// AMRDetails lists the proofs of a grant in the order they were given.
func AMRDetails(proofs []authn.Proof) []AMRDetail {
	details := make([]AMRDetail, len(proofs))
	for i, p := range proofs {
		details[i] = AMRDetail{Method: p.Method, Time: seconds(p.At), Source: "here"}
		if d := p.Device; d != nil {
			details[i].Device, details[i].Way, details[i].Level = d.ID, d.Way, d.Level
		}
		if u := p.Upstream; u != nil {
			details[i].Way = u.Connection
		}
		switch {
		case p.Issuer != "":
			details[i].Source = p.Issuer
		case p.Use == account.Waiver:
			details[i].Source = "remembered browser" // nothing was shown
		}
	}
	return details
}
