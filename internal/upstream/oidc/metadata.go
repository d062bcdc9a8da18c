package oidc

import (
	"context"
	"net/url"
	"strings"

	"github.com/minddistrict/idp/federation"
)

// metadata is what an upstream says of itself (OpenID Connect Discovery 1.0 section 3), as far as we use it.
type metadata struct {
	authorization string
	token         string
	userinfo      string // empty: it has none
	jwks          string
	says          bool     // its answers carry `iss` (RFC 9207 section 3)
	assertions    []string // algorithms of client assertions that it takes; nil: it does not say
}

// readMetadata reads it. The issuer in it is the one that was asked, to the letter: it is the name of who signs.
func (u *Upstream) readMetadata(ctx context.Context, issuer string) (metadata, error) {
	all, err := u.published(ctx, "discovery", strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return metadata{}, err
	}
	if got, _ := all["issuer"].(string); got != issuer {
		return metadata{}, refuse(federation.Misconfigured, "discovery: issuer is %q, wanted is %q", shown(got), issuer)
	}
	m := metadata{assertions: texts(all["token_endpoint_auth_signing_alg_values_supported"])}
	m.says, _ = all["authorization_response_iss_parameter_supported"].(bool)
	for name, to := range map[string]*string{
		"authorization_endpoint": &m.authorization, "token_endpoint": &m.token, "jwks_uri": &m.jwks,
		"userinfo_endpoint": &m.userinfo,
	} {
		value, there := all[name].(string)
		if !there && name == "userinfo_endpoint" {
			continue
		}
		if !isEndpoint(issuer, value) {
			return metadata{}, refuse(federation.Misconfigured, "discovery: %s is %q, wanted is an https address", name, shown(value))
		}
		*to = value
	}
	return m, nil
}

// isEndpoint reports whether a browser may be sent to an address, and a secret: never without TLS, unless the issuer
// itself is on this machine (federation.Connection.Validate).
func isEndpoint(issuer, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && strings.HasPrefix(issuer, "http://")
}

// texts are the members of a list that are texts; nil: it is none.
func texts(v any) (all []string) {
	list, _ := v.([]any)
	for _, item := range list {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
