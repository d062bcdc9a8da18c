package oidc

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/federation"
)

// SignInRedirect is where a browser is sent with a request: the upstream's authorization endpoint, with a request that is
// answered at back. A Refusal: nothing is known of the upstream.
func (u *Upstream) SignInRedirect(ctx context.Context, c *federation.Connection, t federation.UpstreamRequest, back string) (federation.Redirect,
	error) {
	m, err := u.about(ctx, c)
	if err != nil {
		return federation.Redirect{}, err
	}
	to, err := url.Parse(m.authorization)
	if err != nil {
		return federation.Redirect{}, refuse(federation.Misconfigured, "authorization_endpoint is no address")
	}
	q := to.Query() // one may stand in the address already (RFC 6749 section 3.1)
	for name, value := range request(c, t) {
		q.Set(name, value)
	}
	q.Set("redirect_uri", back)
	to.RawQuery = q.Encode()
	return federation.Redirect{URL: to.String()}, nil
}

// request is what is asked. Where the person is to sign in again, `max_age=0` makes `auth_time` part of the answer
// (OpenID Connect Core 1.0 section 2), so it needs no `claims`, which not everybody takes: those are sent only where
// the contract has no other way to ask for two factors, or counts how old these are.
func request(c *federation.Connection, t federation.UpstreamRequest) map[string]string {
	scopes := []string{"openid"}
	if scopes = append(scopes, c.OIDC.Scopes...); c.OIDC.Scopes == nil {
		scopes = append(scopes, "profile", "email")
	}
	q := map[string]string{
		"response_type": "code", "client_id": c.OIDC.ClientID, "scope": strings.Join(scopes, " "),
		"state": t.State, "nonce": t.Nonce, "code_challenge": oauth2.S256ChallengeFromVerifier(t.Verifier),
		"code_challenge_method": "S256",
	}
	if c.OIDC.FormPost {
		q["response_mode"] = "form_post"
	}
	if t.Fresh {
		q["prompt"], q["max_age"] = "login", "0"
	}
	var claims map[string]any
	if t.TwoFactors {
		asked := c.Contract.Asks()
		if len(asked.ACRValues) > 0 {
			q["acr_values"] = strings.Join(asked.ACRValues, " ")
		}
		if claims = asked.Claims; c.Contract.MaxAge > 0 && !t.Fresh {
			claims = withTime(claims)
		}
	}
	if claims != nil {
		text, _ := json.Marshal(claims) // of texts and booleans
		q["claims"] = string(text)
	}
	for name, value := range map[string]string{"login_hint": t.LoginHint, "domain_hint": t.DomainHint,
		"ui_locales": t.Locale} {
		if value != "" {
			q[name] = value
		}
	}
	return q
}

// withTime asks for `auth_time`, too.
func withTime(claims map[string]any) map[string]any {
	all, of := map[string]any{}, map[string]any{}
	maps.Copy(all, claims)
	if asked, ok := claims["id_token"].(map[string]any); ok {
		maps.Copy(of, asked)
	}
	of["auth_time"] = map[string]any{"essential": true}
	all["id_token"] = of
	return all
}
