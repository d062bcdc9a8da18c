package conformance

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// openedTwice is fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds: the
// configuration signs in at the second visit only.
func openedTwice(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.begin(); err != nil {
		return err
	}
	seen, err := f.open(f.front())
	if err != nil {
		return err
	}
	if seen.arrived != nil || !seen.password {
		return errors.New("the first visit did not end where the person signs in")
	}
	if seen, err = f.open(f.front()); err != nil {
		return err
	}
	if seen.arrived == nil {
		r.warn("request_uri opened a second time, before anybody signed in: it ended on a page")
		return f.checkErrorPage(seen)
	}
	values, err := f.answered(seen)
	if err != nil {
		return err
	}
	if f.code = values.Get("code"); f.code == "" {
		r.warn("request_uri opened a second time, before anybody signed in: %s", values.Get("error"))
		f.checkErrorResponse(values, "invalid_request_uri")
		return nil
	}
	return f.finish()
}

// usedTwice is fapi2-security-profile-final-par-attempt-reuse-request_uri.
func usedTwice(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.complete(); err != nil {
		return err
	}
	seen, err := f.open(f.front())
	if err != nil {
		return err
	}
	if seen.arrived == nil {
		return f.checkErrorPage(seen)
	}
	values, err := f.plainly(seen)
	if err != nil {
		return err
	}
	if f.code = values.Get("code"); f.code != "" {
		r.warn("request_uri counts a second time")
		return f.finish()
	}
	f.checkErrorResponse(values, "invalid_request_uri")
	return nil
}

// plainly reads a response whose error need not be signed: the request that would say so does not count.
func (f *flow) plainly(seen *sighting) (url.Values, error) {
	if values := seen.arrived.url.Query(); values.Has("error") && !values.Has("response") {
		return values, nil
	}
	return f.answered(seen)
}

// requestTooLate is fapi2-security-profile-final-par-attempt-to-use-expired-request_uri.
func requestTooLate(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.begin(); err != nil {
		return err
	}
	if f.expiresIn > 30*time.Minute {
		return skipped("request_uri lives longer than half an hour")
	}
	r.wait(f.expiresIn + 2*time.Second)
	return f.dead("invalid_request_uri")
}

// requestOfAnother is fapi2-security-profile-final-par-attempt-to-use-request_uri-for-different-client.
func requestOfAnother(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.begin(); err != nil {
		return err
	}
	front := f.front()
	front.Set("client_id", r.Config.Client2.ID)
	seen, err := f.open(front)
	if err != nil {
		return err
	}
	return f.deadAt(seen, "invalid_request", "invalid_request_object", "invalid_request_uri")
}

// dead opens the authorization endpoint with a request_uri that must not count.
func (f *flow) dead(errs ...string) error {
	seen, err := f.open(f.front())
	if err != nil {
		return err
	}
	return f.deadAt(seen, errs...)
}

func (f *flow) deadAt(seen *sighting, errs ...string) error {
	if seen.arrived == nil {
		return f.checkErrorPage(seen)
	}
	values, err := f.plainly(seen)
	if err != nil {
		return err
	}
	f.checkErrorResponse(values, errs...)
	return nil
}

// byName is fapi2-security-profile-final-par-without-duplicate-parameters: the browser takes only along whose request
// it is.
func byName(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	return f.completeByName()
}

func (f *flow) completeByName() error {
	if err := f.begin(); err != nil {
		return err
	}
	if err := f.visited(map[string][]string{"client_id": {f.client.ID}, "request_uri": {f.requestURI}}); err != nil {
		return err
	}
	return f.finish()
}

// someRequestURI names no request.
const someRequestURI = "urn:example:bwc4JK-ESC0w8acc191e-Y1LTC2"

// pushedByName is fapi2-security-profile-final-par-authorization-request-containing-request_uri-form-param (RFC 9126
// section 2.1).
func pushedByName(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	form, err := f.pushed()
	if err != nil {
		return err
	}
	form = cloneForm(form)
	form.Set("request_uri", someRequestURI)
	answer, err := f.send("pushed_authorization_request_endpoint", form, false)
	if err != nil {
		return err
	}
	errs := []string{"invalid_request", "invalid_request_object", "request_uri_not_supported"}
	return f.checkRefusal("pushed request with request_uri", answer, errs...)
}

// pushedByPut is fapi2-security-profile-final-par-attempt-invalid-http-method.
func pushedByPut(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	f.method = http.MethodPut
	answer, err := f.push()
	if err == nil && answer.status < 400 {
		r.fail("pushed request by PUT: status %d", answer.status)
	}
	return err
}

// noChallenge is fapi2-security-profile-final-par-ensure-pkce-required.
func noChallenge(f *flow) {
	f.asked.Del("code_challenge")
	f.asked.Del("code_challenge_method")
}

// plainChallenge is fapi2-security-profile-final-par-plain-pkce-rejected.
func plainChallenge(f *flow) {
	f.asked.Set("code_challenge", f.verifier)
	f.asked.Set("code_challenge_method", "plain")
}
