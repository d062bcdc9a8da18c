package oidc

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/minddistrict/idp/federation"
)

// tokens are what a code was exchanged for.
type tokens struct{ id, access string }

// exchange redeems a code (RFC 6749 section 4.1.3). A Refusal names nothing of what was sent.
func (u *Upstream) exchange(ctx context.Context, c *federation.Connection, m metadata, t federation.UpstreamRequest, back,
	code string) (tokens, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back},
		"code_verifier": {t.Verifier}}
	basic, secret, err := u.prove(c, m, form)
	if err != nil {
		return tokens{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.token, strings.NewReader(form.Encode()))
	if err != nil {
		return tokens{}, refuse(federation.Misconfigured, "token_endpoint is no address")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic != "" {
		r.Header.Set("Authorization", "Basic "+basic)
	}
	reply, err := u.call(ctx, "token_endpoint", r)
	if err != nil {
		return tokens{}, err
	}
	status := reply.status
	all, err := object(reply.text)
	named, _ := all["error"].(string)
	description, _ := all["error_description"].(string)
	switch {
	case named != "":
		return tokens{}, upstreamError("token_endpoint", named, description, code, t.Verifier, secret, basic)
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests:
		return tokens{}, refuse(federation.Unreachable, "token_endpoint answers %d, wanted is 200", status)
	case status == http.StatusUnauthorized:
		return tokens{}, refuse(federation.Misconfigured, "token_endpoint answers 401, wanted is 200")
	case status != http.StatusOK:
		return tokens{}, refuse(federation.BadForm, "token_endpoint answers %d, wanted is 200", status)
	case err != nil:
		return tokens{}, refuse(federation.BadForm, "token_endpoint answers no object in JSON")
	}
	var got tokens
	if got.id, _ = all["id_token"].(string); got.id == "" {
		return tokens{}, refuse(federation.BadForm, "token_endpoint answers without id_token")
	}
	if kind, _ := all["token_type"].(string); strings.EqualFold(kind, "Bearer") {
		got.access, _ = all["access_token"].(string)
	}
	return got, nil
}

// prove adds to a form, or says for the Authorization header (RFC 6749 section 2.3.1), who we are. secret is what no
// detail may name.
func (u *Upstream) prove(c *federation.Connection, m metadata, form url.Values) (basic, secret string, err error) {
	id := c.OIDC.ClientID
	if c.OIDC.Auth == federation.PrivateKeyJWT {
		assertion, err := u.assertion(c, m)
		form.Set("client_id", id)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
		return "", assertion, err
	}
	if c.Secret == nil {
		return "", "", refuse(federation.Misconfigured, "the connection has no client secret")
	}
	plain, err := u.open(c.Secret, c.Binding("secret"))
	if err != nil {
		return "", "", refuse(federation.Misconfigured, "the client secret of the connection cannot be opened")
	}
	if c.OIDC.Auth == federation.SecretPost {
		form.Set("client_id", id)
		form.Set("client_secret", string(plain))
		return "", string(plain), nil
	}
	pair := url.QueryEscape(id) + ":" + url.QueryEscape(string(plain))
	return base64.StdEncoding.EncodeToString([]byte(pair)), string(plain), nil
}
