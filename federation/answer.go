package federation

import (
	"strings"
	"time"
	"unicode"

	"github.com/minddistrict/idp/account"
)

// Answer is what an upstream said of somebody: a protocol has checked that it said it, to us, now, and in answer to what
// we asked. A claim has the type that it had in JSON; an attribute of SAML is always a list.
type Answer struct {
	Issuer    string         `json:"issuer"`              // `iss`, or entityID
	Subject   string         `json:"subject"`             // `sub`, or NameID
	Format    string         `json:"format,omitempty"`    // of the NameID; empty: none was said
	Qualifier string         `json:"qualifier,omitempty"` // NameQualifier
	AuthTime  time.Time      `json:"auth_time,omitzero"`  // when the person signed in there; zero: not said, which is old
	Context   []string       `json:"context,omitempty"`   // AuthnContextClassRef
	Session   string         `json:"session,omitempty"`   // `sid`, or SessionIndex
	Claims    map[string]any `json:"claims,omitempty"`
}

// strength are the values of one of the claims that say how somebody signed in. One that has not the type that its
// specification says is as if it was not there.
func (a Answer) strength(s Strength) []string {
	switch s {
	case ByContext:
		return a.Context
	case ByACR:
		if v, ok := a.Claims["acr"].(string); ok {
			return []string{v}
		}
		return nil
	case ByMethods:
		return a.list("http://schemas.microsoft.com/claims/authnmethodsreferences", "authnmethodsreferences")
	}
	return a.list(string(s))
}

// text is the first of these claims that is a text, or a list that begins with one, and not empty.
func (a Answer) text(names ...string) string {
	for _, name := range names {
		if s, ok := a.Claims[name].(string); ok && strings.TrimSpace(s) != "" {
			return strings.TrimSpace(s)
		}
		if all := a.list(name); len(all) > 0 && strings.TrimSpace(all[0]) != "" {
			return strings.TrimSpace(all[0])
		}
	}
	return ""
}

// list is the first of these claims that is a list of texts only; nil: none is.
func (a Answer) list(names ...string) []string {
	for _, name := range names {
		switch v := a.Claims[name].(type) {
		case []string:
			return v
		case []any:
			all := make([]string, 0, len(v))
			for _, item := range v {
				s, ok := item.(string)
				if !ok {
					all = nil
					break
				}
				all = append(all, s)
			}
			if all != nil {
				return all
			}
		}
	}
	return nil
}

// Mapping names the claims that are read first for a field, before those that are read by default.
type Mapping struct {
	Email    []string `json:"email,omitempty" yaml:"email,omitempty"`
	Given    []string `json:"given_name,omitempty" yaml:"given_name,omitempty"`
	Middle   []string `json:"middle_name,omitempty" yaml:"middle_name,omitempty"`
	Family   []string `json:"family_name,omitempty" yaml:"family_name,omitempty"`
	Employee []string `json:"employee_number,omitempty" yaml:"employee_number,omitempty"`
	Roles    []string `json:"roles,omitempty" yaml:"roles,omitempty"`
}

// Names that products have for a field, the first that is there counts.
var (
	emailNames = []string{
		"email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3",
		"urn:mace:dir:attribute-def:mail", "mail", "preferred_username", "upn", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
	}
	givenNames = []string{
		"given_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "urn:oid:2.5.4.42",
		"urn:mace:dir:attribute-def:givenName", "givenName",
	}
	middleNames = []string{"middle_name", "http://schemas.minddistrict.com/claims/middlename", "initials"}
	familyNames = []string{
		"family_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "urn:oid:2.5.4.4",
		"urn:mace:dir:attribute-def:sn", "sn", "surname",
	}
	employeeNames = []string{
		"employeeid", "employeeId", "employee_number", "employeeNumber", "urn:oid:2.16.840.1.113730.3.1.3",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/employeeid",
	}
	roleNames = []string{
		"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "groups",
		"http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "urn:mace:dir:attribute-def:eduPersonAffiliation",
		"urn:oid:1.3.6.1.4.1.5923.1.1.1.1",
	}
)

// email is the address that an answer names, if one is an address at all, and the claim that it is in; empty: none is.
func (m Mapping) email(a Answer) (email account.Email, claim string) {
	for _, name := range append(append([]string{}, m.Email...), emailNames...) {
		if email, err := account.ParseEmail(a.text(name)); err == nil {
			return email, name
		}
	}
	return account.Email{}, ""
}

// profile are the names in an answer.
func (m Mapping) profile(a Answer) account.Profile {
	first := func(own, usual []string) string { return clip(a.text(append(append([]string{}, own...), usual...)...)) }
	return account.Profile{
		GivenName: first(m.Given, givenNames), MiddleName: first(m.Middle, middleNames), FamilyName: first(m.Family, familyNames),
	}
}

// roles are the roles or groups in an answer. left reports that there are more, which the upstream left out: Entra names
// an address instead, where somebody is in more than 150 (SAML) or 200 groups.
func (m Mapping) roles(a Answer) (all []string, left bool) {
	for _, name := range append(append([]string{}, m.Roles...), roleNames...) {
		if all = a.list(name); all != nil {
			return all, false
		}
		if s, ok := a.Claims[name].(string); ok && s != "" {
			return []string{s}, false
		}
	}
	if sources, ok := a.Claims["_claim_names"].(map[string]any); ok {
		_, left = sources["groups"]
	}
	_, link := a.Claims["http://schemas.microsoft.com/claims/groups.link"]
	_, hasGroups := a.Claims["hasgroups"]
	return nil, left || link || hasGroups
}

// clip bounds a name that somebody else wrote, and leaves out of it what is no letter: control characters, and those that
// turn the direction of text.
func clip(s string) string {
	const longest = 100
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > longest {
		return string(r[:longest])
	}
	return s
}
