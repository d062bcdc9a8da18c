package conformance

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// verifyFAPI is fapi2-security-profile-final-discovery-end-point-verification.
func verifyFAPI(r *run) error {
	issuer := text(r.meta, "issuer")
	if issuer+wellKnown != r.Config.Server.DiscoveryURL {
		r.fail("issuer %q is not the beginning of %s", issuer, r.Config.Server.DiscoveryURL)
	}
	for name, value := range r.meta {
		if strings.HasSuffix(name, "_endpoint") || name == "jwks_uri" {
			r.checkMetadata(name, value)
		}
	}
	r.checkListed("response_types_supported", true, []string{"code"})
	r.checkListed("code_challenge_methods_supported", true, []string{"S256"})
	r.checkListed("token_endpoint_auth_methods_supported", true, []string{"private_key_jwt"})
	r.checkListed("scopes_supported", true, []string{"openid"})
	r.checkListed("subject_types_supported", true, nil, "public", "pairwise")
	if text(r.meta, "pushed_authorization_request_endpoint") == "" {
		r.fail("discovery: no pushed_authorization_request_endpoint")
	}
	if value, has := r.meta["require_pushed_authorization_requests"]; has {
		if _, ok := value.(bool); !ok {
			r.fail("discovery: require_pushed_authorization_requests is %v", value)
		}
	}
	r.checkAlgs("dpop_signing_alg_values_supported")
	r.checkAlgs("id_token_signing_alg_values_supported")
	r.checkAlgs("token_endpoint_auth_signing_alg_values_supported")
	if r.meta["userinfo_signing_alg_values_supported"] != nil {
		r.checkAlgs("userinfo_signing_alg_values_supported")
	}
	if !r.plan.Signed {
		if promised := r.meta["authorization_response_iss_parameter_supported"]; promised != true {
			r.fail("discovery: authorization_response_iss_parameter_supported is %v", promised)
		}
		return nil
	}
	r.checkListed("response_modes_supported", true, []string{"jwt"})
	r.checkAlgs("request_object_signing_alg_values_supported")
	for _, name := range []string{
		"authorization_signing_alg_values_supported", "authorization_encryption_alg_values_supported",
		"authorization_encryption_enc_values_supported",
	} {
		if _, ok := r.meta.list(name); r.meta[name] != nil && !ok {
			r.fail("discovery: %s is %v", name, r.meta[name])
		}
	}
	return nil
}

// checkAlgs: one of FAPI 2.0 Security Profile section 5.4.1 is listed.
func (r *run) checkAlgs(name string) {
	listed, _ := r.meta.list(name)
	if !slices.ContainsFunc(listed, func(alg string) bool { return slices.Contains(fapiAlgs, alg) }) {
		r.fail("discovery: %s has none of %s: %v", name, strings.Join(fapiAlgs, ", "), r.meta[name])
	}
}

// fapiHappy is fapi2-security-profile-final-happy-flow: two parties, and the token of the second with the key of the
// first.
func fapiHappy(r *run) error {
	if scopes, has := r.meta.list("scopes_supported"); has {
		for _, scope := range strings.Fields(r.Config.Client.Scope) {
			if !slices.Contains(scopes, scope) {
				r.warn("discovery: scopes_supported without %s", scope)
			}
		}
	}
	if err := r.checkTLS("userinfo_endpoint"); err != nil {
		return err
	}
	one, err := r.flow()
	if err != nil {
		return err
	}
	if err := one.authorize(); err != nil {
		return err
	}
	if err := one.redeem(); err != nil {
		return err
	}
	if err := one.usesInAllWays(); err != nil {
		return err
	}
	r.checkUnasked(one.in)
	two, err := r.secondFlow()
	if err != nil {
		return err
	}
	two.asked.Set("nonce", (rand.Text() + rand.Text())[:43])
	jkt, err := thumbprint(two.key)
	if err != nil {
		return err
	}
	two.asked.Set("dpop_jkt", jkt)
	if err := two.complete(); err != nil {
		return err
	}
	return one.refusesKeyOf(two)
}

// usesInAllWays: with different Accept headers, and what an API of finance is told; never with the token in the
// address.
func (f *flow) usesInAllWays() error {
	const interaction = "x-fapi-interaction-id"
	id := rand.Text()
	answer, err := f.use(resource{access: f.in.access, change: func(req *http.Request) {
		req.Header.Set("X-Fapi-Auth-Date", "Tue, 11 Sep 2012 19:43:31 GMT")
		req.Header.Set("X-Fapi-Customer-Ip-Address", "198.51.100.119")
		req.Header.Set(interaction, id)
	}})
	if err != nil {
		return err
	}
	f.checkResource("resource", answer)
	if got := answer.header.Get(interaction); got != "" && got != id {
		f.fail("resource: %s %q, sent %q", interaction, got, id)
	}
	bare := func(req *http.Request) { req.Header.Del("Authorization") }
	answer, err = f.use(resource{access: f.in.access, query: "?access_token=" + f.in.access, change: bare})
	if err != nil {
		return err
	}
	refused := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestURITooLong}
	if !slices.Contains(refused, answer.status) {
		f.fail("resource: access token in the address: status %d", answer.status)
	}
	for _, accept := range []string{"application/json;charset=utf-8", "application/json, application/*+json, */*"} {
		accepts := func(req *http.Request) { req.Header.Set("Accept", accept) }
		if err := f.works(resource{access: f.in.access, change: accepts}); err != nil {
			return err
		}
	}
	return nil
}

// refusesKeyOf: the access token of another flow does not work with the key of this one.
func (f *flow) refusesKeyOf(other *flow) error {
	answer, err := f.use(resource{access: other.in.access})
	if err == nil && (answer.status < 400 || answer.status > 499) {
		f.fail("resource: the access token of one party with the key of another: status %d", answer.status)
	}
	return err
}

// cancelled is fapi2-security-profile-final-user-rejects-authentication: for both parties.
func cancelled(r *run) error {
	for _, begin := range []func() (*flow, error){r.flow, r.secondFlow} {
		f, err := begin()
		if err != nil {
			return err
		}
		f.asked.Set("state", longState())
		if err := f.begin(); err != nil {
			return err
		}
		seen, err := f.open(f.front())
		if err != nil {
			return err
		}
		values, err := f.answered(seen)
		if err != nil {
			return err
		}
		f.checkErrorResponse(values, "access_denied")
	}
	return nil
}

// checkErrorResponse: OpenID Connect Core 1.0 section 3.1.2.6.
func (f *flow) checkErrorResponse(values map[string][]string, allowed ...string) {
	var got string
	if len(values["error"]) > 0 {
		got = values["error"][0]
	}
	if !slices.Contains(allowed, got) {
		f.fail("authorization response: error %q, wanted %s", got, strings.Join(allowed, " or "))
	}
	if len(values["code"]) > 0 {
		f.fail("authorization response: a code, wanted an error")
	}
	known := []string{"error", "error_description", "error_uri", "state", "iss", "session_state", "code"}
	f.checkKnown("error response", values, known...)
	for _, description := range values["error_description"] {
		f.checkDescription("error response", description, "")
	}
}

// goesWell is a module whose authorization goes well after a change.
func goesWell(change func(*flow)) func(*run) error {
	return func(r *run) error {
		f, err := r.flow()
		if err != nil {
			return err
		}
		change(f)
		return f.complete()
	}
}

// fapiWithoutState is fapi2-security-profile-final-ensure-authorization-request-without-state-success.
func fapiWithoutState(f *flow) { f.asked.Del("state") }

// fapiWithoutNonce is fapi2-security-profile-final-ensure-authorization-request-without-nonce-success.
func fapiWithoutNonce(f *flow) { f.asked.Del("nonce") }

// fapiNonce64 is fapi2-security-profile-final-ensure-authorization-request-with-64-char-nonce-success.
func fapiNonce64(f *flow) { f.asked.Set("nonce", randomOf(64)) }

// fapiScopeOrder is fapi2-security-profile-final-ensure-other-scope-order-succeeds.
func fapiScopeOrder(f *flow) {
	scopes := strings.Fields(f.asked.Get("scope"))
	slices.Reverse(scopes)
	f.asked.Set("scope", strings.Join(scopes, " "))
}

func randomOf(length int) string {
	s := ""
	for len(s) < length {
		s += rand.Text()
	}
	return s[:length]
}

// fapiClaims is fapi2-security-profile-final-test-claims-parameter-identity-claims. It asks for every standard claim that
// the server publishes, at userinfo and in the ID token, and for a claim that nobody knows in a place that nobody knows.
func fapiClaims(r *run) error {
	if r.meta["claims_parameter_supported"] != true {
		return skipped("discovery: claims_parameter_supported is not true")
	}
	listed, _ := r.meta.list("claims_supported")
	wanted := map[string]any{}
	for i, name := range listed {
		if claimKinds[name] != "" {
			wanted[name] = []any{nil, map[string]bool{"essential": true}, map[string]bool{"essential": false}}[i%3]
		}
	}
	if len(wanted) == 0 {
		return skipped("discovery: claims_supported has no standard claim")
	}
	unknown := map[string]any{rand.Text(): nil}
	claims, err := json.Marshal(map[string]any{"id_token": wanted, "userinfo": wanted, rand.Text(): unknown})
	if err != nil {
		return err
	}
	f, err := r.flow()
	if err != nil {
		return err
	}
	f.asked.Set("claims", string(claims))
	if err := f.authorize(); err != nil {
		return err
	}
	if err := f.redeem(); err != nil {
		return err
	}
	answer, err := f.use(resource{access: f.in.access, address: text(r.meta, "userinfo_endpoint")})
	if err != nil {
		return err
	}
	userinfo, err := r.checkUserinfo(answer, f.in)
	if err != nil {
		return err
	}
	for name := range wanted {
		if userinfo[name] == nil && f.in.claims[name] == nil {
			r.warn("%s was asked for, and is neither in userinfo nor in the ID token", name)
		}
	}
	for name := range f.in.claims {
		if _, asked := wanted[name]; !asked && !slices.Contains(idTokenClaims, name) {
			r.warn("ID token: %s was not asked for", name)
		}
	}
	return nil
}

// schemeCase is fapi2-security-profile-final-access-token-type-header-case-sensitivity.
func schemeCase(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.authorize(); err != nil {
		return err
	}
	if err := f.redeem(); err != nil {
		return err
	}
	return f.works(resource{access: f.in.access, scheme: "dpOp"})
}

// unchanged is the request as it is.
func unchanged(*flow) {}

// withoutRedirect takes redirect_uri out of what is pushed.
func withoutRedirect(f *flow) { f.asked.Del("redirect_uri") }

// beside is a module whose browser takes something along beside the pushed request, which must not count: it is ignored
// (RFC 9101 section 5) or refused.
func beside(change func(*flow), name string, errs ...string) func(*run) error {
	return func(r *run) error {
		f, err := r.flow()
		if err != nil {
			return err
		}
		change(f)
		if err := f.begin(); err != nil {
			return err
		}
		front := f.front()
		front.Set(name, rand.Text())
		return f.countsOrIsRefused(front, errs...)
	}
}

// countsOrIsRefused opens the authorization endpoint: what was pushed counts, or there is an error, or a page that says
// what is wrong.
func (f *flow) countsOrIsRefused(front map[string][]string, errs ...string) error {
	seen, err := f.open(front)
	if err != nil {
		return err
	}
	if seen.arrived == nil {
		return f.checkErrorPage(seen)
	}
	values, err := f.answered(seen)
	if err != nil {
		return err
	}
	if f.code = values.Get("code"); f.code == "" {
		f.checkErrorResponse(values, errs...)
		return nil
	}
	f.checkSecret("code", f.code)
	return f.finish()
}

// long is a module with a very long parameter: it comes back whole, or the request is refused, which is warned of.
func long(name string, length int) func(*run) error {
	return func(r *run) error {
		f, err := r.flow()
		if err != nil {
			return err
		}
		f.asked.Set(name, randomOf(length))
		answer, err := f.push()
		if err != nil {
			return err
		}
		if answer.status != http.StatusCreated {
			return f.checkRefusal("pushed request", answer, "invalid_request")
		}
		if err := f.taken(answer); err != nil {
			return err
		}
		seen, err := f.open(f.front())
		if err != nil {
			return err
		}
		if seen.arrived == nil {
			r.warn("a long %s is refused with a page", name)
			return f.checkErrorPage(seen)
		}
		values, err := f.answered(seen)
		if err != nil {
			return err
		}
		if f.code = values.Get("code"); f.code == "" {
			r.warn("a long %s is refused: %s", name, values.Get("error"))
			return nil
		}
		return f.finish()
	}
}

// refusedRequest is a module whose authorization request must be refused: where it is pushed, at the authorization
// endpoint, or by a page.
func refusedRequest(change func(*flow), pushed, answered []string) func(*run) error {
	return func(r *run) error {
		f, err := r.flow()
		if err != nil {
			return err
		}
		change(f)
		answer, err := f.push()
		if err != nil {
			return err
		}
		if answer.status < 200 || answer.status > 299 {
			return f.checkRefusal("pushed request", answer, pushed...)
		}
		if err := f.taken(answer); err != nil {
			return err
		}
		if len(answered) == 0 {
			return errors.New("pushed request: it was taken")
		}
		return f.refusedAt(f.front(), answered...)
	}
}

// refusedAt opens the authorization endpoint, which must not grant it.
func (f *flow) refusedAt(front map[string][]string, errs ...string) error {
	seen, err := f.open(front)
	if err != nil {
		return err
	}
	if seen.arrived == nil {
		return f.checkErrorPage(seen)
	}
	values, err := f.answered(seen)
	if err != nil {
		return err
	}
	f.checkErrorResponse(values, errs...)
	return nil
}

// fapiWithoutRedirect is fapi2-security-profile-final-ensure-redirect-uri-in-authorization-request: a registered one
// may count.
func fapiWithoutRedirect(r *run) error { return r.redirected(withoutRedirect) }

// fapiOtherRedirect is fapi2-security-profile-final-plain-fapi-tolerate-unregistered-redirect-uri: it may count,
// because the party proved itself (RFC 9126 section 2.4).
func fapiOtherRedirect(r *run) error {
	return r.redirected(func(f *flow) { f.asked.Set("redirect_uri", r.redirectURI()+"/"+rand.Text()) })
}

func (r *run) redirected(change func(*flow)) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	change(f)
	answer, err := f.push()
	if err != nil {
		return err
	}
	if answer.status < 200 || answer.status > 299 {
		return f.checkRefusal("pushed request", answer, "invalid_request", "invalid_request_object")
	}
	if err := f.taken(answer); err != nil {
		return err
	}
	return f.countsOrIsRefused(f.front(), "invalid_request", "invalid_request_object")
}

// notPushed is fapi2-security-profile-final-ensure-unsigned-authorization-request-without-using-par-fails.
func notPushed(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	return f.refusedAt(f.asked, "invalid_request")
}

// responseType is a module whose response type is not code. Another error than these is warned of.
func responseType(value string) func(*run) error {
	return func(r *run) error {
		f, err := r.flow()
		if err != nil {
			return err
		}
		f.asked.Set("response_type", value)
		answer, err := f.push()
		if err != nil {
			return err
		}
		switch {
		case answer.status >= 400 && answer.status <= 499:
			o, err := object(answer.body)
			if err != nil {
				return fmt.Errorf("pushed request: %w", err)
			}
			usual := []string{"unsupported_response_type", "invalid_request", "unauthorized_client"}
			if got := text(o, "error"); !slices.Contains(usual, got) {
				r.warn("pushed request: error %q", got)
			}
			return nil
		case answer.status != http.StatusCreated:
			return fmt.Errorf("pushed request: status %d", answer.status)
		}
		if err := f.taken(answer); err != nil {
			return err
		}
		return f.refusedAt(f.front(), "unsupported_response_type", "invalid_request")
	}
}
