package conformance

import (
	"net/http"
	"net/url"
	"time"
)

// atToken is a module whose code is right, and whose party proves itself wrongly.
func atToken(change func(*flow), errs ...string) func(*run) error {
	return func(r *run) error {
		f, err := r.flow()
		if err != nil {
			return err
		}
		if err := f.authorize(); err != nil {
			return err
		}
		change(f)
		answer, err := f.token(f.form())
		if err != nil {
			return err
		}
		return f.checkRefusal("token request", answer, errs...)
	}
}

// assertionRS256 is fapi2-security-profile-final-ensure-signed-client-assertion-with-RS256-fails.
func assertionRS256(r *run) error {
	if err := r.needsRSA(); err != nil {
		return err
	}
	return atToken(func(f *flow) { f.assert = func(j *jwt) { j.alg = "RS256" } }, "invalid_client")(r)
}

func (r *run) needsRSA() error {
	key, err := r.Config.Client.signingKey()
	if err == nil && key.Algorithm != "PS256" {
		return skipped("the configuration has no PS256 key")
	}
	return err
}

// withoutAssertion is fapi2-security-profile-final-ensure-client-assertion-in-token-endpoint.
func withoutAssertion(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.authorize(); err != nil {
		return err
	}
	form := f.form()
	form.Set("client_id", f.client.ID)
	form.Set(noAssertion, "")
	answer, err := f.token(form)
	if err != nil {
		return err
	}
	return f.checkRefusal("token request without client_assertion", answer, "invalid_client", "invalid_request")
}

// asserts is a change of the claims of client assertions.
func asserts(change func(*flow, *jwt)) func(*flow) {
	return func(f *flow) { f.assert = func(j *jwt) { change(f, j) } }
}

// Changes of client assertions. Wrong ones:
var (
	// fapi2-security-profile-final-ensure-client-assertion-with-exp-is-5-minutes-in-past-fails
	expiredAssertion = asserts(func(f *flow, j *jwt) { j.claims["exp"] = f.Now().Add(-5 * time.Minute).Unix() })
	// …-with-wrong-aud-fails
	otherAudience = asserts(func(_ *flow, j *jwt) { j.claims["aud"] = "https://server.example/token" })
	// …-with-no-sub-fails
	noSubject = asserts(func(_ *flow, j *jwt) { j.set("sub", nil) })
	// fapi2-security-profile-final-par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails
	assertionAhead = asserts(func(f *flow, j *jwt) {
		from := f.Now().Add(62 * time.Second)
		j.claims["iat"], j.claims["nbf"], j.claims["exp"] = from.Unix(), from.Unix(), from.Add(time.Minute).Unix()
	})
	// fapi2-security-profile-final-par-test-array-as-audience-fails
	audienceList = asserts(func(f *flow, j *jwt) { j.claims["aud"] = []string{f.issuer(), "https://other1.example.com"} })
	// …-par-endpoint-url-as-audience-fails
	audiencePAR = asserts(func(f *flow, j *jwt) {
		j.claims["aud"] = text(f.meta, "pushed_authorization_request_endpoint")
	})
	// …-token-endpoint-url-as-audience-fails
	audienceToken = asserts(func(f *flow, j *jwt) { j.claims["aud"] = text(f.meta, "token_endpoint") })
)

// nearAssertion is right: clocks may be apart.
var nearAssertion = asserts(func(f *flow, j *jwt) {
	from := f.Now().Add(8 * time.Second)
	j.claims["iat"], j.claims["nbf"] = from.Unix(), from.Unix()
})

// soonTaken is a module whose request lies a little ahead: it should be taken.
func soonTaken(change func(*flow)) func(*run) error {
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
		if answer.status != http.StatusCreated {
			r.warn("pushed request from 8 seconds ahead: status %d: %.200s", answer.status, answer.body)
			return nil
		}
		f.assert = nil
		if err := f.taken(answer); err != nil {
			return err
		}
		if err := f.visited(f.front()); err != nil {
			return err
		}
		return f.finish()
	}
}

// otherClientID is fapi2-security-profile-final-ensure-client-id-in-token-endpoint: the code of one party, an assertion
// of another with the key of the first.
func otherClientID(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.authorize(); err != nil {
		return err
	}
	id := r.Config.Client2.ID
	f.assert = func(j *jwt) { j.claims["iss"], j.claims["sub"] = id, id }
	form := f.form()
	form.Set("client_id", id)
	answer, err := f.token(form)
	if err != nil {
		return err
	}
	return f.checkRefusal("code with client_id of another party", answer, "invalid_client", "invalid_grant")
}

// otherParty is fapi2-security-profile-final-ensure-authorization-code-is-bound-to-client.
func otherParty(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	if err := f.authorize(); err != nil {
		return err
	}
	two, err := r.secondFlow()
	if err != nil {
		return err
	}
	answer, err := two.token(f.form())
	if err != nil {
		return err
	}
	return f.checkRefusal("code of another party", answer, "invalid_grant")
}

// assertionsRefused is fapi2-security-profile-final-ensure-invalid-client-assertions-fail: everything that an assertion
// can have wrong, where a request is pushed; then one that is right.
func assertionsRefused(r *run) error {
	f, err := r.flow()
	if err != nil {
		return err
	}
	claim := func(name string, value any) func(*flow) { return asserts(func(_ *flow, j *jwt) { j.set(name, value) }) }
	type row struct {
		says   string
		assert func(*flow)
		form   func(url.Values)
	}
	rows := []row{
		{"no assertion", nil, func(form url.Values) { form.Set(noAssertion, "") }},
		{"no sub", noSubject, nil},
		{"another sub", claim("sub", f.client.ID+"x"), nil},
		{"no iss", claim("iss", nil), nil},
		{"another iss", claim("iss", f.client.ID+"x"), nil},
		{"no aud", claim("aud", nil), nil},
		{"another aud", otherAudience, nil},
		{"aud is the endpoint", audiencePAR, nil},
		{"aud is the token endpoint", audienceToken, nil},
		{"aud is a list", audienceList, nil},
		{"expired", expiredAssertion, nil},
		{"more than 60 seconds ahead", assertionAhead, nil},
		{"alg none", asserts(func(_ *flow, j *jwt) { j.alg = "none" }), nil},
		{"broken signature", asserts(func(_ *flow, j *jwt) { j.spoil = brokenSignature }), nil},
	}
	if r.needsRSA() == nil {
		rows = append(rows, row{"RS256", asserts(func(_ *flow, j *jwt) { j.alg = "RS256" }), nil})
	}
	for _, row := range rows {
		if f.assert = nil; row.assert != nil {
			row.assert(f)
		}
		form, err := f.pushed()
		if err != nil {
			return err
		}
		form = cloneForm(form)
		if row.form != nil {
			row.form(form)
		}
		answer, err := f.send("pushed_authorization_request_endpoint", form, false)
		if err != nil {
			return err
		}
		if err := f.checkRefusal("pushed request, "+row.says, answer, "invalid_client", "invalid_request"); err != nil {
			r.fail("%v", err)
		}
	}
	f.assert = nil
	return f.begin()
}
