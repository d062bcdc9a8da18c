package oidc

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/minddistrict/idp/federation"
)

const (
	maxForm = 256 << 10 // of what a browser brings
	maxCode = 8 << 10   // bytes of an authorization code
)

// Answer is what the upstream says of who came back at back with a request: an authorization response (OpenID Connect
// Core 1.0 section 3.1.2.5) in its address or as a form. The code in it is exchanged, which works once. Numbers in its
// claims are json.Number. Whether it is as fresh as was asked is for the caller (federation.UpstreamRequest.Stale). Every
// failure is a Refusal.
func (u *Upstream) Answer(ctx context.Context, c *federation.Connection, t federation.UpstreamRequest, back string,
	r *http.Request) (federation.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, totalTime)
	defer cancel()
	got, err := response(r)
	if err != nil {
		return federation.Answer{}, err
	}
	if t.State == "" || subtle.ConstantTimeCompare([]byte(got.Get("state")), []byte(t.State)) != 1 {
		return federation.Answer{}, refuse(federation.Unsolicited, "state is not the one that was sent")
	}
	m, err := u.about(ctx, c)
	if err != nil {
		return federation.Answer{}, err
	}
	code, err := codeOf(c, m, got)
	if err != nil {
		return federation.Answer{}, err
	}
	tokens, err := u.exchange(ctx, c, m, t, back, code)
	if err != nil {
		return federation.Answer{}, err
	}
	claims, err := u.idToken(ctx, c, m, t, tokens.id)
	if err != nil {
		return federation.Answer{}, err
	}
	a := federation.Answer{Issuer: c.OIDC.Issuer, Claims: claims}
	a.Subject, _ = claims["sub"].(string) // it was checked
	a.Session, _ = claims["sid"].(string)
	if at, ok := moment(claims["auth_time"]); ok {
		a.AuthTime = at
	}
	if err := u.complete(ctx, c, m, tokens, a); err != nil {
		return federation.Answer{}, err
	}
	return a, nil
}

// response are the parameters that a browser brought, each at most once (RFC 6749 section 3.1).
func response(r *http.Request) (url.Values, error) {
	var got url.Values
	var err error
	switch r.Method {
	case http.MethodGet:
		got, err = url.ParseQuery(r.URL.RawQuery)
	case http.MethodPost:
		if r.PostForm == nil {
			r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
		}
		err = r.ParseForm()
		got = r.PostForm
	default:
		return nil, refuse(federation.BadForm, "the answer comes by %s, wanted is GET or POST", shown(r.Method))
	}
	if err != nil {
		return nil, refuse(federation.BadForm, "the answer cannot be read, or is too long")
	}
	for _, name := range []string{"state", "code", "iss", "error", "error_description"} {
		if n := len(got[name]); n > 1 {
			return nil, refuse(federation.BadForm, "the answer has %s %d times", name, n)
		}
	}
	return got, nil
}

// codeOf is the code in an answer, which comes from this upstream (RFC 9207 section 2.4): another one's may be an
// attempt to have its code redeemed elsewhere.
func codeOf(c *federation.Connection, m metadata, got url.Values) (string, error) {
	iss, there := got["iss"]
	switch {
	case there && iss[0] != c.OIDC.Issuer:
		return "", refuse(federation.BadAudience, "iss of the answer is %q, wanted is %q", shown(iss[0]), c.OIDC.Issuer)
	case !there && m.says:
		return "", refuse(federation.BadAudience, "iss is not in the answer, and its metadata says that it is: wanted is %q",
			c.OIDC.Issuer)
	case got.Has("error"):
		return "", upstreamError("authorization_endpoint", got.Get("error"), got.Get("error_description"))
	}
	code := got.Get("code")
	if code == "" || len(code) > maxCode {
		return "", refuse(federation.BadForm, "code has %d bytes, wanted are 1 to %d", len(code), maxCode)
	}
	return code, nil
}

// reasons of the errors that upstreams name (RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect Core 1.0 section
// 3.1.2.6, OpenID Connect Unmet Authentication Requirements 1.0).
var reasons = map[string]federation.Reason{
	"access_denied": federation.Denied, "unmet_authentication_requirements": federation.Denied,
	"user_cancelled": federation.Cancelled, "user_canceled": federation.Cancelled,
	"login_required": federation.Interaction, "interaction_required": federation.Interaction,
	"consent_required": federation.Interaction, "account_selection_required": federation.Interaction,
	"server_error": federation.Unreachable, "temporarily_unavailable": federation.Unreachable,
	"invalid_client": federation.Misconfigured, "unauthorized_client": federation.Misconfigured, "invalid_scope": federation.Misconfigured,
	"invalid_request": federation.Misconfigured, "unsupported_response_type": federation.Misconfigured,
	"unsupported_grant_type": federation.Misconfigured,
	"redirect_uri_mismatch":  federation.Misconfigured, "invalid_redirect_uri": federation.Misconfigured,
	"invalid_target":   federation.Misconfigured,
	"invalid_resource": federation.Misconfigured,
	"invalid_grant":    federation.Replayed, // a code that was used, is too old, or of another redirect_uri or verifier
}

// upstreamError is the refusal of an error that an upstream named. secret are texts that its description may repeat.
func upstreamError(endpoint, code, description string, secret ...string) error {
	for _, s := range secret {
		if len(s) > 3 { // shorter, it is no secret and stands in any text
			hide := strings.NewReplacer(s, "[hidden]", url.QueryEscape(s), "[hidden]")
			code, description = hide.Replace(code), hide.Replace(description)
		}
	}
	why, known := reasons[code]
	if !known {
		why = federation.Denied
	}
	if code == "access_denied" && stopped(description) {
		why = federation.Cancelled
	}
	if description != "" {
		return refuse(why, "%s says %s: %s", endpoint, shown(code), shown(description))
	}
	return refuse(why, "%s says %s", endpoint, shown(code))
}

// stopped reports whether a description says that the person did: there is no code for it, and products have words.
func stopped(description string) bool {
	d := strings.ToLower(description)
	return strings.Contains(d, "cancel") || strings.Contains(d, "declined") || strings.Contains(d, "aadsts65004")
}
