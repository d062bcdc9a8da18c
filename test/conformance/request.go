package conformance

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/minddistrict/idp/test/browser"
)

// asking is an authorization request and the way it is sent.
type asking struct {
	url.Values
	posted   bool // as a form instead of a link
	reversed bool // parameters from z to a
}

// ask makes the request that every module starts from, changed by pairs of name and value.
func (r *run) ask(pairs ...string) asking {
	a := asking{Values: url.Values{
		"client_id": {r.client.ID}, "redirect_uri": {r.redirectURI()}, "response_type": {"code"}, "scope": {"openid"},
		"state": {rand.Text()}, "nonce": {rand.Text()},
	}}
	if r.plan.FormPost {
		a.Set("response_mode", "form_post")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		a.Set(pairs[i], pairs[i+1])
	}
	return a
}

// encode writes the parameters in order.
func (a asking) encode() string {
	pairs := strings.Split(a.Encode(), "&")
	if a.reversed {
		slices.Reverse(pairs)
	}
	return strings.Join(pairs, "&")
}

// longState is 128 characters with everything that a state may hold (RFC 6749 appendix A.5): a provider that decodes
// or encodes once too often breaks it.
func longState() string {
	state := " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~%25%2B+&amp;"
	for len(state) < 128 {
		state += rand.Text()
	}
	return state[:128]
}

// send sends the browser to the authorization endpoint.
func (r *run) send(a asking) (*sighting, error) {
	return r.browser.visit(r.ctx, text(r.meta, "authorization_endpoint")+"?"+a.encode(), a.posted)
}

// answered sends a request and checks how the answer arrives: at the very redirect URI, in the response mode that was
// asked for, each parameter once, with the state that was sent.
func (r *run) answered(a asking) (*sighting, url.Values, error) {
	seen, err := r.send(a)
	if err != nil {
		return nil, nil, err
	}
	if seen.arrived == nil {
		return nil, nil, fmt.Errorf("the authorization request ended on a page: %s", browser.Text(r.browser.page))
	}
	values, err := r.parameters(seen.arrived)
	if err != nil {
		return nil, nil, err
	}
	for name, all := range values {
		if len(all) > 1 {
			r.fail("authorization response: %s %d times", name, len(all))
		}
	}
	if state := a.Get("state"); values.Get("state") != state {
		r.fail("authorization response: state %q, sent %q", values.Get("state"), state)
	}
	r.checkIssuer(values)
	return seen, values, nil
}

// parameters are those of an answer in the plan's response mode (OAuth 2.0 Form Post Response Mode section 2).
func (r *run) parameters(a *arrival) (url.Values, error) {
	at := *a.url
	at.RawQuery, at.ForceQuery = "", false
	if at.String() != r.redirectURI() {
		r.fail("authorization response at %s, wanted %s", at.String(), r.redirectURI())
	}
	if !r.plan.FormPost {
		if a.method != http.MethodGet {
			r.fail("authorization response by %s, wanted GET", a.method)
		}
		return url.ParseQuery(a.url.RawQuery)
	}
	if a.method != http.MethodPost || a.kind != "application/x-www-form-urlencoded" {
		r.fail("authorization response by %s %s, wanted POST of a form", a.method, a.kind)
	}
	if a.url.RawQuery != "" || a.url.ForceQuery {
		r.fail("form_post, and yet %q in the query", a.url.RawQuery)
	}
	return url.ParseQuery(a.body)
}

// checkIssuer: RFC 9207 section 2.4.
func (r *run) checkIssuer(values url.Values) {
	promised, _ := r.meta["authorization_response_iss_parameter_supported"].(bool)
	if got := values.Get("iss"); got != text(r.meta, "issuer") && (promised || values.Has("iss")) {
		r.fail("authorization response: iss %q, wanted %q", got, text(r.meta, "issuer"))
	}
}

// code sends a request that must be granted.
func (r *run) code(a asking) (*sighting, string, error) {
	seen, values, err := r.answered(a)
	if err != nil {
		return nil, "", err
	}
	if values.Get("code") == "" {
		return nil, "", fmt.Errorf("authorization response: no code, error %q %q", values.Get("error"), values.Get("error_description"))
	}
	r.checkSecret("code", values.Get("code"))
	r.checkKnown("authorization response", values, "code", "state", "iss", "session_state")
	return seen, values.Get("code"), nil
}

// refused sends a request that must not be granted, and checks the error (OpenID Connect Core 1.0 section 3.1.2.6).
func (r *run) refused(a asking, allowed ...string) (*sighting, error) {
	seen, values, err := r.answered(a)
	if err != nil {
		return nil, err
	}
	if got := values.Get("error"); !slices.Contains(allowed, got) {
		r.fail("authorization response: error %q, wanted one of %s", got, strings.Join(allowed, ", "))
	}
	if values.Has("code") {
		r.fail("authorization response: a code beside an error")
	}
	r.checkKnown("error response", values, "error", "error_description", "error_uri", "state", "iss", "session_state")
	r.checkDescription("error response", values.Get("error_description"), values.Get("error_uri"))
	return seen, nil
}

func (r *run) checkKnown(where string, values url.Values, known ...string) {
	for name := range values {
		if !slices.Contains(known, name) {
			r.warn("%s: unexpected parameter %s", where, name)
		}
	}
}

// checkDescription: RFC 6749 appendix A.8 and A.9.
func (r *run) checkDescription(where, description, uri string) {
	outside := func(c rune) bool { return c < 0x20 || c > 0x7E || c == '"' || c == '\\' }
	if strings.ContainsFunc(description, outside) {
		r.fail("%s: characters in error_description %q", where, description)
	}
	if strings.ContainsFunc(uri, func(c rune) bool { return c == ' ' || outside(c) }) {
		r.fail("%s: characters in error_uri %q", where, uri)
	}
}

// noUserInterface are the errors of a request with prompt=none that would need one (OpenID Connect Core 1.0 section
// 3.1.2.6).
var noUserInterface = []string{"login_required", "interaction_required", "consent_required", "account_selection_required"}
