package oidc

import (
	"context"
	"slices"

	"github.com/minddistrict/idp/federation"
)

// protocol are claims that only a signed token says: what they mean is part of the sign-in, or is who it is.
var protocol = []string{
	"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash", "sid", "events", "cnf",
	"auth_time", "acr", "amr", "acrs", "tid", "oid",
}

// address are claims that belong together: what is said of an address is said of that one.
var address = []string{"email", "email_verified", "xms_edov"}

// complete adds to an answer what only the UserInfo endpoint says (OpenID Connect Core 1.0 section 5.3), if something
// is missing that is read later. It adds, and changes nothing that the ID token says. A Refusal: what is missing could
// not be had: a role that was not read is a role that would be taken away.
func (u *Upstream) complete(ctx context.Context, c *federation.Connection, m metadata, t tokens,
	a federation.Answer) error {
	if m.userinfo == "" || t.access == "" || !lacks(c, a.Claims) {
		return nil
	}
	more, err := u.get(ctx, "userinfo_endpoint", m.userinfo, t.access)
	if err != nil {
		return err
	}
	if got, _ := more["sub"].(string); got != a.Subject { // OpenID Connect Core 1.0 section 5.3.2
		return refuse(federation.BadAudience, "userinfo_endpoint has sub %q, and the ID token %q", shown(got),
			shown(a.Subject))
	}
	_, has := a.Claims["email"]
	if _, brings := more["email"]; brings && !has {
		for _, name := range address {
			delete(a.Claims, name)
		}
	} else {
		for _, name := range address {
			delete(more, name)
		}
	}
	for name, value := range more {
		if _, there := a.Claims[name]; !there && !slices.Contains(protocol, name) {
			a.Claims[name] = value
		}
	}
	return nil
}

// lacks reports whether claims miss one that is read: an address, a name, the key, or what the mapping names.
func lacks(c *federation.Connection, claims map[string]any) bool {
	wanted := [][]string{{"email"}, {"name", "given_name", "family_name"}}
	if c.Key.By == federation.ByAttribute {
		wanted = append(wanted, []string{c.Key.Attribute})
	}
	of := c.Mapping
	for _, names := range [][]string{of.Email, of.Given, of.Middle, of.Family, of.Employee, of.Roles} {
		if len(names) > 0 {
			wanted = append(wanted, names)
		}
	}
	return slices.ContainsFunc(wanted, func(names []string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return claims[name] != nil })
	})
}
