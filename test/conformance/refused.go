package conformance

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
)

// responseTypeMissing is oidcc-response-type-missing. An error page would do as well: the configuration would then
// recognise it.
func responseTypeMissing(r *run) error {
	a := r.ask()
	a.Del("response_type")
	_, err := r.refused(a, "unsupported_response_type", "invalid_request")
	return err
}

// unregisteredRedirect is oidcc-ensure-registered-redirect-uri.
func unregisteredRedirect(r *run) error {
	seen, err := r.send(r.ask("redirect_uri", r.own()+rand.Text()))
	if err != nil {
		return err
	}
	return r.checkErrorPage(seen)
}

// checkErrorPage: the visit ended on a page of the server that is recognised as the one wanted.
func (r *run) checkErrorPage(seen *sighting) error {
	if seen.arrived != nil {
		return errors.New("redirected to an address that nobody registered, or without being asked to: " + seen.arrived.url.String())
	}
	if !seen.pictured || seen.kind != "text/html" {
		r.fail("no page that says what is wrong: status %d, content type %q", seen.status, seen.kind)
	}
	if seen.password {
		r.fail("a password is asked for")
	}
	return nil
}

// unsigned makes a request object of a request (OpenID Connect Core 1.0 section 6.1), without a signature.
func unsigned(a asking) (string, error) {
	claims := map[string]string{}
	for name, values := range a.Values {
		claims[name] = values[0]
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + ".", nil
}

// withRequestObject sends a request object by value. Outside it only stands what OAuth demands there.
func (r *run) withRequestObject(outside func(asking)) (asking, *sighting, error) {
	if algs, has := r.meta.list("request_object_signing_alg_values_supported"); has && !slices.Contains(algs, "none") {
		return asking{}, nil, skipped("request_object_signing_alg_values_supported lists no none")
	}
	inside := r.ask()
	object, err := unsigned(inside)
	if err != nil {
		return asking{}, nil, err
	}
	a := r.ask("request", object)
	a.Del("state")
	a.Del("nonce")
	a.Del("response_mode")
	if outside != nil {
		outside(a)
	}
	seen, err := r.send(a)
	return inside, seen, err
}

// requestObject is oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported.
func requestObject(r *run) error {
	inside, seen, err := r.withRequestObject(nil)
	if err != nil {
		return err
	}
	if seen.arrived == nil {
		return errors.New("the authorization request ended on a page")
	}
	// The official suite looks at how an answer travels before it looks at what it says: the response mode of the object
	// counts for a refusal too.
	values, err := r.parameters(seen.arrived)
	if err != nil {
		return err
	}
	if values.Get("error") == "request_not_supported" {
		r.checkIssuer(values)
		r.checkKnown("error response", values, "error", "error_description", "error_uri", "state", "iss", "session_state")
		r.checkDescription("error response", values.Get("error_description"), values.Get("error_uri"))
		return skipped("answered request_not_supported, which is allowed: there are no request objects to test")
	}
	if supported, _ := r.meta["request_parameter_supported"].(bool); !supported {
		r.warn("discovery: request_parameter_supported is not true")
	}
	if values.Get("code") == "" || values.Get("state") != inside.Get("state") {
		r.fail("the request object was not taken: %v", values)
	}
	return nil
}

// requestObjectRedirect is oidcc-ensure-request-object-with-redirect-uri.
func requestObjectRedirect(r *run) error {
	_, seen, err := r.withRequestObject(func(a asking) { a.Set("redirect_uri", r.redirectURI()+"_invalid") })
	if err != nil {
		return err
	}
	if seen.arrived == nil {
		return r.checkErrorPage(seen)
	}
	values, err := r.parameters(seen.arrived)
	if err == nil && values.Get("code") == "" {
		r.fail("an error went to an address that only the request object names: %v", values)
	}
	return err
}
