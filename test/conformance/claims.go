package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// scopeClaims are the claims that a scope asks for (OpenID Connect Core 1.0 section 5.4).
var scopeClaims = map[string][]string{
	"profile": strings.Fields(`name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate
		zoneinfo locale updated_at`),
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

// scopes is a module that asks for scopes about the person.
func scopes(names ...string) func(*run) error {
	return func(r *run) error {
		return r.checkScope(r.ask("scope", "openid "+strings.Join(names, " ")), names...)
	}
}

// checkScope signs in and compares what userinfo and the ID token say.
func (r *run) checkScope(a asking, names ...string) error {
	if supported, has := r.meta.list("scopes_supported"); has {
		for _, name := range names {
			if !slices.Contains(supported, name) {
				return skipped(fmt.Sprintf("discovery does not list the scope %s", name))
			}
		}
	}
	in, err := r.signIn(a)
	if err != nil {
		return err
	}
	for _, name := range names {
		for _, claim := range scopeClaims[name] {
			if in.userinfo[claim] == nil {
				r.warn("userinfo: no %s", claim)
			}
		}
	}
	r.checkUnasked(in)
	return nil
}

// claimsEssential is oidcc-claims-essential.
func claimsEssential(r *run) error {
	in, err := r.signIn(r.ask("claims", `{"userinfo":{"name":{"essential":true}}}`))
	if err != nil {
		return err
	}
	if in.userinfo["name"] == nil {
		r.warn("userinfo: no name, which claims asked for")
	}
	r.checkUnasked(in)
	return nil
}
