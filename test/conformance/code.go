package conformance

import (
	"net/url"
	"slices"
	"time"
)

// codeReuse is oidcc-codereuse, and with a pause oidcc-codereuse-30seconds.
func codeReuse(seconds int) func(*run) error {
	return func(r *run) error {
		in, err := r.signIn(r.ask())
		if err != nil {
			return err
		}
		if seconds > 0 {
			r.wait(time.Duration(seconds) * time.Second)
		}
		if err := r.refusedToken("code used again", in.form); err != nil || seconds == 0 {
			return err
		}
		// RFC 6749 section 4.1.2: the tokens of the code should be revoked.
		answer, err := r.bearer(in.access)
		if err != nil {
			return err
		}
		if answer.status < 400 {
			r.warn("the access token still counts after its code was used again")
		}
		return nil
	}
}

// refreshToken is oidcc-refresh-token: two parties, and the token of the second is tried by the first.
func refreshToken(r *run) error {
	if _, err := r.refresh(r.Config.Client, true); err != nil {
		return err
	}
	token, err := r.refresh(r.Config.Client2, false)
	if err != nil {
		return err
	}
	r.client = r.Config.Client
	return r.refusedToken("refresh token of another party", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "scope": {"openid"}})
}

// refresh signs in for a party, refreshes once, and returns the refresh token that counts now.
func (r *run) refresh(party Client, withScope bool) (string, error) {
	r.client = party
	a := r.ask()
	if scopes, _ := r.meta.list("scopes_supported"); slices.Contains(scopes, "offline_access") {
		a.Set("scope", "openid offline_access")
		a.Set("prompt", "consent") // OpenID Connect Core 1.0 section 11
	}
	one, err := r.redeem(a, nil)
	if err != nil {
		return "", err
	}
	token := text(one.answer, "refresh_token")
	grants, _ := r.meta.list("grant_types_supported")
	listed := slices.Contains(grants, "refresh_token")
	if token == "" {
		if listed {
			r.warn("discovery lists refresh_token, but no refresh token was issued")
		}
		return "", skipped("no refresh token was issued")
	}
	if !listed {
		r.warn("discovery does not list the grant type refresh_token")
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if withScope {
		form.Set("scope", a.Get("scope"))
	}
	r.wait(time.Second) // so that iat differs
	two := &signIn{asked: a}
	if two.answer, err = r.token(form); err != nil {
		return "", err
	}
	two.access, two.idToken = text(two.answer, "access_token"), text(two.answer, "id_token")
	if two.access == one.access {
		r.fail("refreshing gave the same access token")
	}
	if next := text(two.answer, "refresh_token"); next != "" {
		token = next
	}
	if two.idToken != "" {
		if err := r.checkRefreshed(one, two); err != nil {
			return "", err
		}
	} else {
		two.claims = one.claims
	}
	_, err = r.userinfo(two)
	return token, err
}

// checkRefreshed compares the ID token of a refresh with the first one (OpenID Connect Core 1.0 section 12.2).
func (r *run) checkRefreshed(one, two *signIn) error {
	var err error
	if two.claims, _, err = r.verified(two.idToken); err != nil {
		return err
	}
	r.checkTimes(two.claims)
	r.checkAudience(two.claims)
	for _, name := range []string{"iss", "sub"} {
		if text(two.claims, name) != text(one.claims, name) {
			r.fail("refreshed ID token: %s %v, first it was %v", name, two.claims[name], one.claims[name])
		}
	}
	if two.claims["iat"] == one.claims["iat"] {
		r.fail("refreshed ID token: iat of the first")
	}
	for _, name := range []string{"auth_time", "azp"} {
		if got, has := two.claims[name]; has && got != one.claims[name] {
			r.fail("refreshed ID token: %s %v, first it was %v", name, got, one.claims[name])
		}
	}
	if nonce, has := two.claims["nonce"]; has && nonce != one.claims["nonce"] {
		r.fail("refreshed ID token: another nonce")
	}
	return nil
}
