package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/text/language"
)

// wellKnown follows the issuer in the address of its discovery document (OpenID Connect Discovery 1.0 section 4).
const wellKnown = "/.well-known/openid-configuration"

// metadata is a discovery document.
type metadata map[string]any

// list is a member that is an array of texts.
func (m metadata) list(name string) ([]string, bool) { return texts(m[name]) }

// keySet are the keys that a server publishes.
type keySet struct{ jose.JSONWebKeySet }

// discover reads the discovery document, strictly as far as all modules need it.
func (r *run) discover() (metadata, error) {
	answer, err := r.get(r.Config.Server.DiscoveryURL)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	if answer.status != http.StatusOK || answer.kind() != "application/json" {
		return nil, fmt.Errorf("discovery: status %d, content type %q", answer.status, answer.header.Get("Content-Type"))
	}
	m, err := object(answer.body)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	for _, name := range []string{"issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} {
		if text(m, name) == "" {
			return nil, fmt.Errorf("discovery: no %s", name)
		}
	}
	return m, nil
}

// private are the parts of a key that nobody else may know (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// fetchKeys reads the key set and checks each key (RFC 7517 sections 4 and 5).
func (r *run) fetchKeys() (keySet, error) {
	answer, err := r.get(text(r.meta, "jwks_uri"))
	if err != nil {
		return keySet{}, fmt.Errorf("keys: %w", err)
	}
	if answer.status != http.StatusOK {
		return keySet{}, fmt.Errorf("keys: status %d", answer.status)
	}
	if kind := answer.kind(); kind != "application/json" && kind != "application/jwk-set+json" {
		r.fail("keys: content type %q", kind)
	}
	var raw struct{ Keys []map[string]any }
	if err := json.Unmarshal(answer.body, &raw); err != nil {
		return keySet{}, fmt.Errorf("keys: %w", err)
	}
	seen := map[any]bool{}
	for _, key := range raw.Keys {
		r.checkKey(key)
		if seen[key["kid"]] {
			r.fail("keys: two with kid %v", key["kid"])
		}
		seen[key["kid"]] = true
	}
	var set keySet
	if err := json.Unmarshal(answer.body, &set); err != nil {
		return keySet{}, fmt.Errorf("keys: %w", err)
	}
	if len(set.Keys) == 0 || len(set.Keys) != len(raw.Keys) {
		return keySet{}, fmt.Errorf("keys: %d of %d can be read", len(set.Keys), len(raw.Keys))
	}
	for _, key := range set.Keys {
		if !key.Valid() || !key.IsPublic() {
			r.fail("keys: %s is not a valid public key", key.KeyID)
		}
	}
	return set, nil
}

func (r *run) checkKey(key map[string]any) {
	kid := text(key, "kid")
	if kid == "" {
		r.fail("keys: one without kid")
	}
	if text(key, "kty") == "" || key["use"] != nil && key["use"] != "sig" && key["use"] != "enc" {
		r.fail("keys: %s has kty %v and use %v", kid, key["kty"], key["use"])
	}
	for _, part := range private {
		if key[part] != nil {
			r.fail("keys: %s shows %s", kid, part)
		}
	}
	for _, part := range []string{"n", "e", "x", "y"} {
		if s, has := key[part]; has && strings.ContainsAny(fmt.Sprint(s), "+/= \n") {
			r.fail("keys: %s has %s that is not base64url", kid, part)
		}
	}
}

// Kinds of metadata values.
const (
	aText    = "text"
	aList    = "list of texts"
	aBool    = "boolean"
	anURL    = "address"
	anObject = "object"
)

// metadataKinds are the names of the registry "OAuth Authorization Server Metadata" that a provider may publish, and the
// kind of their values.
var metadataKinds = kindsOf(map[string]string{
	aText: "signed_metadata",
	anURL: `issuer authorization_endpoint token_endpoint userinfo_endpoint jwks_uri registration_endpoint service_documentation op_policy_uri
		op_tos_uri revocation_endpoint introspection_endpoint end_session_endpoint check_session_iframe device_authorization_endpoint
		pushed_authorization_request_endpoint backchannel_authentication_endpoint`,
	aList: `scopes_supported response_types_supported response_modes_supported grant_types_supported acr_values_supported
		subject_types_supported id_token_signing_alg_values_supported id_token_encryption_alg_values_supported
		id_token_encryption_enc_values_supported userinfo_signing_alg_values_supported userinfo_encryption_alg_values_supported
		userinfo_encryption_enc_values_supported request_object_signing_alg_values_supported
		request_object_encryption_alg_values_supported request_object_encryption_enc_values_supported
		token_endpoint_auth_methods_supported token_endpoint_auth_signing_alg_values_supported display_values_supported
		claim_types_supported claims_supported claims_locales_supported ui_locales_supported code_challenge_methods_supported
		revocation_endpoint_auth_methods_supported revocation_endpoint_auth_signing_alg_values_supported
		introspection_endpoint_auth_methods_supported introspection_endpoint_auth_signing_alg_values_supported
		dpop_signing_alg_values_supported prompt_values_supported authorization_details_types_supported
		authorization_signing_alg_values_supported authorization_encryption_alg_values_supported
		authorization_encryption_enc_values_supported`,
	aBool: `claims_parameter_supported request_parameter_supported request_uri_parameter_supported require_request_uri_registration
		authorization_response_iss_parameter_supported require_pushed_authorization_requests require_signed_request_object
		tls_client_certificate_bound_access_tokens frontchannel_logout_supported frontchannel_logout_session_supported
		backchannel_logout_supported backchannel_logout_session_supported`,
	anObject: "mtls_endpoint_aliases",
})

func kindsOf(names map[string]string) map[string]string {
	kinds := map[string]string{}
	for kind, all := range names {
		for _, name := range strings.Fields(all) {
			kinds[name] = kind
		}
	}
	return kinds
}

// verifyDiscovery is oidcc-discovery-endpoint-verification for parties that were registered beforehand.
func verifyDiscovery(r *run) error {
	issuer := text(r.meta, "issuer")
	if issuer+wellKnown != r.Config.Server.DiscoveryURL {
		r.fail("issuer %q is not the beginning of %s", issuer, r.Config.Server.DiscoveryURL)
	}
	if u, err := url.Parse(issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		r.fail("issuer %q is not an https address without query and fragment", issuer)
	}
	for name, value := range r.meta {
		r.checkMetadata(name, value)
	}
	r.checkListed("response_types_supported", true, nil, "code", "id_token", "token id_token", "id_token token", "code id_token", "code token", "code token id_token", "code id_token token")
	r.checkListed("subject_types_supported", true, nil, "public", "pairwise")
	r.checkListed("id_token_signing_alg_values_supported", true, []string{"RS256"})
	r.checkListed("grant_types_supported", false, []string{"authorization_code"})
	r.checkListed("code_challenge_methods_supported", false, nil, "S256", "plain")
	r.checkListed("claim_types_supported", false, []string{"normal"}, "normal", "aggregated", "distributed")
	r.checkListed("display_values_supported", false, nil, "page", "popup", "touch", "wap")
	for _, name := range []string{"scopes_supported", "claims_supported"} {
		if all, _ := r.meta.list(name); len(all) == 0 {
			r.warn("discovery: no %s", name)
		}
	}
	if scopes, has := r.meta.list("scopes_supported"); has && !slices.Contains(scopes, "openid") {
		r.fail("discovery: scopes_supported without openid")
	}
	if algs, has := r.meta.list("request_object_signing_alg_values_supported"); has && !slices.Contains(algs, "RS256") {
		r.warn("discovery: request_object_signing_alg_values_supported without RS256")
	}
	r.checkScopes()
	r.checkLocales()
	return nil
}

// checkMetadata compares one member with the registry; endpoints must be https.
func (r *run) checkMetadata(name string, value any) {
	kind, known := metadataKinds[name]
	if !known {
		r.warn("discovery: %s is in no registry", name)
	}
	ok := true
	switch kind {
	case aText:
		_, ok = value.(string)
	case aList:
		_, ok = texts(value)
	case aBool:
		_, ok = value.(bool)
	case anObject:
		_, ok = value.(map[string]any)
	}
	if kind == anURL || strings.HasSuffix(name, "_endpoint") {
		s, _ := value.(string)
		u, err := url.Parse(s)
		ok = err == nil && u.Scheme == "https" && u.Host != ""
	}
	if !ok {
		r.fail("discovery: %s is not a proper %s: %v", name, kind, value)
	}
}

// checkListed compares a list with what must be in it and what may be; an empty list of what may be allows anything.
func (r *run) checkListed(name string, required bool, must []string, may ...string) {
	listed, _ := r.meta.list(name)
	if len(listed) == 0 {
		if required || r.meta[name] != nil {
			r.fail("discovery: %s is empty or missing", name)
		}
		return
	}
	for _, want := range must {
		if !slices.Contains(listed, want) {
			r.fail("discovery: %s without %s", name, want)
		}
	}
	for _, got := range listed {
		if len(may) > 0 && !slices.Contains(may, got) {
			r.fail("discovery: %s has %q", name, got)
		}
	}
}

// checkScopes: RFC 6749 section 3.3.
func (r *run) checkScopes() {
	scopes, _ := r.meta.list("scopes_supported")
	for _, scope := range scopes {
		if scope == "" || strings.ContainsFunc(scope, func(c rune) bool { return c <= 0x20 || c > 0x7E || c == '"' || c == '\\' }) {
			r.fail("discovery: scope %q", scope)
		}
	}
}

// checkLocales: BCP 47, in its usual casing.
func (r *run) checkLocales() {
	for _, name := range []string{"ui_locales_supported", "claims_locales_supported"} {
		locales, _ := r.meta.list(name)
		for _, locale := range locales {
			tag, err := language.Raw.Parse(locale)
			switch {
			case err != nil:
				r.fail("discovery: %s has %q: %v", name, locale, err)
			case tag.String() != locale:
				r.warn("discovery: %s has %q, usually written %q", name, locale, tag)
			}
		}
	}
}

// verifyLogoutDiscovery is oidcc-rp-initiated-logout-discovery-endpoint-verification.
func verifyLogoutDiscovery(r *run) error {
	if text(r.meta, "end_session_endpoint") == "" {
		return errors.New("discovery: no end_session_endpoint")
	}
	for name, value := range r.meta {
		if strings.HasSuffix(name, "_endpoint") {
			r.checkMetadata(name, value)
		}
	}
	return nil
}
